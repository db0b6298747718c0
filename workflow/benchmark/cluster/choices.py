"""GPU hours of a study by choice: as configured, and with one setting changed."""

import contextlib
import copy
from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.cluster.study_cost import hours_frame
from benchmark.config import check, merge
from benchmark.errors import UserError
from benchmark.print.typeset import Cell, Table, number

EPOCHS = 5

CHOICES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("recipe: authors", {"recipe": "authors"}),
    ("recipe: scratch", {"recipe": "scratch"}),
    ("compute.precision: 32-true", {"compute": {"precision": "32-true"}}),
    ("compute.precision: bf16-mixed", {"compute": {"precision": "bf16-mixed"}}),
    ("compute: {half: true, compile: false}", {"compute": {"half": True, "compile": False}}),
    ("compute: {half: false, compile: false}", {"compute": {"half": False, "compile": False}}),
    ("sampling.sampler: fast", {"sampling": {"sampler": "fast"}}),
    ("study.folds: 1", {"study": {"folds": 1}}),
    ("without table 6 and sampler curve", {"samplers": {"cohorts": []}}),
)


def choices_frame(as_written: Mapping[str, Any], gpu_speed: float = 1.0) -> pd.DataFrame:
    """One row for each choice: choice, hours, train, restore, sweeps.

    The first row is the study as configured. ``as_written``: the user's config without defaults and
    recipe. A choice that this config does not allow, because a recipe, sampler or method is not in it, has no row.
    """
    rows = [["as configured", *_hours(as_written, {}, gpu_speed)]]
    for name, change in (*CHOICES, *_of_the_study(as_written)):
        with contextlib.suppress(UserError):
            rows.append([name, *_hours(as_written, change, gpu_speed)])
    return pd.DataFrame(rows, columns=["choice", "hours", "train", "restore", "sweeps"])


def _of_the_study(as_written: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Choices that depend on the content of the study."""
    study, methods = as_written["study"], as_written["methods"]
    names = [m for m in study["methods"] if methods[m].get("origin") == "article" or methods[m].get("kind")]
    epochs = {name: _epochs(as_written, name) for name in ("vq", "ldm") if name in as_written["networks"]}
    return [
        *([(f"first stage and diffusion: {EPOCHS} epochs", {"networks": epochs})] if epochs else []),
        ("only the article's methods and controls", {"study": {"methods": names}}),
        (f"one cohort ({study['cohorts'][0]})", {"study": {"cohorts": study["cohorts"][:1]}}),
    ]


def _epochs(as_written: Mapping[str, Any], network: str) -> dict[str, Any]:
    training = {key: value for key, value in as_written["networks"][network]["training"].items() if key != "steps"}
    return as_written["networks"][network] | {"training": training | {"epochs": EPOCHS}}


def _hours(as_written: Mapping[str, Any], change: Mapping[str, Any], gpu_speed: float) -> list[float]:
    config = copy.deepcopy(dict(as_written))
    for network in change.get("networks", {}):
        config["networks"][network] = {}
    merge(config, copy.deepcopy(change))
    frame = hours_frame(check(config), gpu_speed)
    by_stage = frame.groupby("stage")["hours"].sum()
    parts = [float(by_stage.get(stage, 0.0)) for stage in ("train", "restore")]
    total = float(frame["hours"].sum())
    return [total, *parts, total - sum(parts)]


def choices_table(frame: pd.DataFrame) -> Table:
    """The hours of each choice, and the difference to the study as configured."""
    table = Table(
        "GPU hours of the study by choice",
        "One setting is changed at a time; all others are as configured. Estimated like the table of hours; sweeps: "
        "table 6, the curve of few steps, the times of n new slices, and the start of jobs.",
        ["choice", "training", "restoring", "sweeps and starts", "GPU hours", "difference"],
    )
    usual = frame["hours"].iloc[0]
    for _, row in frame.iterrows():
        parts = [number(row[key], 1) for key in ("train", "restore", "sweeps", "hours")]
        table.rows.append([Cell(row["choice"]), *(Cell(part) for part in parts), Cell(f"{row['hours'] - usual:+.1f}")])
    return table
