"""Which part of a truth volume is scored apart from the frame: the brain where the scan is stripped, else the head.

No model of anatomy is used. Whether a scan is stripped is decided by how much of the frame holds signal at all: what is
left of a stripped scan is a brain (1.0 to 1.8 litres) in exact zeros, while the air of a whole-head scan holds noise,
or a masked head is larger than any brain (3 litres and more).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

BRAIN_LITRES = 2.2
"""A connected support up to this volume is a brain; measured: 1.05 to 1.53 on stripped scans, 2.98 to 9.6 on others."""
BRAIN_SHARE = 0.5
"""A support that fills more of the frame is no stripped brain, however small the frame."""
LEAST_SHARE = 0.01
"""A slice is scored where the region covers at least this share of the frame."""

MEANING = {
    "brain": (
        "brain: the scan is skull-stripped (its largest connected set of voxels above 0 has at most "
        f"{BRAIN_LITRES:g} litres and half of the frame); the region is that set, holes filled slice by slice"
    ),
    "head": (
        "head: the scan is not skull-stripped; voxels above half of Otsu's threshold, holes filled in all three "
        "planes, and "
        "of these the largest connected set are the region: skin and skull are in"
    ),
}


def heading(kinds: Iterable[str]) -> str:
    """What a column about the regions ``kinds`` is called: ``brain``, ``head``, or ``brain or head``."""
    return " or ".join(sorted(set(kinds)))


def meaning(kinds: Iterable[str]) -> str:
    """What these kinds are, for a caption."""
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
        """The region of some of the slices, by number."""
        return Region(self.mask[slices], self.kind)

    @property
    def signal(self) -> np.ndarray:
        """Whether a slice is scored, (S,) bool."""
        return self.share >= LEAST_SHARE


def region(truth: np.ndarray, affine: np.ndarray) -> Region:
    """The region of a truth volume (S, H, W) in [0, 1]; ``affine``: of (H, W, S), in mm, for the volume of a voxel.

    A volume without signal has an empty region, named ``head``.
    """
    litres = abs(np.linalg.det(affine[:3, :3])) * 1e-6
    support = _largest(truth > 0)
    if 0 < support.sum() * litres <= BRAIN_LITRES and support.mean() <= BRAIN_SHARE:
        return Region(_filled(support), "brain")
    return Region(_largest(_filled(_above(truth), axes=(0, 1, 2))), "head")


def _above(truth: np.ndarray) -> np.ndarray:
    """Voxels of tissue. Few of the air exceed half of Otsu's threshold, and those that do hardly touch each other."""
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
    """Holes of every slice across ``axes`` filled: what is open in one plane is closed in another."""
    filled = mask.copy()
    for axis in axes:
        found = [ndimage.binary_fill_holes(slice_) for slice_ in np.moveaxis(mask, axis, 0)]
        filled |= np.moveaxis(np.stack(found), 0, axis)
    return filled
