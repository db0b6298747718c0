"""The article's own numbers, from ``config/paper``: printed next to ours, never used for tuning."""

from pathlib import Path

import pandas as pd

from benchmark.errors import UserError
from benchmark.project import shipped

FOLDER = shipped("config/paper")


def read(name: str, folder: str | Path = FOLDER) -> pd.DataFrame:
    """``{folder}/{name}.csv`` as text, so that every figure keeps its printed digits; blanks are ''."""
    path = Path(folder) / f"{name}.csv"
    if not path.exists():
        raise UserError(f"{path}: no such file of published numbers; restore config/paper from the repository")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


class Published:
    """Tables 1–4 as printed: ``value`` and ``flag`` of one cell."""

    def __init__(self, folder: str | Path = FOLDER) -> None:
        self.scores = read("scores", folder).set_index(["cohort", "method"])
        self.flags = read("flags", folder)

    def value(self, cohort: str | None, method: str, metric: str) -> str:
        """The printed number of a cell; '' if the article has no such number."""
        key = (cohort, method)
        return str(self.scores.loc[key, metric]) if key in self.scores.index and metric in self.scores else ""

    def flag(self, cohort: str | None, method: str, metric: str) -> str:
        """Why the printed number is implausible; '' if no rule flags it."""
        if not self.value(cohort, method, metric):
            return ""
        flags = self.flags
        hit = flags[(flags["cohort"] == cohort) & (flags["method"] == method) & (flags["metric"] == metric)]
        return " ".join(hit["flag"])


def patients(cohort: str, folder: str | Path = FOLDER) -> tuple[int, int] | None:
    """Cross-validation and test patients of a cohort of the article (section 3.2); None for a cohort that is not in the
    article."""
    rows = read("cohorts", folder).set_index("cohort")
    if cohort not in rows.index:
        return None
    return int(rows.loc[cohort, "cv_patients"]), int(rows.loc[cohort, "test_patients"])
