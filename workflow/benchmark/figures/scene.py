"""What a figure draws from: its place in the config, and the files of its cohort, read when they are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import volume
from benchmark.figures.detail import patient, read_detail, removed_slice
from benchmark.figures.gaps import Gap, gap
from benchmark.scores.aggregate import read_scores


@dataclass(frozen=True)
class Scene:
    """``spec``: draw, n, patient, region, removed; ``pair``: ours and the baseline, or what takes their places.

    ``methods``: those the figure shows; ``labels``: every method of the study by key, in order; ``fold`` whose
    networks are shown. ``files``: the job's input files by name.
    """

    figure: str
    spec: Mapping[str, Any]
    cohort: str
    pair: Sequence[str]
    methods: Sequence[str]
    labels: Mapping[str, str]
    fold: int
    folds: int
    stand_in: bool
    files: Mapping[str, Any]

    @cached_property
    def detail(self) -> pd.DataFrame:
        return read_detail(self.files["detail"])

    @property
    def subject(self) -> str:
        return patient(self.detail, self.spec["patient"])

    @property
    def patients(self) -> int:
        """How many test patients may be pictured."""
        return int(self.detail["subject"].nunique())

    @cached_property
    def gap(self) -> Gap:
        return gap(self.spec, self.detail)

    @property
    def removed(self) -> int:
        """The removed slice with the most detail."""
        return removed_slice(self.detail, self.subject, self.spec["region"])

    @cached_property
    def truth(self) -> np.ndarray:
        """The subject's true volume (S, H, W)."""
        return volume.read(self._among("volumes", f"{self.subject}.nii.gz"))[0]

    def new(self, method: str) -> np.ndarray:
        """The figure's gap restored by a method, (n + 2, H, W)."""
        return volume.read(Path(self._among("gaps", method)) / self.gap.file)[0]

    def restored(self, method: str) -> np.ndarray:
        """The whole volume restored by a method under the protocol, (S, H, W)."""
        return volume.read(Path(self._among("restored", method)) / f"{self.subject}.nii.gz")[0]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Slice scores of the figure's methods for its subject and fold (fold 0 where nothing is trained)."""
        scores = read_scores(self.files["scores"])
        return scores[(scores["subject"] == self.subject) & scores["fold"].isin([0, self.fold])]

    def _among(self, kind: str, name: str) -> str:
        return next(path for path in self.files[kind] if Path(path).name == name)

    @property
    def apart(self) -> str:
        """Words for a region that is not the first."""
        region = self.spec["region"]
        return "" if region == 1 else f" (region {region}, at least an eighth of the volume from those before)"

    @property
    def neighbours(self) -> str:
        """Words for the gap between two neighbouring slices and how it was chosen."""
        gap = self.gap
        return f"slices {gap.left} and {gap.right}: the two neighbours with the most gradient energy{self.apart}"

    def where(self, what: str) -> str:
        """The end of every caption: whose, which, and how it was chosen."""
        text = (
            f"{self.cohort}, test patient {self.subject} ({self.patients} may be pictured), {what}, networks of fold "
            f"{self.fold} of {self.folds}."
        )
        if self.stand_in:
            text += " The article's own cohort of this figure is not in this study: this one stands in for it."
        return text
