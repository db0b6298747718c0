"""The gap between two slices of a scan as the network Slab sees it: eight slices, and numbers that describe them."""

import numpy as np

SLICES = 8
DESCRIPTION = 4 + SLICES
"""Length of ``gap_description``."""


def gap_description(kind: str, thickness: float, spacing: float, exists: np.ndarray) -> np.ndarray:
    """The network's description of a gap, (12,) float32.

    ``thickness``: of a slice, in spacings; ``spacing``: of the slices, in in-plane voxels (limited to 8, the maximum in
    training); ``exists`` (8,) bool: which of the slices exist.
    """
    thickness = 0.0 if kind == "point" else thickness
    scale = np.log2(np.clip(spacing, 1.0, 8.0)) / 3
    return np.array([thickness, kind == "box", kind == "gaussian", scale, *exists], np.float32)
