"""The score of a method as a share of the distance from ``linear`` to ``oracle_si``: one scale for all cohorts.

``linear`` (bicubic in plane, linear between slices) has no training; ``oracle_si`` interpolates the true slices on both
sides. Neither needs a network.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmark.print.typeset import Cell, Table, number
from benchmark.scores.metrics import HIGHER_IS_BETTER, METRICS

CONTROL, ORACLE = "linear", "oracle_si"
SMALLEST = {"ssim": 0.01, "psnr": 1.0, "lpips": 0.01}
"""Least distance for a share: one percent of this distance is one unit of the last printed digit."""


def with_shares(frame: pd.DataFrame, places: Sequence[str]) -> pd.DataFrame:
    """Adds ``{metric}_share`` to a table of means, if both methods are in the table.

    ``frame``: a row for each of ``places`` (cohort …) and ``method``. The share is (method − control) / (oracle −
    control): 0 for the control, 1 for the oracle, below 0 where a method is worse than the control, above 1 where it is
    better than the oracle. NaN if the oracle is not ahead by ``SMALLEST``, or a mean is infinite.
    """
    if not {CONTROL, ORACLE} <= set(frame["method"]):
        return frame
    ends = frame.set_index([*places, "method"])[list(METRICS)]
    keys = pd.MultiIndex.from_frame(frame[list(places)]) if len(places) > 1 else pd.Index(frame[places[0]])
    start, end = (ends.xs(method, level="method").reindex(keys).to_numpy() for method in (CONTROL, ORACLE))
    values = frame[list(METRICS)].to_numpy(float)
    with np.errstate(all="ignore"):
        shares = (values - start) / (end - start)
    ahead = (end - start) * [1 if HIGHER_IS_BETTER[metric] else -1 for metric in METRICS]
    known = (ahead >= [SMALLEST[metric] for metric in METRICS]) & np.isfinite(shares)
    return frame.assign(**{f"{m}_share": np.where(known[:, i], shares[:, i], np.nan) for i, m in enumerate(METRICS)})


def headings(frame: pd.DataFrame) -> list[str]:
    """Printed names of the columns of shares; an empty list if the frame has no shares."""
    return [f"share, {metric.upper()}" for metric in METRICS if f"{metric}_share" in frame]


def share_cells(row: pd.Series, table: Table) -> list[Cell]:
    """A row's shares in percent; without a share, ``n/a`` with a footnote that gives the reason."""
    gaps = f"{SMALLEST['ssim']:g} SSIM, {SMALLEST['psnr']:g} dB or {SMALLEST['lpips']:g} LPIPS"
    why = f"n/a: the oracle is ahead of the control by less than {gaps}, or a mean is infinite"
    shares = [row[f"{metric}_share"] for metric in METRICS if f"{metric}_share" in row]
    return [
        Cell("n/a", note=table.note(why)) if pd.isna(share) else Cell(f"{number(round(100 * share), 0)} %")
        for share in shares
    ]


def meaning(frame: pd.DataFrame, methods: Mapping[str, Any]) -> str:
    """A caption's sentence on the shares; '' if the frame has no shares."""
    return (
        f"Share: of the distance from ‘{methods[CONTROL]['label']}’ (0 %) to ‘{methods[ORACLE]['label']}’ (100 %), "
        "(method − control) / (oracle − control) of the means in the full frame. "
        if headings(frame)
        else ""
    )
