"""The heat map of section 3.4: ε_min of every claim."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from benchmark.print import style  # noqa: F401  (the style sheet)
from benchmark.scores.comparisons import LEVELS
from benchmark.scores.metrics import METRICS


def heat_map(frame: pd.DataFrame, config: Mapping[str, Any]) -> tuple[Figure, str]:
    """A panel a cohort: claims down, levels and metrics across; blue below 0.5 (better), red above."""
    cohorts = list(dict.fromkeys(frame["cohort"]))
    labels = {key: method["label"] for key, method in config["methods"].items()}
    claims = list(dict.fromkeys(zip(frame["first"], frame["second"], strict=True)))
    columns = [(level, metric) for level in LEVELS for metric in METRICS]
    figure, axes = plt.subplots(
        1,
        len(cohorts),
        figsize=(3.4 + 2.4 * len(cohorts), 0.9 + 0.26 * len(claims)),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for axis, cohort in zip(axes[0], cohorts, strict=True):
        rows = frame[frame["cohort"] == cohort].set_index(["first", "second", "level", "metric"])
        grid = [[rows.loc[(*claim, *column), "epsilon_min"] for column in columns] for claim in claims]
        shown = axis.imshow(grid, cmap="RdBu_r", vmin=0, vmax=1, aspect="auto")
        for y, claim in enumerate(claims):
            for x, column in enumerate(columns):
                value = grid[y][x]
                small = rows.loc[(*claim, *column), "small"]
                colour = "white" if abs(value - 0.5) > 0.33 else "black"
                axis.text(
                    x,
                    y,
                    f"{value:.2f}{'*' if small else ''}",
                    ha="center",
                    va="center",
                    fontsize=6.5,
                    color=colour,
                )
        axis.set_xticks(range(len(columns)), [f"{metric.upper()}\n{level}" for level, metric in columns], fontsize=6)
        axis.set_yticks(range(len(claims)), [f"{labels[a]} > {labels[b]}" for a, b in claims])
        axis.set_title(config["cohorts"][cohort]["label"])
        axis.grid(False)
        axis.tick_params(length=0)
    bar = figure.colorbar(shown, ax=axes, aspect=40, pad=0.01)
    bar.set_label("ε_min (below 0.5 it holds)")
    names = ", ".join(config["cohorts"][cohort]["label"] for cohort in cohorts)
    caption = (
        "Almost stochastic order: ε_min of every claim “the first method is better than the second”, by metric, at "
        f"patient and at slice level, on {names}. Below 0.5 the article takes the claim to hold, below 0.2 deepsig's "
        "authors do. A star marks a sample of fewer than 20 scores, which says little."
    )
    return figure, caption
