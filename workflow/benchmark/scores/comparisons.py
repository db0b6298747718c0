"""Section 3.4: on which samples methods are compared, and how the outcome is printed."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.print.typeset import Cell, Table, number
from benchmark.scores.aggregate import over_folds, scored
from benchmark.scores.metrics import HIGHER_IS_BETTER, METRICS
from benchmark.scores.score_table import DIGITS, NAMES
from benchmark.scores.significance import (
    CLEARLY,
    LEAST,
    SHOWN,
    THRESHOLD_PAPER,
    THRESHOLD_STRICT,
    TOO_FEW,
    compare,
    paired,
    verdict,
)
from benchmark.seeds import derive

LEVELS = ("patient", "slice")


def samples(scores: pd.DataFrame, level: str) -> pd.DataFrame:
    """The compared samples, each a mean over folds: patients at ``patient`` level, scored slices at ``slice`` level.

    A patient (or slice) counts once, even if networks of several folds restored it.
    """
    if level == "patient":
        return over_folds(scores)
    keys = ["cohort", "method", "subject", "slice"]
    return scored(scores).groupby(keys, sort=True)[list(METRICS)].mean().reset_index()


def compare_methods(
    scores: pd.DataFrame, first: str, second: str, *, comparisons: int, seed: int, **options: Any
) -> pd.DataFrame:
    """Is ``first`` better than ``second``? A row for each level and metric, as ``significance.paired`` returns it.

    ``comparisons``: M, all comparisons of the study at one level. Gain, interval and verdict are those of the patients
    at both levels: slices of one patient are not independent, and slices of few patients are not a sample of patients.
    Raises the errors of ``significance.compare``, e.g. if the PSNR of some slices is infinite.
    """
    rows = []
    for metric in METRICS:
        test = {"higher_is_better": HIGHER_IS_BETTER[metric], "comparisons": comparisons, **options}
        outcome: dict[str, Any] = {}
        for level in LEVELS:
            pair = [_of(samples(scores, level), method)[metric] for method in (first, second)]
            if not pair[0].index.equals(pair[1].index):
                raise ValueError(f"{first} and {second} were not scored on the same patients and slices")
            ours, other = (values.to_numpy() for values in pair)
            named = derive(seed, "aso", first, second, level, metric)
            if level == "patient":
                outcome = paired(ours, other, seed=named, **test)
            else:
                outcome = outcome | compare(ours, other, seed=named, **test)
                outcome["verdict"] = verdict(outcome["patients"], outcome["epsilon_min"], outcome["gain_low"])
            rows.append({"first": first, "second": second, "level": level, "metric": metric} | outcome)
    frame = pd.DataFrame(rows)
    return frame.sort_values("level", key=lambda levels: levels.map(LEVELS.index), kind="stable", ignore_index=True)


def _of(sample: pd.DataFrame, method: str) -> pd.DataFrame:
    rows = sample[sample["method"] == method]
    return rows.set_index([key for key in ("subject", "slice") if key in rows]).sort_index()


def significance_table(frame: pd.DataFrame, labels: Mapping[str, Any]) -> Table:
    """Gain, interval and ε_min of every claim; no verdict with too few patients."""
    names = {key: method["label"] for key, method in labels["methods"].items()}
    columns = ["claim: the first is better"]
    for metric in METRICS:
        columns += [f"{NAMES[metric]}: gain", "ε_min, patients", "ε_min, slices"]
    table = Table("Which method is better (section 3.4)", "", columns)
    for cohort, rows in frame.groupby("cohort", sort=False):
        patients = int(rows["patients"].iloc[0])
        table.rows.append(f"{labels['cohorts'][cohort]['label']}: {patients} test patient{'s' if patients > 1 else ''}")
        for (first, second), claim in rows.groupby(["first", "second"], sort=False):
            line = [Cell(f"{names[first]} > {names[second]}")]
            for metric in METRICS:
                by_level = claim[claim["metric"] == metric].set_index("level")
                line.append(Cell(gain_text(by_level.loc["patient"], DIGITS[metric])))
                line += [_epsilon(by_level.loc[level], level) for level in LEVELS]
            table.rows.append(line)
    table.caption = caption(frame)
    return table


def gain_text(row: Mapping[str, Any], digits: int) -> str:
    """Mean difference and its interval; only the difference if there is no interval."""
    text = number(row["gain"], digits, sign=True)
    if pd.isna(row["gain_low"]):
        return text
    return f"{text} [{number(row['gain_low'], digits, sign=True)}, {number(row['gain_high'], digits, sign=True)}]"


def _epsilon(row: pd.Series, level: str) -> Cell:
    """ε_min and the verdict. With too few patients: no ε_min for patients, and ε_min for slices without a verdict."""
    if row["verdict"] == TOO_FEW:
        return Cell("–" if level == "patient" else f"({number(row['epsilon_min'], 3)})")
    return Cell(f"{number(row['epsilon_min'], 3)} {row['verdict']}", row["verdict"] in (SHOWN, CLEARLY))


def caption(frame: pd.DataFrame) -> str:
    """Explains the comparison, how a verdict is reached, and where to get a verdict."""
    few = frame.loc[frame["verdict"] == TOO_FEW, "patients"]
    text = (
        "Gain: mean over the test patients (each the mean over slices and folds) of the first "
        "method's score minus the second's, positive if the first is better; in square brackets the "
        "bootstrap-t interval of this mean over patients, which does not include the variation between trainings. "
        "ε_min of almost stochastic order (deepsig): an upper bound on how far the "
        "first method's scores are from dominating the second's, patients and, as the article, slices; 0 is full "
        f"dominance, and a value near 1 means not shown, not that the second is better. Shown: ε_min below "
        f"{THRESHOLD_PAPER} (the article) and an interval above 0; clearly: below {THRESHOLD_STRICT} (deepsig's "
        f"authors). Interval and ε_min are at confidence 1 − α/M for the M comparisons of this table at one "
        f"level: {_confidences(frame)}. Oracles are not compared. Folds are averaged: a patient counts once. The "
        "article reports ε_min = 0 for ours over the baseline in every metric. "
    )
    if len(few):
        text += (
            f"–: fewer than {LEAST} patients allow no verdict (here {', '.join(map(str, sorted(set(few))))}); ε_min of "
            "slices, in brackets, then says nothing about other patients. The contest gives a verdict "
            "(snakemake contest): it restores every cross-validation patient with networks that never saw the patient."
        )
    return text.strip()


def _confidences(frame: pd.DataFrame) -> str:
    return ", ".join(f"{value:.5f}" for value in sorted(set(frame["confidence"])))
