"""The BIDS dataset that outputs lie in: its description, the datasets that scans come from, README and .bidsignore."""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.files import json_of, text_of, written
from benchmark.project import COMMAND, NAME, release
from zoom.names import Names

BIDS_VERSION = "1.10.0"
DESCRIPTION = "dataset_description.json"
IGNORED = "*.html"  # the pages, for which BIDS has no place
READMES = ("README", "README.md", "README.rst", "README.txt")
README = f"""\
# Finer volumes by super-resolution

Made by `{COMMAND}` of {NAME} from the datasets that `dataset_description.json` lists under `DatasetLinks`. **Not for
diagnosis**: what lies between the slices of a scan was computed, not measured.

- `*_desc-zoom_*.nii.gz`: the finer volume; `res-` says how fine (`res-1mm`: slices 1 mm apart; `res-5x`: five slices
  for each slice of the scan; `4x4`: 4 × 4 voxels in plane for each voxel of the scan).
- `*.json`: how the volume was made (`Zoom`: method, weights with hash, slice thickness and profile with their sources,
  distance from the scan after averaging back, warnings), and what the scan's own description says and is still true.
- `*.html`: the same as a page with pictures. Look at the page before you use the volume.
- `*_desc-zoomspread_*`: where the result is least certain, if that was asked for.
"""


def described(names: Names) -> dict[str, Any]:
    """The ``dataset_description.json`` of the outputs' folder; empty if there is none.

    Raises ``UserError``: the file, or that of the scan's dataset, cannot be read; or the folder is a raw dataset, where
    derivatives do not belong.
    """
    if names.root is None or names.bids is None:
        return {}
    if (names.bids.root / DESCRIPTION).exists():
        _description(names.bids.root)
    if not (names.root / DESCRIPTION).exists():
        return {}
    found = _description(names.root)
    if found.get("DatasetType", "raw") == "raw":
        raise UserError(
            f"{names.root}: a raw BIDS dataset by its {DESCRIPTION}, which holds no derivatives; give a folder of its "
            "own, e.g. derivatives/zoom"
        )
    return found


def register(names: Names) -> str:
    """Describes the outputs' dataset and names the scan's, for URIs such as ``bids:raw:sub-01/anat/sub-01_T1w.nii.gz``.

    Each source dataset has a link of its own, also where several processes write to one folder. Empty where the outputs
    are not a dataset.
    """
    if names.root is None or names.bids is None:
        return ""
    names.root.mkdir(parents=True, exist_ok=True)
    with _alone(names.root):
        about = described(names) or {
            "Name": "Finer volumes by super-resolution",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "Authors": [],
            "GeneratedBy": [{"Name": COMMAND, "Version": release()}],
        }
        before = json.dumps(about)
        link = _linked(about, names.bids.root, names.root)
        if json.dumps(about) != before:
            with written(names.root / DESCRIPTION) as aside:
                aside.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        if not any((names.root / name).exists() for name in READMES):
            with written(names.root / READMES[1]) as aside:
                aside.write_text(README, encoding="utf-8")
        ignore = names.root / ".bidsignore"
        lines = text_of(ignore).splitlines() if ignore.exists() else []
        if IGNORED not in lines:
            with written(ignore) as aside:
                aside.write_text("\n".join([*lines, IGNORED, ""]), encoding="utf-8")
    return link


def source(names: Names, scan: Path, link: str) -> str:
    """The scan as the sidecar's ``Sources`` names it: a BIDS URI within derivatives, else its path."""
    return f"bids:{link}:{names.bids.path.as_posix()}" if names.bids and link else str(scan)


def _linked(about: dict[str, Any], raw: Path, root: Path) -> str:
    """The link of the dataset ``raw`` in the description ``about``, put there if it is not."""
    links = about.setdefault("DatasetLinks", {})
    for name, place in links.items():
        if isinstance(place, str) and (root / place).resolve() == raw.resolve():
            return str(name)
    plain = re.sub(r"[^A-Za-z0-9]", "", raw.resolve().name) or "raw"
    taken = [plain, *(f"{plain}{i}" for i in range(2, len(links) + 3))]
    link = next(name for name in taken if name not in links)
    links[link] = Path(os.path.relpath(raw, root)).as_posix()
    said = _description(raw) if (raw / DESCRIPTION).exists() else {}
    doi = {"DOI": said["DatasetDOI"]} if isinstance(said.get("DatasetDOI"), str) else {}
    about.setdefault("SourceDatasets", []).append({"URL": links[link], **doi})
    _authors(about, said, link)
    licence, before = said.get("License"), about.get("License")
    if isinstance(licence, str) and licence != before:
        about["License"] = licence if before is None else f"{before}; {link}: {licence}"
    return link


def _authors(about: dict[str, Any], said: dict[str, Any], link: str) -> None:
    """The authors of every source dataset; where a dataset names none, that is said, and the software stands alone."""
    named = said.get("Authors")
    named = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    known = about.setdefault("Authors", [])
    unknown = [f"not stated by the source dataset '{link}'", f"{COMMAND} (software)"]
    known += [name for name in named or unknown if name not in known]


def _description(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION
    found = json_of(path)
    if not isinstance(found, dict):
        raise UserError(f"{path}: not a JSON object; repair or remove it")
    links, sources = found.get("DatasetLinks", {}), found.get("SourceDatasets", [])
    if not isinstance(links, dict) or not isinstance(sources, list):
        raise UserError(f"{path}: DatasetLinks is to be an object and SourceDatasets a list; repair it")
    return found


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time, where the system locks folders; elsewhere the last one wins."""
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        yield
        return
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
