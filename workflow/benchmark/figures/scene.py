"""The source of a figure: its line in the config, and the files of its cohort, which are read when needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import volume
from benchmark.figures.detail import patient, read_detail
from benchmark.figures.gaps import Gap, gap
from benchmark.scores.aggregate import read_scores


@dataclass(frozen=True)
class Scene:
    """``spec``: draw, n, patient, region.

    ``pair``: the methods that interpolate latents and pixels, or two substitutes; ``alike``: whether the two differ
    only in where slices are interpolated; ``unlike``: labels of networks that only one of the two has. ``methods``: the
    methods in the figure; ``coloured``: the methods drawn in colour where lines would cover each other; ``learned``:
    the methods trained with AlexNet's features, which LPIPS uses; ``labels``: every method of the study by key, in
    order.
    ``fold``: the fold of the networks; 0 if no method of the figure has networks. ``same``: the article's figures that
    this figure stands for, including itself. ``files``: the job's input files by name. ``antialias``: whether known
    slices are filtered before they are made coarse.
    """

    figure: str
    spec: Mapping[str, Any]
    cohort: str
    pair: Sequence[str]
    alike: bool
    unlike: Sequence[str]
    methods: Sequence[str]
    coloured: Sequence[str]
    learned: Sequence[str]
    labels: Mapping[str, str]
    fold: int
    folds: int
    stand_in: bool
    same: Sequence[str]
    files: Mapping[str, Any]
    antialias: bool = True

    @cached_property
    def detail(self) -> pd.DataFrame:
        return read_detail(self.files["detail"])

    @property
    def subject(self) -> str:
        return patient(self.detail, self.spec["patient"])

    @property
    def patients(self) -> int:
        """Number of test patients that may be pictured."""
        return int(self.detail["subject"].nunique())

    @cached_property
    def gap(self) -> Gap:
        return gap(self.spec, self.detail)

    @cached_property
    def truth(self) -> np.ndarray:
        """The subject's true volume (S, H, W)."""
        return volume.read(self._among("volumes", f"{self.subject}.nii.gz"))[0]

    def low(self, index: Sequence[int] | np.ndarray) -> np.ndarray:
        """The subject's slices ``index`` as methods see them: low resolution, (len(index), H/4, W/4)."""
        import torch

        from models.interpolation import degrade

        coarse = degrade(torch.from_numpy(self.truth[index]).unsqueeze(1), antialias=self.antialias)
        return coarse.squeeze(1).clamp(0, 1).numpy()

    def new(self, method: str) -> np.ndarray:
        """The figure's gap restored by a method, (n + 2, H, W)."""
        return volume.read(Path(self._among("gaps", method)) / self.gap.file)[0]

    def restored(self, method: str) -> np.ndarray:
        """The whole volume restored by a method under the protocol, (S, H, W)."""
        return volume.read(Path(self._among("restored", method)) / f"{self.subject}.nii.gz")[0]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Slice scores of the figure's methods for its subject and fold (fold 0 for methods without training)."""
        scores = read_scores(self.files["scores"])
        return scores[(scores["subject"] == self.subject) & scores["fold"].isin([0, self.fold])]

    def _among(self, kind: str, name: str) -> str:
        return next(path for path in self.files[kind] if Path(path).name == name)

    @property
    def apart(self) -> str:
        """Text about the region, if it is not the first."""
        region = self.spec["region"]
        return "" if region == 1 else f" (region {region}, at least an eighth of the volume from the regions before)"

    @property
    def neighbours(self) -> str:
        """Text about the gap between two neighbouring slices and how it was chosen."""
        gap = self.gap
        return f"slices {gap.left} and {gap.right}: the two neighbours with the most gradient energy{self.apart}"

    @property
    def confound(self) -> str:
        """A sentence about the comparison of the pair: only the interpolation differs, or what else differs."""
        if not set(self.pair) <= set(self.methods):
            return ""
        names = " and ".join(self.labels[method] for method in self.pair)
        if self.alike:
            return f"{names} have the same networks and differ only in where slices are interpolated. "
        if self.unlike:
            return f"{names} differ in more than interpolation. Only one of the two has: {', '.join(self.unlike)}. "
        return ""

    no_truth = (
        "The place of the new slices was never scanned, so they have no truth: the picture shows whether they look "
        "right, not whether they are right. "
    )
    """A sentence for figures with new slices between neighbours."""

    @property
    def judge(self) -> str:
        """A sentence for figures with LPIPS: which methods were trained with the features that LPIPS uses."""
        names = ", ".join(self.labels[method] for method in self.learned)
        return f"LPIPS uses AlexNet's features, with which these methods were trained: {names}. " if names else ""

    def where(self, what: str) -> str:
        """The end of every caption: the patient, the slices, how they were chosen, and the fold of the networks."""
        frame = f"frames of {self.truth.shape[1]}×{self.truth.shape[2]} pixels"
        text = f"{self.cohort} ({frame}), test patient {self.subject} ({self.patients} may be pictured), {what}"
        text += f", networks of fold {self.fold} of {self.folds}." if self.fold else "."
        if self.stand_in:
            numbers = [str(int(figure.removeprefix("fig"))) for figure in self.same]
            several = "figure " + numbers[0] if len(numbers) == 1 else f"figures {', '.join(numbers)}"
            text += f" This study does not have the article's own cohort of {several}: this cohort stands in for it" + (
                ", and one picture replaces all of these figures, which would be identical." if numbers[1:] else "."
            )
        return text
