"""One page over all volumes of a folder: pictures, sizes, warnings, and links to the page of each."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmark.errors import UserError
from benchmark.files import json_of, written
from benchmark.project import COMMAND
from zoom.description import NOT_FOR_DIAGNOSIS
from zoom.names import stem
from zoom.output import SUFFIXES
from zoom.page import rendered
from zoom.units import amount

NAME = "index.html"
MARK = f'<meta name="generator" content="{COMMAND}">'
ICON = re.compile(r'<link rel="icon" href="(data:image/png;base64,[A-Za-z0-9+/=]+)">')
HEAD = 1 << 17  # the first characters of a page, which contain its icon


def write_index(folder: Path, failed: Sequence[str] = ()) -> Path | None:
    """Writes ``index.html`` over every output in ``folder`` and below it, also those of earlier calls.

    ``failed``: one line for each scan of this call that was not zoomed. Writes nothing and returns None if the folder
    does not exist, contains another program's ``index.html``, or has neither an output nor an earlier index.
    """
    path = folder / NAME
    if not folder.is_dir() or (path.exists() and MARK not in _head(path)):
        return None
    rows = [row for sidecar in sorted(folder.rglob("*.json")) if (row := _row(sidecar, folder))]
    if not rows and not path.exists():
        return None
    page = rendered(
        "index.html",
        generator=COMMAND,
        title=f"Volumes zoomed by {COMMAND}",
        diagnosis=NOT_FOR_DIAGNOSIS,
        rows=rows,
        warned=sum(bool(row["warnings"]) for row in rows),
        failed=list(failed),
    )
    with written(path) as aside:
        aside.write_text(page, encoding="utf-8", errors="backslashreplace")
    return path


def _row(sidecar: Path, folder: Path) -> dict[str, Any] | None:
    """The index's entry for the output that ``sidecar`` describes; None for other JSON files."""
    try:
        about = json_of(sidecar)
        zoom = about["Zoom"]
        return _entry(zoom, sidecar, folder) if isinstance(zoom, Mapping) else None
    except (UserError, KeyError, TypeError, ValueError, StopIteration):
        return None


def _entry(zoom: Mapping[str, Any], sidecar: Path, folder: Path) -> dict[str, Any]:
    page = sidecar.with_suffix(".html")
    image = next(path for suffix in SUFFIXES if (path := sidecar.with_name(f"{sidecar.stem}{suffix}")).is_file())
    icon, inside = ICON.search(_head(page)), sidecar.parent.relative_to(folder)
    sizes = {
        "before": zoom["ScanShape"],
        "after": zoom["Shape"],
        "spacing_before": zoom["ScanSpacing"],
        "spacing_after": zoom["Spacing"],
    }
    return {
        "name": stem(image),
        "folder": f"{inside.as_posix()}: " if inside.parts else "",
        "page": _link(page, folder),
        "image": _link(image, folder),
        "sidecar": _link(sidecar, folder),
        "suffix": image.name.removeprefix(sidecar.stem + "."),
        "amount": amount(image.stat().st_size),
        "method": str(zoom["Method"]),
        "volumes": len(zoom["Volumes"]),
        "icon": icon[1] if icon else "",
        "warnings": [str(line) for line in (*zoom["ScanWarnings"], *zoom["Warnings"])],
        **{key: [float(value) for value in values] for key, values in sizes.items()},
    }


def _link(path: Path, folder: Path) -> str:
    return quote(path.relative_to(folder).as_posix())


def _head(path: Path) -> str:
    """The beginning of a page; empty if the page does not exist."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(HEAD)
    except OSError:
        return ""
