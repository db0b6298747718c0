"""The BIDS dataset of the outputs: its description, the datasets of the scans, README and .bidsignore."""

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
IGNORED = "*.html"  # the pages, which BIDS does not define
READMES = ("README", "README.md", "README.rst", "README.txt")
README = f"""\
# Finer volumes by super-resolution

Made by `{COMMAND}` of {NAME} from the datasets that `dataset_description.json` lists under `DatasetLinks`. **Not for
diagnosis**: the values between the slices of a scan were computed, not measured.

- `*_desc-zoom_*.nii.gz`: the finer volume; `res-` says how fine (`res-1mm`: slices 1 mm apart; `res-5x`: five slices
  for each slice of the scan; `4x4`: 4 × 4 voxels in plane for each voxel of the scan).
- `*.json`: how the volume was made (`Zoom`: method, weights with hash, slice thickness and profile with their sources,
  distance from the scan after averaging back, warnings), and the scan's own description as far as it is still true.
- `*.html`: the same as a page with pictures. Look at the page before you use the volume.
- `*_desc-zoomspread_*`: where the result is least certain, if requested.
"""


def described(names: Names) -> dict[str, Any]:
    """The ``dataset_description.json`` of the outputs' folder; empty if there is none.

    Raises ``UserError``: the file, or the scan's dataset's file, cannot be read; or the folder is a raw dataset, which
    must not hold derivatives.
    """
    if names.root is None or names.bids is None:
        return {}
    if (names.bids.root / DESCRIPTION).exists():
        _description(names.bids.root)
    if not (names.root / DESCRIPTION).exists():
        return {}
    description = _description(names.root)
    if description.get("DatasetType", "raw") == "raw":
        raise UserError(
            f"{names.root}: a raw BIDS dataset by its {DESCRIPTION}, which must not hold derivatives; give a separate "
            "folder, e.g. derivatives/zoom"
        )
    return description


def register(names: Names) -> str:
    """Describes the outputs' dataset and names the scan's, for URIs such as ``bids:raw:sub-01/anat/sub-01_T1w.nii.gz``.

    Each source dataset has its own link, also if several processes write to one folder. Empty if the outputs are not a
    dataset, or are in the scan's own dataset.
    """
    if names.root is None or names.bids is None:
        return ""
    if names.root.resolve() == names.bids.root.resolve():
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
    """The scan's name for the sidecar's ``Sources``: a BIDS URI within derivatives, else its path."""
    return f"bids:{link}:{names.bids.path.as_posix()}" if names.bids and link else str(scan)


def _linked(about: dict[str, Any], raw: Path, root: Path) -> str:
    """The link of the dataset ``raw`` in the description ``about``, added if it is missing."""
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
    """The authors of every source dataset; if a dataset names no authors, this is stated, and only the software is
    named.
    """
    named = said.get("Authors")
    named = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    known = about.setdefault("Authors", [])
    unknown = [f"not stated by the source dataset '{link}'", f"{COMMAND} (software)"]
    known += [name for name in named or unknown if name not in known]


def _description(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION
    content = json_of(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a JSON object; repair or remove it")
    links, sources = content.get("DatasetLinks", {}), content.get("SourceDatasets", [])
    if not isinstance(links, dict) or not isinstance(sources, list):
        raise UserError(f"{path}: DatasetLinks must be an object and SourceDatasets a list; repair it")
    return content


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time, if the system locks folders; otherwise the last process wins."""
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
