"""Table 5: the most common levels of the survey, the counts, and how far raters agree."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchmark.print.typeset import Cell, Table, number
from benchmark.scores import published
from benchmark.survey.agreement import fleiss_kappa
from benchmark.survey.kit import LEVELS, QUESTIONS


def survey_frame(answers: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """A row for each method: for each question the most common level (ties joined), as printed, and the counts.

    ``answers``: rows of ``benchmark.survey.kit.read_answers``; ``labels``: of the methods in the kit, by key.
    """
    paper = published.read("survey").set_index("method")
    rows = []
    for method, label in labels.items():
        row: dict[str, object] = {"method": method, "label": label}
        for question in QUESTIONS:
            levels = answers[(answers["method"] == method) & (answers["question"] == question)]["level"]
            counts = [int((levels == level).sum()) for level in LEVELS]
            row[question] = most_common(counts)
            row[f"{question}_paper"] = paper[question.lower()].get(method, "")
            row |= {f"{question}_{level}": n for level, n in zip(LEVELS, counts, strict=True)}
        rows.append(row)
    return pd.DataFrame(rows)


def most_common(counts: list[int]) -> str:
    """The most frequent level; ties joined as in the article, the lower level first; '' without answers."""
    best = max(counts)
    return ", ".join(level for level, n in zip(LEVELS, counts, strict=True) if n == best) if best else ""


def agreement(frame: pd.DataFrame) -> dict[str, float]:
    """Fleiss' kappa over the methods, by question; NaN with fewer than two raters."""
    kappas = {}
    for question in QUESTIONS:
        counts = frame[[f"{question}_{level}" for level in LEVELS]].to_numpy()
        kappas[question] = fleiss_kappa(counts) if counts.sum(axis=1).min() >= 2 else float("nan")
    return kappas


def survey_table(frame: pd.DataFrame, where: str, raters: int) -> Table:
    """The table for print."""
    names = {"Q1": "Q1 realism", "Q2": "Q2 slice consistency", "Q3": "Q3 anatomic correctness"}
    columns = ["method"] + [text for q in QUESTIONS for text in (names[q], "counts", "article")]
    table = Table("Table 5: most common level of the survey", "", columns)
    for _, row in frame.iterrows():
        line = [Cell(row["label"])]
        for question in QUESTIONS:
            counts = "/".join(str(row[f"{question}_{level}"]) for level in LEVELS) if raters else ""
            line += [Cell(row[question]), Cell(counts), Cell(row[f"{question}_paper"])]
        table.rows.append(line)
    kappas = {q: k for q, k in agreement(frame).items() if not np.isnan(k)}
    if not raters:
        agreement_text = "No form has been returned yet, so the columns of this run are empty. "
    elif kappas:
        agreement_text = "Agreement (Fleiss' κ): " + ", ".join(f"{q} {number(k, 3)}" for q, k in kappas.items()) + ". "
    else:
        agreement_text = "Agreement is undefined (one rater, or one level in all answers). "
    table.caption = (
        f"Blinded survey of {where}: {raters} rater{'' if raters == 1 else 's'} (article: 4 radiologists on ATLAS). "
        f"Counts are {' / '.join(LEVELS)}. {agreement_text}Gwet's AC2 is left out: no maintained library has it."
    )
    return table
