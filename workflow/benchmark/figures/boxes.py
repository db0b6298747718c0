"""The parts of diagrams: boxes, pictures and arrows on a sheet in millimetres."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from benchmark.print.style import FULL

WIDTH = FULL * 25.4  # mm
DATA, NETWORK, STEP = "#e3eef7", "#fbe3d0", "#e4f1e4"
"""Fill of a box: an image or latent, a trained network, a calculation."""
LINE = "#555555"


@dataclass(frozen=True)
class Box:
    """A box of ``width`` × ``height`` mm around (``x``, ``y``), from the sheet's lower left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> tuple[float, float]:
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y

    @property
    def top(self) -> tuple[float, float]:
        return self.x, self.y + self.height / 2

    @property
    def bottom(self) -> tuple[float, float]:
        return self.x, self.y - self.height / 2


def sheet(height: float) -> tuple[Figure, Axes]:
    """A figure of the width of a page and ``height`` mm, and its axes in mm."""
    figure = plt.figure(figsize=(FULL, height / 25.4))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, WIDTH), ylim=(0, height))
    axis.set_axis_off()
    return figure, axis


def box(axis: Axes, place: Box, name: str, about: str = "", fill: str = DATA) -> Box:
    """A box with its name in bold and a description."""
    (x, y), style = (place.x - place.width / 2, place.y - place.height / 2), "round,pad=0,rounding_size=1.5"
    axis.add_patch(
        FancyBboxPatch((x, y), place.width, place.height, boxstyle=style, facecolor=fill, edgecolor=LINE, linewidth=0.6)
    )
    lines = about.count("\n") + 1 if about else 0
    lift = 1.45 * lines
    axis.text(place.x, place.y + lift, name, ha="center", va="center", fontsize=8, fontweight="bold")
    axis.text(place.x, place.y + lift - 2, about, ha="center", va="top", fontsize=6.6, linespacing=1.25)
    return place


def image(axis: Axes, place: Box, pixels: np.ndarray, below: str) -> Box:
    """A picture (H, W) in [0, 1] at ``place``, and a line of text below the picture."""
    x, y = place.x - place.width / 2, place.y - place.height / 2
    axis.imshow(pixels, extent=(x, x + place.width, y, y + place.height), vmin=0, vmax=1, zorder=2)
    axis.text(place.x, y - 1, below, ha="center", va="top", fontsize=6.6, linespacing=1.25)
    return place


def arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], text: str = "", bend: float = 0) -> None:
    """An arrow, straight or bent, with a few words at its middle."""
    axis.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=7,
            linewidth=0.8,
            color=LINE,
            shrinkA=1,
            shrinkB=1,
            connectionstyle=f"arc3,rad={bend}",
            zorder=1,
        )
    )
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 1
    axis.text(*middle, text, ha="center", va="bottom", fontsize=6.6)
