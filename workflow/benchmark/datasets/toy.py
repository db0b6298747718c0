"""Phantoms made by code, for tests and the smoke run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, ornt_transform

from benchmark.datasets import Reader
from benchmark.datasets.phantom import CONTRAST, phantom
from benchmark.errors import UserError
from benchmark.files import written
from benchmark.seeds import derive


def scan(
    shape: Sequence[int], spacing: Sequence[float], codes: str, modality: str, seed: int, tilt: float = 4.0
) -> nib.Nifti1Image:
    """A phantom as a scanner might store it: int16, axes as ``codes``, tilted by ``tilt`` degrees.

    ``shape`` and ``spacing`` (mm) are along the stored axes. Array and affine agree: left is left.
    """
    transform = ornt_transform(axcodes2ornt(("R", "A", "S")), axcodes2ornt(tuple(codes)))
    back = ornt_transform(axcodes2ornt(tuple(codes)), axcodes2ornt(("R", "A", "S")))
    order = back[:, 0].astype(int).argsort()
    x, y, z = (int(shape[i]) for i in order)
    data = nib.apply_orientation(phantom((x, y, z), modality, seed), transform)
    angle = np.deg2rad(tilt)
    affine = np.diag([*(float(spacing[i]) for i in order), 1.0])
    affine[:3, 3] = -np.diag(affine)[:3] * (np.array([x, y, z]) - 1) / 2 + (1.5, -12.0, 8.0)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = turn @ affine @ inv_ornt_aff(transform, (x, y, z))
    image = nib.Nifti1Image(np.round(data * 1000).astype(np.int16), affine)
    image.header.set_xyzt_units("mm")
    return image


class Dataset(Reader):
    """``count`` phantoms; ``shape``, ``spacing`` (mm) and ``codes`` (directions) are of the stored axes."""

    modalities = tuple(CONTRAST)

    def __init__(
        self,
        folder: str | Path,
        *,
        count: int = 6,
        shape: Sequence[int] = (48, 56, 40),
        spacing: Sequence[float] = (1.0, 1.0, 1.2),
        codes: str = "RAS",
        seed: int = 0,
        **common: Any,
    ) -> None:
        super().__init__(folder, **common)
        if len(shape) != 3 or min(shape) < 16 or len(spacing) != 3 or min(spacing) <= 0 or count < 1:
            raise UserError(f"{self}: needs count ≥ 1, three numbers ≥ 16 as shape and three > 0 as spacing")
        self.count, self.shape, self.spacing, self.codes, self.seed = count, shape, spacing, codes, seed

    def subjects(self) -> list[str]:
        return [f"toy{number:02d}" for number in range(1, self.count + 1)]

    def fetch(self, subjects: Sequence[str]) -> dict[str, Path]:
        self.known(subjects, self.subjects())
        made = {}
        for subject in subjects:
            # The name includes the options, so that changed options never use an old phantom.
            mark = derive(self.seed, *self.shape, *self.spacing, self.codes)
            made[subject] = self.folder / f"{subject}_{self.modality}_{mark:016x}.nii.gz"
            if not made[subject].exists():
                seed = derive(self.seed, "toy", subject)
                with written(made[subject]) as aside:
                    nib.save(scan(self.shape, self.spacing, self.codes, self.modality, seed), aside)
        return made
