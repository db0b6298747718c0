"""A thick-sliced oblique scan, and its stored orientations."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import apply_orientation, inv_ornt_aff

from benchmark.datasets.phantom import phantom
from benchmark.errors import UserError
from zoom.request import request
from zoom.run import zoom

#: A rotation, with three voxel sizes, as in clinical scans.
OBLIQUE = np.array(
    [
        [-0.93336065, 0.06522717, 1.03391612, 40.2],
        [0.1214372, 0.89212096, 1.36588372, -31.7],
        [0.17172917, -0.27634329, 4.65353405, -20.9],
        [0.0, 0.0, 0.0, 1.0],
    ]
)


def thick(shape: tuple[int, int, int] = (20, 24, 9), seed: int = 3) -> np.ndarray:
    """A phantom of whole numbers, int16: 0 … about 1200, some voxels far above the 99.9th percentile."""
    volume = np.rint(phantom(shape, "T1", seed) * 1000).astype(np.int16)
    volume[shape[0] // 2, shape[1] // 2, shape[2] // 2] = 2500
    return volume


def orientations() -> Iterator[np.ndarray]:
    """The 48 ways to store a volume: every order of the axes, each in both directions."""
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            yield np.array(list(zip(order, signs, strict=True)), dtype=float)


def stored(data: np.ndarray, affine: np.ndarray, orientation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same volume at the same position, stored with other axes."""
    return apply_orientation(data, orientation), affine @ inv_ornt_aff(orientation, data.shape)


def canonical(image: nib.Nifti1Image) -> tuple[np.ndarray, np.ndarray]:
    """Data and affine, the axes as near to right, front and top as they come."""
    found = nib.as_closest_canonical(image)
    return np.asarray(found.dataobj), found.affine


def world(affine: np.ndarray, voxel: np.ndarray) -> np.ndarray:
    """Positions of voxels (…, 3), mm."""
    return voxel @ affine[:3, :3].T + affine[:3, 3]


def refused(config: dict, scan: Path, output: Path, **given: object) -> str:
    """The line with which zoom refuses a scan; no files remain."""
    before = sorted(output.parent.iterdir()) if output.parent.is_dir() else None
    with pytest.raises(UserError) as raised:
        zoom(request(config, scan, output, **{"n": 1, **given}), config, lambda line: None)
    message = str(raised.value)
    assert "\n" not in message
    assert before == (sorted(output.parent.iterdir()) if output.parent.is_dir() else None)
    return message
