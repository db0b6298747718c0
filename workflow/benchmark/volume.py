"""Reads scans in many formats and writes volumes in one format.

In memory a volume is float32 ``(S, H, W)``, slice axis first, each slice upright as a picture. On disk it is a NIfTI of
shape ``(H, W, S)`` whose affine gives the position of each voxel.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import aff2axcodes, axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform

from benchmark.errors import UserError
from benchmark.files import packed, reading_result, written
from benchmark.images.opening import open_image, reading
from benchmark.images.values import Values

# Axis codes (direction of growing index) of rows, columns, slices: superior or anterior is up, and an axial or
# coronal slice shows the patient's right on the left of the picture (the radiological convention).
UPRIGHT = {"sagittal": ("I", "A", "R"), "coronal": ("I", "L", "A"), "axial": ("P", "L", "S")}
PLANE_OF_CODE = dict(zip("RLAPSI", ("sagittal",) * 2 + ("coronal",) * 2 + ("axial",) * 2, strict=True))


@dataclass(frozen=True)
class Scan:
    """A scan as stored: ``data`` float64 (three axes, scanner's units), ``affine`` 4×4 voxel → mm (RAS+).

    ``warnings``: of ``open_image``.
    """

    data: np.ndarray
    affine: np.ndarray
    path: str
    warnings: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, str, str]:
        """Closest anatomical direction of each stored axis, e.g. ``("A", "S", "L")``."""
        return aff2axcodes(self.affine)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size along each stored axis, mm."""
        return tuple(float(v) for v in np.linalg.norm(self.affine[:3, :3], axis=0))  # type: ignore[return-value]


def read_scan(path: str | Path, orientation: str | None = None) -> Scan:
    """Reads a 3-D scan (NIfTI-1/2, Analyze 7.5, MGH).

    ``orientation``: axis codes to assume, e.g. ``"ASL"``, if the format stores no reliable orientation (Analyze).
    Raises ``UserError`` with the file name: refused by ``open_image``, damaged, not 3-D (trailing axes of length one
    are dropped), NaN or infinite voxels, a fill value among the voxels, only one value in all voxels.
    """
    opened = open_image(path, orientation)
    path, shape = opened.path, opened.image.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        raise UserError(f"{path}: {len(shape)}-D image of shape {shape}; give one 3-D volume")
    if min(shape) < 2:
        raise UserError(f"{path}: shape {shape} has a single slice; give a volume")
    with reading(path):
        data = np.asanyarray(opened.image.dataobj).reshape(shape).astype(np.float64)
    opened.end()
    values = Values(opened.image.get_data_dtype(), *opened.slope)
    values.add(data)
    values.check(path)
    return Scan(data, opened.affine, path, opened.warnings)


def plane(scan: Scan, axis: int | str) -> str:
    """Name of the plane of the slices: ``axis`` is a stored axis (0, 1, 2) or already such a name."""
    if isinstance(axis, str):
        return axis
    return PLANE_OF_CODE[scan.codes[axis]]


def to_upright(data: np.ndarray, affine: np.ndarray, plane: str) -> tuple[np.ndarray, np.ndarray]:
    """Stored axes → rows, columns, slices of ``plane``, upright. Returns the data and their affine."""
    transform = ornt_transform(io_orientation(affine), axcodes2ornt(UPRIGHT[plane]))
    return nib.apply_orientation(data, transform), affine @ inv_ornt_aff(transform, data.shape)


def from_upright(data: np.ndarray, affine: np.ndarray, codes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of ``to_upright``: upright rows, columns, slices → stored axes with ``codes``."""
    transform = ornt_transform(io_orientation(affine), axcodes2ornt(codes))
    return nib.apply_orientation(data, transform), affine @ inv_ornt_aff(transform, data.shape)


def write(path: str | Path, volume: np.ndarray, affine: np.ndarray) -> None:
    """Writes ``volume`` (S, H, W) as a float32 ``.nii.gz`` of shape (H, W, S); ``affine`` belongs to (H, W, S)."""
    image = nib.Nifti1Image(np.moveaxis(np.asarray(volume, dtype=np.float32), 0, 2), affine)
    image.header.set_xyzt_units("mm")
    with written(path) as aside, open(aside, "wb") as raw, packed(raw) as stream:
        image.to_stream(stream)


def read(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads a file of ``write``: volume (S, H, W) float32 and the affine of (H, W, S). ``UserError``: missing or
    damaged."""
    with reading_result(path):
        image: Any = nib.load(path)
        data = np.asanyarray(image.dataobj, dtype=np.float32)
    return np.ascontiguousarray(np.moveaxis(data, 2, 0)), np.asarray(image.affine)


def shape(path: str | Path) -> tuple[int, int, int]:
    """Shape (H, W, S) of a file of ``write``, from its header. ``UserError``: missing or damaged."""
    with reading_result(path):
        return nib.load(path).shape  # type: ignore[attr-defined]
