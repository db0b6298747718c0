"""The style of figures: the style file, a colour for every method, and helpers for panels."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display where jobs run

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.files import written

plt.style.use(Path(__file__).with_name("figures.mplstyle"))

# Okabe and Ito's palette, which colour-blind readers can distinguish. The article's figures 5 and 6: blue, red, green.
WITHOUT_SI = "#0072B2"
_FIXED = {
    "ours": "#D55E00",
    "ours_no_edsr": "#F2A97E",
    "baseline": "#7CC8AE",
    "baseline_edsr": "#009E73",  # ours is compared with this baseline, which also has EDSR
    "linear": "#000000",
    "truth": "#999999",
}
_CYCLE = ("#CC79A7", "#E69F00", "#56B4E9", "#7B4FA3", "#8C6D31", "#666666", "#B8A800", "#4D8F8B")
_MARKERS = "oDs^vP*Xhd<>"

ERROR_MAP = "inferno"

# Inches: the width of a page and of a column, and the height of a page, as in journals (190, 90 and 240 mm).
FULL, COLUMN, PAGE = 190 / 25.4, 90 / 25.4, 240 / 25.4


def colours(methods: Sequence[str]) -> dict[str, str]:
    """A colour for each method, the same in every figure of a study; ``methods``: all methods of the study."""
    free = iter(_CYCLE * (1 + len(methods) // len(_CYCLE)))
    return {method: _FIXED.get(method) or next(free) for method in methods}


def markers(methods: Sequence[str]) -> dict[str, str]:
    """A marker for each method, the same in every figure of a study."""
    return {method: _MARKERS[i % len(_MARKERS)] for i, method in enumerate(methods)}


def picture(axis: Axes, image: np.ndarray | None, high: float = 1.0, **options: Any) -> Any:
    """One panel without ticks: black is 0, white ``high``; an empty panel if there is no image."""
    axis.grid(False)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
    return None if image is None else axis.imshow(image, vmin=0, vmax=high, **options)


def grid(
    rows: int, columns: int, image: tuple[int, int], width: float = FULL, labels: float = 0.2, margin: float = 0.0
) -> tuple[Figure, np.ndarray]:
    """Figure and axes (rows, columns) for panels of ``image`` (H, W) pixels; it fits a page of a journal.

    ``width`` in inches; ``labels``: inches above and below each panel; ``margin``: inches of the width for row names or
    a colour bar. If the rows exceed the height of a page, all panels become smaller.
    """
    across = (width - margin) / columns
    height = min(across * image[0] / image[1] + labels, PAGE / rows)
    across = min(across, (height - labels) * image[1] / image[0])
    figure, axes = plt.subplots(rows, columns, figsize=(across * columns + margin, rows * height), squeeze=False)
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    return figure, axes


def row_name(axis: Axes, label: str, width: int = 18) -> None:
    """The name of a row, left of its first panel, broken into lines of ``width`` letters."""
    axis.set_ylabel(textwrap.fill(label, width), rotation=0, ha="right", va="center", labelpad=4)


def two_lines(label: str, width: int = 20) -> str:
    """The label, broken into two lines if it is long."""
    return "\n".join(textwrap.wrap(label, max(width, len(label) // 2 + 4)))


def content(volumes: Sequence[np.ndarray], margin: int = 3, above: float = 0.04) -> tuple[slice, slice]:
    """Rows and columns that hold all pixels ``above`` noise, with a margin, so that panels do not show the padding."""
    seen = np.any([(volume.reshape(-1, *volume.shape[-2:]) > above).any(axis=0) for volume in volumes], axis=0)
    if not seen.any():
        return slice(None), slice(None)
    sides = []
    for axis in (1, 0):
        where = np.flatnonzero(seen.any(axis=axis))
        sides.append(slice(max(0, where[0] - margin), min(seen.shape[1 - axis], where[-1] + 1 + margin)))
    return sides[0], sides[1]


def white(images: np.ndarray) -> float:
    """The grey level drawn as white: the 99.7th percentile of the non-zero pixels, shared by all panels of a figure."""
    signal = images[images > 0]
    return float(np.percentile(signal, 99.7)) if signal.size else 1.0


def save(figure: Figure, png: str | Path, pdf: str | Path) -> None:
    """PNG for the screen and PDF for print, without a date, so that the same figure gives the same file."""
    for path, metadata in ((png, {"Software": None}), (pdf, {"CreationDate": None})):
        with written(path) as aside:
            figure.savefig(aside, metadata=metadata)
    plt.close(figure)
