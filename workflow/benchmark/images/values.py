"""The intensities of a scan: content, damaged values, and fill values."""

import numpy as np

from benchmark.errors import UserError

#: The largest number in single precision, which is used for scans.
LARGEST = float(np.finfo(np.float32).max)
#: The distance of a fill value from all other values is more than this many times their range.
ALONE = 2.0
#: Factor between the largest value of a scan and of single precision, for interpolation beyond the scan's range.
HEADROOM = 8


class Values:
    """The values of a scan, added part by part: smallest, largest, and whether an extreme value is a fill value.

    ``dtype``: as stored in the file; ``scale``, ``offset``: value = scale · stored + offset.
    """

    def __init__(self, dtype: np.dtype, scale: float = 1.0, offset: float = 0.0) -> None:
        self.low, self.high, self.bad, self.count = np.inf, -np.inf, 0, 0
        self._fills = [float(end) * scale + offset for end in _ends(np.dtype(dtype))]
        self._fill_counts = dict.fromkeys(self._fills, 0)
        self._inner = [np.inf, -np.inf]

    def add(self, part: np.ndarray) -> tuple[float, float]:
        """Adds one part, of any shape; returns its smallest and largest value."""
        finite = np.isfinite(part)
        self.bad += part.size - int(np.count_nonzero(finite))
        self.count += part.size
        if self.bad or not part.size:
            return np.inf, -np.inf
        low, high = float(part.min()), float(part.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        inner = part
        for fill in self._fills:
            if low <= fill <= high:
                there = inner == part.dtype.type(fill) if part.dtype.kind == "f" else inner == fill
                self._fill_counts[fill] += int(np.count_nonzero(there))
                inner = inner[~there]
        if inner.size:
            self._inner = [min(self._inner[0], float(inner.min())), max(self._inner[1], float(inner.max()))]
        return low, high

    def check(self, path: str) -> None:
        """``UserError`` for the scan ``path``: not a number or infinite, too large, a fill value, one value."""
        if self.bad:
            raise UserError(
                f"{path}: {self.bad} voxel{'s are' if self.bad != 1 else ' is'} NaN or infinite; if these are "
                "background, set them to 0 first (FSL: fslmaths IN -nan OUT), else get the scan again"
            )
        if self.low == self.high:
            raise UserError(f"{path}: every voxel is {self.low or 'zero'}; give a scan with content")
        low, high = self._inner
        for fill, count in self._fill_counts.items():
            if count and min(abs(fill - low), abs(fill - high)) > ALONE * (high - low):
                raise UserError(
                    f"{path}: {count} voxels hold {fill:g}, a fill value; all others lie within {low:g} to {high:g}: "
                    f"set these voxels to the background's value ({max(low, 0.0):g}, say) first"
                )
        if max(abs(self.low), abs(self.high), self.high - self.low) > LARGEST / HEADROOM:
            raise UserError(
                f"{path}: values up to {max(abs(self.low), abs(self.high)):g}; divide the scan by its largest"
            )


def _ends(dtype: np.dtype) -> list[float]:
    """The stored numbers that programs use as fill values."""
    if dtype.kind == "i":
        return [float(np.iinfo(dtype).min)] if dtype.itemsize > 1 else []
    if dtype.kind == "f":
        single, double = float(np.finfo(np.float32).max), float(np.finfo(np.float64).max)
        return [-single, single, -double, double] if dtype.itemsize > 4 else [-single, single]
    return []
