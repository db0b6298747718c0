"""The positions of the finer volume's voxels.

N slices and n new slices per gap give (N − 1)(n + 1) + 1 slices, s / (n + 1) apart; known slices keep their positions.
In plane, ×4 keeps the field of view: voxels of a quarter of the size, with centres shifted by half a voxel.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.errors import UserError
from benchmark.volume import PLANE_OF_CODE

PLANES = ("axial", "coronal", "sagittal")
# Share of an output slice's spacing; smaller distances count as the same position. At 1 mm: 0.1 µm.
CLOSE = 1e-4
# A smaller distance to the scan's last slice is the header's rounding error; it is corrected.
ROUNDING = 2e-3
FINEST = 1_000_000
"""Largest number of output slices for each slice of the scan."""


@dataclass(frozen=True)
class Grid:
    """The finer grid in units of the scan's voxels, slices along upright order.

    ``slices``: S known slices at 0 … S − 1; ``zoom`` ≥ 1: output slices for each slice of the scan; ``factor``: in
    plane, 1 or 4; ``at`` (S',): positions of the output slices, float64.
    """

    slices: int
    zoom: float
    factor: int

    @property
    def known(self) -> np.ndarray:
        """Positions (S,) of the scan's slices."""
        return np.arange(self.slices, dtype=np.float64)

    @property
    def count(self) -> int:
        """Number of output slices, S'."""
        return int(np.floor((self.slices - 1) * self.zoom + CLOSE)) + 1

    @property
    def at(self) -> np.ndarray:
        """j / zoom, from the first slice to the last slice, or to the last position before it."""
        return np.minimum(np.arange(self.count) / self.zoom, self.slices - 1)

    @property
    def beyond(self) -> float:
        """Distance from the output's last slice to the scan's last slice, in slices of the scan; 0 unless ``zoom`` is
        fractional.
        """
        gap = self.slices - 1 - min((self.count - 1) / self.zoom, self.slices - 1)
        return gap if gap * self.zoom > CLOSE else 0.0

    def frame(self, rows: int, columns: int) -> tuple[int, int]:
        """Rows and columns of an output slice."""
        return rows * self.factor, columns * self.factor

    def step(self, axis: int, flipped: bool) -> np.ndarray:
        """Matrix 4×4 from stored output voxels to stored scan voxels: an affine @ this is the output's affine.

        ``axis``: the stored slice axis; ``flipped``: whether it runs against the upright order. Only in this case, with
        a fractional zoom, the stored first slice moves, so that all orientations of a volume give the same result.
        """
        matrix = np.diag([1 / self.factor] * 3 + [1.0])
        matrix[:3, 3] = (1 / self.factor - 1) / 2
        matrix[axis, axis] = 1 / self.zoom
        matrix[axis, 3] = self.slices - 1 - (self.count - 1) / self.zoom if flipped else 0.0
        return matrix


def met(zoom: float, slices: int) -> float:
    """Adjusts ``zoom`` by up to the header's rounding error so that the last of ``slices`` slices is an output
    slice.
    """
    gaps = (slices - 1) * zoom
    whole = round(gaps)
    return whole / (slices - 1) if abs(gaps - whole) < ROUNDING and whole >= slices - 1 else zoom


def zoom_factor(*, n: int | None, zoom: float | None, spacing: float | None, apart: float, path: str) -> float:
    """Output slices for each slice of the scan, from exactly one of ``n``, ``zoom`` and ``spacing`` (mm).

    ``apart``: distance of the scan's slices, mm. ``UserError`` if the result would not be finer.
    """
    requested = {"n": n, "zoom": zoom, "spacing": spacing}
    names = [name for name, value in requested.items() if value is not None]
    if len(names) != 1:
        raise UserError(f"{path}: give one of n, zoom and spacing, not {' and '.join(names) or 'none'}")
    if n is not None:
        if not 0 <= n < FINEST or n != int(n):
            raise UserError(f"{path}: n = {n}; give a whole number of new slices per gap, 0 to {FINEST - 1}")
        return float(n + 1)
    if zoom is None:
        if spacing is None or not spacing > 0 or not np.isfinite(spacing):
            raise UserError(f"{path}: spacing = {spacing} mm; give a positive distance")
        if spacing * FINEST < apart:
            raise UserError(
                f"{path}: spacing = {spacing:g} mm; its slices are {apart:g} mm apart: give {apart / FINEST:g} or more"
            )
        zoom = apart / spacing
        if zoom < 1 - CLOSE:
            raise UserError(
                f"{path}: its slices are {apart:g} mm apart, finer than the {spacing:g} mm wanted; "
                f"give a spacing of at most {apart:g}, or another axis"
            )
        return max(zoom, 1.0)
    if not 1 <= zoom <= FINEST:
        raise UserError(f"{path}: zoom = {zoom:g}; give 1 to {FINEST} (the output cannot be coarser)")
    return float(zoom)


def slice_axis(axis: int | str | None, spacing: Sequence[float], codes: Sequence[str], path: str) -> int:
    """The stored axis (0–2) of the slices: by number or plane, else the axis with the thickest voxels.

    If several are thickest within 1 %, axial has priority over coronal and coronal over sagittal, however the volume is
    stored.
    """
    planes = [PLANE_OF_CODE[code] for code in codes]
    if isinstance(axis, str):
        if axis not in planes:
            raise UserError(f"{path}: axis '{axis}'; give 0, 1, 2, {', '.join(PLANES)}, or no axis for the thickest")
        return planes.index(axis)
    if axis is not None:
        if axis not in (0, 1, 2):
            raise UserError(f"{path}: axis {axis}; give 0, 1, 2, {', '.join(PLANES)}, or no axis for the thickest")
        return axis
    thick = [i for i in range(3) if spacing[i] > 0.99 * max(spacing)]
    return min(thick, key=lambda i: PLANES.index(planes[i]))
