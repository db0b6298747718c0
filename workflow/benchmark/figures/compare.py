"""Figures 4, 18, 22, 25: methods on one removed slice, with its neighbours, its truth and maps of the error."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.figures.scene import Scene
from benchmark.print.style import ERROR_MAP, content, grid, picture, white
from benchmark.scores.metrics import psnr

ACROSS = 5  # tiles in a row, at most

Panels = dict[tuple[str, int | str], Axes]  # by method and place: 0, 1 … for slices, "error"


def draw(scene: Scene) -> tuple[Figure, str]:
    """At n = 1 a tile a method, its error below it; at n = 3, 5 … a row a method: the new slices, then the error."""
    removed, n = scene.removed, scene.spec["n"]
    around = scene.truth[removed - 1 : removed + 2]
    rows = {m: scene.restored(m)[removed][None] if n == 1 else scene.new(m)[1:-1] for m in scene.methods}
    crop = content([around])
    high = white(around)
    middle = {method: slices[n // 2] for method, slices in rows.items()}
    errors = {method: np.abs(image - around[1]) for method, image in middle.items()}
    worst = max(float(np.percentile(np.stack(list(errors.values())), 99.5)), 1e-3)
    figure, axes = (_tiles if n == 1 else _rows)(rows, around[0][crop].shape, scene.labels)
    # references in the first row: left neighbour, truth, right neighbour
    columns = (0, 1, 2) if n == 1 else (0, (n + 1) // 2, n + 1)
    for column, image, offset in zip(columns, around, (-1, 0, 1), strict=True):
        picture(axes["reference", column], image[crop], high)
        axes["reference", column].set_title(f"slice {removed + offset} ({'known' if offset else 'truth'})")
    for method, slices in rows.items():
        for column, image in enumerate(slices):
            picture(axes[method, column], image[crop], high)
        shown = picture(axes[method, "error"], errors[method][crop], worst, cmap=ERROR_MAP)
        axes[method, "error"].set_title(f"error, {psnr(middle[method], around[1]):.2f} dB")
    bar = figure.colorbar(
        shown, ax=list(axes.values()), location="right", aspect=40, shrink=0.6, pad=0.01, extend="max"
    )
    bar.set_label("absolute error (the truth is scaled to [0, 1])")
    several = f", {n} new slices in the gap, of which the middle one has a truth" if n > 1 else ""
    caption = (
        f"Slice {removed} was removed and is restored from its neighbours by each method{several}; with the absolute "
        "error and the PSNR of the slice. Grey levels and the scale of the errors are shared by all panels. "
        + scene.where(f"slice {removed}: the removed one with the most gradient energy{scene.apart}")
    )
    return figure, caption


def _tiles(rows: Mapping[str, Any], shape: tuple[int, int], labels: Mapping[str, str]) -> tuple[Figure, Panels]:
    """A row of references, then blocks of two rows: slices above, errors below."""
    blocks = -(-len(rows) // ACROSS)
    across = max(3, -(-len(rows) // blocks))
    figure, grid_ = grid(1 + 2 * blocks, across, shape, width=1.8 * across + 0.9, labels=0.28, beside=0.9)
    axes: Panels = {("reference", column): axis for column, axis in enumerate(grid_[0])}
    spare = list(grid_[1:].flat)
    for index, method in enumerate(rows):
        row, column = 1 + 2 * (index // across), index % across
        axes[method, 0], axes[method, "error"] = grid_[row, column], grid_[row + 1, column]
        axes[method, 0].set_title(_two_lines(labels[method]))
        spare = [axis for axis in spare if axis not in (grid_[row, column], grid_[row + 1, column])]
    for axis in [*grid_[0, 3:], *spare]:
        axis.set_visible(False)
    return figure, axes


def _rows(rows: Mapping[str, Any], shape: tuple[int, int], labels: Mapping[str, str]) -> tuple[Figure, Panels]:
    """References, then a row a method: its name, the new slices under the gap, the error of the middle one last."""
    n = len(next(iter(rows.values())))
    figure, grid_ = grid(1 + len(rows), n + 3, shape, width=1.35 * (n + 3) + 0.9, beside=0.9)
    axes: Panels = {("reference", column): axis for column, axis in enumerate(grid_[0])}
    for line, method in zip(grid_[1:], rows, strict=True):
        axes.update({(method, column): line[column + 1] for column in range(n)})
        axes[method, "error"] = line[n + 2]
        picture(line[0], None)
        line[0].text(0.95, 0.5, _two_lines(labels[method], 18), ha="right", va="center", transform=line[0].transAxes)
        line[n + 1].set_visible(False)
    for column, axis in enumerate(grid_[0]):
        axis.set_visible(column in (0, (n + 1) // 2, n + 1))
    return figure, axes


def _two_lines(label: str, width: int = 26) -> str:
    """A label broken once where it is long."""
    if len(label) <= width:
        return label
    cut = label.rfind(" ", 0, width + 1)
    return label if cut < 0 else f"{label[:cut]}\n{label[cut + 1 :]}"
