"""The page that opens the report: what was run, how far the run agrees with the article, which method wins, what is
open."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from benchmark.cohort.frame import of_cohorts
from benchmark.cohort.sheet import Patient, test
from benchmark.config.solvers import printed
from benchmark.print.typeset import Cell, Table, as_printed, number
from benchmark.report.deviations import decisions, deviations
from benchmark.report.pages import Heading, Part
from benchmark.samplers.efficiency import claims
from benchmark.scores.metrics import HIGHER_IS_BETTER, METRICS
from benchmark.scores.published import patients
from benchmark.scores.score_table import DIGITS, NAMES, learned_from_alex
from benchmark.scores.shares import shares_sentences, shares_table
from benchmark.scores.significance import CLEARLY, LEAST, SHOWN, TOO_FEW

WITHIN = 0.02  # a cell agrees if its relative difference to the published number is at most this
NO_CLAIMS = pd.DataFrame(columns=["cohort", "first", "second", "level", "metric", "patients", "verdict"])
OUTCOMES = ("within ±2 %", "better", "worse", "implausible")


def outcome(ours: float, paper: float, metric: str, flag: str) -> str:
    """One cell compared with the article; flagged cells are implausible, whatever the result."""
    if flag:
        return "implausible"
    if abs(ours - paper) <= WITHIN * abs(paper):
        return "within ±2 %"
    return "better" if (ours > paper) == HIGHER_IS_BETTER[metric] else "worse"


def outcomes(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each cell that is also in the article: cohort, method, metric, ours, paper, outcome."""
    rows = []
    for _, row in frame.iterrows():
        for metric in METRICS:
            paper = pd.to_numeric(row[f"{metric}_paper"])
            if pd.isna(paper):
                continue
            flag = row[f"{metric}_flag"] if isinstance(row[f"{metric}_flag"], str) else ""
            result = outcome(row[metric], paper, metric, flag)
            rows.append([row["cohort"], row["method"], metric, row[metric], paper, result])
    return pd.DataFrame(rows, columns=["cohort", "method", "metric", "ours", "paper", "outcome"])


def agreement_table(cells: pd.DataFrame, labels: Mapping[str, str]) -> Table:
    """Number of cells of each cohort within ±2 %, better, worse, implausible."""
    table = Table("Agreement with the article", "", ["cohort", "cells", *OUTCOMES])
    for cohort, rows in [*cells.groupby("cohort", sort=False), ("all", cells)]:
        counts = [int((rows["outcome"] == name).sum()) for name in OUTCOMES]
        texts = [labels.get(str(cohort), str(cohort)), str(len(rows)), *map(str, counts)]
        table.rows.append([Cell(text) for text in texts])
    return table


def winners_table(frame: pd.DataFrame, cohorts: Mapping[str, str]) -> Table:
    """The best method of each cohort and metric, among the article's methods and among all methods that do not see the
    truth; all methods whose means print as equal.

    ``frame``: rows of tables 1–4.
    """
    table = Table("Which mean is best", "", ["cohort", "among", *(NAMES[m] for m in METRICS)])
    without_oracles = frame[frame["kind"] != "oracle"]
    for cohort, label in cohorts.items():
        of = without_oracles[without_oracles["cohort"] == cohort].set_index("method")
        groups = {"methods of the article": of[of["block"] == "article"], "all methods and controls": of}
        for among, rows in groups.items():
            line = [Cell(label), Cell(among)]
            for metric in METRICS if len(rows) else ():
                printed = rows[metric].map(partial(as_printed, digits=DIGITS[metric]))
                best = printed.max() if HIGHER_IS_BETTER[metric] else printed.min()
                names = " = ".join(rows.loc[printed == best, "label"])
                line.append(Cell(f"{names} ({number(best, DIGITS[metric])})"))
            if len(rows):
                table.rows.append(line)
    return table


def claims_table(tested: pd.DataFrame | None, frame: pd.DataFrame, cohorts: Mapping[str, str]) -> Table:
    """The verdicts on ours over the others, and on all methods over ``linear``; the first claim is one of ours."""
    tested = NO_CLAIMS if tested is None else tested
    labels = frame.set_index("method")["label"].to_dict()
    ours = tested["first"].iloc[0] if len(tested) else ""
    heads = [f"{labels.get(ours, 'ours')} better than", "methods better than linear"]
    table = Table("How certain this is", "", ["cohort", *heads])
    for cohort, label in cohorts.items():
        of = tested[(tested["cohort"] == cohort) & (tested["level"] == "patient")]
        of_ours, over_linear = of[of["first"] == ours], of[of["second"] == "linear"]
        table.rows.append([Cell(label), Cell(_share(of_ours, "second")), Cell(_share(over_linear, "first"))])
    return table


def _share(tested: pd.DataFrame, who: str) -> str:
    """The number of claims that are shown in all three metrics, and the number clearly shown."""
    if tested.empty:
        return "not tested"
    if (tested["verdict"] == TOO_FEW).any():
        return f"{TOO_FEW} ({tested['patients'].min()}; at least {LEAST})"
    by = tested.groupby(who)["verdict"]
    shown = by.agg(lambda verdicts: verdicts.isin([SHOWN, CLEARLY]).all()).sum()
    return f"{shown} of {by.ngroups} ({by.agg(lambda verdicts: (verdicts == CLEARLY).all()).sum()} clearly)"


def run_table(
    frame: pd.DataFrame, sheets: Mapping[str, Sequence[Patient]], article: Mapping[str, tuple | None], labels: Mapping
) -> Table:
    """The data of the run: patients and slices of each cohort, next to the article's patients."""
    table = Table(
        "What was run",
        "",
        ["cohort", "patients (cv + test)", "in the article", "removed slices scored", "left out (air)"],
    )
    for cohort, rows in sheets.items():
        of = frame[frame["cohort"] == cohort].iloc[0]
        have = f"{len(rows) - len(test(rows))} + {len(test(rows))}"
        theirs = article[cohort]
        paper = f"{theirs[0]} + {theirs[1]}" if theirs else "no such cohort"
        texts = [labels[cohort], have, paper, str(of["slices"]), str(of["left_out"])]
        table.rows.append([Cell(text) for text in texts])
    return table


def efficiency_sentence(frame: pd.DataFrame | None) -> str:
    """Section 3.7's claims as measured in this run."""
    if frame is None:
        return "Section 3.7 (time linear in n, memory flat) was not tested in this run."
    size = f"{frame['slices_in'].iloc[0]} slices on {frame['hardware'].iloc[0]}"
    return f"Section 3.7, measured on {size}. {claims(frame)}"


def sampler_sentence(frame: pd.DataFrame | None) -> str:
    """Which setting of table 6 is best by PSNR; the article chose DDIM, T = 200, η = 1."""
    if frame is None or frame.empty:
        return "Table 6 (samplers) was not made in this run."
    best = frame.loc[frame["psnr"].idxmax()]
    setting = printed(best["sampler"], best["steps"], best["eta"])
    return (
        f"Table 6: of {len(frame)} settings, {setting}, has the highest mean PSNR ({number(best['psnr'], 2)} dB, "
        f"{best['scans']} scan{'s' if best['scans'] > 1 else ''}); the article's choice is DDIM, T = 200, η = 1."
    )


def metrics_sentence(frame: pd.DataFrame) -> str:
    """Whether the truth, scored as a method, has the best possible scores; if not, the metrics are wrong."""
    truth = frame[frame["method"] == "truth"]
    if truth.empty:
        return "The oracle “truth” is not in this run."
    right = bool(
        ((truth["ssim"].round(6) == 1) & (truth["psnr"] == float("inf")) & (truth["lpips"].abs() < 1e-6)).all()
    )
    have = "has, as it must," if right else "does NOT have, so the metrics are wrong,"
    return f"The truth, scored like a method, {have} SSIM 1, PSNR ∞ and LPIPS 0."


def summary(
    frame: pd.DataFrame,
    cells: pd.DataFrame,
    others: Mapping[str, pd.DataFrame],
    config: Mapping[str, Any],
    sheets: Mapping[str, Sequence[Patient]],
) -> tuple[str, str, list[str]]:
    """The opening paragraph, the paragraph under the counts of agreement, and the sentences under the winners."""
    study = config["study"]
    trained = sum(bool(config["methods"][m]["networks"]) for m in study["methods"])
    counts = {name: int((cells["outcome"] == name).sum()) for name in OUTCOMES}
    opening = (
        f"{len(study['methods'])} method{'s' if len(study['methods']) > 1 else ''} ({trained} trained) on "
        f"{len(sheets)} cohort{'s' if len(sheets) > 1 else ''}, "
        f"{study['folds']} fold{'s' if study['folds'] > 1 else ''}. "
    )
    if trained:
        opening += f"The networks are trained by the recipe “{config['recipe']}”. "
    opening += (
        "No number of the article can be compared with this run."
        if cells.empty
        else f"Of {len(cells)} numbers that the article prints for them, {counts['within ±2 %']} are within ±2 %, "
        f"{counts['better']} better, {counts['worse']} worse; {counts['implausible']} are implausible."
    )
    agreement = (
        "Better and worse follow the direction of the metric; “implausible” are published numbers that break one of "
        "five rules applied to all published numbers (footnotes of tables 1 to 4; config/paper/README.md). "
        + " ".join(
            f"{cell.metric.upper()} of {cell.method}, {cell.cohort}: {number(cell.ours, DIGITS[cell.metric])} "
            f"(article {cell.paper:g})."
            for cell in _furthest(cells)
        )
    )
    tested = others.get("significance", NO_CLAIMS)
    few = tested.loc[tested["verdict"] == TOO_FEW, "patients"]
    sentences = [
        "“How certain this is” counts the claims that are shown in all three metrics (SSIM, PSNR and LPIPS), over "
        "patients: ε_min of almost stochastic order below 0.5 (clearly: 0.2) and a paired bootstrap interval above 0, "
        "corrected for all comparisons.",
        *(
            [
                f"With {', '.join(map(str, sorted(set(few))))} test patients no claim about other patients is shown, "
                f"whichever mean is best: a verdict needs at least {LEAST}. The contest (snakemake contest) restores "
                "every cross-validation patient with networks that never saw the patient, and gives a verdict."
            ]
            if len(few)
            else []
        ),
        metrics_sentence(frame),
        efficiency_sentence(others.get("efficiency")),
        sampler_sentence(others.get("table6")),
    ]
    survey = others.get("table5")
    if survey is not None:
        raters = int(survey.filter(regex="^Q1_(?!paper)").iloc[0].sum()) if len(survey) else 0
        sentences.append(f"Table 5: {raters} returned form{'' if raters == 1 else 's'} of the survey.")
    return opening, agreement, sentences


def _furthest(cells: pd.DataFrame, count: int = 3) -> list[Any]:
    """The cells with the largest relative difference to the article, without implausible cells."""
    possible = cells[cells["outcome"] != "implausible"]
    distance = ((possible["ours"] - possible["paper"]) / possible["paper"]).abs()
    return list(possible.loc[distance.sort_values(ascending=False).index[:count]].itertuples())


def parts(
    frame: pd.DataFrame,
    others: Mapping[str, pd.DataFrame],
    config: Mapping[str, Any],
    labels: Mapping[str, Any],
    sheets: Mapping[str, Sequence[Patient]],
) -> list[Part]:
    """The page: headings, paragraphs, tables and lists, in order.

    ``frame``: rows of tables 1–4; ``others``: the other tables by name; ``labels``: ``Plan.labels`` of the cohorts.
    """
    names = {cohort: about["label"] for cohort, about in labels["cohorts"].items()}
    article = {c: patients(about["paper"]) if about.get("paper") else None for c, about in labels["cohorts"].items()}
    cells = outcomes(frame)
    opening, agreement, sentences = summary(frame, cells, others, config, sheets)
    gains, differences = shares_table(frame, names), deviations(config, cells)
    page: list[Part] = [
        opening,
        run_table(frame, sheets, article, names),
        of_cohorts(sheets, config["frame"]),
        agreement_table(cells, names) if len(cells) else "",
        agreement if len(cells) else "",
        winners_table(frame, names),
        learned_from_alex(labels),
        claims_table(others.get("significance"), frame, names),
        sentences,
        gains if gains.rows else "",
        shares_sentences(frame, names),
        Heading("Where this run differs from the article") if differences else "",
        differences,
        Heading("Decisions where the article gives no answer or contradicts itself"),
        decisions(config),
    ]
    return [part for part in page if part]
