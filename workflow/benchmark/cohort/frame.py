"""What a table's caption says of the slices: how many pixels, of how many millimetres, how far apart."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.cohort.sheet import Patient, read_sheet
from benchmark.volume import PLANE_OF_CODE

FACTOR = 4  # in-plane factor of the protocol (section 3.1)
COARSE = 2.0
"""Pixels this many times as wide as slices are apart: a slice between two is then nearly known from its neighbours."""

COARSE_BY = {
    True: "Slices are made coarse by bilinear interpolation after a filter, as a scanner's larger pixels average; the "
    "authors' code at inference does not filter (protocol.antialias: false): the control `linear` on OASIS-TRT-20 "
    "then has SSIM 0.929 and 26.84 dB, not 0.913 and 26.33.",
    False: "Slices are made coarse by bilinear interpolation without a filter, as the authors' code does at inference; "
    "with one, as a scanner's larger pixels average, the control `linear` on OASIS-TRT-20 has SSIM 0.913 and 26.33 "
    "dB, not 0.929 and 26.84.",
}
"""By ``protocol.antialias``: what is done, and what the other choice would do (3 patients, 41 removed slices)."""


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
    text = f"{label}: frames of {size}×{size} pixels of {pixel} mm from {size // FACTOR}×{size // FACTOR} known ones"
    text += f" (scans averaged {shrink} to 1 in plane)" if shrink > 1 else ""
    text += f", slices {apart} mm apart"
    if min(shrink * in_plane / between for in_plane, between in pairs) >= COARSE:
        text += "; slices so close, next to such pixels, hardly test interpolation between them"
    return text + "."


def frames(sheets: Iterable[str | Path], about: Mapping[str, Any]) -> str:
    """A sentence for each cohort and one on how slices are made coarse, to end a caption.

    ``about``: of ``Study.frame``; ``sheets``: files named by cohort.
    """
    found = {Path(path).stem: read_sheet(path) for path in sheets}
    cohorts = about["cohorts"]
    texts = [
        sentence(cohorts[name]["label"], rows, cohorts[name]["axis"], about["size"], about["shrink"])
        for name, rows in found.items()
        if rows
    ]
    return "".join(f" {text}" for text in [*texts, COARSE_BY[about["antialias"]]]) if texts else ""


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"
