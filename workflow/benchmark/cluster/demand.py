"""What jobs will take, before they run: seconds of a training or of restoring, megabytes. No PyTorch in here.

A network's speed is the one that `snakemake speed` measured on this machine, where it has, else the one measured once
on an H200 at the article's size (an H100 computes as fast), scaled by frame, batch and width.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.config.networks import about, class_of, sampling_network
from benchmark.config.recipe import settled

TORCH_MB = 6000
"""Main memory of a job that loads PyTorch, CUDA and a network, without its slices."""
STARTING = 20
"""Minutes that a job may lose before the first step: imports from a slow file system, reading volumes."""
MARGIN = 1.5
"""What is asked for, as a multiple of the estimate."""
WEIGHT_BYTES = 20
"""Of a GPU's memory for each parameter in training: it, its gradient, Adam's two moments and its average."""
CONTEXT_MB = 800
"""Memory of a GPU that a process takes for CUDA itself."""
SUSTAINED = {"float32": 51e12, "half": 127e12, "half, compiled": 249e12}
"""FLOP/s of the diffusion's U-Net while sampling, 155 slices of 256×256, by how networks are evaluated: on an H100, and
float32 (eager, diffusers alone) on an H200."""
DECODING = 2.3e-3
"""Seconds of an H100 for decoding a slice of 256×256 and sharpening it by EDSR, half precision."""
FLOAT32 = 2.0
"""A training step in float32, its products in TF32, over one in bf16-mixed: half the rate of the tensor cores."""
LAUNCHES = 0.01
"""Seconds under which a training step cannot be: its kernels are launched one by one."""
ESTIMATED = "estimated for an H100"
SLICES = 200
"""Of a volume whose cohort does not say."""
MANY = 100
"""Patients of a cohort that takes all there are."""


@dataclass(frozen=True)
class Pace:
    """Seconds before the first step and of each step; ``source``: the hardware measured on, or estimated for."""

    start: float
    step: float
    source: str


def side(config: Mapping[str, Any]) -> int:
    """Height and width of a slice."""
    return config["preprocess"]["size"] // config["preprocess"]["shrink"]


def slices(config: Mapping[str, Any], cohort: str) -> int:
    """Slices of a volume."""
    return config["cohorts"][cohort].get("slices", SLICES)


def patients(config: Mapping[str, Any], cohort: str) -> tuple[int, int]:
    """Patients for cross-validation and for testing; ``MANY`` for ``all``."""
    wanted = config["cohorts"][cohort]["patients"]
    return (MANY if wanted["cv"] == "all" else wanted["cv"]), wanted["test"]


def held_out(config: Mapping[str, Any], cohort: str, fold: int) -> int:
    """Patients that a fold holds out for validation, at most; all for fold 0."""
    trained, _ = patients(config, cohort)
    return -(-trained // config["study"]["folds"]) if fold else trained


def volume_mb(config: Mapping[str, Any], cohort: str) -> float:
    """Megabytes of a volume in memory, float32."""
    return slices(config, cohort) * side(config) ** 2 * 4 / 1e6


def speed_file(config: Mapping[str, Any], network: str) -> Path:
    """Where `snakemake speed` writes what it measured."""
    return Path(config["results"]) / "speed" / f"{network}.csv"


def pace(network: str, config: Mapping[str, Any], gpu_speed: float = 1.0) -> Pace:
    """How fast a network trains: measured, else estimated for a GPU ``gpu_speed`` times as fast as an H100."""
    measured = speed_file(config, network)
    if measured.is_file():
        with open(measured, encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file))
        return Pace(float(row["start_seconds"]), float(row["seconds_per_step"]), row["hardware"])
    training, facts = config["networks"][network]["training"], about(class_of(config, network))
    scale = width_ratio(network, config) ** 2 * (side(config) / 256) ** 2 * training["batch"] / 16
    scale *= FLOAT32 if config["compute"]["precision"] == "32-true" else 1.0
    step = max(facts.step_seconds * scale, LAUNCHES) / gpu_speed
    evaluations = training.get("pool", 0) * training.get("sampling_steps", 0)
    diffusion = sampling_network(config, config["networks"][network]["needs"]) if evaluations else None
    start = evaluations * slice_step(config, diffusion) / gpu_speed if diffusion else 0.0
    return Pace(start, step, ESTIMATED + (f" × {gpu_speed:g}" if gpu_speed != 1 else ""))


def width_ratio(network: str, config: Mapping[str, Any]) -> float:
    """Width of a network's first layers over the article's."""
    width = about(class_of(config, network)).width
    size = config["networks"][network]["size"]
    return size.get("width", size.get("channels", [width])[0]) / width


def evaluated(config: Mapping[str, Any]) -> str:
    """How a GPU evaluates networks where volumes are restored, as a key of ``SUSTAINED``."""
    half, compiled = config["compute"]["half"], config["compute"]["compile"]
    return "half, compiled" if half and compiled else "half" if half else "float32"


def slice_step(config: Mapping[str, Any], diffusion: str) -> float:
    """Seconds for one slice and sampling step of the network ``diffusion`` on an H100."""
    seconds = about(class_of(config, diffusion)).slice_gflop * 1e9 / SUSTAINED[evaluated(config)]
    return seconds * width_ratio(diffusion, config) ** 2 * (side(config) / 256) ** 2


def training_steps(network: str, config: Mapping[str, Any], cohort: str) -> int:
    """Steps of one fold's training on a cohort."""
    folds = config["study"]["folds"]
    trained, _ = patients(config, cohort)
    seen = trained * ((folds - 1) / folds if folds > 1 else 1)
    return settled(
        config["networks"][network]["training"], seen * slices(config, cohort), config["compute"]["devices"]
    )["steps"]


def training_seconds(network: str, config: Mapping[str, Any], cohort: str, gpu_speed: float = 1.0) -> float:
    """One training, from the first step to the last."""
    speed = pace(network, config, gpu_speed)
    return speed.start + speed.step * training_steps(network, config, cohort)


def training_mb(network: str, config: Mapping[str, Any], cohort: str | None = None, patients: int = 0) -> float:
    """MiB of a GPU's memory that a training takes, with the slices of ``patients`` of ``cohort``, 2 bytes a pixel."""
    resident = CONTEXT_MB + (patients * volume_mb(config, cohort) / 2 if cohort else 0)
    measured = speed_file(config, network)
    if measured.is_file():
        with open(measured, encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file))
        if row.get("device", "").startswith("cuda"):
            return resident + float(row["peak_mb"]) * 1e6 / 2**20
    training, facts, width = (
        config["networks"][network]["training"],
        about(class_of(config, network)),
        width_ratio(network, config),
    )
    weights = facts.parameters * width**2 * WEIGHT_BYTES / 2**20
    return resident + weights + facts.training_mb * width * (side(config) / 256) ** 2 * training["batch"] / 16


def restoring_mb(config: Mapping[str, Any]) -> float:
    """MiB of a GPU's memory that a restoring job needs: by the largest diffusion of the config.

    With ``compute.chunk: auto`` a job takes more where more is free; it needs what 16 slices at once need.
    """
    chunk = config["compute"]["chunk"]
    scale = (side(config) / 256) ** 2 * (16 if chunk == "auto" else chunk) / 16
    largest = max(about(class_of(config, name)).restoring_mb * width_ratio(name, config) for name in config["networks"])
    return CONTEXT_MB + largest * scale


def restoring_seconds(
    config: Mapping[str, Any],
    cohort: str,
    method: str,
    patients: int,
    gpu_speed: float = 1.0,
    steps: int | None = None,
) -> float:
    """Restoring the volumes of ``patients`` with a diffusion, in ``steps`` if not those of the config.

    What other methods take is not counted.
    """
    diffusion = sampling_network(config, config["methods"][method]["networks"])
    if diffusion is None:
        return 0.0
    steps = steps or config["methods"][method]["options"].get("steps", config["sampling"]["steps"])
    decoding = DECODING * (side(config) / 256) ** 2
    return patients * slices(config, cohort) * (steps * slice_step(config, diffusion) + decoding) / gpu_speed


def minutes(seconds: float) -> float:
    """What a job asks for whose estimate is so long."""
    return STARTING + MARGIN * seconds / 60
