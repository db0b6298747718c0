"""Tables 1–4: every method's scores of the removed slices, next to the published numbers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from benchmark.cohort.sheet import Patient
from benchmark.plan.study import LIKE_WITH_LIKE
from benchmark.print.typeset import Cell, Table, as_printed, number
from benchmark.scores import relative
from benchmark.scores.aggregate import cells
from benchmark.scores.metrics import DEFINITION, HIGHER_IS_BETTER, METRICS
from benchmark.scores.published import Published, patients
from benchmark.scores.region import heading, meaning

DIGITS = {"ssim": 4, "psnr": 2, "lpips": 4}
NAMES = {"ssim": "SSIM", "psnr": "PSNR, dB", "lpips": "LPIPS"}


def direction(metric: str) -> str:
    """The end of an axis's label: which end is better."""
    return " (higher is better)" if HIGHER_IS_BETTER[metric] else " (lower is better)"


KINDS = {"method": "", "control": "control: ", "oracle": "oracle: "}
BLOCKS = {
    "article": "methods of the article",
    "variant": "the article's, with and without EDSR",
    "project": "not in the article: this project's",
    "control": "controls: not trained",
    "oracle": "oracles: see the truth",
}
"""Blocks of a table, in order; a method's block is its kind, or its origin if the kind is ``method``."""


def score_frame(
    scores: pd.DataFrame, cohorts: Sequence[str], labels: Mapping[str, Any], published: Published
) -> pd.DataFrame:
    """The table as numbers: one row for each cohort and method, in the order of the config.

    Columns: cohort, method, label, kind, block (of ``BLOCKS``), folds, patients, slices, left_out, region; for SSIM,
    PSNR and LPIPS the mean, ``_sd`` (over folds), ``_patients_sd``, ``_paper`` (as printed), ``_difference`` (ours −
    paper) and ``_flag``; then ``{metric}_region`` and its spreads, and ``{metric}_share`` (``scores.relative``).
    """
    table = cells(scores)
    rows = []
    for cohort in cohorts:
        paper = labels["cohorts"][cohort].get("paper")
        for method in labels["study"]["methods"]:
            cell, about = table.loc[(cohort, method)], labels["methods"][method]
            row = {"cohort": cohort, "method": method, "label": about["label"], "kind": about["kind"]}
            row["block"] = about["origin"] if about["kind"] == "method" else about["kind"]
            row |= {key: int(cell[key]) for key in ("folds", "patients", "slices", "left_out")}
            row["region"] = cell["region"]
            for metric in METRICS:
                value = published.value(paper, method, metric)
                row |= {key: cell[key] for key in (metric, f"{metric}_sd", f"{metric}_patients_sd")}
                row[f"{metric}_paper"] = value
                row[f"{metric}_difference"] = cell[metric] - float(value) if value else float("nan")
                row[f"{metric}_flag"] = published.flag(paper, method, metric)
            for metric in METRICS:
                row |= {key: cell[key] for key in cell.index if str(key).startswith(f"{metric}_region")}
            rows.append(row)
    return relative.with_shares(pd.DataFrame(rows), ["cohort"])


def score_table(
    frame: pd.DataFrame,
    number_: int | str,
    labels: Mapping[str, Any],
    sheets: Mapping[str, Sequence[Patient]],
    stand_in: Sequence[int] = (),
) -> Table:
    """The table for print, in blocks: mean and spreads, the published number, the difference; best of a block bold."""
    with_paper = bool((frame[[f"{m}_paper" for m in METRICS]] != "").any(axis=None))
    columns = ["method"]
    for metric in METRICS:
        columns += [NAMES[metric], *(["article", "Δ"] if with_paper else [])]
    columns += [f"{heading(frame['region'])} {NAMES[metric]}" for metric in METRICS] + relative.headings(frame)
    names = ", ".join(labels["cohorts"][cohort]["label"] for cohort in sheets)
    numbers = f"Tables {', '.join(map(str, stand_in))}" if len(stand_in) > 1 else f"Table {number_}"
    table = Table(f"{numbers}: scores on {names}", "", columns)
    scored = [*METRICS, *(f"{m}_region" for m in METRICS)]
    for cohort, block, rows in _blocks(frame):
        name = BLOCKS[block]
        table.rows.append(f"{labels['cohorts'][cohort]['label']}: {name}" if len(sheets) > 1 else name)
        best = {column: _best(rows, column) for column in scored}
        for index, row in rows.iterrows():
            line = [Cell(row["label"])]
            for metric in METRICS:
                line.append(_score(row, metric, index in best[metric]))
                if with_paper:
                    note = table.note(row[f"{metric}_flag"])
                    line.append(Cell(row[f"{metric}_paper"], note=note))
                    line.append(Cell(number(row[f"{metric}_difference"], DIGITS[metric], sign=True)))
            line += [_score(row, f"{m}_region", index in best[f"{m}_region"]) for m in METRICS]
            table.rows.append(line + relative.share_cells(row, table))
    table.caption = caption(frame, labels, sheets, with_paper, stand_in)
    return table


def _blocks(frame: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Cohort, block and rows: cohorts as they come, blocks in the order of ``BLOCKS``."""
    for cohort in dict.fromkeys(frame["cohort"]):
        for block in BLOCKS:
            rows = frame[(frame["cohort"] == cohort) & (frame["block"] == block)]
            if len(rows):
                yield cohort, block, rows


def _score(row: pd.Series, column: str, bold: bool) -> Cell:
    digits = DIGITS[column.removesuffix("_region")]
    folds, patients = (number(row[f"{column}{spread}"], digits) for spread in ("_sd", "_patients_sd"))
    text = number(row[column], digits) + (f" ± {folds}" if folds else "") + (f" ({patients})" if patients else "")
    return Cell(text, bold)


def _best(rows: pd.DataFrame, column: str) -> set:
    """Rows of a block that hold its best value as printed; no rows if the block has one row or sees the truth."""
    if len(rows) < 2 or (rows["kind"] == "oracle").any():
        return set()
    metric = column.removesuffix("_region")
    values = rows[column].map(partial(as_printed, digits=DIGITS[metric]))
    best = values.max() if HIGHER_IS_BETTER[metric] else values.min()
    return set(values.index[values == best])


def caption(
    frame: pd.DataFrame,
    labels: Mapping[str, Any],
    sheets: Mapping[str, Sequence[Patient]],
    with_paper: bool,
    stand_in: Sequence[int],
) -> str:
    """Explains the table: cohorts, patients, folds, slices, means and metrics."""
    folds = labels["study"]["folds"]
    text = "Mean over the removed slices, then the test patients, then the folds"
    text += (
        f"; ± standard deviation over {folds} folds, that is, over {folds} trainings tested on the same patients "
        "(methods without training are scored once and have no ±); "
        if folds > 1
        else "; one fold has one training and no spread of trainings; "
    )
    text += (
        "in brackets the standard deviation over the test patients. Bold: the best value of a block that has more "
        f"than one row and no oracles. {learned_from_alex(labels)}"
    )
    if with_paper:
        text += "‘article’ is the published number, Δ is the number of this run minus the published number. "
    text += names_of_the_article(frame["label"]) + like_with_like(labels) + relative.meaning(frame, labels["methods"])
    for cohort, rows in sheets.items():
        of = frame[frame["cohort"] == cohort].iloc[0]
        text += (
            f"{labels['cohorts'][cohort]['label']}: {of['patients']} test patients, {of['slices']} removed slices "
            f"scored, {of['left_out']} left out for lack of signal, region: {of['region']}; "
            f"{sum(r.role == 'cv' for r in rows)} patients for cross-validation."
            f"{_fewer(labels['cohorts'][cohort], rows)} "
        )
    if stand_in:
        names = f"table {stand_in[0]}" if len(stand_in) == 1 else f"tables {', '.join(map(str, stand_in))}"
        text += f"This study does not have the article's cohorts of {names}: the cohort above stands in for them" + (
            ", and one table replaces all of these tables, which would be identical. " if len(stand_in) > 1 else ". "
        )
    return text + DEFINITION + " " + meaning(frame["region"])


def learned_from_alex(labels: Mapping[str, Any]) -> str:
    """Which methods were trained with the features that LPIPS uses; '' if no method was."""
    methods = [labels["methods"][m] for m in labels["study"]["methods"] if "alex" in labels["methods"][m]["features"]]
    names = ", ".join(method["label"] for method in methods)
    return names and (
        f"{names}: trained with AlexNet's features, which LPIPS uses, so LPIPS favours the method; the contest "
        "also gives LPIPS with VGG16's features. "
    )


def names_of_the_article(names: Iterable[str]) -> str:
    """The meaning of the article's names of methods; '' if none of the ``names`` is from the article."""
    if not any("SR with SI" in name for name in names):
        return ""
    return "SR with SI: super-resolution with slice interpolation; ‘ours’ is the article's method. "


def like_with_like(labels: Mapping[str, Any]) -> str:
    """Which rows to compare for the effect of interpolation; '' if the table has no two such rows."""
    names = {m: labels["methods"][m]["label"] for m in labels["study"]["methods"]}
    alike = [f"{names[a]} with {names[b]}" for a, b in LIKE_WITH_LIKE if {a, b} <= set(names)]
    return (
        "The article sharpens ours by EDSR and does not say whether its baseline is sharpened; for the effect of "
        f"interpolation, compare {', or '.join(alike)}. "
        if alike
        else ""
    )


def _fewer(cohort: Mapping[str, Any], rows: Sequence[Patient]) -> str:
    """Marks a cohort that is smaller than the cohort in the config or in the article."""
    have = sum(row.role == "cv" for row in rows), sum(row.role == "test" for row in rows)
    asked = cohort["patients"]
    text = ""
    if cohort.get("partial") and ((asked["cv"] != "all" and have[0] < asked["cv"]) or have[1] < asked["test"]):
        text += f" PARTIAL: {asked['cv']} + {asked['test']} patients were requested, {have[0]} + {have[1]} found."
    article = patients(cohort["paper"]) if cohort.get("paper") else None
    if article and article != have:
        text += f" The article has {article[0]} + {article[1]}."
    return text
