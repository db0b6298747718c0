"""Preprocessing of a scan and scores of slices: by this project, and by plain use of the libraries."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmark.bench import plain
from benchmark.bench.row import Race

SLICES = 16


def preprocessing(side: int, folder: Path) -> Race:
    """A phantom of ``side`` in all directions, written to ``folder`` as integers, as a scanner does."""
    import nibabel as nib

    from benchmark.cohort.preprocess import preprocess
    from benchmark.datasets.phantom import phantom
    from benchmark.volume import write

    scan = folder / "scan.nii.gz"
    voxels = (phantom((side - 8, side - 16, side), "T1", seed=1) * 1000).clip(0).astype(np.int16)
    nib.save(nib.Nifti1Image(voxels, np.diag([1.0, 1.0, 1.0, 1.0])), scan)

    def ours() -> None:
        volume, affine, _ = preprocess(scan, axis=2, size=side)
        write(folder / "ours.nii.gz", volume, affine)

    def plainly() -> None:
        plain.preprocess(scan, folder / "plain.nii.gz", side)

    return Race(f"preprocessing, {side}³ voxels", "volume", ours, plainly)


def rows(side: int, trunk: Path) -> Iterator[Race]:
    """Scores of slices ``side``×``side``, then a scan's preprocessing."""
    import torch

    from benchmark.datasets.phantom import phantom
    from benchmark.scores.metrics import score
    from benchmark.scores.region import Region
    from models.perceptual import Perceptual

    truth = np.moveaxis(phantom((side, side, 2 * SLICES), "T1", seed=2).clip(0, 1).astype(np.float32), 2, 0)
    truth = truth[SLICES // 2 : SLICES // 2 + SLICES]
    blurred = (truth + np.roll(truth, 1, axis=1)) / 2
    perceptual = Perceptual(trunk, net="alex")
    inside = Region(truth > 0, "brain")
    prediction, truth_tensor = (torch.from_numpy(slices)[:, None] for slices in (blurred, truth))
    yield Race(
        "SSIM and PSNR, frame and brain",
        "slice",
        lambda: score(blurred, truth, inside, _Nothing()),
        lambda: plain.scores(blurred, truth),
        SLICES,
    )
    yield Race(
        "LPIPS, frame and brain",
        "slice",
        lambda: perceptual.distances(blurred, truth, inside.mask),
        lambda: plain.distances(perceptual.lpips, prediction, truth_tensor),
        SLICES,
    )
    with tempfile.TemporaryDirectory() as folder:
        yield preprocessing(side, Path(folder))


class _Nothing:
    """Leaves LPIPS out of ``score``."""

    def distances(self, a: np.ndarray, b: np.ndarray, mask: np.ndarray, batch: int = 16) -> tuple:
        return np.zeros(len(a)), np.zeros(len(a))
