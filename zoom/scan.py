"""Reading a scan as it comes, a slab at a time: NIfTI-1/2, Analyze, MGH, plain or compressed, 3-D or a series."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform
from nibabel.spatialimages import HeaderDataError

from benchmark.errors import UserError
from benchmark.volume import PLANE_OF_CODE, UPRIGHT
from zoom.geometry import slice_axis
from zoom.store import Store, blocks

FORMATS = (nib.Nifti1Pair, nib.AnalyzeImage, nib.MGHImage)  # NIfTI-2, single files and SPM's Analyze derive from these
SLAB = 8 << 20  # bytes of float32 read at once
BROKEN = (nib.filebasedimages.ImageFileError, HeaderDataError, EOFError, OSError, ValueError, zlib.error)


@dataclass(frozen=True)
class Extent:
    """What is known of a volume after one reading: its smallest and largest value, in the scan's units."""

    low: float
    high: float


@dataclass(frozen=True)
class Scan:
    """An opened scan; nothing but its header has been read.

    ``shape``: three stored axes; ``volumes``: of a series, else 1; ``axis``: the stored slice axis; ``affine``: 4×4,
    voxel → mm.
    """

    path: str
    image: nib.spatialimages.SpatialImage
    shape: tuple[int, int, int]
    volumes: int
    affine: np.ndarray
    axis: int
    warnings: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """Closest anatomical direction of each stored axis."""
        return nib.aff2axcodes(self.affine)

    @property
    def spacing(self) -> np.ndarray:
        """Voxel size along each stored axis, mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def plane(self) -> str:
        """Of the slices: axial, coronal or sagittal."""
        return PLANE_OF_CODE[self.codes[self.axis]]

    @property
    def transform(self) -> np.ndarray:
        """Orientation transform (nibabel's) from stored axes to upright rows, columns, slices."""
        return ornt_transform(io_orientation(self.affine), axcodes2ornt(UPRIGHT[self.plane]))

    @property
    def flipped(self) -> bool:
        """Whether the stored slice axis runs against upright order."""
        return bool(self.transform[self.axis, 1] < 0)

    @property
    def upright(self) -> tuple[int, int, int]:
        """Shape as (S, H, W): slices first, upright."""
        rows, columns, slices = (self.shape[stored] for stored in self.stored_axes)
        return slices, rows, columns

    @property
    def stored_axes(self) -> list[int]:
        """The stored axis of upright rows, columns, slices."""
        return [int(np.flatnonzero(self.transform[:, 0] == i)[0]) for i in range(3)]

    @property
    def upright_spacing(self) -> tuple[float, float, float]:
        """Voxel size along slices, rows and columns, mm."""
        rows, columns, slices = (float(self.spacing[stored]) for stored in self.stored_axes)
        return slices, rows, columns

    @property
    def integer(self) -> bool:
        """Whether the file holds whole numbers (maybe times a slope)."""
        return bool(np.issubdtype(self.image.get_data_dtype(), np.integer))

    @property
    def slope(self) -> tuple[float, float]:
        """Slope and intercept of the stored numbers: 1 and 0 where the format has none or they are not set."""
        dataobj = self.image.dataobj
        return float(getattr(dataobj, "slope", 1.0) or 1.0), float(getattr(dataobj, "inter", 0.0) or 0.0)

    def slabs(self, volume: int) -> Iterator[tuple[int, np.ndarray]]:
        """(first index, data) of consecutive slabs along the last stored axis, in the file's order."""
        x, y, z = self.shape
        more = (volume,) + (0,) * (len(self.image.shape) - 4) if len(self.image.shape) > 3 else ()
        for start, stop in blocks(z, max(1, SLAB // (x * y * 4))):
            try:
                yield start, np.asanyarray(self.image.dataobj[(slice(None), slice(None), slice(start, stop), *more)])
            except BROKEN as error:
                raise UserError(
                    f"{self.path}: the file is damaged or cut short ({_short(error)}); fetch it again"
                ) from error


def open_scan(path: str | Path, axis: int | str | None = None) -> Scan:
    """Opens a scan and checks its header.

    ``axis``: the slice axis, as stored (0–2) or by its plane; none: the thickest. Raises ``UserError``, one line
    that names the file: missing, not an image, not of a format read here, colour or complex, fewer than three
    axes, a single slice, an affine that is none.
    """
    name = str(path)
    if not Path(name).is_file():
        raise UserError(f"{name}: {'a folder' if Path(name).is_dir() else 'no such file'}; give a scan")
    try:
        image = nib.load(name, keep_file_open=True)
    except BROKEN as error:
        raise UserError(f"{name}: not an image ({_short(error)}); give a NIfTI, Analyze or MGH file") from error
    except TypeError as error:  # formats that take no such option
        raise UserError(f"{name}: not a NIfTI, Analyze or MGH file; convert it first") from error
    if not isinstance(image, FORMATS):
        raise UserError(f"{name}: a {type(image).__name__}; give a NIfTI, Analyze or MGH file")
    dtype = image.get_data_dtype()
    if dtype.fields is not None:
        raise UserError(f"{name}: colour voxels; give a scan with one number a voxel")
    if np.issubdtype(dtype, np.complexfloating):
        raise UserError(f"{name}: complex voxels; give the magnitude image")
    shape = tuple(int(n) for n in image.shape)
    if len(shape) < 3:
        raise UserError(f"{name}: a {len(shape)}-D image of {shape}; give a volume")
    if len(shape) > 4 and max(shape[4:]) > 1:
        raise UserError(f"{name}: {len(shape)}-D voxels of {shape}; give a 3-D volume or a 4-D series")
    if min(shape[:3]) < 2:
        raise UserError(f"{name}: shape {shape} has a single slice; there is nothing to zoom between")
    if len(shape) > 3 and shape[3] < 1:
        raise UserError(f"{name}: shape {shape} has no volume in it")
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise UserError(f"{name}: its affine does not place its voxels (zero or infinite voxel size); mend the header")
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    chosen = slice_axis(axis, list(spacing), nib.aff2axcodes(affine), name)
    return Scan(name, image, (shape[0], shape[1], shape[2]), shape[3] if len(shape) > 3 else 1, affine, chosen)


def survey(scan: Scan) -> list[Extent]:
    """Reads the whole file once, a slab at a time, before anything costly is begun.

    Returns the extent of every volume. Raises ``UserError``: damaged or cut short, NaN or infinite voxels,
    nothing but one value (all zero).
    """
    extents = []
    for volume in range(scan.volumes):
        low, high, bad = np.inf, -np.inf, 0
        for _, slab in scan.slabs(volume):
            finite = np.isfinite(slab)
            bad += slab.size - int(np.count_nonzero(finite))
            if not bad:
                low, high = min(low, float(slab.min())), max(high, float(slab.max()))
        if bad:
            raise UserError(f"{scan.path}: {bad} voxels are NaN or infinite; mend the scan")
        extents.append(Extent(low, high))
    if all(extent.low == extent.high for extent in extents):
        value = extents[0].low
        raise UserError(f"{scan.path}: every voxel is {value or 'zero'}; give a scan with content")
    return extents


def load(scan: Scan, volume: int, folder: Path) -> Store:
    """One volume, upright (S, H, W), in the scan's own units, on disk in ``folder``."""
    store = Store(scan.upright, folder)
    last = int(scan.transform[2, 0])  # what the last stored axis is upright: rows, columns or slices
    flipped = scan.transform[2, 1] < 0
    for start, slab in scan.slabs(volume):
        block = np.moveaxis(apply_orientation(slab, scan.transform), 2, 0)
        length = slab.shape[2]
        first = scan.shape[2] - start - length if flipped else start
        if last == 2:
            store.write(first, block)
            continue
        part = slice(first, first + length)
        for i, one in enumerate(block):
            whole = store[i]
            whole[(part, slice(None)) if last == 0 else (slice(None), part)] = one
            store.write(i, whole[None])
    return store


def _short(error: BaseException) -> str:
    """The first line of an error, without the path that the message begins with anyway."""
    return (str(error) or type(error).__name__).splitlines()[0][:160]
