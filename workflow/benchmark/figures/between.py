"""Figures 7–9, 14–15, 19–20: new slices between two real ones, ours above the baseline, fading measured and boxed."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import ndimage

from benchmark.figures.scene import Scene
from benchmark.print.style import content, grid, picture, white


def draw(scene: Scene) -> tuple[Figure, str]:
    """A row for each of the pair; the ends are the true slices. Boxed: where the second of the pair fades most."""
    gap = scene.gap
    ends = scene.truth[[gap.left, gap.right]]
    rows, columns = content([ends])
    new = {method: scene.new(method) for method in scene.pair}
    side = max(8, min(rows.stop - rows.start, columns.stop - columns.start) // 5)
    box = fading_box(new[scene.pair[-1]], ends, side)
    high = white(ends)
    figure, axes = grid(len(new), gap.n + 2, ends[:, rows, columns].shape[1:], width=11, labels=0.3)
    kept = {}
    for line, (method, slices) in zip(axes, new.items(), strict=True):
        kept[method] = detail_kept(slices, box)
        for index, axis in enumerate(line):
            end = index in (0, gap.n + 1)
            image = ends[min(index, 1)] if end else slices[index]
            picture(axis, image[rows, columns], high)
            axis.set_title(f"slice {(gap.left, gap.right)[min(index, 1)]}" if end else f"{index}/{gap.n + 1}")
            if not end:
                corner = box[1].start - columns.start - 0.5, box[0].start - rows.start - 0.5
                axis.add_patch(Rectangle(corner, side, side, fill=False, edgecolor="#ff3b30", linewidth=0.9))
        line[0].set_ylabel(scene.labels[method])
        line[-1].set_xlabel(f"detail in box {kept[method]:.0%}")
    text = ", ".join(f"{scene.labels[method]} {value:.0%}" for method, value in kept.items())
    caption = (
        f"{gap.n} new slices between two neighbouring ones (factor {gap.n + 1} along the slice axis), "
        f"{' above '.join(scene.labels[m] for m in scene.pair)}; the ends are the true slices. Boxed by measurement: "
        f"where {scene.labels[scene.pair[-1]]} loses most detail half-way, that is where the gradient falls furthest "
        f"below the mean of both ends. Share of that detail kept within the box over all new slices: {text}. "
        + scene.where(scene.neighbours)
    )
    return figure, caption


def gradient(slices: np.ndarray) -> np.ndarray:
    """Gradient magnitude in plane, (S, H, W)."""
    return np.stack([np.hypot(*np.gradient(one.astype(np.float64))) for one in slices])


def fading_box(slices: np.ndarray, truth: np.ndarray, side: int) -> tuple[slice, slice]:
    """Where a cross-fade shows most: the square in which the mean gradient of the new slices falls furthest below
    the mean of the two ends'. ``slices`` (n + 2, H, W), ends included; ``truth`` (2, H, W) marks the head."""
    magnitude = gradient(slices)
    lost = (magnitude[0] + magnitude[-1]) / 2 - magnitude[1:-1].mean(axis=0)
    lost[~ndimage.binary_fill_holes(truth.any(axis=0))] = 0
    mean = ndimage.uniform_filter(lost, side, mode="constant", origin=-(side // 2))
    mean = mean[: mean.shape[0] - side + 1, : mean.shape[1] - side + 1]
    top, left = np.unravel_index(int(mean.argmax()), mean.shape)
    return slice(int(top), int(top) + side), slice(int(left), int(left) + side)


def detail_kept(slices: np.ndarray, box: tuple[slice, slice]) -> float:
    """Gradient of the new slices in the box over that of the mean of both ends: 1 where nothing fades."""
    magnitude = gradient(slices)[:, box[0], box[1]].mean(axis=(1, 2))
    ends = (magnitude[0] + magnitude[-1]) / 2
    return float(magnitude[1:-1].mean() / ends) if ends > 0 else 1.0
