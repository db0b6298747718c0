"""The cohort sheet: who is in, in which role and fold, as a TSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.files import text_of, written


@dataclass(frozen=True)
class Patient:
    """One row of the sheet. ``role``: ``cv`` or ``test``; ``fold``: 1 … K for ``cv``, 0 for ``test``."""

    subject: str
    source: str
    sha256: str
    shape: str
    spacing: str
    orientation: str
    role: str
    fold: int


def write_sheet(path: str | Path, rows: Sequence[Patient]) -> None:
    """Writes the sheet as TSV, one row a patient."""
    with written(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Patient)], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read_sheet(path: str | Path) -> list[Patient]:
    """Reads a sheet; numbers have their types."""
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(text_of(path), newline=""), delimiter="\t"))
    return [Patient(**{**row, "fold": int(row["fold"])}) for row in rows]


def training(rows: Sequence[Patient], fold: int) -> list[str]:
    """Subjects that fold's networks learn from: cross-validation patients of all other folds, never a test patient.

    With a single fold there is no other: the same patients then serve for learning and for validation pictures.
    """
    cv = [row for row in rows if row.role == "cv"]
    others = [row.subject for row in cv if row.fold != fold]
    return others or [row.subject for row in cv]


def validation(rows: Sequence[Patient], fold: int) -> list[str]:
    """Subjects held out in that fold, for pictures and validation losses."""
    return [row.subject for row in rows if row.role == "cv" and row.fold == fold]


def cross_validated(rows: Sequence[Patient]) -> list[str]:
    """All cross-validation patients: each is held out in one fold."""
    return [row.subject for row in rows if row.role == "cv"]


def test(rows: Sequence[Patient]) -> list[str]:
    """The test patients, the same for every fold."""
    return [row.subject for row in rows if row.role == "test"]


def summary(rows: Sequence[Patient]) -> str:
    """One line for the log."""
    folds = [row.fold for row in rows if row.role == "cv"]
    sizes = [folds.count(k) for k in sorted(set(folds))]
    return f"{len(test(rows))} test and {len(folds)} cross-validation patients, folds of {sizes}"
