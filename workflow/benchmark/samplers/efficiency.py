"""Section 3.7 as a table: what n new slices in every gap cost, and whether that is linear in n with memory flat."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.print.typeset import Cell, Table, number
from benchmark.scores import published

# What the two claims are held to: no measurement further from the line than this part of its value, and memory that
# does not grow by more than this part of its least value.
LINEAR_WITHIN, FLAT_WITHIN = 0.05, 0.05


@dataclass(frozen=True)
class Fit:
    """seconds = fixed + each · n by least squares over the medians; ``off``: the largest relative distance from it."""

    fixed: float
    each: float
    r2: float
    off: float
    growth: float

    @property
    def linear(self) -> bool:
        return self.off <= LINEAR_WITHIN and self.each > 0

    @property
    def flat(self) -> bool:
        return self.growth <= FLAT_WITHIN


def medians(frame: pd.DataFrame) -> pd.DataFrame:
    """The median over repeats: one row for each n; the highest peak of memory."""
    by_n = frame.groupby("n", sort=True)
    table = by_n[["slices_in", "slices_out"]].first()
    table[["sampling_seconds", "seconds"]] = by_n[["sampling_seconds", "seconds"]].median()
    table["peak_mb"], table["hardware"] = by_n["peak_mb"].max(), by_n["hardware"].first()
    return table.reset_index()


def fit(table: pd.DataFrame) -> Fit:
    """Fits the medians; needs at least three n, or any two points are on a line."""
    n, seconds = table["n"].to_numpy(float), table["seconds"].to_numpy(float)
    each, fixed = np.polyfit(n, seconds, 1)
    line = fixed + each * n
    spread = ((seconds - seconds.mean()) ** 2).sum()
    r2 = 1 - ((seconds - line) ** 2).sum() / spread if spread else 1.0
    memory = table["peak_mb"]
    growth = float(memory.max() / memory.min() - 1)
    return Fit(float(fixed), float(each), float(r2), float(np.abs(seconds / line - 1).max()), growth)


def efficiency_frame(measured: pd.DataFrame) -> pd.DataFrame:
    """The medians beside the published seconds and memory."""
    table = medians(measured)
    article = published.read("efficiency").astype({"n": int}).set_index("n")
    table["seconds_paper"] = [article["seconds"].get(n, "") for n in table["n"]]
    table["peak_gb_paper"] = [article["peak_gb"].get(n, "") for n in table["n"]]
    return table


def efficiency_table(frame: pd.DataFrame, where: str) -> Table:
    """The table with both claims tested in its caption."""
    table = Table(
        "Cost of n new slices in every gap (section 3.7)",
        caption(frame, where),
        ["n", "slices in", "slices out", "sampling, s", "total, s", "article, s", "peak memory, GB", "article, GB"],
    )
    for _, row in frame.iterrows():
        texts = [str(row["n"]), str(row["slices_in"]), str(row["slices_out"])]
        texts += [number(row["sampling_seconds"], 2), number(row["seconds"], 2), str(row["seconds_paper"])]
        texts += [number(row["peak_mb"] / 1000, 2), str(row["peak_gb_paper"])]
        table.rows.append([Cell(text) for text in texts])
    return table


def caption(frame: pd.DataFrame, where: str) -> str:
    """What was measured on what, and the verdict on both claims."""
    text = (
        f"{where}. Measured on {', '.join(sorted(set(frame['hardware'])))} (article: 32 GB A100), device waited for, "
        "after a warm-up, median of repeats. Sampling is of the known slices alone; the total adds interpolation and "
        "decoding. Peak memory is the GPU's; on a CPU, that of the whole process. "
    )
    if len(frame) < 3:
        return text + "Fewer than three n: the claims of the article cannot be tested."
    line = fit(frame)
    text += (
        f"“Linear in n”: total = {line.fixed:.2f} s + {line.each:.3f} s · n, R² = {line.r2:.4f}, at most "
        f"{line.off:.1%} off the line: {'holds' if line.linear else 'does not hold'} within {LINEAR_WITHIN:.0%}. "
        f"“Memory flat”: it grows by {line.growth:.1%}: {'holds' if line.flat else 'does not hold'} within "
        f"{FLAT_WITHIN:.0%}."
    )
    return text
