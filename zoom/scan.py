"""Reads a scan slab by slab: NIfTI-1/2, Analyze, MGH, plain or compressed, 3-D or a series."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform

from benchmark.errors import UserError
from benchmark.images.opening import Opened, open_image, reading
from benchmark.images.values import Values
from benchmark.volume import PLANE_OF_CODE, UPRIGHT
from zoom.geometry import slice_axis
from zoom.store import Store, blocks

SLAB = 8 << 20  # bytes of float32 read at once
LABELS = 1002  # NIfTI's intent of a label map
LABELLED = re.compile(r"(^|[_.+-])(d?seg|aseg|wmparc|ribbon|segmentation|mask|labels?)\.", re.IGNORECASE)
#: At most this many different values in a volume are a sign of labels.
FEW = 16
LOOKED_AT = 20_000  # voxels of a slab in which different values are counted
#: Cosine of the angle between two axes; larger ones are warned of.
SKEW = 0.01


@dataclass(frozen=True)
class Extent:
    """The smallest and largest value of a volume, in the scan's units, and the number of different values in a sample
    of its voxels, if that is at most ``FEW``, else ``FEW + 1`` or more.
    """

    low: float
    high: float
    different: int = FEW + 1


@dataclass(frozen=True)
class OpenScan:
    """An opened scan; only its header has been read.

    ``shape``: three stored axes; ``volumes``: of a series, else 1; ``axis``: the stored slice axis.
    """

    path: str
    opened: Opened
    shape: tuple[int, int, int]
    volumes: int
    axis: int

    @property
    def image(self) -> nib.spatialimages.SpatialImage:
        """nibabel's image."""
        return self.opened.image

    @property
    def affine(self) -> np.ndarray:
        """4×4, voxel → mm."""
        return self.opened.affine

    @property
    def codes(self) -> tuple[str, ...]:
        """Closest anatomical direction of each stored axis."""
        return nib.aff2axcodes(self.affine)

    @property
    def spacing(self) -> np.ndarray:
        """Voxel size along each stored axis, mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def skewed(self) -> list[str]:
        """A sentence if the axes are not at right angles."""
        sides = self.affine[:3, :3] / self.spacing
        cosine = float(np.abs(sides.T @ sides - np.eye(3)).max())
        if cosine < SKEW:
            return []
        return [
            f"Its axes are not at right angles (the least angle is {np.degrees(np.arccos(min(cosine, 1))):.1f}°): "
            "distances are those along the axes, and pictures show the axes at right angles."
        ]

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
        """``Opened.slope``."""
        return self.opened.slope

    def slabs(self, volume: int) -> Iterator[tuple[int, np.ndarray]]:
        """(first index, data) of consecutive slabs along the last stored axis, in the file's order."""
        x, y, z = self.shape
        more = (volume,) + (0,) * (len(self.image.shape) - 4) if len(self.image.shape) > 3 else ()
        for start, stop in blocks(z, max(1, SLAB // (x * y * 4))):
            with reading(self.path):
                slab = np.asanyarray(self.image.dataobj[(slice(None), slice(None), slice(start, stop), *more)])
            yield start, slab


def open_scan(path: str | Path, axis: int | str | None = None, orientation: str | None = None) -> OpenScan:
    """Opens a scan and checks its header.

    ``axis``: the slice axis, as stored (0–2) or by its plane; none: the thickest. ``orientation``: axis codes that
    replace the file's. Raises ``UserError``, one line with the file's name: refused by ``open_image``, fewer than three
    axes, a single slice, a label map.
    """
    opened = open_image(path, orientation)
    name, shape = opened.path, tuple(int(n) for n in opened.image.shape)
    if len(shape) < 3:
        raise UserError(f"{name}: a {len(shape)}-D image of {shape}; give a volume")
    if len(shape) > 4 and max(shape[4:]) > 1:
        raise UserError(f"{name}: {len(shape)}-D voxels of {shape}; give a 3-D volume or a 4-D series")
    if min(shape[:3]) < 2:
        raise UserError(f"{name}: shape {shape} has a single slice; there is nothing to zoom between")
    if len(shape) > 3 and shape[3] < 1:
        raise UserError(f"{name}: shape {shape} has no volume in it")
    _no_labels(opened)
    chosen = slice_axis(axis, list(opened.spacing), nib.aff2axcodes(opened.affine), name)
    return OpenScan(name, opened, (shape[0], shape[1], shape[2]), shape[3] if len(shape) > 3 else 1, chosen)


def _no_labels(opened: Opened) -> None:
    """Refuses label maps: a mean of labels is a wrong label."""
    intent = opened.image.header["intent_code"] if isinstance(opened.image, nib.Nifti1Pair) else 0
    if int(intent) == LABELS or LABELLED.search(Path(opened.path).name):
        why = "its intent is 'label'" if int(intent) == LABELS else "by its name"
        raise UserError(
            f"{opened.path}: a label map ({why}): the mean of labels 1 and 3 is not label 2. Zoom the scan with "
            "--labels, which resamples labels by the nearest neighbour"
        )


def survey(scan: OpenScan) -> list[Extent]:
    """Reads the whole file once, slab by slab, before any long computation.

    Returns the extent of every volume. Raises ``UserError``: damaged or cut short, NaN or infinite voxels, a fill
    value, or only one value (all zero).
    """
    whole, extents = Values(scan.image.get_data_dtype(), *scan.slope), []
    for volume in range(scan.volumes):
        low, high, values = np.inf, -np.inf, set[float]()
        for _, slab in scan.slabs(volume):
            ends = whole.add(slab)
            low, high = min(low, ends[0]), max(high, ends[1])
            if len(values) <= FEW:
                values |= set(np.unique(slab.ravel(order="K")[:: max(1, slab.size // LOOKED_AT)]).tolist())
        extents.append(Extent(low, high, len(values)))
    scan.opened.end()
    whole.check(scan.path)
    return extents


def rounding(scan: OpenScan, extents: list[Extent]) -> float:
    """Rounding of the largest values by single precision, in the scan's units; 0 if it is under a millionth of the
    values' range. Raises ``UserError`` if the rounding is more than a hundredth of the range.
    """
    if scan.image.get_data_dtype() == np.dtype(np.float32) and scan.slope == (1.0, 0.0):
        return 0.0
    largest = max(max(abs(extent.low), abs(extent.high)) for extent in extents)
    step = float(np.spacing(np.float32(largest)))
    span = max(extent.high for extent in extents) - min(extent.low for extent in extents)
    if step > 0.01 * span:
        raise UserError(
            f"{scan.path}: its values lie within {span:.3g} of each other and are as large as {largest:.3g}, which "
            "needs more digits than single precision has; subtract the smallest value first"
        )
    if scan.integer and scan.slope == (1.0, 0.0):
        return step if largest > 1 << 24 else 0.0
    return step if step > 1e-6 * span else 0.0


def load(scan: OpenScan, volume: int, folder: Path) -> Store:
    """One volume, upright (S, H, W), in the scan's units, on disk in ``folder``."""
    store = Store(scan.upright, folder)
    last = int(scan.transform[2, 0])  # the upright axis of the last stored axis: rows, columns or slices
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
