"""Tables 1–4: every method's scores of the removed slices, beside the published figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmark.cohort.sheet import Patient
from benchmark.print.typeset import Cell, Table, number
from benchmark.scores.aggregate import cells
from benchmark.scores.metrics import DEFINITION, HIGHER_IS_BETTER, METRICS
from benchmark.scores.published import Published, patients

DIGITS = {"ssim": 4, "psnr": 2, "lpips": 4}
NAMES = {"ssim": "SSIM", "psnr": "PSNR, dB", "lpips": "LPIPS"}
KINDS = {"method": "", "control": "control: ", "oracle": "oracle: "}


def score_frame(
    scores: pd.DataFrame, cohorts: Sequence[str], config: Mapping[str, Any], published: Published
) -> pd.DataFrame:
    """The table as numbers, a row for each cohort and method in the order of the config.

    Columns: cohort, method, label, kind, folds, patients, slices, left_out; for each of SSIM, PSNR and LPIPS the mean,
    ``_sd``, ``_paper`` (as printed), ``_difference`` (ours − paper) and ``_flag``; then ``{metric}_brain`` and its sd.
    """
    table = cells(scores)
    rows = []
    for cohort in cohorts:
        paper = config["cohorts"][cohort].get("paper")
        for method in config["study"]["methods"]:
            cell, about = table.loc[(cohort, method)], config["methods"][method]
            row = {"cohort": cohort, "method": method, "label": about["label"], "kind": about["kind"]}
            row |= {key: int(cell[key]) for key in ("folds", "patients", "slices", "left_out")}
            for metric in METRICS:
                value = published.value(paper, method, metric)
                row |= {metric: cell[metric], f"{metric}_sd": cell[f"{metric}_sd"], f"{metric}_paper": value}
                row[f"{metric}_difference"] = cell[metric] - float(value) if value else float("nan")
                row[f"{metric}_flag"] = published.flag(paper, method, metric)
            for metric in METRICS:
                row |= {key: cell[key] for key in (f"{metric}_brain", f"{metric}_brain_sd")}
            rows.append(row)
    return pd.DataFrame(rows)


def score_table(
    frame: pd.DataFrame,
    number_: int | str,
    config: Mapping[str, Any],
    sheets: Mapping[str, Sequence[Patient]],
    stand_in: bool = False,
) -> Table:
    """The table for print: mean ± sd, the published figure and the difference, best in bold (oracles aside)."""
    with_paper = bool((frame[[f"{m}_paper" for m in METRICS]] != "").any(axis=None))
    columns = ["method"]
    for metric in METRICS:
        columns += [NAMES[metric], *(["article", "Δ"] if with_paper else [])]
    columns += [f"brain {NAMES[metric]}" for metric in METRICS]
    names = ", ".join(config["cohorts"][cohort]["label"] for cohort in sheets)
    table = Table(f"Table {number_}: scores on {names}", "", columns)
    for cohort, rows in frame.groupby("cohort", sort=False):
        if len(sheets) > 1:
            table.rows.append(config["cohorts"][cohort]["label"])
        best = {column: _best(rows, column) for column in [*METRICS, *(f"{m}_brain" for m in METRICS)]}
        for index, row in rows.iterrows():
            line = [Cell(KINDS[row["kind"]] + row["label"])]
            for metric in METRICS:
                line.append(_score(row, metric, index in best[metric]))
                if with_paper:
                    note = table.note(row[f"{metric}_flag"])
                    line.append(Cell(row[f"{metric}_paper"], note=note))
                    line.append(Cell(number(row[f"{metric}_difference"], DIGITS[metric], sign=True)))
            line += [_score(row, f"{m}_brain", index in best[f"{m}_brain"]) for m in METRICS]
            table.rows.append(line)
    table.caption = caption(frame, config, sheets, with_paper, stand_in)
    return table


def _score(row: pd.Series, column: str, bold: bool) -> Cell:
    digits = DIGITS[column.removesuffix("_brain")]
    sd = number(row[f"{column}_sd"], digits)
    return Cell(number(row[column], digits) + (f" ± {sd}" if sd else ""), bold)


def _best(rows: pd.DataFrame, column: str) -> set:
    """Rows that hold the best value as printed; oracles, which see the truth, do not compete."""
    metric = column.removesuffix("_brain")
    honest = rows.loc[rows["kind"] != "oracle", column].round(DIGITS[metric])
    best = honest.max() if HIGHER_IS_BETTER[metric] else honest.min()
    return set(honest.index[honest == best])


def caption(
    frame: pd.DataFrame,
    config: Mapping[str, Any],
    sheets: Mapping[str, Sequence[Patient]],
    with_paper: bool,
    stand_in: bool,
) -> str:
    """What the table is: cohorts, patients, folds, slices, how means are taken, what the metrics are."""
    folds = config["study"]["folds"]
    text = "Mean over the removed slices, then the test patients, then the folds"
    text += (
        f", ± standard deviation over {folds} folds; what nothing is trained for is scored once and has no deviation. "
        if folds > 1
        else "; with one fold there is no deviation to give. "
    )
    text += "Best value in bold, oracles (which see the truth) aside. "
    if with_paper:
        text += "‘article’ is the published figure, Δ is ours minus it. "
    for cohort, rows in sheets.items():
        of = frame[frame["cohort"] == cohort].iloc[0]
        text += (
            f"{config['cohorts'][cohort]['label']}: {of['patients']} test patients, {of['slices']} removed slices "
            f"scored, {of['left_out']} left out for lack of signal; {sum(r.role == 'cv' for r in rows)} patients for "
            f"cross-validation.{_fewer(config['cohorts'][cohort], rows)} "
        )
    if stand_in:
        text += "The article's own cohort of this table is not in this study: the one above stands in for it. "
    return text + DEFINITION


def _fewer(cohort: Mapping[str, Any], rows: Sequence[Patient]) -> str:
    """Marks a cohort that is smaller than the config asked for, or than the article's."""
    have = sum(row.role == "cv" for row in rows), sum(row.role == "test" for row in rows)
    asked = cohort["patients"]
    text = ""
    if cohort.get("partial") and ((asked["cv"] != "all" and have[0] < asked["cv"]) or have[1] < asked["test"]):
        text += f" PARTIAL: {asked['cv']} + {asked['test']} patients were asked for, {have[0]} + {have[1]} found."
    article = patients(cohort["paper"]) if cohort.get("paper") else None
    if article and article != have:
        text += f" The article has {article[0]} + {article[1]}."
    return text
