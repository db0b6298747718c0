"""Folders of DICOM files from scanners and archives, converted by the program dcm2niix."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import nibabel as nib

from benchmark.errors import UserError
from benchmark.project import NAME

SUFFIXES = (".dcm", ".ima")
MAGIC = b"DICM"  # after 128 bytes
#: The end of a file's name that dcm2niix interpolates to even spacing, next to the file of the uneven slices.
EVEN = re.compile(r"_Eq(_\d+)?$")


@dataclass(frozen=True)
class Converted:
    """A scan made of DICOM files. ``by``: the program and its version."""

    scan: Path
    folder: Path
    by: str


def is_dicom(path: Path) -> bool:
    """Whether a file is a DICOM file, by its content or its name."""
    if path.name.lower().endswith(SUFFIXES):
        return True
    try:
        with open(path, "rb") as file:
            return file.read(132)[128:] == MAGIC
    except OSError:
        return False


def has_dicom(folder: Path) -> bool:
    """Whether a folder or its subfolders hold a DICOM file."""
    return any(is_dicom(path) for path in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))


def program() -> Path:
    """dcm2niix: from the Python package, else from the search path."""
    if find_spec("dcm2niix"):
        import dcm2niix

        if Path(dcm2niix.bin).exists():
            return Path(dcm2niix.bin)
    path = shutil.which("dcm2niix")
    if path is None:
        raise UserError(
            f"DICOM files need the program dcm2niix: pip install dcm2niix (pipx inject {NAME} dcm2niix), or put "
            "it into the search path"
        )
    return Path(path)


def convert(folder: Path, into: Path) -> tuple[list[Converted], list[str]]:
    """Makes a NIfTI of every series below ``folder``, in the folder ``into``, without names of persons.

    The second list: warnings of dcm2niix, and the series that are left out: those of a single slice, and those whose
    slices are not evenly spaced, which no affine describes. Raises ``UserError``: dcm2niix is missing, or
    cannot convert the files.
    """
    # without the user's settings, a sidecar without names, no compression, a name from folder, number and description
    options = ["-g", "i", "-b", "y", "-ba", "y", "-z", "n", "-f", "%f_%s_%d"]
    command = [str(program()), *options, "-o", str(into), str(folder.resolve())]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    said = [f"{folder}: {line}" for line in dict.fromkeys(lines) if line.startswith("Warning")]
    by = next((line for line in lines if "dcm2nii" in line.lower() and "version" in line), "dcm2niix")
    version = next((word for word in by.split() if word.startswith("v1.")), "")
    uneven = {EVEN.sub("", path.stem) for path in into.glob("*.nii") if EVEN.search(path.stem)}
    left_out = [
        f"{folder}: {name}: its slices are not evenly spaced, as if images were missing; left out: get all its images"
        for name in sorted(uneven)
    ]
    scans = []
    for path in sorted(into.glob("*.nii")):
        if EVEN.sub("", path.stem) in uneven:
            continue
        shape = nib.load(path).shape  # type: ignore[attr-defined]
        if min((*shape, 1, 1)[:3]) < 2:
            said.append(f"{folder}: {path.stem} is a single slice; left out")
            continue
        scans.append(Converted(path, folder, f"dcm2niix {version}".strip()))
    if not scans and left_out:
        raise UserError(left_out[0])
    if not scans:
        raise UserError(
            f"{folder}: dcm2niix makes no volume of its DICOM files ({lines[-1] if lines else 'it gives no reason'})"
        )
    return scans, said + left_out
