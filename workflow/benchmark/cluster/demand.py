"""Estimates of jobs before they run: seconds of a training or of restoring, megabytes.

No PyTorch here. A network's speed is the measurement of `snakemake speed` on this machine, if there is one, else the
measurement on an H200 at the article's size (an H100 is as fast), scaled by frame, batch and width.
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
"""Minutes that a job may need before the first step: imports from a slow file system, reading volumes."""
MARGIN = 1.5
"""The requested time as a multiple of the estimate."""
WEIGHT_BYTES = 20
"""Bytes of GPU memory per parameter in training: the parameter, its gradient, Adam's two moments and its average."""
CONTEXT_MB = 800
"""GPU memory that CUDA itself needs for a process."""
SUSTAINED = {"float32": 51e12, "half": 127e12, "half, compiled": 249e12}
"""FLOP/s of the diffusion's U-Net while sampling, 155 slices of 256×256, by the way networks are evaluated: on an H100;
float32 (eager, only diffusers) on an H200."""
DECODING = 2.3e-3
"""Seconds of an H100 for decoding a slice of 256×256 and sharpening it by EDSR, half precision."""
FLOAT32 = 2.0
"""Time of a training step in float32 (products in TF32) over bf16-mixed: the tensor cores have half the rate."""
LAUNCHES = 0.01
"""Least seconds of a training step: its kernels are launched one by one."""
ESTIMATED = "estimated for an H100"
SLICES = 200
"""Slices of a volume whose cohort states no number."""
MANY = 100
"""Number of patients assumed for a cohort with `all` patients."""


@dataclass(frozen=True)
class Pace:
    """Seconds before the first step and of each step; ``source``: the hardware of the measurement or of the
    estimate."""

    start: float
    step: float
    source: str


def side(config: Mapping[str, Any]) -> int:
    """Height and width of a slice."""
    return config["preprocess"]["size"]


def slices(config: Mapping[str, Any], cohort: str) -> int:
    """Slices of a volume."""
    return config["cohorts"][cohort].get("slices", SLICES)


def patients(config: Mapping[str, Any], cohort: str) -> tuple[int, int]:
    """Patients for cross-validation and for testing; ``MANY`` for ``all``."""
    numbers = config["cohorts"][cohort]["patients"]
    return (MANY if numbers["cv"] == "all" else numbers["cv"]), numbers["test"]


def held_out(config: Mapping[str, Any], cohort: str, fold: int) -> int:
    """Largest number of patients that a fold holds out for validation; all patients for fold 0."""
    trained, _ = patients(config, cohort)
    return -(-trained // config["study"]["folds"]) if fold else trained


def volume_mb(config: Mapping[str, Any], cohort: str) -> float:
    """Megabytes of a volume in memory, float32."""
    return slices(config, cohort) * side(config) ** 2 * 4 / 1e6


def speed_file(config: Mapping[str, Any], network: str) -> Path:
    """The file of `snakemake speed` with its measurement."""
    return Path(config["results"]) / "speed" / f"{network}.csv"


def pace(network: str, config: Mapping[str, Any], gpu_speed: float = 1.0) -> Pace:
    """Training speed of a network: measured, else estimated for a GPU ``gpu_speed`` times as fast as an H100."""
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
    """Ratio of the width of a network's first layers to the article's."""
    width = about(class_of(config, network)).width
    size = config["networks"][network]["size"]
    return size.get("width", size.get("channels", [width])[0]) / width


def evaluated(config: Mapping[str, Any]) -> str:
    """How a GPU evaluates networks when it restores volumes, as a key of ``SUSTAINED``."""
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
    """Seconds of one training, from the first step to the last."""
    speed = pace(network, config, gpu_speed)
    return speed.start + speed.step * training_steps(network, config, cohort)


def training_mb(network: str, config: Mapping[str, Any], cohort: str | None = None, patients: int = 0) -> float:
    """GPU memory of a training in MiB, including the slices of ``patients`` patients of ``cohort``, 2 bytes per
    pixel."""
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
    """GPU memory of a restoring job in MiB, for the largest diffusion of the config.

    With ``compute.chunk: auto`` a job uses more memory if more is free; it needs enough for 16 slices.
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
    """Seconds to restore the volumes of ``patients`` patients with a diffusion, in ``steps`` (None: the config's).

    The time of other methods is not counted.
    """
    diffusion = sampling_network(config, config["methods"][method]["networks"])
    if diffusion is None:
        return 0.0
    steps = steps or config["methods"][method]["options"].get("steps", config["sampling"]["steps"])
    sampling = patients * slices(config, cohort) * steps * slice_step(config, diffusion) / gpu_speed
    return sampling + decoding_seconds(config, cohort, patients, gpu_speed)


def decoding_seconds(config: Mapping[str, Any], cohort: str, volumes: int, gpu_speed: float = 1.0) -> float:
    """Seconds to decode and sharpen the slices of this many volumes."""
    return volumes * slices(config, cohort) * DECODING * (side(config) / 256) ** 2 / gpu_speed


def minutes(seconds: float) -> float:
    """The minutes that a job requests for this estimate."""
    return STARTING + MARGIN * seconds / 60
