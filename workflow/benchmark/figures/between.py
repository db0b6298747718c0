"""Figures 7–9, 14–15, 19–20: new slices between two real slices, ours above the baseline, and the detail that they
keep."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmark.figures.scene import Scene
from benchmark.print.style import content, grid, picture, row_name, white

BOX_COLOUR = "#ff3b30"


def draw(scene: Scene) -> tuple[Figure, str]:
    """Two rows for each of the two methods: the slices, and the box enlarged. The ends are the true slices."""
    gap = scene.gap
    ends = scene.truth[[gap.left, gap.right]]
    rows, columns = content([ends])
    side = max(8, min(rows.stop - rows.start, columns.stop - columns.start) // 4)
    box = detail_box(ends, side)
    high = white(ends)
    figure, axes = grid(2 * len(scene.pair), gap.n + 2, ends[:, rows, columns].shape[1:], labels=0.17, margin=0.9)
    kept = {}
    for line, method in enumerate(scene.pair):
        slices = scene.new(method).copy()
        slices[[0, -1]] = ends
        share = kept[method] = detail_share(slices, ends, box)
        row_name(axes[2 * line, 0], scene.labels[method])
        row_name(axes[2 * line + 1, 0], "the box, enlarged")
        for index, image in enumerate(slices):
            whole, enlarged = axes[2 * line : 2 * line + 2, index]
            picture(whole, image[rows, columns], high)
            whole.set_title(_place(index, gap.left, gap.right, gap.n))
            mark_box(whole, box, (rows.start, columns.start))
            picture(enlarged, image[box], high)
            if 0 < index <= gap.n:
                enlarged.set_xlabel(f"detail {share[index]:.0%}")
    text = "; ".join(f"{scene.labels[method]}: {share[1:-1].mean():.0%}" for method, share in kept.items())
    caption = (
        f"{gap.n} new slices between two neighbouring slices (a factor of {gap.n + 1} along the slice axis), "
        f"{' above '.join(f'“{scene.labels[m]}”' for m in scene.pair)}; the ends are the true slices. {scene.confound}"
        "Boxed: the square in which the two true ends have the most detail (mean gradient magnitude); no method "
        "affects this choice. Under each enlarged box: the detail of the new slice in the box, as a share of the mean "
        "of the true ends. The rest to 100 % is lost by super-resolution in plane and by interpolation "
        f"together; equal detail may still be wrong detail. Mean over the new slices: {text}. {scene.no_truth}"
        + scene.where(scene.neighbours)
    )
    return figure, caption


def _place(index: int, left: int, right: int, n: int) -> str:
    return {0: f"slice {left}", n + 1: f"slice {right}"}.get(index, f"{index}/{n + 1}")


def mark_box(axis: Axes, box: tuple[slice, slice], origin: tuple[int, int]) -> None:
    """Draws the outline of ``box`` on a panel whose first pixel is ``origin``."""
    height, width = (side.stop - side.start for side in box)
    corner = box[1].start - origin[1] - 0.5, box[0].start - origin[0] - 0.5
    axis.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=BOX_COLOUR, linewidth=0.8))


def gradient(slices: np.ndarray) -> np.ndarray:
    """Gradient magnitude in plane, (S, H, W)."""
    return np.stack([np.hypot(*np.gradient(one.astype(np.float64))) for one in slices])


def detail_box(truth: np.ndarray, side: int, within: tuple[slice, slice] | None = None) -> tuple[slice, slice]:
    """Rows and columns of the square of ``side`` pixels in which the true slices (S, H, W) have the most detail.

    ``within``: rows and columns in which the middle of the square must be; anywhere if absent.
    """
    sums = np.pad(gradient(truth).mean(axis=0).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    mean = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    if within:
        allowed = np.zeros(mean.shape, dtype=bool)
        allowed[tuple(slice(max(0, part.start - side // 2), max(1, part.stop - side // 2)) for part in within)] = True
        mean = np.where(allowed, mean, -np.inf)
    top, left = np.unravel_index(int(mean.argmax()), mean.shape)
    return slice(int(top), int(top) + side), slice(int(left), int(left) + side)


def detail_share(slices: np.ndarray, truth: np.ndarray, box: tuple[slice, slice]) -> np.ndarray:
    """Mean gradient magnitude of each slice (S, H, W) in the box, over the mean of the true slices', (S,).

    1: a slice has as much detail as the truth; NaN: the truth has no detail in the box.
    """
    means = gradient(slices)[:, box[0], box[1]].mean(axis=(1, 2))
    true = gradient(truth)[:, box[0], box[1]].mean()
    return means / true if true > 0 else np.full(len(slices), np.nan)
