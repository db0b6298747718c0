"""The contest as a picture: the three best methods, the controls and the truth on the removed slice with the most
detail."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmark import volume
from benchmark.cohort.protocol import Removal, read_removal
from benchmark.contest.measure import REMOVED
from benchmark.contest.table import patient_means
from benchmark.figures.detail import gradient_energy
from benchmark.files import subject_of
from benchmark.print.style import ERROR_MAP, content, grid, picture, white
from benchmark.scores.metrics import HIGHER_IS_BETTER, METRICS, psnr

BEST, WINDOW = 3, 0.3


def shown(scores: pd.DataFrame, cohort: str, methods: Mapping[str, Any]) -> list[str]:
    """The ``BEST`` methods by mean rank over the three metrics of the 10 % protocol, then the controls."""
    patients = patient_means(scores[(scores["cohort"] == cohort) & (scores["setting"] == REMOVED)])
    means = patients.groupby("method", sort=False)[list(METRICS)].mean()
    honest = means[[methods[m]["kind"] == "method" for m in means.index]]
    ranks = sum(honest[m].rank(ascending=not HIGHER_IS_BETTER[m]) for m in METRICS)
    best = list(ranks.sort_values(kind="stable").index[:BEST])
    return best + [m for m in means.index if methods[m]["kind"] == "control"]


def most_detail(truths: Sequence[str], removals: Sequence[str]) -> tuple[str, np.ndarray, Removal, int]:
    """The removed slice with the most gradient energy among all patients: subject, truth, removal, slice."""
    candidates = []
    for truth_path, removal_path in zip(truths, removals, strict=True):
        truth, removal = volume.read(truth_path)[0], read_removal(removal_path)
        energy = gradient_energy(truth[removal.removed])
        index = int(removal.removed[energy.argmax()])
        candidates.append((float(energy.max()), subject_of(truth_path), truth, removal, index))
    return max(candidates, key=lambda one: one[0])[1:]


def draw(
    subject: str,
    truth: np.ndarray,
    place: int,
    restored: Mapping[str, np.ndarray],
    labels: Mapping[str, str],
    cohort: str,
) -> tuple[Figure, str]:
    """Slices, the window with the most detail, and errors, in three rows; a column for the truth and each method.

    ``truth`` (H, W); ``restored``: by method, (H, W).
    """
    crop = content([truth[None]])
    high = white(truth)
    rows, columns = _window(truth, crop)
    images = {"truth": truth, **restored}
    errors = {method: np.abs(image - truth) for method, image in restored.items()}
    worst = max(float(np.percentile(np.stack(list(errors.values())), 99.5)), 1e-3)
    figure, axes = grid(3, len(images), truth[crop].shape, labels=0.3, margin=0.6)
    for column, (method, image) in enumerate(images.items()):
        picture(axes[0, column], image[crop], high)
        axes[0, column].set_title("truth" if method == "truth" else textwrap.fill(labels[method], 14), fontsize=6.5)
        picture(axes[1, column], image[rows, columns], high)
        if method == "truth":
            axes[2, column].set_visible(False)
            continue
        bar = picture(axes[2, column], errors[method][crop], worst, cmap=ERROR_MAP)
        axes[2, column].set_title(f"PSNR {psnr(image, truth):.2f} dB")
    scale = figure.colorbar(bar, ax=list(axes.flat), location="right", aspect=40, shrink=0.6, pad=0.01, extend="max")
    scale.ax.grid(False)
    scale.set_label("absolute error (the truth is scaled to [0, 1])")
    caption = (
        f"{cohort}, patient {subject}, slice {place}: the removed slice with the most gradient energy among "
        "the patients of fold 1, restored with networks that never saw the patient. Top: the slice; middle: its "
        "window with the most gradient energy; bottom: the absolute error and the slice's PSNR. The three methods "
        "that rank best over the three metrics, then the controls. All panels share grey levels and the scale of the "
        "errors."
    )
    return figure, caption


def _window(truth: np.ndarray, crop: tuple[slice, slice]) -> tuple[slice, slice]:
    """The square window, ``WINDOW`` of the shown height, with the most gradient energy."""
    side = max(16, int(WINDOW * (crop[0].stop - crop[0].start))) if crop[0].stop else len(truth) // 3
    vertical, horizontal = np.gradient(truth.astype(np.float64))
    energy = np.pad((vertical**2 + horizontal**2).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    sums = energy[side:, side:] - energy[:-side, side:] - energy[side:, :-side] + energy[:-side, :-side]
    top, left = np.unravel_index(sums.argmax(), sums.shape)
    return slice(top, top + side), slice(left, left + side)
