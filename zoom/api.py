"""The door for Python: an image of nibabel in, a finer one out, by the command's own function."""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError, SpatialImage

from benchmark.config import load_config
from benchmark.errors import UserError
from zoom.output import suffix_of
from zoom.request import request, settle
from zoom.run import zoom as run

Image = SpatialImage
#: Of every number, what it is.
WHOLE = {"n", "in_plane", "steps", "tile", "uncertainty", "seed", "threads"}
ANY = {"spacing", "zoom", "memory"}


def zoom(
    scan: Image | str | os.PathLike[str],
    *,
    spacing: float | None = None,
    n: int | None = None,
    zoom: float | None = None,
    in_plane: int | None = None,
    axis: int | str | None = None,
    orientation: str | None = None,
    method: str | None = None,
    weights: Sequence[str | os.PathLike[str]] = (),
    steps: int | None = None,
    tile: int | None = None,
    consistency: bool | None = None,
    thickness: float | str | None = None,
    profile: str | None = None,
    uncertainty: int | None = None,
    dtype: str | None = None,
    seed: int | None = None,
    memory: float | None = None,
    device: str | None = None,
    threads: int | None = None,
    config: str | os.PathLike[str] | None = None,
    results: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Image:
    """A finer image of the scan, in the scan's units, in its place.

    ``scan``: an image of nibabel, or a file that the command takes. An image that was loaded from a file and not
    changed is read from that file, with the BIDS sidecar next to it; another image has no sidecar: say ``thickness``.
    Exactly one of ``spacing`` (mm), ``n`` (new slices in each gap) and ``zoom`` (slices for each of the scan's).
    ``output``: for a file, where to write what the command writes: image, page and description; None: nothing is
    written. ``say`` gets the lines that the command prints. All else is an option of the command, by its name
    (``consistency=False``: ``--no-consistency``), and None is the option's default.

    The data are in memory. Raises ``UserError`` with one line where the command prints that line.
    """
    _numbers({name: value for name, value in locals().items() if name in WHOLE | ANY and value is not None})
    settings = load_config(config)
    settle(settings, device=device, threads=threads, seed=seed, results=results, steps=steps)
    wishes: dict[str, Any] = {"spacing": spacing, "n": n, "zoom": zoom, "in_plane": in_plane, "axis": axis}
    wishes |= {"orientation": orientation, "method": method, "weights": tuple(map(str, weights)), "tile": tile}
    wishes |= {"consistency": consistency, "thickness": thickness, "profile": profile, "uncertainty": uncertainty}
    wishes |= {"dtype": dtype, "memory": memory, "overwrite": overwrite}
    with tempfile.TemporaryDirectory(prefix="mri-zoom-") as name:
        folder = Path(name)
        path = scan_file(scan, folder)
        if output is None:
            if uncertainty:
                raise UserError("uncertainty: its map is a file of its own; give an output to write it next to")
            output = folder / ("finer" + (".mgh" if suffix_of(path).lower().startswith(".mg") else ".nii"))
        elif path.is_relative_to(folder):
            raise UserError("output: the description names the scan's file, and this image has none; save it first")
        try:
            about = run(request(settings, path, Path(output), **wishes), settings, say, quiet=True)
        except UserError as error:
            raise UserError(str(error).replace(str(path), "image") if path.parent == folder else str(error)) from None
        return in_memory(Path(about["Zoom"]["Output"]) if False else Path(output))


def scan_file(scan: Image | str | os.PathLike[str], folder: Path) -> Path:
    """The file that holds the scan: its own, or one made in ``folder``."""
    if isinstance(scan, str | os.PathLike):
        return Path(scan)
    if not isinstance(scan, SpatialImage):
        raise UserError(f"scan: a {type(scan).__name__}; give an image of nibabel or the path of a file")
    if (path := _unchanged(scan)) is not None:
        return path
    kind = scan if isinstance(scan, nib.MGHImage | nib.Nifti1Image) else nib.Nifti1Image.from_image(scan)  # type: ignore
    data = np.asanyarray(scan.dataobj)
    data = data.astype(np.uint8) if data.dtype == bool else data
    path = folder / ("image.mgh" if isinstance(kind, nib.MGHImage) else "image.nii")  # type: ignore[attr-defined]
    try:
        image = type(kind)(data, scan.affine, kind.header, dtype=data.dtype)
        nib.save(image, path)
    except (HeaderDataError, ValueError, TypeError) as error:
        raise UserError(f"image: cannot be written as a file ({str(error).splitlines()[0]})") from error
    return path


def _unchanged(image: Image) -> Path | None:
    """The file of an image whose data are still there and whose header is still the file's."""
    name = image.get_filename()
    if not name or not nib.is_proxy(image.dataobj) or not Path(name).is_file():  # type: ignore[attr-defined]
        return None
    stored: Any = nib.load(name)  # type: ignore[attr-defined]
    same = type(stored) is type(image) and stored.header == image.header
    return Path(name) if same and np.array_equal(stored.affine, image.affine) else None  # type: ignore[arg-type]


def in_memory(path: Path) -> Image:
    """The image of a file, with nothing left to read."""
    loaded: Any = nib.load(path)  # type: ignore[attr-defined]
    return type(loaded).from_stream(loaded.file_map["image"].get_prepare_fileobj("rb"))


def _numbers(given: dict[str, Any]) -> None:
    for name, value in given.items():
        wanted = "a whole number" if name in WHOLE else "a number"
        kinds = (int, np.integer) if name in WHOLE else (int, float, np.integer, np.floating)
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise UserError(f"{name} = {value!r}; give {wanted}")
