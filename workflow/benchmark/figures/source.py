"""Figure 12: the input of the model, low-resolution slices."""

import numpy as np
from matplotlib.figure import Figure

from benchmark.figures.scene import Scene
from benchmark.print.style import grid, picture, white


def draw(scene: Scene) -> tuple[Figure, str]:
    """Four neighbouring low-resolution slices; the two in the middle are the ends of figure 13."""
    gap = scene.gap
    at = np.clip(np.arange(gap.left - 1, gap.right + 2), 0, len(scene.truth) - 1)
    low = scene.low(at)
    figure, axes = grid(1, len(at), low.shape[1:])
    for axis, index, image in zip(axes[0], at, low, strict=True):
        picture(axis, image, white(low))
        axis.set_title(f"slice {index}")
    how = "bilinear, after a filter" if scene.antialias else "bilinear, without a filter, as the authors' code"
    caption = (
        f"Input: slices of {low.shape[1]}×{low.shape[2]} pixels, a quarter of the truth's {scene.truth.shape[1]}×"
        f"{scene.truth.shape[2]} along each side ({how}), pixels drawn as squares. " + scene.where(scene.neighbours)
    )
    return figure, caption
