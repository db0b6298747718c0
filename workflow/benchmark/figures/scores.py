"""Figures 5 and 6: scores along the slices of one patient."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.figures.scene import Scene
from benchmark.print.style import FULL, WITHOUT_SI, colours, markers
from benchmark.scores.metrics import METRICS
from benchmark.scores.score_table import NAMES, direction

FAINT = "#c4c4c4"


def draw(scene: Scene) -> tuple[Figure, str]:
    """Left, as in the article: known slices as a line, removed slices of the two methods as dots.

    Right: removed slices of all.
    """
    figure, axes = plt.subplots(3, 2, figsize=(FULL, 6.4), sharex=True, layout="constrained")
    for (left, right), metric in zip(axes, METRICS, strict=True):
        _known(left, scene, metric)
        _removed(left, scene, metric, scene.pair, line=False)
        _others(right, scene, metric)
        _removed(right, scene, metric, scene.coloured, line=True)
        left.set_ylabel(NAMES[metric] + direction(metric))
        right.set_ylabel(NAMES[metric])
    axes[0, 0].set_title("known slices (line), removed slices (dots)")
    axes[0, 1].set_title("removed slices, by method")
    for axis in axes[-1]:
        axis.set_xlabel("slice")
    handles = {text: line for axis in axes[0] for line, text in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=3)
    names = " and ".join(scene.labels[method] for method in scene.pair)
    faint = [scene.labels[method] for method in scene.methods if method not in scene.coloured]
    caption = (
        f"Scores of every slice against the truth. Left: the line “SR without SI” is {scene.labels[scene.pair[0]]} at "
        f"known slices; it is broken where a slice was removed and restored between its neighbours: dots, by {names}. "
        f"{scene.confound}Right: the removed slices by method"
        + (f"; in grey, without names: {', '.join(faint)}" if faint else "")
        + ". The scales of the two columns differ. Oracles, which see the truth, and infinite PSNR are not drawn. "
        "One patient says nothing about others. "
        + scene.judge
        + scene.where("removed slices as the protocol drew them")
    )
    return figure, caption


def _known(axis: Axes, scene: Scene, metric: str) -> None:
    table = _of(scene, scene.pair[0])
    kept = table[metric].where(~table["removed"]).replace([np.inf], np.nan)
    axis.plot(table["slice"], kept, color=WITHOUT_SI, label="SR without SI", linewidth=0.9)


def _removed(axis: Axes, scene: Scene, metric: str, methods: Sequence[str], line: bool) -> None:
    """Removed slices of ``methods`` in their colours, as dots or joined by lines."""
    names = list(scene.labels)
    colour, marker = colours(names), markers(names)
    tables = [_drawn(scene, method, metric).assign(method=scene.labels[method]) for method in methods]
    sns.lineplot(
        pd.concat(tables, ignore_index=True),
        x="slice",
        y=metric,
        hue="method",
        style="method",
        palette={scene.labels[method]: colour[method] for method in methods},
        markers={scene.labels[method]: marker[method] for method in methods},
        dashes=False,
        linewidth=0.7 if line else 0,
        markersize=4,
        markeredgewidth=0,
        ax=axis,
    )
    if legend := axis.get_legend():  # the figure has one legend for all panels
        legend.remove()


def _others(axis: Axes, scene: Scene, metric: str) -> None:
    """The other methods as faint lines, which show the spread and cover no other line."""
    for method in scene.methods:
        if method not in scene.coloured:
            table = _drawn(scene, method, metric)
            axis.plot(table["slice"], table[metric], color=FAINT, linewidth=0.7, zorder=1)


def _drawn(scene: Scene, method: str, metric: str) -> pd.DataFrame:
    table = _of(scene, method)
    return table[table["removed"] & table["signal"] & np.isfinite(table[metric])]


def _of(scene: Scene, method: str) -> pd.DataFrame:
    return scene.scores[scene.scores["method"] == method].sort_values("slice")
