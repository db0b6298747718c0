"""A page that shows volumes next to each other in the browser, linked; the page needs no other file and no network."""

import base64
import gzip
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmark.errors import UserError
from benchmark.files import packed

VERSION = "0.69.0"
#: Of the unpacked library from npm.
SHA256 = "47b896b77ec4a5be3ef1949c33ad393b6f45629921f326c279000bcf51bdb4af"
HERE = Path(__file__).parent
LIBRARY = HERE / "niivue" / f"niivue-{VERSION}.umd.js.gz"
LICENSES = HERE / "niivue" / "LICENSES.txt"
MOST = 80_000_000
"""Voxels of all volumes of one page, at most. A voxel is a byte before compression, a quarter to a half of that after
it, so a page stays under about 40 MB."""
LEVELS = 255


@dataclass(frozen=True)
class Panel:
    """One volume of the page: its name, a sentence about it, and a gzip-compressed NIfTI (``eight_bit``)."""

    name: str
    about: str
    volume: bytes


def quantised(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """``low`` … ``high`` as 0 … 255, uint8; values outside are clipped."""
    return np.rint((values - low) * (LEVELS / (high - low))).clip(0, LEVELS).astype(np.uint8)


def eight_bit(data: np.ndarray, affine: np.ndarray, low: float, high: float) -> bytes:
    """``quantised`` values (X, Y, Z) as gzip-compressed NIfTI-1; the same bytes every time.

    ``affine``: 4×4, voxel → mm. Slope and intercept in the header restore the units: 0 is ``low``, 255 ``high``.
    """
    header = nib.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape(data.shape)
    header.set_xyzt_units("mm")
    header.set_sform(affine, 1)
    header.set_zooms(np.linalg.norm(affine[:3, :3], axis=0))
    header.set_slope_inter((high - low) / LEVELS, low)
    header["vox_offset"], header["cal_min"], header["cal_max"] = 352, low, high
    buffer = io.BytesIO()
    with packed(buffer) as stream:
        stream.write(header.binaryblock + bytes(4))
        stream.write(data.tobytes(order="F"))
    return buffer.getvalue()


def refuse_too_large(voxels: int, what: str, instead: str) -> None:
    """``UserError`` if all volumes together have more ``voxels`` than a browser can show; ``instead``: the advice."""
    if voxels > MOST:
        raise UserError(
            f"{what}: the viewer would hold {voxels / 1e6:.0f} million voxels, and {MOST / 1e6:.0f} million is the "
            f"most; {instead}"
        )


def viewer(title: str, lead: Sequence[str], panels: Sequence[Panel], *, grey: str, otherwise: str) -> str:
    """The page.

    ``lead``: paragraphs under the title; ``grey``: the meaning of black and white; ``otherwise``: advice for a browser
    that cannot show volumes.
    """
    library = LIBRARY.read_bytes()
    if hashlib.sha256(gzip.decompress(library)).hexdigest() != SHA256:
        raise UserError(f"{LIBRARY}: differs from the published NiiVue {VERSION}; get the file again from this project")
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("viewer.html").render(
        title=title,
        lead=lead,
        panels=panels,
        grey=grey,
        otherwise=otherwise,
        version=VERSION,
        licenses=LICENSES.read_text(encoding="utf-8"),
        library=base64.b64encode(library).decode(),
        volumes=[base64.b64encode(panel.volume).decode() for panel in panels],
    )
