"""Facts about the slices for captions: number of pixels, pixel size, slice spacing."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.cohort.sheet import Patient, read_sheet
from benchmark.volume import PLANE_OF_CODE

FACTOR = 4  # in-plane factor of the protocol (section 3.1)
COARSE = 2.0
"""If pixels are this many times as wide as the slice spacing, a slice is nearly known from its neighbours."""

COARSE_BY = {
    True: "Slices are made coarse by bilinear interpolation after a filter, as a scanner's larger pixels average; the "
    "authors' code at inference does not filter, which is easier to restore (docs/design.md).",
    False: "Slices are made coarse by bilinear interpolation without a filter, as the authors' code does at inference; "
    "a scanner's larger pixels average, which is harder to restore (docs/design.md).",
}
"""By ``protocol.antialias``: the filter, and the effect of the other choice."""


def spacing(row: Patient, axis: int | str) -> tuple[float, float]:
    """In-plane voxel side (the larger) and distance between slices of a patient's scan, mm."""
    sides = [float(side) for side in row.spacing.split("x")]
    planes = [PLANE_OF_CODE[code] for code in row.orientation]
    place = axis if isinstance(axis, int) else planes.index(axis)
    return max(side for i, side in enumerate(sides) if i != place), sides[place]


def sentence(label: str, rows: Sequence[Patient], axis: int | str, size: int, shrink: int) -> str:
    """One cohort's slices in one sentence."""
    pairs = [spacing(row, axis) for row in rows]
    pixel, apart = _range([shrink * in_plane for in_plane, _ in pairs]), _range([between for _, between in pairs])
    text = f"{label}: frames of {size}×{size} pixels of {pixel} mm from {size // FACTOR}×{size // FACTOR} known pixels"
    text += f" (scans averaged {shrink} to 1 in plane)" if shrink > 1 else ""
    text += f", slices {apart} mm apart"
    if min(shrink * in_plane / between for in_plane, between in pairs) >= COARSE:
        text += "; slices so close relative to the pixels hardly test interpolation between slices"
    return text + "."


def of_cohorts(sheets: Mapping[str, Sequence[Patient]], about: Mapping[str, Any]) -> list[str]:
    """``sentence`` for each cohort that has patients; ``sheets``: by cohort; ``about``: of ``Study.frame``."""
    cohorts = {name: about["cohorts"][name] for name, rows in sheets.items() if rows}
    return [
        sentence(cohort["label"], sheets[name], cohort["axis"], cohort["size"], cohort["shrink"])
        for name, cohort in cohorts.items()
    ]


def frames(sheets: Iterable[str | Path], about: Mapping[str, Any]) -> str:
    """A sentence for each cohort and a sentence on how slices are made coarse, for the end of a caption.

    ``about``: of ``Study.frame``; ``sheets``: files named by cohort.
    """
    texts = of_cohorts({Path(path).stem: read_sheet(path) for path in sheets}, about)
    return "".join(f" {text}" for text in [*texts, COARSE_BY[about["antialias"]]]) if texts else ""


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"
