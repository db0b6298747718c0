"""The cohort sheet: patients, roles and folds, as a TSV."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.files import text_of, written

NAME = re.compile(r"[^\W_][\w.+-]{0,99}")


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
    """Writes the sheet as TSV, one row per patient."""
    with written(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Patient)], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read_sheet(path: str | Path) -> list[Patient]:
    """Reads a sheet, which a user may have edited; numbers are converted.

    ``UserError`` with the sheet's name and the line: a missing or extra column, an invalid role or fold, a subject in
    two rows (test patients must never be training patients).
    """
    columns = [field.name for field in fields(Patient)]
    reader = csv.DictReader(io.StringIO(text_of(path), newline=""), delimiter="\t", strict=True)
    rows: dict[str, Patient] = {}
    try:
        for row in reader:
            where = f"{path}: line {reader.line_num}"
            if sorted(row, key=str) != sorted(columns) or None in row.values():
                raise UserError(f"{where}: its columns must be {', '.join(columns)}; delete the sheet to draw it again")
            patient = _patient(where, row)
            if patient.subject in rows:
                roles = " and ".join(sorted({rows[patient.subject].role, patient.role}))
                raise UserError(f"{where}: '{patient.subject}' is in two rows ({roles}); keep one row for each subject")
            rows[patient.subject] = patient
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num}: not a table of tab-separated values ({error})") from error
    return list(rows.values())


def _patient(where: str, row: dict[str, Any]) -> Patient:
    role, fold, subject = row["role"], row["fold"], row["subject"]
    if not NAME.fullmatch(subject):  # a part of the paths of all outputs for the scan
        raise UserError(
            f"{where}: subject = {subject!r}: it must be a plain name of letters, digits, '.', '_', '-', '+'"
        )
    if role not in ("cv", "test"):
        raise UserError(f"{where}: role = '{role}': it must be cv or test")
    if not (fold.isascii() and fold.isdigit() and len(fold) < 6) or (int(fold) == 0) != (role == "test"):
        raise UserError(f"{where}: fold = '{fold}': it must be 1 or more for cv, and 0 for test")
    return Patient(**{**row, "fold": int(fold)})


def check_folds(path: str | Path, rows: Sequence[Patient], folds: int) -> None:
    """``UserError`` unless the cross-validation patients of the sheet are in all of the folds 1 … ``folds``, and in no
    other: networks of a fold must not learn from its patients, and every patient must be held out once."""
    used = {row.fold for row in rows if row.role == "cv"}
    if used != set(range(1, folds + 1)):
        held = ", ".join(map(str, sorted(used))) or "(none)"
        raise UserError(
            f"{path}: its cv patients are in the folds {held}, but study.folds is {folds}: put a patient into each of "
            f"the folds 1 to {folds}, or delete the sheet to draw it again"
        )


def check_scan(path: str | Path, rows: Sequence[Patient], subject: str, sha256: str) -> None:
    """``UserError`` if the subject's scan is not the file that was drawn: shape, spacing and hash in the sheet would be
    those of another scan. A row without hash, which a user has written, is not checked."""
    row = next(row for row in rows if row.subject == subject)
    if row.sha256 not in ("", sha256):
        raise UserError(
            f"{row.source}: changed since the cohort was drawn (another SHA-256 than in {path}): put the scan back, or "
            "delete the sheet to draw the cohort again"
        )


def training(rows: Sequence[Patient], fold: int) -> list[str]:
    """Training subjects of a fold: cross-validation patients of all other folds, never a test patient.

    With a single fold, the same patients serve for training and for validation pictures.
    """
    cv = [row for row in rows if row.role == "cv"]
    others = [row.subject for row in cv if row.fold != fold]
    return others or [row.subject for row in cv]


def validation(rows: Sequence[Patient], fold: int) -> list[str]:
    """Subjects held out in a fold, for pictures and validation losses."""
    return [row.subject for row in rows if row.role == "cv" and row.fold == fold]


def cross_validated(rows: Sequence[Patient]) -> list[str]:
    """All cross-validation patients; each is held out in one fold."""
    return [row.subject for row in rows if row.role == "cv"]


def test(rows: Sequence[Patient]) -> list[str]:
    """The test patients, the same for every fold."""
    return [row.subject for row in rows if row.role == "test"]


def summary(rows: Sequence[Patient]) -> str:
    """One line for the log."""
    folds = [row.fold for row in rows if row.role == "cv"]
    sizes = [folds.count(k) for k in sorted(set(folds))]
    return f"{len(test(rows))} test and {len(folds)} cross-validation patients, folds of {sizes}"
