"""Data consistency: the finer volume, averaged back to the scan's resolution, is equal to the scan (back-projection).

In plane, a scan's voxel is the mean of the ``factor`` × ``factor`` voxels at its position. Along the slices, a slice of
the scan is the mean of the volume weighted by the slice's profile (``zoom.thickness``). If the slice is at most as
thick as an output slice, or its profile is ``point``, the slice is the volume at its position (as in the article, where
slices are removed).

That mean is a matrix P (S, S'), rows summing to one; the in-plane mean is D. With y the scan and x the restored volume,
y − P D x is interpolated to the fine grid, with the method's weights between slices and linearly in plane. Before, y −
P D x is pre-compensated for the loss of this interpolation, so that P D (x + correction) = y exactly. Values below zero
(outside the scan's range) are then set to zero, and the voxels around are rescaled (as in ML-EM) until y is matched
again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.linalg import solve_banded

from models.thickness import FWHM, REACH
from zoom.geometry import CLOSE, Grid
from zoom.intensity import Scale
from zoom.store import Store, block_length, blocks
from zoom.thickness import THIN

SWEEPS = 50
TINY = 1e-9

Tick = Callable[[int], None]


@dataclass(frozen=True)
class Correction:
    """The size of the correction, in units of x (1 = the scan's 99.9th percentile).

    ``before``, ``before_rms``: largest and root mean square |y − P D x| of the method without correction, with y
    clipped as the method saw it; ``after``: largest |y − P D x|; ``rms``, ``largest``: of the correction of the finer
    volume. ``sweeps``: number of rescaling rounds.
    """

    before: float
    before_rms: float
    after: float
    rms: float
    largest: float
    sweeps: int


def averaging(grid: Grid, profile: str, thickness: float) -> np.ndarray:
    """P (S, S'), float64: the weights of the output's slices in each slice of the scan.

    ``thickness``: of the scan's slices, in units of their spacing. A row of zeros: a thin slice beyond the output's
    last slice (``Grid.beyond``). Beyond the first and the last output slice, the volume is continued by point
    reflection (2 x₀ − x(−u)), so that a slope stays a slope.
    """
    if thin(grid, profile, thickness):
        return _at_its_place(grid)
    known, at, step = grid.known, grid.at, 1 / grid.zoom
    reach = (REACH * thickness if profile == "gaussian" else (thickness + step) / 2) + grid.beyond
    more = min(int(np.ceil(reach / step)), len(at) - 1)
    outside = np.arange(1, more + 1) * step
    distance = np.abs(known[:, None] - np.concatenate([at[0] - outside[::-1], at, at[-1] + outside]))
    if profile == "gaussian":
        matrix = np.exp(-0.5 * (distance * FWHM / thickness) ** 2) * (distance <= REACH * thickness)
    else:
        matrix = ((thickness + step) / 2 - distance).clip(0, min(step, thickness))
    matrix[matrix < CLOSE * step] = 0
    matrix /= matrix.sum(axis=1, keepdims=True)
    inside = matrix[:, more : more + len(at)].copy()
    before, after = matrix[:, :more][:, ::-1], matrix[:, more + len(at) :]
    inside[:, 0] += 2 * before.sum(axis=1)
    inside[:, 1 : 1 + more] -= before
    inside[:, -1] += 2 * after.sum(axis=1)
    inside[:, -2 : -2 - more : -1] -= after
    if grid.beyond:  # with reflection, the last slice would have negative weights
        inside[-1] = matrix[-1, more : more + len(at)]
        inside[-1, -1] += after[-1].sum()
    inside = inside.clip(0)
    return inside / inside.sum(axis=1, keepdims=True)


def thin(grid: Grid, profile: str, thickness: float) -> bool:
    """Whether a slice of the scan equals the output at its position: thin by its profile, or at most as thick as an
    output slice.
    """
    return profile == "point" or thickness * grid.zoom <= THIN


def _at_its_place(grid: Grid) -> np.ndarray:
    """P (S, S') of thin slices: linear between the neighbouring output slices."""
    known, at = grid.known, grid.at
    right = np.clip(np.searchsorted(at, known), 1, len(at) - 1)
    t = ((known - at[right - 1]) / (at[right] - at[right - 1])).clip(0, 1)
    t = np.where(t < CLOSE, 0.0, np.where(t > 1 - CLOSE, 1.0, t))
    matrix = np.zeros((len(known), len(at)))
    rows = np.arange(len(known))
    matrix[rows, right - 1] = 1 - t
    matrix[rows, right] = t
    if grid.beyond:
        matrix[-1] = 0
    return matrix


def block_mean(slices: np.ndarray, factor: int) -> np.ndarray:
    """D: (B, f·h, f·w) → (B, h, w)."""
    if factor == 1:
        return slices
    count, height, width = slices.shape
    return slices.reshape(count, height // factor, factor, width // factor, factor).mean(axis=(2, 4))


def block_repeat(slices: np.ndarray, factor: int) -> np.ndarray:
    """(B, h, w) → (B, f·h, f·w), every voxel becomes a block."""
    return slices if factor == 1 else slices.repeat(factor, axis=1).repeat(factor, axis=2)


def magnify(slices: np.ndarray, factor: int) -> np.ndarray:
    """Bilinear (B, h, w) → (B, f·h, f·w); voxel centres stay in place."""
    from models.numpy_methods import bilinear, magnified

    return magnified(slices, factor, bilinear)


def sharpen(means: np.ndarray, factor: int) -> np.ndarray:
    """The slice (h, w) whose ``magnify`` has block means ``means``: D ∘ magnify is tridiagonal along each axis."""
    if factor == 1:
        return means
    # Sub-voxel centres are (i + ½)/f − ½ from the voxel's centre: their mean share of each neighbour
    side = float(np.abs((np.arange(factor) + 0.5) / factor - 0.5).mean() / 2)
    for _ in range(2):
        bands = np.full((3, len(means)), side)
        bands[1] = 1 - 2 * side
        bands[1, [0, -1]] += side
        means = solve_banded((1, 1), bands, means.astype(np.float64)).T
    return means


class Projection:
    """Back-projection of one volume on disk.

    ``scan`` (S, H, W) in its own units; ``fine`` (S', f·H, f·W) in units of x, corrected in place; ``mixing`` (S', S):
    the method's weights; ``top``: level at which the method's input was clipped; ``folder``: for temporary files;
    ``tick``: called with the number of finished slices.
    """

    def __init__(
        self,
        scan: Store,
        fine: Store,
        scale: Scale,
        grid: Grid,
        mixing: np.ndarray,
        top: float,
        *,
        profile: str,
        thickness: float,
        folder: Path,
        tick: Tick = lambda count: None,
    ) -> None:
        self.scan, self.fine, self.scale, self.grid, self.tick = scan, fine, scale, grid, tick
        self.top = top
        self.average = averaging(grid, profile, thickness)
        self.bound = self.average.sum(axis=1) > 0
        # Linear weights instead, if the method's weights cannot restore the scan: they do not sum to one (the control
        # eq12), or two slices of the scan get the same correction (the control copy, for some zooms).
        if not np.allclose(mixing.sum(axis=1), 1, atol=1e-3) or np.linalg.cond(self._gain(mixing)) > 100:
            from models.interpolation import linear

            mixing = linear(grid.known, grid.at)
        self.mixing = mixing
        self.back = Store(scan.shape, folder)
        self.length = block_length(fine.shape[1] * fine.shape[2] * 4)

    def _gain(self, mixing: np.ndarray) -> np.ndarray:
        """P W (S, S): the average of a correction. Unbound slices are not corrected."""
        gain = self.average @ mixing
        unbound = np.flatnonzero(~self.bound)
        gain[unbound] = 0
        gain[unbound, unbound] = 1
        return gain

    def correct(
        self, enforce: bool, tolerance: float, watch: Callable[[Store], None] = lambda back: None
    ) -> Correction:
        """Adds the correction.

        ``enforce``: all of y − P D x; else only the part that was clipped for the networks. ``tolerance``: of |y − P D
        x|, in units of x; the rounds end below it, or after ``SWEEPS``. ``watch`` is called with P D x (S, H, W) of the
        method's result.
        """
        before = self.measure(clipped=True)
        watch(self.back)
        largest = total = 0.0
        self._residual(enforce)
        if enforce:
            self._compensate()
        for start, stop in blocks(len(self.fine), self.length):
            rows = self.mixing[start:stop]
            needed = np.flatnonzero(np.abs(rows).max(axis=0) > 1e-6)
            added = np.tensordot(rows[:, needed].astype(np.float32), self.back[needed], axes=1)
            added = magnify(added, self.grid.factor)
            corrected = np.maximum(self.fine[start:stop] + added, 0)
            if enforce:
                self._clear(corrected, start)
            largest = max(largest, float(np.abs(added).max()))
            total += float(np.square(added, dtype=np.float64).sum())
            self.fine.write(start, corrected)
            self.tick(stop - start)
        after, sweeps = self.measure(), 0
        while enforce and after[0] > tolerance and sweeps < SWEEPS:
            self._scale_round(tolerance)
            after, sweeps = self.measure(), sweeps + 1
        rms = float(np.sqrt(total / np.prod(self.fine.shape)))
        return Correction(before[0], before[1], after[0], rms, largest, sweeps)

    def measure(
        self, decode: Callable[[np.ndarray], np.ndarray] | None = None, *, clipped: bool = False
    ) -> tuple[float, float]:
        """Largest and root mean square |y − P D x| over bound slices, and P D x stored in ``back``.

        ``decode``: converts ``fine`` to units of x, if needed; ``clipped``: use y as the method saw it.
        """
        pending: dict[int, np.ndarray] = {}
        largest = total = 0.0
        for start, stop in blocks(len(self.fine), self.length):
            part = self.average[:, start:stop]
            inputs = np.flatnonzero(part.any(axis=1)).tolist()
            if not inputs:
                continue
            used = np.flatnonzero(part.any(axis=0))
            slices = self.fine[start + used]
            means = block_mean(decode(slices) if decode else slices, self.grid.factor)
            for i in inputs:
                mixed = np.tensordot(part[i, used].astype(np.float32), means, axes=1)
                pending[i] = pending[i] + mixed if i in pending else mixed
            for i in [i for i in pending if not self.average[i, stop:].any()]:
                average = pending.pop(i)
                self.back.write(i, average[None])
                off = (self._target(i).clip(0, self.top) if clipped else self._target(i)) - average
                largest = max(largest, float(np.abs(off).max()))
                total += float(np.square(off, dtype=np.float64).mean())
        return largest, float(np.sqrt(total / max(int(self.bound.sum()), 1)))

    def _target(self, i: int) -> np.ndarray:
        return self.scale.normalise(self.scan[i])

    def _clear(self, fine: np.ndarray, start: int) -> None:
        """Sets voxels to exactly zero (the background of a stripped scan) where all scan slices around them are zero.

        ``fine`` (B, f·H, f·W): output slices from ``start``, changed in place. The scan slices around a position are
        those that average over it, or without any the two neighbours.
        """
        empty: dict[int, np.ndarray] = {}
        for number, one in enumerate(fine, start):
            at = self.grid.at[number]
            rows = np.flatnonzero(self.average[:, number]).tolist() or [int(np.floor(at)), int(np.ceil(at))]
            empty = {i: empty[i] if i in empty else self._target(i) <= 0 for i in rows}
            background = np.logical_and.reduce([empty[i] for i in rows])
            one[block_repeat(background[None], self.grid.factor)[0]] = 0

    def _residual(self, enforce: bool) -> None:
        """``back``: P D x → the block means of the correction; unbound slices: the clipped part."""
        for i in range(len(self.scan)):
            target = self._target(i)
            if enforce and self.bound[i]:
                self.back.write(i, sharpen(target - self.back[i], self.grid.factor)[None])
            else:
                self.back.write(i, (target - target.clip(0, self.top))[None])

    def _compensate(self) -> None:
        """``back``: residuals → the values whose mixture has these residuals as its average P."""
        gain = self._gain(self.mixing)
        if np.abs(gain - np.eye(len(gain))).max() < 1e-7:
            return
        inverse = np.linalg.inv(gain).astype(np.float32)
        count, height, width = self.back.shape
        for start, stop in blocks(height, block_length(count * width * 4)):
            self.back.write_rows(start, np.tensordot(inverse, self.back.rows(start, stop), axes=1))

    def _scale_round(self, tolerance: float) -> None:
        """One round: scales every voxel by the ratio of y to P D x at its position (as in ML-EM), which keeps it above
        zero.
        """
        ratios: dict[int, np.ndarray] = {}
        for start, stop in blocks(len(self.fine), 1):
            column = self.average[:, start]
            rows = np.flatnonzero(column).tolist()
            ratios = {i: ratios[i] if i in ratios else self._ratio(i, tolerance) for i in rows}
            if not any(np.any(ratios[i] != 1) for i in rows):
                continue
            mixed = sum(column[i] * ratios[i] for i in rows) / column[rows].sum()
            factor = block_repeat(np.asarray(mixed, dtype=np.float32)[None], self.grid.factor)
            self.fine.write(start, self.fine[start:stop] * factor)

    def _ratio(self, i: int, tolerance: float) -> np.ndarray:
        target, average = self._target(i), self.back[i]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.maximum(target, 0) / average
        off = (np.abs(target - average) > tolerance / 2) & (average > TINY)
        return np.where(off, ratio, 1.0)
