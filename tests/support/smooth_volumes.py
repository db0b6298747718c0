"""A volume without fine detail, which every interpolation restores closely."""

import numpy as np


def smooth_volume(shape: tuple[int, int, int] = (120, 130, 140)) -> np.ndarray:
    """A broad wave above zero, float32 in (0, 1)."""
    axes = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    return (0.5 + 0.15 * sum(np.sin(axis / 12 + i) for i, axis in enumerate(axes)) / 1.5).astype(np.float32)
