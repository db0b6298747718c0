"""Which published numbers are implausible: five rules, applied equally to every cell.

    python -m benchmark.scores.implausible > config/paper/flags.csv

Each rule compares a printed number with another printed number, or with a measurement on real scans under the article's
protocol. No rule is tuned towards the article, and no rule changes a result: flagged cells are printed, with the reason
as a footnote, and are counted separately on the verdict page.
"""

import csv
import sys
from collections.abc import Iterator
from typing import Any

import pandas as pd

from benchmark.scores import published
from benchmark.scores.metrics import METRICS

BRIGHT = 50.0
"""dB. Above this the root-mean-square error is below 0.8 grey levels of 255: less than the noise of any scan."""
NEIGHBOURS = {
    "oasis": (0.969, 29.91),
    "brats_t1": (0.989, 36.49),
    "brats_t2": (0.976, 35.41),
    "brats_flair": (0.979, 37.93),
}
"""SSIM and PSNR of linear interpolation of the true neighbours (oracle `oracle_si`) on real scans, full frame."""
PATIENTS = 1.0
"""dB by which patients differ from each other: a figure may exceed ``NEIGHBOURS`` by this."""
APART = {"ssim": 0.1, "psnr": 6.0, "lpips": 0.2}
"""Ours and the baseline differ only in the interpolation of one slice in ten: a larger difference is implausible."""
BICUBIC_LPIPS, BICUBIC_SSIM = 0.34, 0.75
"""LPIPS 1.5 times as high as that of bicubic with linear interpolation on real scans (0.20 to 0.23), and this SSIM."""
SAME_SETTING = {"ssim": 0.02, "psnr": 1.0, "lpips": 0.02}
"""Two tables that print the same setting may differ by this."""
COLUMNS = ["table", "cohort", "method", "metric", "flag"]


def flags() -> pd.DataFrame:
    """Every flag of the rules: table, cohort, method (a setting in table 6), metric, and the reason."""
    scores = published.read("scores").astype(dict.fromkeys(METRICS, float))
    rows = [
        {"table": row["table"], "cohort": row["cohort"], "method": row["method"], "metric": metric, "flag": reason}
        for row in scores.to_dict("records")
        for metric, reason in _of_cell(row, scores)
    ]
    frame = pd.DataFrame([*rows, *_two_tables(scores)], columns=COLUMNS)
    keys = COLUMNS[:-1]
    frame = frame.groupby(keys, sort=False)["flag"].agg(" ".join).reset_index()
    return frame.sort_values(["table", "cohort"], kind="stable", ignore_index=True)


def _of_cell(row: dict[str, Any], scores: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Metric and reason for each rule that a row of tables 1–4 breaks."""
    psnr, ssim, lpips = row["psnr"], row["ssim"], row["lpips"]
    if psnr > BRIGHT:
        error = 255 * 10 ** (-psnr / 20)
        yield "psnr", f"{psnr:g} dB is a root-mean-square error of {error:.2f} grey levels of 255."
    if row["cohort"] in NEIGHBOURS:
        like, bound = NEIGHBOURS[row["cohort"]]
        if psnr > bound + PATIENTS and ssim < like:
            yield (
                "psnr",
                f"More than the true neighbours reach on real scans under this protocol ({bound:g} dB, SSIM "
                f"{like:g}), with a lower SSIM ({ssim:g}).",
            )
    if row["method"] == "baseline":
        ours = scores[(scores["cohort"] == row["cohort"]) & (scores["method"] == "ours")].iloc[0]
        for metric, most in APART.items():
            if abs(row[metric] - ours[metric]) > most:
                yield (
                    metric,
                    f"Ours has {ours[metric]:g}: by the article's description the two differ in where one slice of "
                    "ten is interpolated (and perhaps in EDSR).",
                )
    if lpips > BICUBIC_LPIPS and ssim > BICUBIC_SSIM:
        yield (
            "lpips",
            f"Bicubic with linear interpolation has 0.20 to 0.23 on real scans; here SSIM is {ssim:g}.",
        )


def _two_tables(scores: pd.DataFrame) -> Iterator[dict[str, str]]:
    """Tables 4 and 6 print ours on BraTS at one setting (DDIM, T = 200, η = 1)."""
    sixth = published.read("samplers").set_index(["sampler", "steps", "eta"]).loc[("ddim", "200", "1")]
    fourth = scores[(scores["table"] == "4") & (scores["method"] == "ours")]
    for metric, most in SAME_SETTING.items():
        in_table4, in_table6 = fourth[metric], float(sixth[metric])
        if abs(in_table4.mean() - in_table6) <= most:
            continue
        for cohort in fourth["cohort"]:
            reason = f"Table 6 gives {in_table6:g} for the same setting on BraTS."
            yield {"table": "4", "cohort": cohort, "method": "ours", "metric": metric, "flag": reason}
        reason = f"Table 4 gives {in_table4.min():g} to {in_table4.max():g} for the same setting."
        yield {"table": "6", "cohort": "brats", "method": "ddim 200 1", "metric": metric, "flag": reason}


def main() -> None:
    """Writes the flags to standard output, in the format of ``config/paper/flags.csv``."""
    frame = flags()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(frame[COLUMNS].itertuples(index=False))


if __name__ == "__main__":
    main()
