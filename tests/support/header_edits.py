"""Scans whose headers were edited: every field of NIfTI-1, NIfTI-2, Analyze and MGH, packed in every way."""

import bz2
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from hypothesis import strategies as st

SHAPE = (12, 14, 8)
AFFINE = np.array([[1, 0, 0, -5.0], [0, 1, 0, -6], [0, 0, 3, -10], [0, 0, 0, 1]])
x, y, z = np.mgrid[tuple(slice(n) for n in SHAPE)]
NOISE = np.random.default_rng(4).normal(0, 5, SHAPE)
DATA = (500 * np.sin(x / 3) * np.cos(y / 4) + 40 * z + 600 + NOISE).astype(np.int16)
KINDS: dict[str, Any] = {
    "nifti1": nib.Nifti1Image,
    "nifti2": nib.Nifti2Image,
    "analyze": nib.AnalyzeImage,
    "mgh": nib.MGHImage,
}
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda raw: gzip.compress(raw, 1, mtime=0),
    ".bz2": bz2.compress,
}
#: Fields about the stored numbers, and fields about their position.
STORED = {"sizeof_hdr", "dim", "datatype", "bitpix", "vox_offset", "scl_slope", "scl_inter", "magic"}
STORED |= {"version", "dims", "type", "dof", "session_error", "regular", "extents", "data_type", "db_name"}
PLACED = {"pixdim", "xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x"}
PLACED |= {"qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z", "goodRASFlag", "delta", "Mdc", "Pxyz_c", "orient"}


@dataclass(frozen=True)
class Edited:
    """A scan: its kind, how it is packed, and its edits: (field, place within the field, value) or bytes."""

    kind: str
    packed: str
    edits: tuple[tuple[str, int, Any], ...] = ()
    flips: tuple[tuple[int, int], ...] = ()
    length: float = 1.0

    def write(self, folder: Path) -> Path:
        """The scan's file (Analyze: its voxels; the header is next to it) in ``folder``."""
        kind = KINDS[self.kind]
        image = kind(DATA, AFFINE)
        if self.kind.startswith("nifti"):
            image.header.set_xyzt_units("mm")
        files = kind.make_file_map()
        for holder in files.values():
            holder.fileobj = io.BytesIO()
        image.to_file_map(files)
        raw = {what: bytearray(holder.fileobj.getvalue()) for what, holder in files.items() if what != "mat"}
        fields = kind.header_class.template_dtype.fields
        order = ">" if self.kind == "mgh" else "<"
        head = raw["header" if self.kind == "analyze" else "image"]
        for name, place, value in self.edits:
            part, offset = fields[name][:2]
            base = part.base
            with np.errstate(all="ignore"):
                new = np.array([value]).astype(base if base.kind == "S" else base.newbyteorder(order)).tobytes()
            head[offset + place * base.itemsize : offset + (place + 1) * base.itemsize] = new
        data = raw["image"]
        for place, bit in self.flips:
            data[place % len(data)] ^= 1 << bit
        packed = PACKED[self.packed](bytes(data[: round(self.length * len(data))]))
        suffix = {"analyze": ".img", "mgh": ".mgh"}.get(self.kind, ".nii") + self.packed
        path = folder / ("scan.mgz" if suffix == ".mgh.gz" else f"scan{suffix}")
        path.write_bytes(packed)
        if self.kind == "analyze":
            (folder / f"scan.hdr{self.packed}").write_bytes(PACKED[self.packed](bytes(head)))
        return path

    @property
    def numbers_known(self) -> bool:
        """Whether the voxels are ``DATA`` whatever the edits mean."""
        return not ({name for name, *_ in self.edits} & STORED or self.flips or self.length < 1)

    @property
    def place_known(self) -> bool:
        """Whether the affine is ``AFFINE`` whatever the edits mean."""
        return not ({name for name, *_ in self.edits} & (STORED | PLACED) or self.flips or self.kind == "analyze")


def _values(base: np.dtype) -> st.SearchStrategy[Any]:
    if base.kind in "iu":
        info = np.iinfo(base)
        usual = [0, 1, 2, 3, 4, 8, 16, 64, 255, 256, 348, 352, 511, 512, 540, 1024, 4096, 32767, -1, -2, -32768]
        ends = [info.min, info.max, info.max - 1, *(one for one in usual if info.min <= one <= info.max)]
        return st.sampled_from(ends) | st.integers(int(info.min), int(info.max))
    if base.kind == "f":
        usual = [0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e-45, 1e-30, 1e-5, 0.1, 1e5, 1e30, 3e38]
        return st.sampled_from(usual) | st.floats(width=32)
    usual = [b"", b"n+1", b"ni1", b"n+2", b"n+9", b"<script>alert(1)</script>"]
    return st.sampled_from(usual) | st.binary(max_size=base.itemsize)


@st.composite
def edited(draw: st.DrawFn) -> Edited:
    """Up to three edits of the header, and sometimes other damage."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    dtype = KINDS[kind].header_class.template_dtype
    edits = []
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(dtype.names))
        part = dtype.fields[name][0]
        place = draw(st.integers(0, int(np.prod(part.shape)) - 1)) if part.shape else 0
        edits.append((name, place, draw(_values(part.base))))
    flips: tuple[tuple[int, int], ...] = ()
    length = 1.0
    if draw(st.integers(0, 4)) == 0:
        flips = tuple(draw(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 7)), max_size=20)))
        length = draw(st.sampled_from([1.0, 1.0, 0.0, 0.05, 0.1, 0.999]) | st.floats(0, 1))
    return Edited(kind, draw(st.sampled_from(sorted(PACKED))), tuple(edits), flips, length)
