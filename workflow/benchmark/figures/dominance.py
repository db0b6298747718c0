"""The heat map of section 3.4: which claims are shown and which are not."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmark.print import style
from benchmark.scores.comparisons import LEVELS
from benchmark.scores.metrics import METRICS
from benchmark.scores.significance import CLEARLY, LEAST, NOT_SHOWN, SHOWN, TOO_FEW

COLOURS = {CLEARLY: "#0072B2", SHOWN: "#8FC7E8", NOT_SHOWN: "#D9D9D9", TOO_FEW: "#FFFFFF"}


def heat_map(frame: pd.DataFrame, labels: Mapping[str, Any]) -> tuple[Figure, str]:
    """One panel per cohort, two side by side, one row per claim, one column per level and metric; blue: shown, grey:
    not, white: too few. Many cohorts have lower rows, so that the figure fits a page."""
    cohorts = list(dict.fromkeys(frame["cohort"]))
    names = {key: method["label"] for key, method in labels["methods"].items()}
    claims = list(dict.fromkeys(zip(frame["first"], frame["second"], strict=True)))
    across = min(2, len(cohorts))
    down = -(-len(cohorts) // across)
    row = min(0.26, ((style.PAGE - 0.5) / down - 0.55) / len(claims))  # inches
    letters = min(6.5, 0.7 * 72 * row)  # points
    size = (min(style.FULL, 3.4 + 2.4 * across), 0.5 + down * (0.55 + row * len(claims)))
    figure, axes = plt.subplots(down, across, figsize=size, squeeze=False, sharey=True, layout="constrained")
    for axis in axes.flat[len(cohorts) :]:
        axis.set_visible(False)
    for axis, cohort in zip(axes.flat, cohorts, strict=False):
        _panel(axis, frame[frame["cohort"] == cohort], claims, letters)
        axis.set_title(labels["cohorts"][cohort]["label"])
        named = [f"{names[a]} > {names[b]}" for a, b in claims]
        axis.set_yticks([place + 0.5 for place in range(len(claims))], named, rotation=0, fontsize=letters)
    present = [verdict for verdict in COLOURS if verdict in set(frame["verdict"])]
    meanings = {TOO_FEW: f"fewer than {LEAST} patients: no verdict"}
    patches = [Patch(facecolor=COLOURS[v], edgecolor="#999999", label=meanings.get(v, v)) for v in present]
    figure.legend(handles=patches, loc="outside lower center", ncols=len(patches))
    return figure, caption(frame, labels)


def _panel(axis: Axes, rows: pd.DataFrame, claims: list[tuple[str, str]], letters: float) -> None:
    columns = [(level, metric) for level in LEVELS for metric in METRICS]
    cells = rows.set_index(["first", "second", "level", "metric"])
    table = [[cells.loc[(*claim, *column)] for column in columns] for claim in claims]
    sns.heatmap(
        [[list(COLOURS).index(cell["verdict"]) for cell in line] for line in table],
        vmin=0,
        vmax=len(COLOURS) - 1,
        cmap=ListedColormap(list(COLOURS.values())),
        annot=[[_number(cell, level) for cell, (level, _) in zip(line, columns, strict=True)] for line in table],
        fmt="",
        annot_kws={"fontsize": letters},
        linewidths=0.4,
        linecolor="#999999",
        cbar=False,
        xticklabels=[f"{metric.upper()}\n{level}s" for level, metric in columns],
        ax=axis,
    )
    axis.grid(False)
    axis.tick_params(length=0)
    axis.tick_params(axis="x", labelsize=min(5.5, letters), rotation=0)


def _number(cell: pd.Series, level: str) -> str:
    return "–" if cell["verdict"] == TOO_FEW and level == "patient" else f"{cell['epsilon_min']:.2f}"


def caption(frame: pd.DataFrame, labels: Mapping[str, Any]) -> str:
    """Explains the colours and the numbers."""
    names = ", ".join(labels["cohorts"][cohort]["label"] for cohort in dict.fromkeys(frame["cohort"]))
    text = (
        f"Every claim “the first method is better than the second” on {names}, by metric, over patients and over "
        "slices. The number is ε_min of almost stochastic order, an upper bound: near 0: the first dominates; near 1: "
        "not shown, which does not mean that the second is better. Blue: shown, by ε_min below 0.5 (dark: "
        "0.2) and a paired bootstrap interval over patients above 0, both corrected for all comparisons. Grey: not "
        "shown."
    )
    if (frame["verdict"] == TOO_FEW).any():
        text += (
            f" White: fewer than {LEAST} test patients allow no verdict; the numbers for slices are printed as "
            "in the article. The contest over all patients gives a verdict."
        )
    return text
