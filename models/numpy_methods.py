"""Plain interpolation without PyTorch: ``linear`` and ``spline`` of models/methods, with NumPy and SciPy."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import ndimage, sparse

from models.interpolation import cubic_spline, linear
from models.streaming import CPU_CHUNK, Slices, Streaming, read


def cubic_convolution(size: int, factor: int) -> sparse.csr_array:
    """Matrix (factor·size, size) of Keys' cubic convolution with a = −0.75, edges repeated, centres in place.

    PyTorch's bicubic interpolation does this along each axis.
    """
    place = (np.arange(size * factor) + 0.5) / factor - 0.5
    rows = np.repeat(np.arange(len(place)), 4)
    columns = np.floor(place)[:, None] + np.arange(-1, 3)
    x, a = np.abs(place[:, None] - columns), -0.75
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    values = np.where(x <= 1, near, far).astype(np.float32)
    columns = columns.clip(0, size - 1).astype(int)
    return sparse.csr_array((values.ravel(), (rows, columns.ravel())), shape=(len(place), size))


def bilinear(size: int, factor: int) -> sparse.csr_array:
    """Matrix (factor·size, size) of linear interpolation, edges repeated, centres in place."""
    place = ((np.arange(size * factor) + 0.5) / factor - 0.5).clip(0, size - 1)
    return sparse.csr_array(linear(np.arange(float(size)), place).astype(np.float32))


def magnified(slices: np.ndarray, factor: int, along: Callable[[int, int], sparse.csr_array]) -> np.ndarray:
    """Slices (B, h, w) float32 → (B, f·h, f·w): the matrices ``along(h, f)`` and ``along(w, f)`` on the two axes."""
    if factor == 1:
        return slices
    down, across = (along(size, factor) for size in slices.shape[1:])
    return np.stack([(across @ (down @ one).T).T for one in slices])


def bicubic(slices: np.ndarray, factor: int) -> np.ndarray:
    """In-plane magnification of ``linear``; values in [0, 1]."""
    return magnified(slices, factor, cubic_convolution).clip(0, 1)


def splines(slices: np.ndarray, factor: int) -> np.ndarray:
    """In-plane magnification of ``spline``: cubic B-splines, edges mirrored."""
    if factor == 1:
        return slices
    return np.stack([ndimage.zoom(one, factor, order=3, mode="grid-mirror", grid_mode=True) for one in slices])


METHODS = {"linear": (linear, bicubic), "spline": (cubic_spline, splines)}
"""By name: mixing weights along the slice axis, and magnification in plane."""


class NumpyMethod(Streaming):
    """``linear`` or ``spline``."""

    def __init__(self, name: str, *, chunk: int | None = None, factor: int = 1) -> None:
        """``name``: a key of ``METHODS``; ``chunk``: slices per chunk; ``factor``: in-plane magnification."""
        self.name, self.chunk, self.factor = name, chunk or CPU_CHUNK, factor

    def weights(self, known: np.ndarray, at: np.ndarray) -> np.ndarray:
        return METHODS[self.name][0](known, at)

    def trial(self, count: int, side: tuple[int, int]) -> np.ndarray:
        return np.random.default_rng(0).random((count, *side), dtype=np.float32)

    def represent(self, slices: np.ndarray, index: object) -> np.ndarray:
        return METHODS[self.name][1](slices, self.factor)

    def represented(self, slices: Slices, missing: Sequence[int]) -> dict[int, np.ndarray]:
        if not missing:
            return {}
        return dict(zip(missing, self.represent(read(slices, missing), missing), strict=True))

    def block(
        self, held: Mapping[int, np.ndarray], rows: np.ndarray, needed: Sequence[int], known: np.ndarray, at: np.ndarray
    ) -> np.ndarray:
        stack = np.stack([held[i] for i in needed])
        return np.tensordot(rows.astype(np.float32), stack, axes=1).clip(0, 1)
