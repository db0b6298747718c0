"""The contest as tables: which method is ahead, how certain this is, and for which gap widths."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benchmark.config.cross_check import contest_rivals
from benchmark.contest.measure import REMOVED
from benchmark.print.typeset import Cell, Table, as_printed, number
from benchmark.scores import relative
from benchmark.scores.comparisons import gain_text
from benchmark.scores.metrics import COLUMNS, HIGHER_IS_BETTER, METRICS
from benchmark.scores.region import heading, meaning
from benchmark.scores.score_table import DIGITS, KINDS, NAMES, names_of_the_article
from benchmark.scores.significance import CLEARLY, LEAST, TOO_FEW, paired
from benchmark.seeds import derive

SHARED = (
    "But the folds share one first stage (recipe of the authors), which was trained on the patients that folds 2 and "
    "up hold out: {} can gain by this, except in fold 1; the recipe “scratch” trains a first stage for each fold."
)
PLACES = ["cohort", "setting", "method"]
MEASURED = [*COLUMNS, "lpips_vgg", "seconds"]


def patient_means(scores: pd.DataFrame) -> pd.DataFrame:
    """Means over the scored slices with signal: a row for each cohort, setting, method and subject."""
    with_signal = scores[scores["signal"]]
    return with_signal.groupby([*PLACES, "subject"], sort=False)[MEASURED].mean().reset_index()


def contest_frame(scores: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """Mean and ``_sd`` over patients of every column, ``patients`` and ``slices``: one row per cohort, setting,
    method."""
    patients = patient_means(scores[scores["method"].isin(methods)])
    groups = patients.groupby(PLACES, sort=False)
    table = groups[MEASURED].mean()
    for column in MEASURED:
        finite = groups[column].agg(lambda values: values.std(ddof=1) if np.isfinite(values).all() else np.nan)
        table[f"{column}_sd"] = finite
    table["patients"] = groups.size()
    table["slices"] = scores[scores["signal"]].groupby(PLACES)["slice"].size()
    kinds = scores[scores["signal"]].groupby(PLACES)["region"]
    table["region"] = kinds.agg(lambda regions: "brain" if (regions == "brain").all() else "head")
    table = table.reset_index()
    # the protocol, then gaps of growing width; methods as in the config
    order = {"setting": lambda name: 0 if name == REMOVED else int(name[1:]), "method": list(methods).index}
    table = table.sort_values(
        PLACES, key=lambda column: column.map(order[column.name]) if column.name in order else column
    )
    return relative.with_shares(table, PLACES[:2])


def certainty(scores: pd.DataFrame, about: Mapping[str, Any], **options: Any) -> pd.DataFrame:
    """Almost stochastic order of the champion over its rivals, on patients' means, for each cohort, setting and metric.

    Rivals are the methods in the config's list and, for each metric, the best other method (``next_best``) that is
    neither an oracle nor a variant of the champion with the same networks. A row has ``first``, ``second``, ``metric``,
    ``gain`` (of the mean, positive if the champion is ahead), ``ahead_on`` (number of patients; ties count half) and
    the result of ``significance.paired``. ``options``: of ``significance.paired``; M is the number of comparisons in
    the whole table.
    """
    contest = about["contest"]
    champion, patients = contest["champion"], patient_means(scores)
    others = contest_rivals(contest, about["methods"])
    against = [method for method in contest["against"] if method != champion]  # another champion may be in the list
    rows: list[dict[str, Any]] = []
    seed = options.pop("seed")
    blocks = patients.groupby(["cohort", "setting"], sort=False).ngroups
    comparisons = len(METRICS) * (len(against) + 1) * blocks
    for (cohort, setting), part in patients.groupby(["cohort", "setting"], sort=False):
        samples = {method: rows_.set_index("subject") for method, rows_ in part.groupby("method")}
        for metric in METRICS:
            sign = 1 if HIGHER_IS_BETTER[metric] else -1
            next_best = max(others, key=lambda m: sign * samples[m][metric].mean())
            for rival in dict.fromkeys([*against, next_best]):
                champions = samples[champion][metric]
                rivals_scores = samples[rival][metric].loc[champions.index]
                outcome = paired(
                    champions.to_numpy(),
                    rivals_scores.to_numpy(),
                    higher_is_better=HIGHER_IS_BETTER[metric],
                    seed=derive(seed, "contest", str(cohort), str(setting), rival, metric),
                    comparisons=comparisons,
                    **options,
                )
                place = {"cohort": cohort, "setting": setting, "metric": metric, "first": champion, "second": rival}
                leads = sign * (champions - rivals_scores)
                gain = {"next_best": rival == next_best}
                gain["ahead_on"] = (leads > 0).sum() + (leads == 0).sum() / 2
                rows.append(place | gain | outcome)
    return pd.DataFrame(rows)


def setting_name(setting: str) -> str:
    if setting == REMOVED:
        return "single slices removed"
    n = int(setting[1:])
    return f"one slice in {n + 1} known, {n} new slices in each gap"


def contest_table(frame: pd.DataFrame, about: Mapping[str, Any]) -> Table:
    """The table for print: a block for each cohort and setting, mean ± sd over patients, best in bold."""
    where = heading(frame["region"])
    columns = ["method", *(NAMES[m] for m in METRICS), *(f"{where} {NAMES[m]}" for m in METRICS)]
    shared = about.get("shared", [])
    never = "the fold that held them out" if shared else "that never saw them"
    table = Table(
        f"The contest: every patient, with networks {'of ' * bool(shared)}{never}",
        "",
        [*columns, "LPIPS (VGG)", *relative.headings(frame), "ms per slice"],
    )
    for (cohort, setting), rows in frame.groupby(["cohort", "setting"], sort=False):
        table.rows.append(f"{about['cohorts'][cohort]['label']}: {setting_name(setting)}")
        shown = [*COLUMNS, "lpips_vgg"]
        printed = {c: rows[c].map(partial(as_printed, digits=DIGITS[c.split("_")[0]])) for c in shown}
        compared = [about["methods"][m]["kind"] != "oracle" for m in rows["method"]]
        best = {c: values[compared].max() if _higher(c) else values[compared].min() for c, values in printed.items()}
        for index, row in rows.iterrows():
            method = about["methods"][row["method"]]
            line = [Cell(KINDS[method["kind"]] + method["label"])]
            for column in shown:
                digits = DIGITS[column.split("_")[0]]
                text = number(row[column], digits)
                if not pd.isna(row[f"{column}_sd"]):
                    text += f" ± {number(row[f'{column}_sd'], digits)}"
                line.append(Cell(text, bold=method["kind"] != "oracle" and printed[column][index] == best[column]))
            line += relative.share_cells(row, table)
            table.rows.append([*line, Cell(number(1000 * row["seconds"], 1))])
    table.caption = (
        f"Cross-validated over {_patients(frame, about)}: each is restored with the networks of the fold that held "
        "the patient out. "
        + (f"{SHARED.format(', '.join(shared))} " if shared else "")
        + "Mean ± sd over patients of the means over slices; full frame, and in the region. LPIPS "
        "is the article's (AlexNet); LPIPS (VGG), with VGG16's features, is of every fourth slice of the protocol. "
        f"{_favoured(about)}Time on the machine of the run. Bold: best, without oracles. "
        + names_of_the_article(about["methods"][m]["label"] for m in frame["method"])
        + relative.meaning(frame, about["methods"])
        + meaning(frame["region"])
    ).strip()
    return table


def _favoured(about: Mapping[str, Any]) -> str:
    """Which methods were trained with the features of each LPIPS; '' if none was."""
    texts = []
    for score_name, net in (("LPIPS", "alex"), ("LPIPS (VGG)", "vgg")):
        learned = [about["methods"][m]["label"] for m, nets in about.get("features", {}).items() if net in nets]
        if learned:
            texts.append(f"{score_name} favours the methods trained with the same features: {', '.join(learned)}. ")
    return "".join(texts)


def _patients(frame: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """The number of patients; of several cohorts, the number of each: the cohorts of BraTS have the same patients."""
    counts = frame.groupby("cohort", sort=False)["patients"].max()
    if len(counts) == 1:
        return f"{counts.iloc[0]} patients"
    each = "; ".join(f"{about['cohorts'][cohort]['label']}: {count}" for cohort, count in counts.items())
    return f"the patients of each cohort ({each}; cohorts can share patients)"


def certainty_table(frame: pd.DataFrame, about: Mapping[str, Any]) -> Table:
    """ε_min of the champion over each rival; the caption says in one sentence whether the champion wins."""
    labels = {key: method["label"] for key, method in about["methods"].items()}
    champion = labels[about["contest"]["champion"]]
    columns = ["the champion over"]
    for metric in METRICS:
        columns += [f"{NAMES[metric]}, gain, on patients", "ε_min"]
    table = Table(f"Is {champion} the best? All patients, paired", "", columns)
    for (cohort, setting), rows in frame.groupby(["cohort", "setting"], sort=False):
        table.rows.append(f"{about['cohorts'][cohort]['label']}: {setting_name(setting)}")
        for rival, claim in rows.groupby("second", sort=False):
            line = [Cell(labels[str(rival)])]
            for metric in METRICS:
                row = claim[claim["metric"] == metric]
                if row.empty:
                    line += [Cell("–"), Cell("–")]
                    continue
                comparison = row.iloc[0]
                mark = " (next best)" if comparison["next_best"] else ""
                patients = f" on {comparison['ahead_on']:g} of {comparison['n_ours']}"
                line.append(Cell(gain_text(comparison, DIGITS[metric]) + patients + mark))
                few = comparison["verdict"] == TOO_FEW
                text = TOO_FEW if few else f"{number(comparison['epsilon_min'], 3)} {comparison['verdict']}"
                line.append(Cell(text, bold=comparison["verdict"] == CLEARLY))
            table.rows.append(line)
    table.caption = (
        f"{champion} {_conclusion(frame, about)}. Variants of the champion are not compared. Gain: mean paired "
        "difference over patients, positive if the champion is ahead, with its bootstrap-t interval over "
        "patients; patients of one fold share their networks, and the interval does not include the variation between "
        "trainings. ε_min of almost stochastic order compares the two groups of patients' means without "
        "pairing them. Clearly shown (bold): "
        f"ε_min below 0.2 and an interval above 0, both at a confidence of {frame['confidence'].iloc[0]:.5f} "
        f"(corrected for all comparisons of this table); fewer than {LEAST} patients allow no verdict (here "
        f"{int(frame['patients'].min())} and more)."
    )
    return table


def _conclusion(frame: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """The end of the sentence that says whether the champion wins."""
    labels = {key: method["label"] for key, method in about["methods"].items()}
    failed = frame[frame["verdict"] != CLEARLY]
    if failed.empty:
        return "is ahead of every rival in this table, clearly shown on all metrics and for all gaps"
    if (frame["verdict"] == TOO_FEW).all():
        return f"may be ahead or not: fewer than {LEAST} patients allow no verdict"
    return "is not clearly ahead on: " + "; ".join(
        f"{NAMES[row['metric']]} against {labels[row['second']]} ({about['cohorts'][row['cohort']]['label']}, "
        f"{setting_name(row['setting'])}): {number(row['gain'], DIGITS[row['metric']], sign=True)}, "
        f"ε_min {number(row['epsilon_min'], 3)}, {row['verdict']}"
        for _, row in failed.iterrows()
    )


def _higher(column: str) -> bool:
    return HIGHER_IS_BETTER[column.split("_")[0]]
