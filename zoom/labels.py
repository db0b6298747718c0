"""Labels on a scan's grid, resampled to the output's grid: each voxel gets the label of the nearest voxel."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation, ornt_transform

from benchmark.errors import UserError
from benchmark.images.opening import open_image, reading
from zoom.geometry import Grid
from zoom.intensity import Encoding
from zoom.output import header, opened, stored_shape, suffix_of
from zoom.scan import OpenScan

#: Allowed distance between labels and the scan's voxels, as a share of the smallest voxel: a header's rounding.
BESIDE = 0.1
TYPES = (np.uint8, np.int16, np.int32)  # supported by every format and tool
LABEL = 1002  # NIfTI's intent


@dataclass(frozen=True)
class Labels:
    """A label map on a scan's grid. ``data``: whole numbers along the scan's stored axes; ``sha256``: of the file."""

    path: Path
    data: np.ndarray
    sha256: str


def open_labels(path: Path, scan: OpenScan, orientation: str | None = None) -> Labels:
    """Reads a label map and checks that it is on the grid of ``scan``, however its axes are stored.

    ``orientation``: as for the scan. Raises ``UserError``: not an image, not one volume, another grid, values that are
    not whole numbers or too large.
    """
    volume = open_image(path, orientation)
    shape = tuple(int(n) for n in volume.image.shape)
    if len(shape) < 3 or max(shape[3:], default=1) != 1:
        raise UserError(f"{path}: labels of shape {shape}; give one volume of labels")
    with reading(str(path)):
        stored = np.asanyarray(volume.image.dataobj).reshape(shape[:3])
    volume.end()
    turn = ornt_transform(io_orientation(volume.affine), io_orientation(scan.affine))
    affine = volume.affine @ inv_ornt_aff(turn, stored.shape)
    stored = apply_orientation(stored, turn)
    if stored.shape != scan.shape or _beside(affine, scan) > BESIDE:
        raise UserError(
            f"{path}: not on the grid of {scan.path} (shape {shape[:3]} and {scan.shape}"
            + (f", corners up to {_beside(affine, scan):.3g} voxels apart" if stored.shape == scan.shape else "")
            + "); draw the labels on this scan, or resample them to it first"
        )
    whole = np.rint(stored)
    if not np.array_equal(whole, stored):
        raise UserError(f"{path}: holds values that are not whole numbers; labels are 0, 1, 2, …")
    low, high = float(whole.min()), float(whole.max())
    fitting = [kind for kind in TYPES if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max]
    if not fitting:
        raise UserError(f"{path}: holds labels from {low:g} to {high:g}, beyond 32 bits")
    return Labels(path, whole.astype(fitting[0]), volume.source.sha256())


def _beside(affine: np.ndarray, scan: OpenScan) -> float:
    """Largest distance between a corner of the scan's grid and its position by ``affine``, in the scan's smallest
    voxels.
    """
    ends = [(0, n - 1) for n in scan.shape]
    corners = np.array(np.meshgrid(*ends)).reshape(3, -1)
    apart = (affine - scan.affine)[:3, :3] @ corners + (affine - scan.affine)[:3, 3:]
    return float(np.linalg.norm(apart, axis=0).max() / scan.spacing.min())


def nearest(grid: Grid, flipped: bool) -> np.ndarray:
    """(S',) the scan's slice, along the stored axis, that is nearest to each slice of the output.

    Half-way between two slices, the later slice in upright order, so that every stored orientation gives the same
    result.
    """
    index = np.floor(grid.at.round(6) + 0.5).astype(int).clip(0, grid.slices - 1)
    return grid.slices - 1 - index[::-1] if flipped else index


def write(labels: Labels, scan: OpenScan, grid: Grid, aside: Path, name: Path) -> None:
    """Writes the labels on the output's grid into the file ``aside``, in the format of ``name``."""
    form = Encoding(labels.data.dtype, 1.0, 0.0)
    image = header(scan, grid, form, suffix_of(name), description="labels", series=False)
    fields: Any = image.header
    if not isinstance(image, nib.MGHImage):
        fields.set_intent(LABEL)
    shape = stored_shape(scan, grid)
    sources = [np.arange(n) // grid.factor for n in shape]
    sources[scan.axis] = nearest(grid, scan.flipped)
    with opened(aside, image, scan, name.name) as writer:
        for last in sources[2]:
            block = labels.data[:, :, last][np.ix_(sources[0], sources[1])]
            writer.file.write(block.astype(writer.dtype).tobytes(order="F"))
