"""Estimates of a study before it runs: GPU hours by network and stage, disk space by stage."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.cluster import demand
from benchmark.cluster.demand import patients
from benchmark.config.networks import about, class_of, is_diffusion, study_networks
from benchmark.plan.samplers import etas
from benchmark.print.typeset import Cell, Table, number

# Bytes per voxel on disk: gzip compresses background and smooth parts. Measured on the demo's scans.
SCAN, VOLUME = 0.9, 1.4
START = 35
"""Seconds in which a job holds its GPU without using it: imports, weights, volumes, files (H100, 16 cores)."""
CHECKPOINT = 4
"""Numbers per parameter in a checkpoint: the parameter, two of Adam's, the average."""


def hours_frame(config: Mapping[str, Any], gpu_speed: float = 1.0) -> pd.DataFrame:
    """One row for each network and each method that samples: what, jobs, steps, it_s, source, hours_each, hours."""
    cohorts, folds = config["study"]["cohorts"], config["study"]["folds"]
    rows = []
    for name in study_networks(config):
        pace = demand.pace(name, config, gpu_speed)
        trained = 1 if config["networks"][name]["shared"] else folds
        jobs = len(cohorts) * trained
        hours = trained * sum(demand.training_seconds(name, config, cohort, gpu_speed) for cohort in cohorts) / 3600
        steps = sum(demand.training_steps(name, config, cohort) for cohort in cohorts) / len(cohorts)
        rows.append(["train", name, jobs, steps, 1 / pace.step, pace.source, hours / jobs, hours])

    def sampling(stage: str, name: str, jobs: int, seconds: float) -> None:
        each = seconds / 3600 / max(jobs, 1)
        rows.append([stage, name, jobs, None, None, demand.ESTIMATED, each, seconds / 3600])

    for method in config["study"]["methods"]:
        if is_diffusion(config, method):
            each_fold = sum(
                demand.restoring_seconds(config, cohort, method, patients(config, cohort)[1], gpu_speed)
                for cohort in cohorts
            )
            sampling("restore", method, len(cohorts) * folds, each_fold * folds)
    sampled = next((m for m in config["study"]["methods"] if is_diffusion(config, m)), None)
    if sampled:
        _sweeps(config, sampled, cohorts, gpu_speed, sampling)
    started = sum(int(row[2]) for row in rows)
    rows.append(["start", "every job", started, None, None, demand.ESTIMATED, START / 3600, START * started / 3600])
    columns = ["stage", "name", "jobs", "steps", "it_s", "source", "hours_each", "hours"]
    return pd.DataFrame(rows, columns=columns)


def _sweeps(config: Mapping[str, Any], method: str, cohorts: list[str], gpu_speed: float, add: Any) -> None:
    """Table 6, the curve of few steps and the times of n new slices, for cohorts that are in the study."""
    samplers = config["samplers"]
    stand_in = [config["study"]["stand_in"]] if config["study"].get("stand_in") else []
    named = samplers["cohorts"]
    inside = [cohort for cohort in named if cohort in cohorts] or (stand_in if named else [])

    # Only the removed slices are restored, from samples of their neighbours (``benchmark.samplers.measure``).
    sampled = min(2 * config["protocol"]["remove"], 1)

    def seconds(rows: list[dict[str, Any]]) -> float:
        """Seconds to restore the patients of all cohorts once with each setting."""
        counts = [count for row in rows for count in row["steps"] for _ in etas(row)]
        total = 0.0
        for cohort in inside:
            tested = samplers.get("patients", patients(config, cohort)[1])
            total += sum(demand.restoring_seconds(config, cohort, method, tested, gpu_speed, n) for n in counts)
        return sampled * total

    settings, lines = samplers["settings"], samplers["curve"]["settings"]
    jobs = len(inside) * sum(len(row["steps"]) * len(etas(row)) for row in settings)
    add("sampler", method, jobs, seconds(settings) * samplers["repeats"])
    if lines:  # a job measures all steps of a line
        noises = len(samplers["curve"]["noise"])
        add(
            "sampler_line", method, len(inside) * noises * sum(len(etas(row)) for row in lines), seconds(lines) * noises
        )
    timed = config["efficiency"]
    for cohort in [timed["cohort"]] if timed["cohort"] in cohorts else stand_in:  # n changes only the decoding
        passes, decoded = len(timed["n"]) * timed["repeats"], sum(timed["n"]) * timed["repeats"]
        restoring = demand.restoring_seconds(config, cohort, method, passes, gpu_speed)
        add("efficiency", method, 1, restoring + demand.decoding_seconds(config, cohort, decoded, gpu_speed))


def hours_table(frame: pd.DataFrame, config: Mapping[str, Any]) -> Table:
    """The hours and their sum."""
    measured = [
        f"{row['name']} on {row['source']}" for _, row in frame.iterrows() if demand.ESTIMATED not in row["source"]
    ]
    table = Table(
        "GPU hours of the study",
        f"Number of cohorts: {len(config['study']['cohorts'])}, of folds: {config['study']['folds']}; batches on "
        f"{demand.side(config)}×{demand.side(config)} slices. "
        + (f"Measured: {'; '.join(measured)}. " if measured else "")
        + "All else is estimated for an H100 from measurements on an H200; `snakemake --cores 8 -- speed` "
        "measures on this machine.",
        ["job of", "network or method", "jobs", "steps", "steps/s", "hours each", "GPU hours"],
    )
    for _, row in frame.iterrows():
        known = not pd.isna(row["it_s"])
        cells = [row["stage"], row["name"], str(row["jobs"]), f"{int(row['steps']):,}" if known else ""]
        cells += [number(row["it_s"], 2) if known else "", number(row["hours_each"], 2), number(row["hours"], 1)]
        table.rows.append([Cell(text) for text in cells])
    sums = ["all", "", str(frame["jobs"].sum()), "", "", "", number(frame["hours"].sum(), 1)]
    table.rows.append([Cell(text, bold=bool(text)) for text in sums])
    return table


def disk_frame(config: Mapping[str, Any]) -> pd.DataFrame:
    """One row for each stage: stage, files, gb (estimated), gb_now (measured in the results' folders)."""
    cohorts, folds, methods = config["study"]["cohorts"], config["study"]["folds"], config["study"]["methods"]
    size = demand.side(config) ** 2
    voxels = {cohort: demand.slices(config, cohort) * size for cohort in cohorts}
    everyone = {cohort: sum(patients(config, cohort)) for cohort in cohorts}
    weights = {
        name: about(class_of(config, name)).parameters * demand.width_ratio(name, config) ** 2
        for name in study_networks(config)
    }
    restorations = sum(folds if config["methods"][method]["networks"] else 1 for method in methods)
    tested = {cohort: patients(config, cohort)[1] for cohort in cohorts}
    trained = {name: 1 if config["networks"][name]["shared"] else folds for name in weights}
    trainings = sum(trained.values()) * len(cohorts)
    stored = sum(size * trained[name] for name, size in weights.items()) * 4 * len(cohorts)
    shrunk = config["preprocess"]["shrink"] ** 2
    rows = [
        [
            "scans",
            config["data"],
            sum(everyone.values()),
            sum(everyone[c] * voxels[c] * shrunk * SCAN for c in cohorts),
        ],
        ["volumes", None, sum(everyone.values()), sum(everyone[c] * voxels[c] * VOLUME for c in cohorts)],
        ["models", None, trainings, stored],
        ["checkpoints", None, trainings, stored * CHECKPOINT],
        [
            "restored",
            None,
            restorations * sum(tested.values()),
            restorations * sum(tested[c] * voxels[c] * VOLUME for c in cohorts),
        ],
        [
            "scores",
            None,
            restorations * len(cohorts),
            restorations * sum(tested[c] * voxels[c] / size * 200 for c in cohorts),
        ],
    ]
    results = Path(config["results"])
    sizes = [_size(Path(row[1]) if row[1] else results / row[0]) / 1e9 for row in rows]
    return pd.DataFrame(
        [[stage, files, size / 1e9, now] for (stage, _, files, size), now in zip(rows, sizes, strict=True)],
        columns=["stage", "files", "gb", "gb_now"],
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def disk_table(frame: pd.DataFrame) -> Table:
    """Disk space by stage, and its sum."""
    table = Table(
        "Disk space of the study",
        "Estimated from voxels and parameters, and measured now. Archives of scans may be larger; "
        "checkpoints exist only while their training runs; the estimate counts all checkpoints at once.",
        ["stage", "files", "GB", "GB now"],
    )
    for _, row in frame.iterrows():
        cells = [row["stage"], str(row["files"]), number(row["gb"], 2), number(row["gb_now"], 2)]
        table.rows.append([Cell(text) for text in cells])
    sums = ["all", str(frame["files"].sum()), number(frame["gb"].sum(), 2), number(frame["gb_now"].sum(), 2)]
    table.rows.append([Cell(text, bold=bool(text)) for text in sums])
    return table
