"""The start-up time of a job, and the time to plan the whole study."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark import project
from benchmark.bench.row import Race
from benchmark.cohort.sheet import Patient, write_sheet
from benchmark.errors import UserError

JOBS = {
    "preprocess": ["benchmark.datasets", "benchmark.jobs.job", "benchmark.cohort.preprocess"],
    "a table": ["benchmark.jobs.job", "benchmark.scores.score_table", "benchmark.scores.aggregate"],
    "score": ["benchmark.jobs.job", "benchmark.jobs.scoring", "models.perceptual"],
    "restore, a control": ["benchmark.jobs.job", "benchmark.jobs.restoration", "models.methods.linear"],
    "restore, ours": ["benchmark.jobs.job", "benchmark.jobs.restoration", "models.methods.ours", "models.networks.ldm"],
    "train, wdsr": ["benchmark.jobs.job", "benchmark.jobs.training", "models.networks.wdsr"],
}
"""The imports of a job of each kind."""
EVERYTHING = [
    *("models", "torch", "torchvision", "lightning_fabric", "diffusers.models", "diffusers.training_utils", "lpips"),
    *("skimage.metrics", "pandas", "nibabel", "matplotlib.pyplot"),
]
"""The imports of a plain script that imports its libraries at the top."""


def rows() -> Iterator[Race]:
    """A new Python process, from its start to the end of its imports."""
    for job, modules in JOBS.items():
        options = {"rounds": 1, "warm_up": False}
        yield Race(f"imports: {job}", "job", _importing(modules), _importing(EVERYTHING), options=options)


def _importing(modules: Sequence[str]) -> Any:
    path = os.pathsep.join(sys.path)

    def run() -> None:
        command = [sys.executable, "-c", f"import {', '.join(modules)}"]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": path}, capture_output=True)

    return run


def plan(config: Mapping[str, Any], folder: Path) -> Race:
    """A dry run of the full study, with drawn cohorts (numbered patients without files)."""
    root = project.clone()
    if root is None:
        raise UserError("bench: the study is planned in a clone of the project; an installed package has no Snakefile")
    for number, (cohort, block) in enumerate(config["cohorts"].items()):
        if cohort in config["study"]["cohorts"]:
            write_sheet(folder / "results" / "cohorts" / f"{cohort}.tsv", _patients(cohort, block, folder, number))

    def run() -> None:
        command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "all", "--nolock", "--rerun-triggers", "mtime"]
        command += ["--cores", "1", "--config", f"results={folder / 'results'}", f"data={folder / 'data'}"]
        subprocess.run(command, check=True, cwd=root, capture_output=True)

    return Race("dry run of the full study", "run", run, None, options={"rounds": 1, "warm_up": False})


def _patients(cohort: str, block: Mapping[str, Any], folder: Path, number: int) -> list[Patient]:
    counts, patients = block["patients"], []
    for number_ in range(counts["cv"] + counts["test"]):
        test = number_ >= counts["cv"]
        source = folder / "data" / f"{cohort}{number_}.nii.gz"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.touch()
        about = {"sha256": "", "shape": "", "spacing": "", "orientation": ""}
        role, fold = ("test", 0) if test else ("cv", 1 + number_ % 5)
        patients.append(Patient(subject=f"p{number_}", source=str(source), role=role, fold=fold, **about))
    return patients
