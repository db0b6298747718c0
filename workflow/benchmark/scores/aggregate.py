"""From slice scores to table cells: the mean over slices, then patients, then folds, with both spreads."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from benchmark.files import read_csv
from benchmark.scores.metrics import COLUMNS


def read_scores(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Slice scores of many ``{results}/scores/{cohort}/fold{k}/{method}.csv`` as one table.

    Adds the columns ``cohort``, ``fold`` and ``method``, taken from the paths.
    """
    tables = []
    for path in map(Path, paths):
        table = read_csv(path)
        table.insert(0, "cohort", path.parts[-3])
        table.insert(1, "fold", int(path.parts[-2].removeprefix("fold")))
        table.insert(2, "method", path.stem)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def scored(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of tables 1–4: removed slices with signal."""
    return scores[scores["removed"] & scores["signal"]]


def by_patient(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean over the scored slices: one row for each cohort, method, fold and subject."""
    keys = ["cohort", "method", "fold", "subject"]
    return scored(scores).groupby(keys, sort=True)[COLUMNS].mean().reset_index()


def over_folds(scores: pd.DataFrame) -> pd.DataFrame:
    """One row for each cohort, method and subject: a patient counts once, even if networks of several folds restored
    the scan."""
    return by_patient(scores).groupby(["cohort", "method", "subject"], sort=True)[COLUMNS].mean().reset_index()


def by_fold(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean over the patients: one row for each cohort, method and fold."""
    return by_patient(scores).groupby(["cohort", "method", "fold"], sort=True)[COLUMNS].mean().reset_index()


def cells(scores: pd.DataFrame) -> pd.DataFrame:
    """One row for each cohort and method (the index): the mean over folds of every column, and two spreads.

    ``{column}_sd``: standard deviation over the folds' means, that is, of the trainings, on the same patients.
    ``{column}_patients_sd``: over the patients, each the mean over the folds. Both are sample standard deviations (n −
    1), NaN for a single fold or patient and for infinite scores. ``region`` is ``brain`` if every scan is
    skull-stripped, else ``head``. ``folds``, ``patients``, ``slices`` (scored, of one fold) and ``left_out`` (removed
    slices without enough signal) count what a cell averages.
    """
    folds = by_fold(scores)
    groups = folds.groupby(["cohort", "method"], sort=True)
    patients = over_folds(scores).groupby(["cohort", "method"], sort=True)
    table = groups[COLUMNS].mean()
    for column in COLUMNS:
        table[f"{column}_sd"] = groups[column].agg(_sd)
        table[f"{column}_patients_sd"] = patients[column].agg(_sd)
    removed = scores[scores["removed"]]
    one_fold = removed[removed["fold"] == removed.groupby(["cohort", "method"])["fold"].transform("min")]
    counts = one_fold.groupby(["cohort", "method"], sort=True)
    table["folds"] = groups.size()
    table["patients"] = scored(scores).groupby(["cohort", "method"])["subject"].nunique()
    kinds = scored(scores).groupby(["cohort", "method"])["region"]
    table["region"] = kinds.agg(lambda regions: "brain" if (regions == "brain").all() else "head")
    table["slices"] = counts["signal"].sum().astype(int)
    table["left_out"] = (counts.size() - counts["signal"].sum()).astype(int)
    return table


def _sd(values: pd.Series) -> float:
    finite = values.abs() != float("inf")
    return float(values.std(ddof=1)) if len(values) > 1 and finite.all() else float("nan")
