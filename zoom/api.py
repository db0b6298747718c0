"""The function for Python: from an image of nibabel to a finer image, with the command's function."""

import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError, SpatialImage

from benchmark.config import load_config
from benchmark.errors import UserError
from benchmark.project import COMMAND
from zoom.gather import WARNING
from zoom.output import suffix_of
from zoom.prepare import place
from zoom.request import request, set_up
from zoom.run import zoom as run

Image = SpatialImage


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
    weights: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
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
    labels: str | os.PathLike[str] | None = None,
    viewer: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Image:
    """A finer image of the scan, in the scan's units and at its position.

    ``scan``: an image of nibabel, or a file that the command accepts. An image that was loaded from a file and not
    changed is read from that file, with the BIDS sidecar next to it; other images have no sidecar, so set
    ``thickness``. Exactly one of ``spacing`` (mm), ``n`` (new slices in each gap) and ``zoom`` (output slices per slice
    of the scan). ``output``: for a file, the path of the command's outputs: image, page and description; None: no
    output files. ``say`` gets the lines that the command prints, except warnings: these are Python's. All other
    arguments are options of the command with the same names (``consistency=False``: ``--no-consistency``), and None is
    the option's default.

    The data are in memory. Raises ``UserError`` with the line that the command would print.
    """
    settings = load_config(None if config is None else Path(config))
    set_up(settings, _plain(device=device, threads=threads, seed=seed, results=results, steps=steps))
    requested = _plain(spacing=spacing, n=n, zoom=zoom, in_plane=in_plane, axis=axis, orientation=orientation)
    files = [weights] if isinstance(weights, str | os.PathLike) else weights
    requested |= _plain(method=method, weights=tuple(map(str, files)), tile=tile, consistency=consistency)
    requested |= _plain(thickness=thickness, profile=profile, uncertainty=uncertainty, dtype=dtype, memory=memory)
    with tempfile.TemporaryDirectory(prefix="mri-zoom-") as made:
        folder = Path(made)
        path = scan_file(scan, folder)

        def named(line: str) -> str:
            return line.replace(str(path), "image") if path.parent == folder else line

        def warn(line: str) -> None:
            warnings.warn(named(line.removeprefix(WARNING)), stacklevel=6)

        if output is None:
            output = folder / f"finer{'.mgh' if suffix_of(path).lower().startswith('.mg') else '.nii'}"
            for name, value in (("uncertainty", uncertainty), ("labels", labels), ("viewer", viewer)):
                if value:
                    raise UserError(f"{name}: writes a file; set its path with output")
        elif path.is_relative_to(folder):
            raise UserError(
                "output: its description needs the name of the scan's file, but this image has no file; save it first"
            )
        requested |= _plain(labels=labels and Path(labels), viewer=viewer, overwrite=overwrite)
        try:
            full_request = request(settings, path, Path(output), **requested)
            run(full_request, settings, say, quiet=True, warn=warn)
        except UserError as error:
            raise UserError(named(str(error))) from None
        return in_memory(place(full_request).image)


def scan_file(scan: Image | str | os.PathLike[str], folder: Path) -> Path:
    """The scan's file: its own file, or a new file in ``folder``."""
    if isinstance(scan, str | os.PathLike):
        if Path(scan).is_dir():
            raise UserError(f"{scan}: a folder; give one file (the command {COMMAND} zooms folders)")
        return Path(scan)
    if not isinstance(scan, SpatialImage):
        raise UserError(f"scan: a {type(scan).__name__}; give an image of nibabel or the path of a file")
    if (path := _unchanged(scan)) is not None:
        return path
    kind = scan if isinstance(scan, nib.MGHImage | nib.Nifti1Image) else nib.Nifti1Image.from_image(scan)
    data = np.asanyarray(scan.dataobj)
    path = folder / ("image.mgh" if isinstance(kind, nib.MGHImage) else "image.nii")
    try:
        image = type(kind)(data, scan.affine, kind.header)
        image.set_data_dtype(data.dtype)
        nib.save(image, path)
    except (HeaderDataError, ValueError, TypeError) as error:
        raise UserError(f"image: cannot be written as a file ({str(error).splitlines()[0]})") from error
    return path


def _unchanged(image: Image) -> Path | None:
    """The file of an image whose data and header were not changed."""
    name = image.get_filename()
    if not name or not nib.is_proxy(image.dataobj) or not Path(name).is_file():
        return None
    stored: Any = nib.load(name)
    same = type(stored) is type(image) and stored.header == image.header
    return Path(name) if same and np.array_equal(stored.affine, image.affine) else None


def in_memory(path: Path) -> Image:
    """The image of a file, with all data read."""
    loaded: Any = nib.load(path)
    with loaded.file_map["image"].get_prepare_fileobj("rb") as file:
        return type(loaded).from_bytes(file.read())


def _plain(**arguments: Any) -> dict[str, Any]:
    """The arguments, with numbers of NumPy converted to Python's."""
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in arguments.items()}
