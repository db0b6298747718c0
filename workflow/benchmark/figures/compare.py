"""Figures 18, 22, 25: the result of each method on the same gap, one row per method: two ends and the new slices
between them."""

from matplotlib.figure import Figure

from benchmark.figures.scene import Scene
from benchmark.print.style import content, grid, picture, row_name, white


def draw(scene: Scene) -> tuple[Figure, str]:
    """The first row has the true ends and the input of the methods; then each method's ends and new slices."""
    gap = scene.gap
    ends = scene.truth[[gap.left, gap.right]]
    rows, columns = crop = content([ends])
    high = white(ends)
    figure, axes = grid(1 + len(scene.methods), gap.n + 2, ends[0][crop].shape, labels=0.17, margin=1.0)
    low = scene.low([gap.left, gap.right])
    coarse = low.repeat(ends.shape[1] // low.shape[1], 1).repeat(ends.shape[2] // low.shape[2], 2)[:, rows, columns]
    first = {0: ends[0][crop], 1: coarse[0], gap.n: coarse[1], gap.n + 1: ends[1][crop]}
    side = f"{low.shape[1]}×{low.shape[2]}"
    names = {0: f"slice {gap.left}, true", 1: f"slice {gap.left}, {side}", gap.n: f"slice {gap.right}, {side}"}
    names[gap.n + 1] = f"slice {gap.right}, true"
    row_name(axes[0, 0], "truth and input")
    for column, axis in enumerate(axes[0]):
        picture(axis, first.get(column), high)
        axis.set_title(names.get(column, ""))
    for line, method in zip(axes[1:], scene.methods, strict=True):
        row_name(line[0], scene.labels[method])
        for index, (axis, image) in enumerate(zip(line, scene.new(method), strict=True)):
            picture(axis, image[crop], high)
            axis.set_title({0: f"slice {gap.left}", gap.n + 1: f"slice {gap.right}"}.get(index, f"{index}/{gap.n + 1}"))
    caption = (
        "Methods on the same gap. First row: the true ends and the low-resolution slices that every method sees. "
        f"Then one row per method: its two ends (super-resolved, not interpolated) and {gap.n} new slices between the "
        f"ends (a factor of {gap.n + 1} along the slice axis). {scene.confound}{scene.no_truth}All panels share one "
        "grey scale. " + scene.where(scene.neighbours)
    )
    return figure, caption
