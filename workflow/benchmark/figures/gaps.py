"""New slices between two slices (eqs. 6 and 10): shown in figures 7–26 and in the survey, for any n."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import volume
from benchmark.cohort.protocol import Removal
from benchmark.figures.detail import adjacent_pair, patient


@dataclass(frozen=True)
class Gap:
    """``n`` new slices between the neighbouring slices ``left`` and ``left`` + 1 of ``subject``; all slices are known,
    so new slices have no truth."""

    subject: str
    left: int
    n: int

    @property
    def right(self) -> int:
        return self.left + 1

    @property
    def positions(self) -> np.ndarray:
        """Both ends and the new slices between them, (n + 2,)."""
        return np.linspace(self.left, self.right, self.n + 2)

    @property
    def file(self) -> str:
        """Name of the file of this gap."""
        return f"{self.subject}_{self.left:03d}-{self.right:03d}_n{self.n}.nii.gz"


def gap(spec: Mapping[str, Any], detail: pd.DataFrame) -> Gap:
    """The gap for the ``spec`` (patient, region, n) of a figure or of the survey."""
    subject = patient(detail, spec["patient"])
    return Gap(subject, adjacent_pair(detail, subject, spec["region"]), spec["n"])


def restore_gap(restoration: Any, gap: Gap, truth: Path, into: Path) -> None:
    """Restores one gap with a ``benchmark.jobs.restoration.Restoration`` and writes it as a volume of n + 2 slices."""
    from benchmark.jobs.restoration import inputs

    slices, affine = volume.read(truth)
    nothing_removed = Removal(len(slices), np.array([], dtype=int))
    restorer = restoration.build(gap.subject)
    new = restorer.restore(*inputs(restorer, slices, nothing_removed), gap.positions)
    step = np.eye(4)
    step[2, 2], step[2, 3] = 1 / (gap.n + 1), gap.left
    volume.write(into / gap.file, new, affine @ step)
