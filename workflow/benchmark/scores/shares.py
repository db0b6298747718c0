"""The shares of EDSR and of interpolation in latents in the gain of ours over the baseline.

The article sharpens ours by EDSR (section 2.6) and does not say whether its baseline is sharpened. Four methods
separate the two effects: latents or pixels are interpolated, with EDSR or without.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.plan.study import LIKE_WITH_LIKE
from benchmark.print.typeset import Cell, Table, number
from benchmark.scores.metrics import METRICS
from benchmark.scores.score_table import DIGITS, NAMES

(SHARP_LATENTS, SHARP_PIXELS), (PLAIN_LATENTS, PLAIN_PIXELS) = LIKE_WITH_LIKE
CONTRASTS = {
    "latents instead of pixels, both with EDSR": (SHARP_LATENTS, SHARP_PIXELS),
    "latents instead of pixels, both without EDSR": (PLAIN_LATENTS, PLAIN_PIXELS),
    "EDSR, latents interpolated": (SHARP_LATENTS, PLAIN_LATENTS),
    "EDSR, pixels interpolated": (SHARP_PIXELS, PLAIN_PIXELS),
    "both: ours with EDSR over the baseline without": (SHARP_LATENTS, PLAIN_PIXELS),
}
"""The change, and the two methods that differ only in this change (the last entry: in both changes)."""


def contrasts(frame: pd.DataFrame) -> pd.DataFrame:
    """A row (cohort, contrast, the difference in each metric) for each contrast whose methods are both in ``frame``.

    ``frame``: rows of tables 1–4 (cohort, method, metrics). Differences are first − second, in the metric's own unit.
    """
    rows: list[dict[str, Any]] = []
    for cohort, part in frame.groupby("cohort", sort=False):
        values = part.set_index("method")[list(METRICS)]
        for contrast, (first, second) in CONTRASTS.items():
            if {first, second} <= set(values.index):
                rows.append(
                    {"cohort": cohort, "contrast": contrast} | (values.loc[first] - values.loc[second]).to_dict()
                )
    return pd.DataFrame(rows, columns=["cohort", "contrast", *METRICS])


def shares_table(frame: pd.DataFrame, cohorts: Mapping[str, str]) -> Table:
    """The contrasts for print; ``cohorts``: labels by key."""
    table = Table("Gains by EDSR and by interpolation", "", ["cohort", "what changes", *NAMES.values()])
    for row in contrasts(frame).to_dict("records"):
        line = [Cell(cohorts[row["cohort"]]), Cell(row["contrast"])]
        table.rows.append([*line, *(Cell(number(row[m], DIGITS[m], sign=True)) for m in METRICS)])
    return table


def shares_sentences(frame: pd.DataFrame, cohorts: Mapping[str, str]) -> list[str]:
    """One sentence a cohort: of the total gain in PSNR, the part of EDSR and the part of interpolation.

    A part is the mean of its two contrasts, so that the parts add up to the total gain.
    """
    sentences = []
    for cohort, part in contrasts(frame).groupby("cohort", sort=False):
        psnr = part.set_index("contrast")["psnr"]
        if len(psnr) < len(CONTRASTS):
            continue
        latents, edsr, whole = (psnr.iloc[:2].mean(), psnr.iloc[2:4].mean(), psnr.iloc[4])
        sentences.append(
            f"{cohorts[str(cohort)]}: ours with EDSR is {number(whole, 2, sign=True)} dB against the baseline without; "
            f"EDSR accounts for {number(edsr, 2, sign=True)} dB, interpolation in latents instead of pixels for "
            f"{number(latents, 2, sign=True)} dB (each is the mean of the two comparisons that differ only in this)."
        )
    return sentences
