"""Figures 10–11, 13, 16–17, 21, 23–24, 26: one method's new slices between two real slices, at any factor."""

from matplotlib.figure import Figure

from benchmark.figures.scene import Scene
from benchmark.print.style import content, grid, picture, white


def draw(scene: Scene) -> tuple[Figure, str]:
    """One row, or two rows for more than eight panels: the left end first, the right end last."""
    gap, method = scene.gap, scene.methods[0]
    slices = scene.new(method)
    ends = scene.truth[[gap.left, gap.right]]
    slices[[0, -1]] = ends
    rows, columns = content([ends])
    width = gap.n + 2 if gap.n + 2 <= 8 else (gap.n + 3) // 2
    figure, axes = grid(-(-(gap.n + 2) // width), width, ends[:, rows, columns].shape[1:])
    for index, axis in enumerate(axes.flat):
        if index > gap.n + 1:
            axis.set_visible(False)
            continue
        picture(axis, slices[index][rows, columns], white(ends))
        name = {0: f"slice {gap.left} (true)", gap.n + 1: f"slice {gap.right} (true)"}
        axis.set_title(name.get(index, f"{index}/{gap.n + 1}"))
    caption = (
        f"{gap.n} new slices between two neighbours by the method “{scene.labels[method]}”, a factor of {gap.n + 1} "
        f"along the slice axis and 4 in plane; both ends are the true slices. {scene.no_truth}"
        + scene.where(scene.neighbours)
    )
    return figure, caption
