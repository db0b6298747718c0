"""Whole volumes of one test patient next to each other in the browser: truth, linear, the article's method, the
best."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import volume
from benchmark.figures.detail import patient, read_detail
from benchmark.print.style import white
from benchmark.print.viewer import MOST, Panel, eight_bit, quantised, viewer
from benchmark.scores.aggregate import read_scores
from benchmark.scores.metrics import HIGHER_IS_BETTER

JUDGE = "psnr"


def removed_means(scores: pd.DataFrame, subject: str, fold: int) -> tuple[pd.Series, int]:
    """Mean PSNR by method over the subject's removed slices, networks of ``fold``, the best first; and the number of
    these slices.

    ``scores``: slice scores from ``read_scores``.
    """
    of = scores[(scores["subject"] == subject) & scores["fold"].isin([0, fold]) & scores["removed"] & scores["signal"]]
    means = of.groupby("method", sort=False)[JUDGE].mean()
    return means.sort_values(ascending=not HIGHER_IS_BETTER[JUDGE]), of["slice"].nunique()


def shown_methods(means: pd.Series, always: Sequence[str]) -> list[str]:
    """The methods ``always``, and the best method if it is not among these."""
    return list(dict.fromkeys([*always, str(means.index[0])]))


def page(
    detail: str,
    files: Mapping[str, Sequence[str]],
    *,
    patient_number: int,
    cohort: str,
    always: Sequence[str],
    labels: Mapping[str, str],
    folds: int,
    fold: int = 1,
) -> str:
    """The page. ``detail``: the cohort's sheet; ``files``: ``volumes``, ``restored`` (folders) and ``scores``.

    ``always``: methods that are always shown; ``labels``: of all methods that do not see the truth.
    """
    subject = patient(read_detail(detail), patient_number)
    scores = read_scores(files["scores"])
    means, count = removed_means(scores, subject, fold)
    methods, file = shown_methods(means, always), f"{subject}.nii.gz"
    folders = {Path(folder).name: Path(folder) for folder in files["restored"]}
    paths = {"truth": next(path for path in files["volumes"] if Path(path).name == file)}
    paths |= {method: str(folders[method] / file) for method in methods}
    read = {name: volume.read(path) for name, path in paths.items()}
    truth = read["truth"][0]
    step = next(n for n in range(1, max(truth.shape)) if len(read) * truth[:, ::n, ::n].size <= MOST)
    top = white(truth)
    panels = [
        Panel(
            labels.get(name, "Truth"),
            _about(name, means),
            eight_bit(quantised(np.moveaxis(data[:, ::step, ::step], 0, 2), 0, top), affine @ coarser(step), 0, top),
        )
        for name, (data, affine) in read.items()
    ]
    trained = scores.loc[scores["method"].isin(methods), "fold"].max() > 0
    networks = f", networks of fold {fold} of {folds}" if trained else ""
    lead = [
        f"{cohort}, test patient {subject}, {truth.shape[1]}×{truth.shape[2]} pixels and {len(truth)} "
        f"slices{networks}. Every method saw all slices except the removed slices, at a quarter of the resolution.",
        f"The best is the one of {len(labels)} methods that do not see the truth whose mean PSNR over this volume's "
        f"{count} removed slices that show more than air is highest.",
    ]
    if step > 1:
        lead.append(f"To spare the browser, one pixel in {step} along rows and columns is shown.")
    return viewer(
        "Whole volumes, next to the truth",
        lead,
        panels,
        grey=f"black is 0, white {top:.3g} of the volume's own scale or more",
        otherwise="The figures show slices of the same volumes.",
    )


def _about(name: str, means: pd.Series) -> str:
    if name == "truth":
        return "The scan itself."
    best = " The best of this volume." if name == means.index[0] else ""
    return f"Mean PSNR of the removed slices {means[name]:.2f} dB.{best}"


def coarser(step: int) -> np.ndarray:
    """Matrix 4×4 from voxels after keeping every ``step``-th row and column to the original voxels."""
    return np.diag([step, step, 1, 1])
