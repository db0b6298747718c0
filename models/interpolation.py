"""Mixing weights along the slice axis, and in-plane resampling."""

from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import make_interp_spline

if TYPE_CHECKING:
    from torch import Tensor

FACTOR = 4  # in-plane factor of the article (section 3.1)


def neighbours(known: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the last known slice at or before each position, and t = (at − left) / (right − left) in [0, 1)."""
    left = np.searchsorted(known, at, side="right") - 1
    right = np.minimum(left + 1, len(known) - 1)
    gap = np.where(right > left, known[right] - known[left], 1.0)
    return left, (at - known[left]) / gap


def two_slices(size: int, left: np.ndarray, on_left: np.ndarray, on_right: np.ndarray) -> np.ndarray:
    """Matrix (S', S) with ``on_left`` at each row's left neighbour and ``on_right`` at the next slice."""
    rows = np.arange(len(left))
    matrix = np.zeros((len(left), size))
    matrix[rows, left] = on_left
    inside = left + 1 < size
    matrix[rows[inside], left[inside] + 1] = on_right[inside]
    return matrix


def linear(known: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Linear weights (S', S): 1 − t and t on the two neighbours (eq. 6, with t = j / (n + 1))."""
    left, t = neighbours(known, at)
    return two_slices(len(known), left, 1 - t, t)


def nearest(known: np.ndarray, at: np.ndarray) -> np.ndarray:
    """All weight on the nearer neighbour; half-way, on the left neighbour."""
    left, t = neighbours(known, at)
    return two_slices(len(known), left, (t <= 0.5).astype(float), (t > 0.5).astype(float))


def printed_eq12(known: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Eq. 12 as printed: j/n on the left slice and (j − 1)/n on the right slice, j = 1 … n within a gap.

    The weights sum to (2j − 1)/n, so this does not interpolate; at n = 1 it returns the left slice. A known position
    keeps its slice. The n of a gap is the number of wanted positions strictly inside the gap.
    """
    left, t = neighbours(known, at)
    on_left, on_right = np.ones(len(at)), np.zeros(len(at))
    for gap in np.unique(left[t > 0]):
        inside = np.flatnonzero((left == gap) & (t > 0))
        j, n = np.argsort(np.argsort(at[inside])) + 1, len(inside)
        on_left[inside], on_right[inside] = j / n, (j - 1) / n
    return two_slices(len(known), left, on_left, on_right)


def cubic_spline(known: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Weights (S', S) of the interpolating spline through all known slices: cubic, or lower with fewer than four."""
    degree = min(3, len(known) - 1)
    weights = make_interp_spline(known, np.eye(len(known)), k=degree)(at)
    # The weights decrease with distance. Weights under 1e-5 change no grey level but would keep all slices in memory.
    return np.where(np.abs(weights) > 1e-5, weights, 0.0)


def bicubic(slices: "Tensor", factor: int = FACTOR) -> "Tensor":
    """Bicubic in-plane magnification (B, C, h, w) → (B, C, factor·h, factor·w), voxel centres stay in place."""
    import torch.nn.functional as F

    size = (slices.shape[-2] * factor, slices.shape[-1] * factor)
    return F.interpolate(slices, size=size, mode="bicubic", align_corners=False).clamp(0, 1)


def degrade(slices: "Tensor", factor: int = FACTOR, antialias: bool = True) -> "Tensor":
    """In-plane ÷ factor, bilinear; (B, C, H, W) in [0, 1] → (B, C, H / factor, W / factor).

    ``ValueError`` if H or W is not a multiple of ``factor``: coarse pixels would not be ``factor`` pixels wide.

    ``antialias``: filter first, as the larger pixels of a coarser scan average the area that they cover. Without the
    filter, four pixels in the middle of each block are averaged, and detail finer than a coarse pixel becomes false
    detail; the authors' code does this at inference, where torchvision 0.14 resizes tensors.
    """
    import torch.nn.functional as F

    height, width = slices.shape[-2:]
    if height % factor or width % factor:
        raise ValueError(f"{height}×{width} slices are not multiples of {factor}")
    size = (height // factor, width // factor)
    return F.interpolate(slices, size=size, mode="bilinear", antialias=antialias, align_corners=False)
