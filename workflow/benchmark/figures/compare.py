"""Figures 18, 22, 25: what each method makes of the same gap, a row a method: two ends and the new slices between."""

from matplotlib.figure import Figure

from benchmark.figures.scene import Scene
from benchmark.print.style import content, grid, picture, row_name, white


def draw(scene: Scene) -> tuple[Figure, str]:
    """The first row has the true ends and what the methods are given; then each method's ends and new slices."""
    gap = scene.gap
    ends = scene.truth[[gap.left, gap.right]]
    rows, columns = crop = content([ends])
    high = white(ends)
    figure, axes = grid(1 + len(scene.methods), gap.n + 2, ends[0][crop].shape, labels=0.17, beside=1.0)
    low = scene.low([gap.left, gap.right])
    given = low.repeat(ends.shape[1] // low.shape[1], 1).repeat(ends.shape[2] // low.shape[2], 2)[:, rows, columns]
    first = {0: ends[0][crop], 1: given[0], gap.n: given[1], gap.n + 1: ends[1][crop]}
    side = f"{low.shape[1]}×{low.shape[2]}"
    names = {0: f"slice {gap.left}, true", 1: f"given, {side}", gap.n: f"given, {side}"}
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
        "Methods on the same gap. First row: the true ends and the low-resolution slices that every method is given. "
        f"Then a row a method: its two ends (super-resolved, nothing interpolated) and {gap.n} new slices between (a "
        f"factor of {gap.n + 1} along the slice axis). {scene.confound}All panels share one grey scale. "
        + scene.where(scene.neighbours)
    )
    return figure, caption
