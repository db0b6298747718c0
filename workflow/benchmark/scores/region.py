"""The region of a truth volume that is scored in addition to the frame: the brain if the scan is skull-stripped, else
the head. No model of anatomy is used. The amount of signal in the frame decides whether a scan is stripped: a stripped
scan is a brain (1.0 to 1.8 litres) surrounded by exact zeros; in a whole-head scan the air holds noise, or a masked
head is larger than any brain (3 litres and more).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

BRAIN_LITRES = 2.2
"""Litres. A connected support up to this volume is a brain; measured: 1.05 to 1.53 on stripped scans, 2.98 to 9.6 on
others."""
BRAIN_SHARE = 0.5
"""Share of the frame. A larger support is not a stripped brain, however small the frame."""
LEAST_SHARE = 0.01
"""A slice is scored if the region covers at least this share of the frame."""

MEANING = {
    "brain": (
        "brain: the scan is skull-stripped (its largest connected set of voxels above 0 has at most "
        f"{BRAIN_LITRES:g} litres and half of the frame); the region is that set, holes filled slice by slice"
    ),
    "head": (
        "head: the scan is not skull-stripped; voxels above half of Otsu's threshold, holes filled in all three "
        "planes, and "
        "the largest connected set of these voxels are the region, including skin and skull"
    ),
}


def heading(kinds: Iterable[str]) -> str:
    """The column heading for the regions ``kinds``: ``brain``, ``head``, or ``brain or head``."""
    return " or ".join(sorted(set(kinds)))


def meaning(kinds: Iterable[str]) -> str:
    """The definition of these regions, for a caption."""
    return "".join(f"Region: {MEANING[kind]}. " for kind in sorted(set(kinds)))


@dataclass(frozen=True)
class Region:
    """``mask`` (S, H, W) bool; ``kind``: ``brain`` or ``head``."""

    mask: np.ndarray
    kind: str

    @property
    def share(self) -> np.ndarray:
        """The part of each slice's frame inside the mask, (S,) in [0, 1]."""
        return self.mask.mean(axis=(1, 2))

    def of(self, slices: np.ndarray) -> "Region":
        """The region of the slices with these numbers."""
        return Region(self.mask[slices], self.kind)

    @property
    def signal(self) -> np.ndarray:
        """Whether a slice is scored, (S,) bool."""
        return self.share >= LEAST_SHARE


def region(truth: np.ndarray, affine: np.ndarray) -> Region:
    """The region of a truth volume (S, H, W) in [0, 1]; ``affine``: of (H, W, S), in mm, which gives the volume of a
    voxel.

    A volume without signal has an empty region, named ``head``.
    """
    litres = abs(np.linalg.det(affine[:3, :3])) * 1e-6
    support = _largest(truth > 0)
    if 0 < support.sum() * litres <= BRAIN_LITRES and support.mean() <= BRAIN_SHARE:
        return Region(_filled(support), "brain")
    return Region(_largest(_filled(_above(truth), axes=(0, 1, 2))), "head")


def _above(truth: np.ndarray) -> np.ndarray:
    """Voxels of tissue. Few voxels of air exceed half of Otsu's threshold, and these few hardly touch each other."""
    from skimage.filters import threshold_otsu

    signal = truth[truth > 0]
    if signal.size == 0 or signal.min() == signal.max():
        return truth > 0
    return truth > threshold_otsu(signal) / 2


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest set of voxels that touch by their faces."""
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()


def _filled(mask: np.ndarray, axes: tuple[int, ...] = (0,)) -> np.ndarray:
    """The mask with holes filled in the slices across each of ``axes``: a hole that is open in one plane is closed in
    another."""
    filled = mask.copy()
    for axis in axes:
        planes = [ndimage.binary_fill_holes(slice_) for slice_ in np.moveaxis(mask, axis, 0)]
        filled |= np.moveaxis(np.stack(planes), 0, axis)
    return filled
