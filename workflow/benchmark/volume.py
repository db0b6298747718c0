"""Reading scans as they come and writing volumes as they should be.

In memory a volume is float32 ``(S, H, W)``, slice axis first, each slice upright as a picture. On disk it is a
NIfTI of shape ``(H, W, S)`` whose affine says where each voxel is.
"""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.orientations import aff2axcodes, axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from nibabel.spatialimages import SpatialImage

from benchmark.errors import UserError
from benchmark.files import packed, written

# Axis codes (direction of growing index) of rows, columns, slices: superior or anterior is up, and an axial or
# coronal slice shows the patient's right on the left of the picture (the radiological convention).
UPRIGHT = {"sagittal": ("I", "A", "R"), "coronal": ("I", "L", "A"), "axial": ("P", "L", "S")}
PLANE_OF_CODE = dict(zip("RLAPSI", ("sagittal",) * 2 + ("coronal",) * 2 + ("axial",) * 2, strict=True))


@dataclass(frozen=True)
class Scan:
    """A scan as stored: ``data`` float64 (three axes, scanner's units), ``affine`` 4×4 voxel → mm (RAS+)."""

    data: np.ndarray
    affine: np.ndarray
    path: str

    @property
    def codes(self) -> tuple[str, str, str]:
        """Closest anatomical direction of each stored axis, e.g. ``("A", "S", "L")``."""
        return aff2axcodes(self.affine)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size along each stored axis, mm."""
        return tuple(float(v) for v in np.linalg.norm(self.affine[:3, :3], axis=0))  # type: ignore[return-value]


def load(path: str | Path) -> SpatialImage:
    """``nibabel.load`` for an image in space; ``ImageFileError`` for anything else nibabel reads (a surface, say)."""
    image = nib.load(path)
    if not isinstance(image, SpatialImage):
        raise ImageFileError(f"a {type(image).__name__}, which has no voxels")
    return image


def affine_from_codes(shape: tuple[int, ...], spacing: tuple[float, ...], codes: str) -> np.ndarray:
    """Affine for a file without a trustworthy orientation: axes as ``codes``, centre of the volume at 0 mm."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign) in enumerate(axcodes2ornt(tuple(codes))):
        affine[int(world), axis] = sign * spacing[axis]
    affine[:3, 3] = -affine[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    return affine


def read_scan(path: str | Path, orientation: str | None = None) -> Scan:
    """Reads a 3-D scan (NIfTI-1/2, Analyze 7.5, MGH).

    ``orientation``: axis codes to assume, e.g. ``"ASL"``, where the format has none one can trust (Analyze).
    Raises ``UserError`` naming the file: not an image, not 3-D (trailing axes of length one are dropped),
    colour or complex values, NaN or infinite voxels, one single value throughout.
    """
    path = str(path)
    try:
        image = load(path)
        if image.get_data_dtype().fields is not None or np.issubdtype(image.get_data_dtype(), np.complexfloating):
            raise UserError(f"{path}: colour or complex voxels; give a scan with one real number a voxel")
        data = np.asanyarray(image.dataobj)
    except (ImageFileError, EOFError, OSError, ValueError) as error:
        raise UserError(
            f"{path}: cannot be read as an image ({error}); give a whole NIfTI, Analyze or MGH file"
        ) from error
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    if data.ndim != 3:
        raise UserError(f"{path}: {data.ndim}-D image of shape {data.shape}; give one 3-D volume")
    if min(data.shape) < 2:
        raise UserError(f"{path}: shape {data.shape} has a single slice; give a volume")
    data = data.astype(np.float64)
    low, high = data.min(), data.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UserError(f"{path}: {int((~np.isfinite(data)).sum())} voxels are NaN or infinite; mend the scan")
    if low == high:
        raise UserError(f"{path}: every voxel is {low:g}; give a scan with content")
    affine = np.asarray(image.affine, dtype=np.float64)
    if orientation is not None:
        affine = affine_from_codes(data.shape, image.header.get_zooms()[:3], orientation)
    return Scan(data, affine, path)


def plane(scan: Scan, axis: int | str) -> str:
    """Name of the plane of the slices: ``axis`` is a stored axis (0, 1, 2) or already such a name."""
    if isinstance(axis, str):
        return axis
    return PLANE_OF_CODE[scan.codes[axis]]


def to_upright(data: np.ndarray, affine: np.ndarray, plane: str) -> tuple[np.ndarray, np.ndarray]:
    """Stored axes → rows, columns, slices of ``plane``, upright. Returns data and the affine that goes with it."""
    transform = ornt_transform(io_orientation(affine), axcodes2ornt(UPRIGHT[plane]))
    return nib.apply_orientation(data, transform), affine @ inv_ornt_aff(transform, data.shape)


def from_upright(data: np.ndarray, affine: np.ndarray, codes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The way back: upright rows, columns, slices → stored axes with ``codes``."""
    transform = ornt_transform(io_orientation(affine), axcodes2ornt(codes))
    return nib.apply_orientation(data, transform), affine @ inv_ornt_aff(transform, data.shape)


def write(path: str | Path, volume: np.ndarray, affine: np.ndarray) -> None:
    """Writes ``volume`` (S, H, W) as a float32 ``.nii.gz`` of shape (H, W, S); ``affine`` belongs to (H, W, S)."""
    image = nib.Nifti1Image(np.moveaxis(np.asarray(volume, dtype=np.float32), 0, 2), affine)
    image.header.set_xyzt_units("mm")
    with written(path) as aside, open(aside, "wb") as raw, packed(raw) as stream:
        image.to_stream(stream)


def read(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads what ``write`` wrote: volume (S, H, W) float32 and the affine of (H, W, S)."""
    image = load(path)
    data = np.asanyarray(image.dataobj, dtype=np.float32)
    return np.ascontiguousarray(np.moveaxis(data, 2, 0)), np.asarray(image.affine)
