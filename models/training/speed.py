"""Measures the training speed of a network on this machine: a few real training steps on slices of noise."""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models import weights as weight_files
from models.auto import decided
from models.compiling import training_pays
from models.memory import peak_mb
from models.training.log import TrainingLog
from models.training.loop import TrainingPlan, fit, start_fabric
from models.training.task import Options

WARM = 3
"""First steps, which are not counted because they choose kernels."""


class Clock(TrainingLog):
    """A training log that stores the time of each row; a row's numbers are ready only when the device has finished."""

    def add(self, step: int, numbers: dict[str, Tensor]) -> dict[str, float]:
        row = super().add(step, numbers)
        row["clock"] = time.perf_counter()
        return row


def measure(
    name: str,
    networks: Mapping[str, Mapping[str, Any]],
    *,
    side: int,
    compute: Mapping[str, Any],
    trunk: str | None,
    steps: int = 20,
) -> dict[str, Any]:
    """One row: network, device, side, batch, seconds_per_step, start_seconds, steps, peak_mb.

    ``networks``: as in the config, with the networks that this network needs; all weights are random here. ``side``: of
    a slice, in pixels. ``compute``: the config's; half precision and compilation as in the training itself.
    ``start_seconds``: time of the preparation before the first step, estimated from a small pool. ``peak_mb`` (10⁶
    bytes): of the GPU, or of the whole process on a CPU.
    """
    torch.set_num_threads(compute["threads"])
    fabric = start_fabric(compute["device"], 1, compute["precision"])
    options = dict(networks[name]["training"])
    batch, all_steps = options.pop("batch"), options.pop("steps")
    compiled = decided(compute["compile"], training_pays(fabric.device, all_steps))
    half = decided(compute["half"], fabric.device.type == "cuda")
    options.pop("early_stop", None)
    pool = options.get("pool", 0)
    if pool:
        options["pool"] = batch
    frozen = {
        networks[need].get("class", need): _random(need, networks).to(fabric.device) for need in networks[name]["needs"]
    }
    task = weight_files.training_of(networks[name].get("class", name))(
        _random(name, networks),
        frozen,
        all_steps,
        Options(options | ({"trunk": trunk} if trunk else {}) | {"slices_per_step": batch}),
    )
    noise = np.random.default_rng(0).random((max(batch, 8), side, side), dtype=np.float32)
    bank = task.learns_from([noise], fabric.device)
    start = 0.0
    if pool:
        task.to(fabric.device).set_evaluation(half, compiled=False)
        task.prepare(bank)  # once to choose kernels, once to measure
        begun = time.perf_counter()
        task.prepare(bank)
        start = (time.perf_counter() - begun) * pool / batch
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock(name, Path(folder) / name)
        count = WARM + steps
        plan = TrainingPlan(count, batch, 0, checkpoint_every=count, picture_every=count, log_every=1)
        fit(task, bank, bank, plan, Path(folder) / "checkpoint", clock, fabric, {}, compiled=compiled, half=half)
    times = [row["clock"] for row in clock.rows][WARM - 1 :]
    return {
        "network": name,
        "device": str(fabric.device),
        "side": side,
        "batch": batch,
        "seconds_per_step": float(np.median(np.diff(times))),
        "start_seconds": start,
        "steps": steps,
        "peak_mb": peak_mb(fabric.device),
    }


def _random(name: str, networks: Mapping[str, Mapping[str, Any]]) -> torch.nn.Module:
    return weight_files.network(networks[name].get("class", name), networks[name]["size"])
