"""The choice of slices for figures: slices with the most detail, listed in a sheet."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import volume
from benchmark.cohort.protocol import read_removal
from benchmark.errors import UserError
from benchmark.files import read_csv, subject_of, written


def gradient_energy(slices: np.ndarray) -> np.ndarray:
    """Detail of each slice: the mean squared gradient of (S, H, W) → (S,)."""
    rows, columns = np.diff(slices, axis=1)[:, :, :-1], np.diff(slices, axis=2)[:, :-1]
    return (rows.astype(np.float64) ** 2 + columns.astype(np.float64) ** 2).mean(axis=(1, 2))


def detail_sheet(truths: Sequence[str], removals: Sequence[str], shown: Sequence[str]) -> pd.DataFrame:
    """A row for each slice of each test patient that may be pictured: subject, slice, removed, detail (×10⁶).

    ``UserError`` if no test patient may be pictured.
    """
    tables = []
    for truth, removal in zip(truths, removals, strict=True):
        subject = subject_of(truth)
        if subject not in shown:
            continue
        slices, _ = volume.read(truth)
        removed = np.isin(np.arange(len(slices)), read_removal(removal).removed)
        energy = np.round(gradient_energy(slices) * 1e6, 3)
        tables.append(
            pd.DataFrame({"subject": subject, "slice": np.arange(len(slices)), "removed": removed, "detail": energy})
        )
    if not tables:
        raise UserError(
            "no test patient of this cohort may be pictured (their faces are not removed); name others as "
            "patients.test_ids of the cohort"
        )
    return pd.concat(tables, ignore_index=True)


def write_detail(path: str | Path, sheet: pd.DataFrame) -> None:
    """Writes the sheet as TSV."""
    with written(path) as aside:
        sheet.to_csv(aside, sep="\t", index=False, lineterminator="\n")


def read_detail(path: str | Path) -> pd.DataFrame:
    """Reads the sheet."""
    return read_csv(path, "\t")


def patient(sheet: pd.DataFrame, number: int) -> str:
    """The ``number``-th (from 1) test patient that may be pictured; counts again from the first patient if there are
    fewer."""
    subjects = list(dict.fromkeys(sheet["subject"]))
    return subjects[(number - 1) % len(subjects)]


def known_slice(sheet: pd.DataFrame, subject: str, region: int = 1) -> int:
    """The known slice (not removed) with the most detail; ``region`` 2: the next best slice at a distance of at least
    an eighth of the volume, and so on."""
    return _most_detail(sheet[sheet["subject"] == subject], False, region)


def removed_slice(sheet: pd.DataFrame, subject: str, region: int = 1) -> int:
    """The removed slice with the most detail; ``region`` as above."""
    return _most_detail(sheet[sheet["subject"] == subject], True, region)


def _most_detail(rows: pd.DataFrame, removed: bool, region: int) -> int:
    of = rows[rows["removed"] == removed]
    return _apart(of["slice"], of["detail"], len(rows), region)


def adjacent_pair(sheet: pd.DataFrame, subject: str, region: int = 1) -> int:
    """The left slice of the two neighbouring slices with the most detail in sum; ``region`` as above."""
    rows = sheet[sheet["subject"] == subject]
    energy = rows["detail"].to_numpy()
    return _apart(rows["slice"].iloc[:-1], pd.Series(energy[:-1] + energy[1:]), len(rows), region)


def _apart(slices: pd.Series, detail: pd.Series, length: int, region: int) -> int:
    """Greedy: the best slice, then the best slice far from all chosen slices; when no slice is left, from the start
    again."""
    order = slices.to_numpy()[np.argsort(-detail.to_numpy(), kind="stable")]
    taken: list[int] = []
    while len(taken) < region:
        far = [i for i in order if all(abs(int(i) - other) >= length / 8 for other in taken)]
        rest = far or [i for i in order if i not in taken] or list(order)
        taken.append(int(rest[0]))
    return taken[-1]
