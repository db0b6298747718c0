"""Plain interpolation of the scan, which a method must surpass."""

import numpy as np
from scipy import ndimage, sparse

from models.thickness import consistent_spline
from zoom.geometry import Grid
from zoom.store import Store

LEAST = 1e-4
"""Smaller mixing weights are left out: they change no grey level of 256, and each needs one more slice."""


class SplineVolume:
    """The finer volume (S', H', W') by cubic splines only, in the scan's units; a slice is computed when it is read.

    The method ``spline`` without the slices' thickness and without data consistency. Read slices in order, so that each
    slice of the scan is read once.
    """

    def __init__(self, raw: Store, grid: Grid) -> None:
        self.raw = raw
        self.shape = (len(grid.at), *grid.frame(*raw.shape[1:]))
        weights = consistent_spline(grid.known, grid.at, "point", 0.0)
        self.mixing = np.where(np.abs(weights) < LEAST, 0.0, weights).astype(np.float32)
        self.finer = [magnify(side, grid.factor) for side in raw.shape[1:]] if grid.factor > 1 else None
        self._held: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> np.ndarray:
        needed = np.flatnonzero(self.mixing[index]).tolist()
        self._held = {i: self._held[i] if i in self._held else self.raw[i] for i in needed}
        mixed = sum(self.mixing[index, i] * self._held[i] for i in needed)
        if self.finer:
            rows, columns = self.finer
            mixed = (columns @ (rows @ mixed).T).T
        return np.asarray(mixed, np.float32)


def magnify(side: int, factor: int) -> sparse.csr_array:
    """The cubic B-spline in plane along one axis, as a matrix (side · factor, side)."""
    matrix = ndimage.zoom(np.eye(side), (factor, 1), order=3, mode="grid-mirror", grid_mode=True)
    return sparse.csr_array(np.where(np.abs(matrix) < LEAST, 0.0, matrix).astype(np.float32))
