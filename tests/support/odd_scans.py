"""Scans like those in public problem reports: contradictory headers, damage, unusual values."""

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from zoom_scans import OBLIQUE, thick

#: Offsets of NIfTI-1 header fields, and how they are packed.
FIELDS = {
    "dim": (40, "<8h"),
    "intent_code": (68, "<h"),
    "datatype": (70, "<h"),
    "bitpix": (72, "<h"),
    "pixdim": (76, "<8f"),
    "vox_offset": (108, "<f"),
    "scale": (112, "<2f"),
    "xyzt_units": (123, "<B"),
    "codes": (252, "<2h"),
    "quatern": (256, "<3f"),
    "qoffset": (268, "<3f"),
    "srow": (280, "<12f"),
}


def nifti(data: np.ndarray | None = None, affine: np.ndarray = OBLIQUE) -> nib.Nifti1Image:
    """A thick-sliced scan with equal sform and qform."""
    image = nib.Nifti1Image(thick() if data is None else data, affine)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    image.set_sform(image.get_qform(), 1)  # without shear, as a quaternion allows
    image.header.set_xyzt_units("mm")
    return image


def patched(path: Path, image: nib.Nifti1Image | None = None, **fields: Any) -> Path:
    """Writes a plain ``.nii`` whose header holds ``fields`` (``FIELDS``) that nibabel would not write."""
    nib.save(nifti() if image is None else image, path)
    raw = bytearray(path.read_bytes())
    for key, value in fields.items():
        offset, form = FIELDS[key]
        struct.pack_into(form, raw, offset, *(value if isinstance(value, tuple) else (value,)))
    path.write_bytes(raw)
    return path


def two_forms(path: Path, *, axes_permuted: bool) -> Path:
    """sform and qform both valid, with voxels of other sizes (``axes_permuted``: axes in another order as well)."""
    image = nifti()
    qform = image.get_qform()
    sform = np.diag([1.15, 0.9, 1.2, 1.0]) @ qform
    if axes_permuted:
        sform = np.array([[0, 1.1, 0, 3], [0, 0, 5.3, -8], [1.2, 0, 0, 15], [0, 0, 0, 1.0]])
    image.set_sform(sform, 2)
    image.header["pixdim"][1:4] = np.linalg.norm(qform[:3, :3], axis=0)
    nib.save(image, path)
    return path


def wrong_checksum(path: Path) -> Path:
    """A ``.nii.gz`` with one bit changed that still decompresses to the right length: voxels are wrong."""
    raw = nifti().to_bytes()
    whole = gzip.compress(raw, compresslevel=6, mtime=0)
    draw = np.random.default_rng(1)
    for _ in range(20_000):
        damaged = bytearray(whole)
        damaged[int(draw.integers(len(whole) // 4, len(whole) - 100))] ^= 1 << int(draw.integers(8))
        unpacked = zlib.decompressobj(-15)
        try:
            found = unpacked.decompress(bytes(damaged[10:]))
        except zlib.error:
            continue
        if len(found) == len(raw) and unpacked.eof and found[:352] == raw[:352] and found != raw:
            path.write_bytes(damaged)
            return path
    raise AssertionError("no such bit")


def analyze(path: Path, orient: int, *, text: bool = False) -> Path:
    """A raw Analyze 7.5 pair, big-endian, without an origin; ``text``: the orient byte as a digit."""
    data = thick().astype(">i2")
    header = nib.AnalyzeHeader(endianness=">")
    header.set_data_dtype(np.dtype(">i2"))
    header.set_data_shape((*data.shape, 1))
    header.set_zooms((1.0, 1.0, 4.0, 1.0))
    raw = bytearray(header.binaryblock)
    raw[252] = orient + 48 * text
    path.with_suffix(".hdr").write_bytes(raw)
    path.with_suffix(".img").write_bytes(data.tobytes(order="F"))
    return path.with_suffix(".img")


def afni(path: Path) -> Path:
    """With an AFNI extension, which describes the grid."""
    image = nifti()
    text = b"<AFNI_attributes><AFNI_atr atr_name='DELTA'>1 1 5</AFNI_atr></AFNI_attributes>"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("afni", text))
    nib.save(image, path)
    return path
