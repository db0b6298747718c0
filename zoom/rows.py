"""The sheet of scans for ``snakemake zoom``: a row has the arguments of the command."""

import csv
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import UserError, meant
from benchmark.files import text_of, whole
from zoom.names import relative_name, resolution, stem
from zoom.weight_files import TRAINED

NUMBERS = {"n": int, "zoom": float, "spacing": float, "in_plane": int, "uncertainty": int, "tile": int}
TEXTS = ("method", "orientation", "thickness", "profile")
COLUMNS = ("scan", "name", "weights", "axis", *TEXTS, *NUMBERS)
EMPTY = ("", "n/a")
LARGEST = 1_000_000_000


@dataclass(frozen=True)
class Row:
    """One scan. ``name``: of the output below the results' ``zoom`` folder, without suffix; ``requested``: arguments
    for ``zoom.request.request``; ``named``: whether the sheet chose the name.
    """

    scan: str
    name: str
    requested: Mapping[str, Any]
    named: bool

    @property
    def trained(self) -> tuple[str, str] | None:
        """Cohort and fold, if the weights are from this study."""
        weights = " ".join(self.requested.get("weights", ()))
        matched = TRAINED.fullmatch(weights)
        return (matched["cohort"], matched["fold"]) if matched and not Path(weights).exists() else None


def read_rows(path: str | Path, in_plane: int = 1, **folders: str) -> dict[str, Row]:
    """The rows by name.

    ``in_plane``: the config's, for rows without it; ``folders``: the values of ``{results}`` and ``{data}`` in a scan's
    path. ``UserError`` with the sheet's name and the line: an unknown column, no scan, an invalid number, a repeated
    name or a name that leaves the folder.
    """
    if not Path(path).is_file():
        raise UserError(f"{path}: no such sheet; set zoom.sheet to a TSV with columns scan and n, zoom or spacing")
    reader = csv.DictReader(io.StringIO(text_of(path), newline=""), delimiter="\t")
    try:
        named, lines = list(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num}: no sheet ({error})") from error
    stray = sorted(set(named) - set(COLUMNS))
    if stray:
        raise UserError(f"{path}: unknown column '{stray[0]}'{meant(stray[0], COLUMNS)}")
    twice = sorted(name for name in set(named) if named.count(name) > 1)
    if twice:
        raise UserError(f"{path}: column '{twice[0]}' is there twice; leave one")
    rows: dict[str, Row] = {}
    for line, cells in enumerate(lines, 2):
        row = _row(f"{path}: line {line}", {k: v.strip() for k, v in cells.items() if k and v}, in_plane, folders)
        if row.name in rows:
            raise UserError(f"{path}: line {line}: '{row.name}' is in two rows; give each row a different name")
        rows[row.name] = row
    if not rows:
        raise UserError(f"{path}: no scan in it")
    return rows


def _row(where: str, cells: dict[str, str], in_plane: int, folders: Mapping[str, str]) -> Row:
    requested: dict[str, Any] = {}
    cells = {key: value for key, value in cells.items() if value not in EMPTY}
    if "scan" not in cells:
        raise UserError(f"{where}: no scan")
    scan = cells["scan"]
    for key, value in folders.items():
        scan = scan.replace(f"{{{key}}}", value)
    scan = os.path.expanduser(scan)
    for key, kind in NUMBERS.items():
        if key in cells:
            try:
                requested[key] = kind(cells[key])
            except ValueError as error:
                raise UserError(f"{where}: {key} = '{cells[key]}' is not a valid {kind.__name__}") from error
            if not abs(requested[key]) <= LARGEST:
                raise UserError(f"{where}: {key} = '{cells[key]}': give a number up to {LARGEST}")
    if len({"n", "zoom", "spacing"} & requested.keys()) != 1:
        raise UserError(f"{where}: give one of n, zoom and spacing")
    if "axis" in cells:
        axis = whole(cells["axis"])
        requested["axis"] = cells["axis"] if axis is None else axis
    requested |= {key: cells[key] for key in TEXTS if key in cells}
    if "weights" in cells:
        requested["weights"] = tuple(os.path.expanduser(path) for path in cells["weights"].split())
    own = cells.get("name")
    if own and (Path(own).is_absolute() or {".", ".."} & set(own.split("/")) or "\\" in own or not own.isprintable()):
        raise UserError(f"{where}: name = {own!r}: give a path below the results' zoom folder, without '..'")
    label = resolution(
        requested.get("n"), requested.get("zoom"), requested.get("spacing"), requested.get("in_plane", in_plane)
    )
    if not stem(Path(scan)):
        raise UserError(f"{where}: scan = {scan!r} is not the path of an image")
    below = relative_name(Path(scan), label)
    name = own or str(below.with_name(stem(below)))
    return Row(scan, name, requested, own is not None)
