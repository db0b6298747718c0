"""Section 3.7 as a table: time and memory of n new slices per gap; is the time linear in n and the memory flat?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.print.typeset import Cell, Table, number
from benchmark.scores import published

SLOPES_WITHIN = 0.25
"""Linear: the largest slope between neighbouring n exceeds the smallest by at most this share."""
FLAT_WITHIN = 0.05
"""Flat: memory grows by at most this share of its least value."""
LEAST_REPEATS = 3
ARTICLE_SLICES = 155
"""Number of slices of the volume that the article timed."""
LINEAR, NOT_LINEAR, UNKNOWN = "linear", "not linear", "cannot be decided"


@dataclass(frozen=True)
class Linearity:
    """``slopes``: seconds for each further new slice per gap, between neighbouring n; ``verdict``, and ``why``."""

    slopes: list[float]
    verdict: str
    why: str


def linearity(table: pd.DataFrame) -> Linearity:
    """Whether interpolation and decoding (the total without the sampling, which n does not change) are linear in n.

    ``table``: of ``efficiency_frame``, ascending n. Slopes between neighbouring n are compared, each with bounds from
    the repeats. Linear: no slope can exceed another by more than ``SLOPES_WITHIN``. Not linear: some slope must.
    Otherwise it cannot be decided. It cannot be decided either with fewer than three n or ``LEAST_REPEATS`` repeats, or
    if the sampling itself varied by more than ``SLOPES_WITHIN``.
    """
    if len(table) < 3 or table["repeats"].min() < LEAST_REPEATS:
        return Linearity([], UNKNOWN, f"this needs three n, each timed at least {LEAST_REPEATS} times")
    slopes = _slopes(table["n"], table["rest_seconds"], table["rest_low"], table["rest_high"])
    middle = [mid for _, mid, _ in slopes]
    steps = ", ".join(f"{slope:.3g}" for slope in middle)
    varied = table["sampling_high"].max() / table["sampling_low"].min() - 1
    if varied > SLOPES_WITHIN:
        return Linearity(middle, UNKNOWN, f"sampling the same slices varied by {varied:.0%}: the machine was busy")
    return Linearity(middle, _judge(slopes), f"{steps} s for each further slice per gap, from one n to the next")


def of_article() -> Linearity:
    """The article's three totals by the same rule, without a spread, because the article gives no spread."""
    article = published.read("efficiency").astype(float).sort_values("n")
    seconds = article["seconds"]
    slopes = _slopes(article["n"], seconds, seconds, seconds)
    middle = [mid for _, mid, _ in slopes]
    steps = ", ".join(f"{slope:.2f}" for slope in middle)
    return Linearity(middle, _judge(slopes), f"{steps} s for each further slice")


def _slopes(n: pd.Series, middle: pd.Series, low: pd.Series, high: pd.Series) -> list[tuple[float, float, float]]:
    """Least, middle and greatest slope from each n to the next."""
    steps = np.diff(n.to_numpy(float))
    mid, least, most = (values.to_numpy(float) for values in (middle, low, high))
    bounds = (least[1:] - most[:-1], np.diff(mid), most[1:] - least[:-1])
    return [(float(a), float(b), float(c)) for a, b, c in zip(*(bound / steps for bound in bounds), strict=True)]


def _judge(slopes: list[tuple[float, float, float]]) -> str:
    least, _, most = (list(bounds) for bounds in zip(*slopes, strict=True))
    if min(least) > 0 and max(most) <= (1 + SLOPES_WITHIN) * min(least):
        return LINEAR
    if max(least) > (1 + SLOPES_WITHIN) * max(min(most), 0):
        return NOT_LINEAR
    return UNKNOWN


def growth(table: pd.DataFrame) -> float:
    """Growth of the memory as a share of its least value."""
    return float(table["peak_mb"].max() / table["peak_mb"].min() - 1)


def efficiency_frame(measured: pd.DataFrame) -> pd.DataFrame:
    """One row for each n, ascending: medians over repeats and their bounds, next to the published seconds and memory.

    Columns: n, slices_in, slices_out, repeats; ``sampling_``, ``rest_`` (interpolation and decoding) and ``seconds``
    (total): median, and ``_low`` and ``_high``, the least and the greatest; ``seconds_155``, scaled to the article's
    number of slices; ``peak_mb`` (highest), hardware, ``seconds_paper``, ``peak_gb_paper``.
    """
    timed = measured.assign(rest_seconds=measured["seconds"] - measured["sampling_seconds"])
    by_n = timed.groupby("n", sort=True)
    table = by_n[["slices_in", "slices_out"]].first()
    table["repeats"] = by_n.size()
    for part in ("sampling", "rest"):
        times = by_n[f"{part}_seconds"]
        table[f"{part}_seconds"], table[f"{part}_low"], table[f"{part}_high"] = times.median(), times.min(), times.max()
    table["seconds"] = by_n["seconds"].median()
    table["seconds_155"] = table["seconds"] * ARTICLE_SLICES / table["slices_in"]
    table["peak_mb"], table["hardware"] = by_n["peak_mb"].max(), by_n["hardware"].first()
    table = table.reset_index()
    article = published.read("efficiency").astype({"n": int}).set_index("n")
    table["seconds_paper"] = [article["seconds"].get(n, "") for n in table["n"]]
    table["peak_gb_paper"] = [article["peak_gb"].get(n, "") for n in table["n"]]
    return table


def efficiency_table(frame: pd.DataFrame, where: str) -> Table:
    """The table; its caption tests both claims."""
    columns = ["n", "slices in", "slices out", "sampling, s", "interpolation and decoding, s", "total, s"]
    columns += [f"total, s for {ARTICLE_SLICES} slices", f"article, s for {ARTICLE_SLICES} slices"]
    table = Table(
        "Time and memory of n new slices in every gap (section 3.7)",
        caption(frame, where),
        [*columns, "peak memory, GB", "article, GB"],
    )
    for _, row in frame.iterrows():
        texts = [str(row["n"]), str(row["slices_in"]), str(row["slices_out"])]
        texts += [_bounds(row, "sampling"), _bounds(row, "rest"), number(row["seconds"], 2)]
        texts += [number(row["seconds_155"], 2), str(row["seconds_paper"])]
        texts += [number(row["peak_mb"] / 1000, 2), str(row["peak_gb_paper"])]
        table.rows.append([Cell(text) for text in texts])
    return table


def _bounds(row: pd.Series, part: str) -> str:
    return f"{number(row[f'{part}_seconds'], 2)} [{number(row[f'{part}_low'], 2)}, {number(row[f'{part}_high'], 2)}]"


def claims(frame: pd.DataFrame) -> str:
    """Two sentences: section 3.7's two claims as measured, and the first claim by the article's own numbers."""
    line, article, more = linearity(frame), of_article(), growth(frame)
    flat = "stays flat" if more <= FLAT_WITHIN else "does not stay flat"
    return (
        f"Whether the time is linear in n: {line.verdict} ({line.why}); the article's own totals are "
        f"{article.verdict} by the same rule ({article.why}). Memory {flat} within "
        f"{FLAT_WITHIN:.0%} (it grows by {more:.1%})."
    )


def caption(frame: pd.DataFrame, where: str) -> str:
    """Explains the measurement and the hardware, and gives the verdict on both claims."""
    slices = frame["slices_in"].iloc[0]
    text = (
        f"{where}. Measured on {', '.join(sorted(set(frame['hardware'])))} (the article names a 32 GB A100, which "
        "does not exist), without other jobs of the study, synchronised with the device, after a warm-up; median of "
        f"{frame['repeats'].min()} repeats, in brackets the least and the greatest. Sampling is for the known slices "
        "only; interpolation and decoding are the rest. Peak memory: of the GPU; on a CPU, of the whole process. "
    )
    if slices != ARTICLE_SLICES:
        text += (
            f"Timed on {slices} slices; the column next to the article's is scaled to the article's {ARTICLE_SLICES} "
            "slices in proportion. Frame, networks and hardware may differ from the article's, so compare the growth, "
            "not the seconds. "
        )
    return (
        text + claims(frame) + " Linear: no step from one n to the next takes more than "
        f"{1 + SLOPES_WITHIN:g} times as long as another, for each further slice; if the repeats vary too much, it "
        "cannot be decided."
    )
