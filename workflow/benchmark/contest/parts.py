"""Analysis by parts: gain and time of each part of a method, measured by removing the part or making it perfect."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.contest.measure import REMOVED
from benchmark.contest.table import patient_means
from benchmark.print.typeset import Cell, Table, number
from benchmark.scores.metrics import METRICS
from benchmark.scores.score_table import DIGITS, NAMES


def parts_frame(scores: pd.DataFrame, about: Mapping[str, Any]) -> pd.DataFrame:
    """A row for each group and variant of ``contest.parts``: scores of the removed slices and differences to the base.

    Variants are compared on the patients on whom all variants of the group were measured. Columns: cohort, of, variant,
    says, patients, each metric, ``{metric}_change`` (variant − base), ``seconds`` (per slice) and ``seconds_change``.
    """
    patients = patient_means(scores[scores["setting"] == REMOVED])
    rows = []
    for cohort, part in patients.groupby("cohort", sort=False):
        for group in about["contest"]["parts"]:
            names = [group["of"], *group["variants"]]
            common = set.intersection(*(set(part.loc[part["method"] == m, "subject"]) for m in names))
            means = part[part["subject"].isin(common)].groupby("method")[[*METRICS, "seconds"]].mean()
            for name in names:
                row: dict[str, Any] = {"cohort": cohort, "of": group["of"], "variant": name}
                row |= {"says": group["variants"].get(name, "unchanged"), "patients": len(common)}
                for column in (*METRICS, "seconds"):
                    row |= {column: means.loc[name, column]}
                    row |= {f"{column}_change": means.loc[name, column] - means.loc[group["of"], column]}
                rows.append(row)
    measured = [column for name in (*METRICS, "seconds") for column in (name, f"{name}_change")]
    return pd.DataFrame(rows, columns=["cohort", "of", "variant", "says", "patients", *measured])


def parts_table(frame: pd.DataFrame, about: Mapping[str, Any]) -> Table:
    """The table for print: the base's scores, then each variant's differences."""
    columns = ["variant"]
    for metric in METRICS:
        columns += [NAMES[metric], "Δ"]
    table = Table("With and without each part", "", [*columns, "ms per slice", "Δ"])
    labels = {key: method["label"] for key, method in about["methods"].items()}
    for (cohort, of), rows in frame.groupby(["cohort", "of"], sort=False):
        many = rows["patients"].iloc[0]
        table.rows.append(f"{labels[of]} on {about['cohorts'][cohort]['label']}, {many} patients")
        for _, row in rows.iterrows():
            line = [Cell(row["says"])]
            base = row["variant"] == of
            for metric in METRICS:
                line.append(Cell(number(row[metric], DIGITS[metric])))
                line.append(Cell("" if base else number(row[f"{metric}_change"], DIGITS[metric], sign=True)))
            line.append(Cell(number(1000 * row["seconds"], 1)))
            table.rows.append([*line, Cell("" if base else number(1000 * row["seconds_change"], 1, sign=True))])
    table.caption = (
        "Removed slices of the protocol, full frame, means over the patients of the folds that were measured, "
        "which the networks never saw. Δ: variant − unchanged method. Variants that see forbidden input (true "
        "latents, true low-resolution slices) show the upper bound of the gain by a better part."
    )
    return table
