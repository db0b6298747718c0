"""Section 3.4: on which samples methods are compared, and how the outcome is printed."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.print.typeset import Cell, Table, number
from benchmark.scores.aggregate import by_patient, scored
from benchmark.scores.metrics import HIGHER_IS_BETTER, METRICS
from benchmark.scores.significance import SMALL, THRESHOLD_PAPER, THRESHOLD_STRICT, compare
from benchmark.seeds import derive

LEVELS = ("patient", "slice")


def samples(scores: pd.DataFrame, level: str) -> pd.DataFrame:
    """What is compared: at ``patient`` level one mean a patient and fold, at ``slice`` level every scored slice."""
    return by_patient(scores) if level == "patient" else scored(scores)


def compare_methods(
    scores: pd.DataFrame, first: str, second: str, *, comparisons: int, seed: int, **options: Any
) -> pd.DataFrame:
    """Is ``first`` better than ``second``? A row for each level and metric, with what ``significance.compare`` returns.

    ``comparisons``: M, the comparisons of all pairs and metrics of a cohort at one level. Raises what
    ``significance.compare`` raises, e.g. where the PSNR of some slices is infinite.
    """
    rows = []
    for level in LEVELS:
        sample = samples(scores, level).set_index("method")
        for metric in METRICS:
            row: dict[str, Any] = {"first": first, "second": second, "level": level, "metric": metric}
            named = derive(seed, "aso", first, second, level, metric)
            result = compare(
                sample.loc[[first], metric].to_numpy(),
                sample.loc[[second], metric].to_numpy(),
                higher_is_better=HIGHER_IS_BETTER[metric],
                seed=named,
                comparisons=comparisons,
                **options,
            )
            rows.append(row | result)
    return pd.DataFrame(rows)


def significance_table(frame: pd.DataFrame, config: Mapping[str, Any]) -> Table:
    """ε_min of every claim, patients first; a footnote where a sample is small."""
    labels = {key: method["label"] for key, method in config["methods"].items()}
    heads = [f"{metric.upper()}, {level}s" for level in LEVELS for metric in METRICS]
    table = Table("Almost stochastic order (section 3.4)", "", ["claim: the first is better", *heads])
    for cohort, rows in frame.groupby("cohort", sort=False):
        table.rows.append(config["cohorts"][cohort]["label"])
        for (first, second), claim in rows.groupby(["first", "second"], sort=False):
            cells = [Cell(f"{labels[first]} > {labels[second]}")]
            for _, row in claim.iterrows():
                note = ""
                if row["small"]:
                    note = f"WARNING: a sample of fewer than {SMALL} scores says little, whatever ε_min is."
                marks = f"{'yes' if row['better'] else 'no'}/{'yes' if row['clearly_better'] else 'no'}"
                text = f"{number(row['epsilon_min'], 3)} {marks}"
                cells.append(Cell(text, bool(row["clearly_better"]), table.note(note)))
            table.rows.append(cells)
    table.caption = (
        "ε_min of almost stochastic order (deepsig): an upper bound to how far the first method's scores are from "
        "dominating the second's; 0 is full dominance. After it the verdicts at τ = "
        f"{THRESHOLD_PAPER} (the article) / {THRESHOLD_STRICT} (deepsig's authors); bold where both say yes. "
        "Patient level: one mean a test patient and fold; slice level, as the article: every removed slice, which are "
        "not independent. "
        f"Confidence 1 − α/M for the M comparisons of a cohort and level: {_confidences(frame)}. Oracles are not "
        "compared. The article reports ε_min = 0 for ours over the baseline in every metric."
    )
    return table


def _confidences(frame: pd.DataFrame) -> str:
    return ", ".join(f"{value:.4f}" for value in sorted(set(frame["confidence"])))
