"""Opens scans for the study and for zoom: one function reads every image.

A file is opened once and held open: checks, reading and hash use the same file, even if its name later points to
another file. Unreadable files give one line with the file's name.
"""

import bz2
import gzip
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.fileholders import FileHolder
from nibabel.filename_parser import splitext_addext
from nibabel.spatialimages import SpatialImage

from benchmark.errors import UserError
from benchmark.files import opened
from benchmark.images.header import (
    Form,
    affine_from_codes,
    analyze_affine,
    check_datatype,
    check_place,
    nifti_affines,
    repair_quaternion,
)

#: In nibabel's order. All plain Analyze files are read as SPM's, as nibabel does.
KINDS = (nib.Nifti1Pair, nib.Nifti1Image, nib.Nifti2Pair, nib.Nifti2Image, nib.Spm2AnalyzeImage, nib.MGHImage)
PACKED = (".gz", ".mgz", ".bz2")
TAIL = 1 << 20  # bytes of tags after the voxels of an MGH file
DENSEST = 1032  # largest number of bytes per byte of gzip (zlib.net/zlib_tech.html)
EMPTY = 200  # bytes per byte of a large file that are possible only if nearly all voxels are equal
LARGE = 1 << 30


class Source:
    """An open regular file and its content, decompressed if the name ends in .gz, .mgz or .bz2."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._raw = opened(path, "a scan")
        about = os.fstat(self._raw.fileno())
        self.size = about.st_size
        self._stamp = (about.st_size, about.st_mtime_ns)
        self.packed = path.name.lower().endswith(PACKED)
        self.content: Any = self._raw
        if path.name.lower().endswith(".bz2"):
            self.content = bz2.BZ2File(self._raw)
        elif self.packed:
            self.content = gzip.GzipFile(fileobj=self._raw, mode="rb")

    def sha256(self) -> str:
        """SHA-256 of the file, hexadecimal. ``UserError`` if the file was changed after it was opened."""
        hasher, at = hashlib.sha256(), 0
        while part := os.pread(self._raw.fileno(), 1 << 20, at):
            hasher.update(part)
            at += len(part)
        about = os.fstat(self._raw.fileno())
        if (about.st_size, about.st_mtime_ns) != self._stamp:
            raise UserError(f"{self.path}: was changed while it was read; start again")
        return hasher.hexdigest()


@dataclass(frozen=True)
class Opened:
    """A scan's header, and its voxels on disk.

    ``image``: nibabel's; its ``dataobj`` reads the open file. ``affine``: 4×4, voxel → mm. ``source``: the named file;
    ``data``: the file with the voxels. ``sform``, ``qform``: a NIfTI's affines if they have a code and are valid; both
    None for other formats. ``warnings``: sentences about unusual values; ``own``: whether the orientation comes from
    the file.
    """

    path: str
    image: SpatialImage
    affine: np.ndarray
    source: Source
    data: Source
    sform: Form | None = None
    qform: Form | None = None
    warnings: tuple[str, ...] = ()
    own: bool = True

    @property
    def spacing(self) -> np.ndarray:
        """Voxel size along each stored axis, mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def slope(self) -> tuple[float, float]:
        """Slope and intercept of the stored numbers: 1 and 0 if the format has none or they are not set."""
        dataobj = self.image.dataobj
        return float(getattr(dataobj, "slope", 1.0) or 1.0), float(getattr(dataobj, "inter", 0.0) or 0.0)

    def end(self) -> None:
        """Call this after reading the last voxel: checks the checksum and the size of the rest.

        ``UserError`` if wrong.
        """
        if not self.data.packed:
            return
        expected, extra = _expected(self.image), 0
        with reading(self.path):
            self.data.content.seek(expected)
            try:
                while extra <= TAIL and (part := self.data.content.read(1 << 16)):
                    extra += len(part)
            except gzip.BadGzipFile as error:
                if "Not a gzipped file" not in str(error):  # data after a complete archive are not part of its content
                    raise
        _fits(self.path, self.image, expected + extra)


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Turns any error in reading voxels into one line."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{path}: the file is damaged or cut short ({short(error)}); get it again") from error


def short(error: BaseException) -> str:
    """The first line of an error."""
    return (str(error) or type(error).__name__).splitlines()[0][:160]


def open_image(path: str | Path, orientation: str | None = None) -> Opened:
    """Opens a scan (NIfTI-1/2, Analyze 7.5 and SPM's, MGH) and interprets its header.

    ``orientation``: axis codes that replace the file's, e.g. ``"ASL"``. Raises ``UserError``, one line with the file's
    name: not a regular file, not an image, an unsupported format, colour or complex voxels, dimensions that contradict
    the file's size, a datatype that contradicts bitpix, an invalid affine, a voxel size or origin that no scanner
    makes.
    """
    from models.wrong_file import wrong_file  # here: this folder is imported without `models`

    name = str(path)
    source = Source(Path(name))
    try:
        return _open(name, source, orientation)
    except Exception as error:
        if said := wrong_file(name):
            raise UserError(f"{name}: {said}") from error
        if isinstance(error, UserError):
            raise
        raise UserError(f"{name}: not an image ({short(error)}); give a NIfTI, Analyze or MGH file") from error


def _open(name: str, source: Source, orientation: str | None) -> Opened:
    kind, files, data = _files(name, source)
    warned: list[str] = []
    sform = qform = None
    head: Any = files.get("header", files["image"]).fileobj
    if issubclass(kind, nib.Nifti1Pair):
        header: Any = kind.header_class.from_fileobj(head, check=False)
        check_datatype(name, header, warned)
        repair_quaternion(header, warned)
        header.check_fix()
        image = kind(kind.ImageArrayProxy(data.content, header.copy()), None, header)
        affine, sform, qform = nifti_affines(name, header, warned)
    else:
        if issubclass(kind, nib.AnalyzeImage):
            check_datatype(name, kind.header_class.from_fileobj(head, check=False), warned)
            head.seek(0)
        image = kind.from_file_map({"mat": FileHolder(fileobj=io.BytesIO()), **files})
        affine = np.asarray(image.affine, np.float64)
        if issubclass(kind, nib.AnalyzeImage):
            affine = analyze_affine(image, affine, "mat" in files, warned)
        elif not int(image.header["goodRASFlag"]):
            warned.append("The file does not state its orientation; left and right are a guess. Set it: --orientation.")
    dtype = image.get_data_dtype()
    if dtype.fields is not None or np.issubdtype(dtype, np.complexfloating):
        raise UserError(f"{name}: colour or complex voxels; give a scan with one real number per voxel")
    if len(image.shape) < 1 or min(image.shape) < 0:
        raise UserError(f"{name}: dimensions {image.shape}; its header is wrong: get it again")
    if data.packed:
        _unpacks(name, image, data)
    else:
        _fits(name, image, data.size)
    if orientation is not None:
        try:
            affine = affine_from_codes(image.shape, tuple(np.linalg.norm(affine[:3, :3], axis=0)), orientation)
        except UserError as error:
            raise UserError(f"{name}: {error}") from None
        sform = qform = None
        warned = [sentence for sentence in warned if "--orientation" not in sentence]
    check_place(name, affine, image.shape, warned)
    return Opened(name, image, affine, source, data, sform, qform, tuple(warned), orientation is None)


def _files(name: str, source: Source) -> tuple[Any, dict[str, FileHolder], Source]:
    """The format, its open files, and the file with the voxels."""
    for kind in KINDS:
        if splitext_addext(name, getattr(kind, "_compressed_suffixes", ()))[1].lower() not in kind.valid_exts:
            continue
        paths = {what: Path(str(holder.filename)) for what, holder in kind.filespec_to_file_map(name).items()}
        mat = paths.pop("mat", None)
        sources = {
            what: source if len(paths) == 1 or path.name.lower() == source.path.name.lower() else Source(path)
            for what, path in paths.items()
        }
        head = sources.get("header", sources["image"]).content
        head.seek(0)
        block = head.read(1024)
        if hasattr(kind.header_class, "may_contain_header") and not kind.header_class.may_contain_header(block):
            continue
        for one in sources.values():
            one.content.seek(0)
        files = {what: FileHolder(filename=str(one.path), fileobj=one.content) for what, one in sources.items()}
        if mat is not None and mat.is_file():
            files["mat"] = FileHolder(fileobj=io.BytesIO(mat.read_bytes()))
        return kind, files, sources["image"]
    raise UserError(f"{name}: not an image of a supported format; give a NIfTI, Analyze or MGH file")


def _expected(image: Any) -> int:
    """Bytes of header and voxels in the (decompressed) file with the voxels."""
    dtype = image.get_data_dtype()
    return int(image.dataobj.offset) + int(np.prod(image.shape, dtype=object)) * dtype.itemsize


def _unpacks(name: str, image: Any, data: Source) -> None:
    """Refuses, before reading, a header that a small compressed file cannot fulfil, or could only with almost equal
    voxels."""
    expected, few = _expected(image), DENSEST * (data.size + 1)
    if expected > few and not data.path.name.lower().endswith(".bz2"):
        raise UserError(
            f"{name}: the file is damaged or cut short: its header says {expected} bytes, and {data.size} compressed "
            f"ones hold {few} at most; get it again"
        )
    if expected > LARGE and expected > EMPTY * data.size:
        raise UserError(
            f"{name}: {expected / 1e9:.3g} GB of voxels in a file of {data.size / 1e6:.3g} MB: nearly all "
            "are equal; crop the scan, or store it uncompressed"
        )


def _fits(name: str, image: Any, size: int) -> None:
    """Checks that the file has the length in its header, up to less than a row of voxels, or an MGH file's tags."""
    expected, dtype = _expected(image), image.get_data_dtype()
    shape = " × ".join(map(str, image.shape))
    if size < expected:
        raise UserError(
            f"{name}: the file is damaged or cut short: {shape} voxels of {dtype} need {expected} bytes, there are "
            f"{size}; get it again"
        )
    extra = size - expected
    allowed = (
        max(20, TAIL if _tagged(image, expected, extra) else 0)
        if isinstance(image, nib.MGHImage)
        else (image.shape[0] * dtype.itemsize - 1 if image.shape else 0)
    )
    if extra > allowed:
        raise UserError(
            f"{name}: its header says {shape} voxels of {dtype}, {expected} bytes; the file holds {extra} more: header "
            "or file is wrong; get it again"
        )


def _tagged(image: Any, expected: int, extra: int) -> bool:
    """Whether a FreeSurfer tag follows the five numbers after the voxels of an MGH file."""
    file: Any = image.file_map["image"].fileobj
    file.seek(expected + 20)
    tag = int.from_bytes(file.read(4), "big", signed=True)
    return extra > 24 and 0 < tag < 200
