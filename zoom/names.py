"""What the outputs are called, in BIDS and out of it."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import UserError
from benchmark.files import written
from benchmark.project import COMMAND
from zoom.output import SUFFIXES, suffix_of

BIDS_NAME = re.compile(r"(?P<subject>sub-[A-Za-z0-9]+)(?P<entities>(_[a-z]+-[A-Za-z0-9+]+)*)_(?P<suffix>[A-Za-z0-9]+)")
BIDS_VERSION = "1.10.0"
INPUT_SUFFIXES = (*SUFFIXES, ".img.gz", ".hdr.gz", ".img", ".hdr")
#: Files that someone may ask for and that are not written: no folder is meant.
FOREIGN_SUFFIXES = (".gz", ".png", ".jpg", ".tif", ".tiff", ".dcm", ".nrrd", ".nhdr", ".mha", ".mhd", ".mnc", ".npy")


@dataclass(frozen=True)
class Bids:
    """A scan's place in a BIDS dataset: ``root`` of the dataset, ``path`` of the scan below it."""

    root: Path
    path: Path


@dataclass(frozen=True)
class Names:
    """The files of one zoom. ``bids``: the scan's place, if it is in a dataset; ``root``: of the derivatives."""

    image: Path
    spread: Path
    sidecar: Path
    page: Path
    bids: Bids | None = None
    root: Path | None = None

    def all(self, uncertainty: bool) -> list[Path]:
        """Every file that is made."""
        return [self.image, self.sidecar, self.page, *([self.spread] if uncertainty else [])]


def stem(path: Path) -> str:
    """Name without the image suffix."""
    for suffix in INPUT_SUFFIXES:
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def find_bids(scan: Path) -> Bids | None:
    """The dataset that a scan lies in: its name and its folders say the same subject."""
    scan = scan.absolute()
    matched = BIDS_NAME.fullmatch(stem(scan))
    if not matched:
        return None
    for folder in scan.parents:
        if folder.name == matched["subject"]:
            return Bids(folder.parent, scan.relative_to(folder.parent))
    return None


def entities(name: str) -> dict[str, str]:
    """The parts of a BIDS name without its suffix: ``sub-01_T1w`` → ``{"sub": "01", "suffix": "T1w"}``."""
    *pairs, suffix = name.split("_")
    return {**dict(pair.split("-", 1) for pair in pairs if "-" in pair), "suffix": suffix}


def derivative(bids: Bids) -> Path:
    """``sub-01/anat/sub-01_T1w.nii.gz`` → ``sub-01/anat/sub-01_desc-zoom_T1w.nii.gz``."""
    matched = BIDS_NAME.fullmatch(stem(bids.path))
    if matched is None:
        raise UserError(f"{bids.path}: not a BIDS name")
    entities = re.sub(r"_desc-[A-Za-z0-9+]+", "", matched["entities"])
    return bids.path.with_name(f"{matched['subject']}{entities}_desc-zoom_{matched['suffix']}.nii.gz")


def is_derivative(name: str) -> bool:
    """Whether an output's name, without suffix, is one that ``derivative`` gives."""
    matched = BIDS_NAME.fullmatch(Path(name).name)
    return matched is not None and "_desc-zoom" in matched["entities"]


def relative_name(scan: Path) -> Path:
    """Where a scan's outputs belong below a folder: BIDS derivatives, or the scan's name with ``_zoom``."""
    bids = find_bids(scan)
    return derivative(bids) if bids else Path(f"{stem(scan)}_zoom.nii.gz")


def names(scan: Path, output: Path) -> Names:
    """The outputs for ``output``: an image file, or a folder (BIDS derivatives of a BIDS scan, else by its name)."""
    bids = find_bids(scan)
    folder = output.is_dir() or not output.name.lower().endswith((*INPUT_SUFFIXES, *FOREIGN_SUFFIXES))
    image = output / relative_name(scan) if folder else output
    base = image.name.removesuffix(suffix_of(image))
    spread = base.replace("_desc-zoom", "_desc-zoomspread") if is_derivative(base) else f"{base}_spread"
    if image.exists() and scan.exists() and os.path.samefile(image, scan):
        raise UserError(f"{image}: the output is the scan itself; give another name")
    return Names(
        image,
        image.with_name(f"{spread}{suffix_of(image)}"),
        image.with_name(f"{base}.json"),
        image.with_name(f"{base}.html"),
        bids,
        output if folder and bids else None,
    )


def source(names: Names, scan: Path) -> str:
    """The scan as the sidecar's ``Sources`` names it: a BIDS URI within derivatives, else its path."""
    return f"bids:raw:{names.bids.path.as_posix()}" if names.bids and names.root else str(scan)


def describe_dataset(names: Names, version: str) -> None:
    """Writes ``dataset_description.json`` of the derivatives, once."""
    if names.root is None or names.bids is None:
        return
    target = names.root / "dataset_description.json"
    if target.exists():
        return
    raw = os.path.relpath(names.bids.root, names.root)
    about = {
        "Name": f"{COMMAND}: finer volumes by super-resolution",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": COMMAND, "Version": version}],
        "SourceDatasets": [{"URL": Path(raw).as_posix()}],
        "DatasetLinks": {"raw": Path(raw).as_posix()},
    }
    with written(target) as aside:
        aside.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
