"""Draws a cohort by seed, because the article publishes no ids."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.cohort.sheet import Patient
from benchmark.datasets import Reader
from benchmark.errors import UserError
from benchmark.files import sha256
from benchmark.seeds import generator
from benchmark.volume import read_scan

log = logging.getLogger(__name__)


def draw(
    reader: Reader, name: str, patients: Mapping[str, Any], folds: int, seed: int, partial: bool = False
) -> tuple[list[Patient], dict[str, str]]:
    """Draws a cohort, downloads it and inspects every scan.

    Returns the rows, and the subjects left out with the reasons.

    The order of candidates is drawn from ``seed`` and the reader's ``name`` (the same patients for every modality of
    a dataset), without scans that the reader refuses and copies of a scan under another name; the first
    ``patients["test"]`` are the test patients, the next ``patients["cv"]`` are assigned to the folds in turn.
    ``patients["test_ids"]`` fixes the test patients instead.
    ``cv: all`` uses all remaining patients. ``UserError``: too few candidates, unless ``partial``; a test patient of
    ``test_ids`` that the dataset does not have or the reader refuses.
    """
    candidates = reader.subjects()
    fixed = list(patients.get("test_ids", []))
    unknown = sorted(set(fixed) - set(candidates))
    if unknown:
        raise UserError(f"{name}: test_ids {', '.join(unknown)} not among its subjects {', '.join(candidates[:8])} …")
    order = [candidates[i] for i in generator(seed, "cohort", name).permutation(len(candidates))]
    order = fixed + [subject for subject in order if subject not in fixed]
    n_test = patients["test"]
    everyone = patients["cv"] == "all"
    needed = len(order) if everyone else n_test + patients["cv"]
    rows, refused = _take(reader, order, needed)
    if unusable := [subject for subject in fixed if subject in refused]:
        raise UserError(
            f"{name}: test_ids {unusable[0]}: {refused[unusable[0]]}; name another test patient, or none to draw them"
        )
    left_out = "".join(f"; left out: {subject}, {reason}" for subject, reason in list(refused.items())[:1])
    if len(rows) < needed and not partial and not everyone:
        raise UserError(
            f"{name}: {len(rows)} usable scans, but the cohort needs {n_test} + {patients['cv']}; complete the "
            f"folder, or set partial: true on the cohort (its tables will be marked){left_out}"
        )
    n_test = min(n_test, max(1, len(rows) - folds)) if partial else n_test
    if len(rows) - n_test < folds:
        raise UserError(
            f"{name}: {len(rows)} usable scans are too few for {n_test} test patients and {folds} folds; lower "
            f"patients.test or study.folds{left_out}"
        )
    placed = [
        Patient(**row, role="test", fold=0) if i < n_test else Patient(**row, role="cv", fold=(i - n_test) % folds + 1)
        for i, row in enumerate(rows)
    ]
    return sorted(placed, key=lambda p: (p.role, p.fold, p.subject)), refused


def _take(reader: Reader, order: Sequence[str], needed: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Downloads in order, in as few calls as possible, until ``needed`` scans are accepted."""
    rows: list[dict[str, Any]] = []
    refused: dict[str, str] = {}
    seen: dict[str, str] = {}
    rest = list(order)
    while rest and len(rows) < needed:
        batch, rest = rest[: needed - len(rows)], rest[needed - len(rows) :]
        paths = reader.fetch(batch)
        for subject in batch:
            reason = reader.refuse(paths[subject])
            row = None if reason else _inspect(subject, paths[subject], reader.orientation)
            if row and (twin := seen.setdefault(row["sha256"], subject)) != subject:
                reason = f"the same scan as {twin}"  # else it could be in training and test
            if reason:
                refused[subject] = reason
            elif row:
                rows.append(row)
    return rows, refused


def _inspect(subject: str, path: Path, orientation: str | None) -> dict[str, Any]:
    scan = read_scan(path, orientation)
    for sentence in scan.warnings:
        log.warning("%s: %s", path, sentence.removesuffix(" Set it: --orientation."))  # an option of mri-zoom
    return {
        "subject": subject,
        "source": str(path),
        "sha256": sha256(path),
        "shape": "x".join(map(str, scan.data.shape)),
        "spacing": "x".join(f"{v:.4g}" for v in scan.spacing),
        "orientation": "".join(scan.codes),
    }
