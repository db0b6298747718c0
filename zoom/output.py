"""Writes a volume slab by slab, with the header of its scan."""

from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from pathlib import Path
from typing import Any, BinaryIO

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation

from benchmark.errors import UserError
from benchmark.files import packed
from benchmark.images.header import Form
from zoom.geometry import Grid
from zoom.intensity import Encoding
from zoom.scan import OpenScan
from zoom.store import Store, blocks

SUFFIXES = (".nii.gz", ".nii", ".mgz", ".mgh")
SLAB = 8 << 20
LARGEST_NIFTI1 = 32767
MILLIMETRE = 2  # NIfTI's code of that unit
ALIGNED = 2  # NIfTI's code of an affine that is not the scanner's
COMMENT = 6  # NIfTI's code of an extension that is a text for people
EXTENSIONS = {2: "DICOM", 4: "AFNI", 32: "CIFTI"}


def suffix_of(path: Path) -> str:
    """The suffix of an image file that this project can write, or ``UserError``."""
    name = path.name.lower()
    for suffix in SUFFIXES:
        if name.endswith(suffix) and name != suffix:
            return path.name[-len(suffix) :]
    raise UserError(f"{path}: cannot be written; end it in {', '.join(SUFFIXES)}, or give a folder")


def header(
    scan: OpenScan, grid: Grid, encoding: Encoding, suffix: str, *, description: str, series: bool = True
) -> nib.spatialimages.SpatialImage:
    """An image without data that has the output's header; ``series``: with all volumes of the scan, else with one.

    From a NIfTI, everything except the shape, the type, the affines and extensions is kept; both affines are converted
    to the new grid, each separately and with its own code, in mm.
    """
    step = grid.step(scan.axis, scan.flipped)
    shape = stored_shape(scan, grid) + (tuple(scan.image.shape[3:]) if series else ())
    empty = np.broadcast_to(np.zeros((), encoding.dtype), shape)
    affine = scan.affine @ step
    if suffix.lower() in (".mgz", ".mgh"):
        mgh = nib.MGHImage(empty, affine, scan.image.header if isinstance(scan.image, nib.MGHImage) else None)
        mgh.set_data_dtype(encoding.dtype)
        return mgh
    nifti = isinstance(scan.image, nib.Nifti1Pair)
    large = max(shape) > LARGEST_NIFTI1 or isinstance(scan.image, nib.Nifti2Image | nib.Nifti2Pair)
    kind = nib.Nifti2Image if large else nib.Nifti1Image
    image = kind(empty, affine, scan.image.header if nifti else None, dtype=encoding.dtype)
    fields: Any = image.header
    fields.extensions[:] = [one for one in fields.extensions if one.get_code() == COMMENT]
    time = int(fields["xyzt_units"]) & 56  # the unit of time is kept, if it is valid
    fields["xyzt_units"] = MILLIMETRE + (time if time <= 48 else 0)
    _place(fields, scan, step, affine)
    # the slices' timing is not valid for the new slices
    fields["slice_start"] = fields["slice_end"] = fields["slice_code"] = 0
    fields["slice_duration"] = 0
    fields["descrip"] = description.encode("ascii", "replace")[:79]
    fields["vox_offset"] = 0  # the writer computes it from the extensions
    slope = encoding.dtype.kind != "f"
    fields.set_slope_inter(encoding.slope if slope else 1.0, encoding.intercept if slope else 0.0)
    return image


def _place(fields: Any, scan: OpenScan, step: np.ndarray, affine: np.ndarray) -> None:
    """Both affines on the new grid, each from the scan's affine; pixdim belongs to the qform, if there is one."""
    sform, qform = scan.opened.sform, scan.opened.qform
    own = isinstance(scan.image, nib.Nifti1Pair) and scan.opened.own
    if not own:
        sform = qform = Form(
            scan.affine, ALIGNED if isinstance(scan.image, nib.AnalyzeImage) or not scan.opened.own else 1
        )
    fields.set_qform(None, 0)
    fields.set_sform(None, 0)
    fields.set_zooms((*np.linalg.norm(affine[:3, :3], axis=0), *fields.get_zooms()[3:]))
    if qform:
        fields.set_qform(qform.affine @ step, qform.code)
    if sform:
        fields.set_sform(sform.affine @ step, sform.code)
    if not np.allclose(fields.get_best_affine(), affine, atol=1e-3):
        fields.set_sform(affine, ALIGNED)


def dropped(scan: OpenScan) -> list[str]:
    """A sentence if the scan's header holds extensions that the output's header does not: they describe the old
    grid.
    """
    codes = [one.get_code() for one in getattr(scan.image.header, "extensions", ()) if one.get_code() != COMMENT]
    if not codes:
        return []
    names = ", ".join(EXTENSIONS.get(code, f"code {code}") for code in codes)
    return [f"Header extensions that describe the scan's own grid or patient were left out of the output: {names}."]


def stored_shape(scan: OpenScan, grid: Grid) -> tuple[int, int, int]:
    """Shape of the output along the stored axes."""
    shape = [n * grid.factor for n in scan.shape]
    shape[scan.axis] = grid.count
    return tuple(shape)  # type: ignore[return-value]


class Writer:
    """An image file that grows: volume after volume, each from upright slices on disk."""

    def __init__(self, file: BinaryIO | GzipFile, image: nib.spatialimages.SpatialImage, scan: OpenScan) -> None:
        self.file, self.image, self.scan = file, image, scan
        self.dtype = image.get_data_dtype()
        fields: Any = image.header
        if isinstance(image, nib.MGHImage):
            fields.writehdr_to(file)
            self.file.write(bytes(fields.get_data_offset() - self.file.tell()))
        else:
            fields.write_to(file)
            self.file.write(bytes(int(fields["vox_offset"]) - self.file.tell()))
            self.dtype = self.dtype.newbyteorder(fields.endianness)

    def append(self, store: Store) -> None:
        """Writes one volume of stored numbers: ``store`` (S', f·H, f·W) upright → the scan's stored axes."""
        count, rows, columns = store.shape
        shape = (rows, columns, count)
        upright = self.scan.transform
        back = _inverse(upright)
        last = int(upright[2, 0])
        flipped = upright[2, 1] < 0
        total = shape[last]
        per = max(1, SLAB // (int(np.prod(shape)) // total * 4))
        for start, stop in blocks(total, per):
            first, end = (total - stop, total - start) if flipped else (start, stop)
            if last == 2:
                block = store[first:end]
            elif last == 0:
                block = store.rows(first, end)
            else:
                block = np.empty((count, rows, end - first), np.float32)
                for i in range(count):
                    block[i] = store[i][:, first:end]
            slab = apply_orientation(np.moveaxis(block, 0, 2), back)
            self.file.write(slab.astype(self.dtype).tobytes(order="F"))

    def finish(self) -> None:
        """Writes the data after the voxels."""
        if isinstance(self.image, nib.MGHImage):
            footer: Any = self.image.header
            footer.writeftr_to(self.file)


def _inverse(transform: np.ndarray) -> np.ndarray:
    """Orientation of upright axes in terms of the stored ones: the inverse of ``transform``."""
    inverse = np.empty_like(transform)
    for stored, (upright, sign) in enumerate(transform):
        inverse[int(upright)] = [stored, sign]
    return inverse


@contextmanager
def opened(path: Path, image: nib.spatialimages.SpatialImage, scan: OpenScan, name: str) -> Iterator[Writer]:
    """A writer into the file ``path``, compressed if ``name`` says so (the same bytes every time)."""
    with open(path, "wb") as raw:
        if name.lower().endswith("gz"):
            with packed(raw) as stream:
                writer = Writer(stream, image, scan)
                yield writer
                writer.finish()
        else:
            writer = Writer(raw, image, scan)
            yield writer
            writer.finish()
