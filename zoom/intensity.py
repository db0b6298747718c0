"""Conversion from the scan's units to a network's input, and to numbers in a file."""

from dataclasses import dataclass

import numpy as np

from benchmark.errors import UserError
from zoom.scan import Extent, OpenScan
from zoom.store import Store, block_length, blocks

BINS = 1 << 16
#: Margin around the scan's range for values by super-resolution, as a share of the range.
HEADROOM = 0.5
#: The largest number of single precision, which work files have, that fits int32.
SINGLE = (1 << 31) - 128
DTYPES = ("auto", "int16", "float32")


@dataclass(frozen=True)
class Scale:
    """Scan units = ``floor`` + ``scale`` · x.

    Networks see x clipped to [0, 1]; the clipped part is added again later.
    """

    floor: float
    scale: float

    def normalise(self, units: np.ndarray) -> np.ndarray:
        """Scan units → x, not clipped, float32."""
        return (units - np.float32(self.floor)) / np.float32(self.scale)


def find_scale(store: Store, extent: Extent, percentile: float = 99.9) -> Scale:
    """One scale for the volume: 0 to the percentile of its non-zero voxels (NOTES, "The protocol").

    A volume with negative values (CT, or an intercept) begins at its lowest value instead of 0.
    """
    floor = min(0.0, extent.low)
    if extent.high <= floor:  # a constant volume of a series
        return Scale(floor, 1.0)
    low, high = 0.0, extent.high - floor
    total = 0
    # Two passes: the second histogram divides the first histogram's bin with the percentile.
    for turn in range(2):
        counts = np.zeros(BINS, np.int64)
        under = 0
        for start, stop in blocks(len(store), block_length(store.shape[1] * store.shape[2] * 4)):
            values = store[start:stop].astype(np.float64) - floor
            values = values[values > 0]
            under += int((values < low).sum())
            counts += np.histogram(values, BINS, (low, high))[0]
        if turn == 0:
            total = int(counts.sum())
        rank = int(percentile / 100 * (total - 1)) + 1
        index = min(int(np.searchsorted(under + np.cumsum(counts), rank)), BINS - 1)
        width = (high - low) / BINS
        low, high = low + index * width, low + (index + 1) * width
    return Scale(floor, (low + high) / 2)


@dataclass(frozen=True)
class Encoding:
    """How values are stored: ``dtype``, and value = ``slope`` · stored + ``intercept``."""

    dtype: np.dtype
    slope: float
    intercept: float

    def encode(self, units: np.ndarray) -> tuple[np.ndarray, int]:
        """Scan units → stored numbers (as float32 or float64), and how many did not fit and were clipped."""
        if self.dtype.kind == "f":
            return units.astype(np.float32), 0
        limits = np.iinfo(self.dtype)
        most = limits.max if self.dtype.itemsize < 4 else SINGLE
        stored = np.rint((units.astype(np.float64) - self.intercept) / self.slope)
        cut = int(np.count_nonzero((stored < limits.min) | (stored > most)))
        return np.clip(stored, limits.min, most), cut

    def decode(self, stored: np.ndarray) -> np.ndarray:
        """Stored numbers → scan units."""
        return stored if self.dtype.kind == "f" else stored * self.slope + self.intercept


def encoding(scan: OpenScan, extents: list[Extent], dtype: str, scaled: bool) -> Encoding:
    """The stored form of the output. ``dtype``: auto, int16 or float32; ``scaled``: the format keeps a slope.

    ``auto``: float32 from floating point; from whole numbers int16 with the scan's slope and intercept, so that an
    unchanged voxel keeps its number, or int32 if the scan's range (plus a half) does not fit, or float32 if that does
    not fit int32 either. ``int16`` of a larger range gets a new slope, and 0 stays exactly 0; ``UserError`` if the
    format has no slope.
    """
    low, high = min(e.low for e in extents), max(e.high for e in extents)
    margin = HEADROOM * (high - low)
    low, high = low - margin, high + margin
    if dtype == "float32" or (dtype == "auto" and not scan.integer):
        return Encoding(np.dtype(np.float32), 1.0, 0.0)
    if scan.integer:
        slope, intercept = scan.slope
        ends = sorted([(low - intercept) / slope, (high - intercept) / slope])
        kinds = (np.int16, np.int32) if dtype == "auto" else (np.int16,)
        fit = [kind for kind in kinds if np.iinfo(kind).min <= ends[0] and ends[1] <= np.iinfo(kind).max]
        if fit and (scaled or scan.slope == (1.0, 0.0)):
            return Encoding(np.dtype(fit[0]), slope, intercept)
        if dtype == "auto":
            return Encoding(np.dtype(np.float32), 1.0, 0.0)
    if not scaled:
        raise UserError(f"{scan.path}: its values do not fit int16 without a slope; give float32, or NIfTI as output")
    if low <= 0 <= high:  # without an intercept, the background stays exactly 0
        return Encoding(np.dtype(np.int16), max(-low, high) / 32500, 0.0)
    return Encoding(np.dtype(np.int16), (high - low) / 65000, (high + low) / 2)
