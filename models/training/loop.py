"""The training loop: seeded by step, resumable at any of them, the same for every network.

Lightning Fabric gives devices, precision, multi-GPU and checkpoints. Its Trainer is left out: resuming an
iteration-based run with several optimisers to the bit needs the loop, and the loop is these lines.
"""

import signal
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.training_utils import EMAModel
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments import LightningEnvironment
from tqdm import tqdm

from models.training.data import SliceBank
from models.training.log import TrainingLog
from models.training.task import Task


class Stopped(Exception):
    """Training was asked to stop; a checkpoint holds all it did. Run it again to go on."""


class Diverged(Exception):
    """A loss is NaN or infinite; the last checkpoint holds the last good weights."""


@dataclass(frozen=True)
class Schedule:
    """How long and how: ``steps`` of ``batch`` slices a device; checkpoint, picture and log line every so many steps.

    ``stop_after``: seconds after which to checkpoint and stop (a cluster's time limit), or None.
    """

    steps: int
    batch: int
    seed: int
    checkpoint_every: int
    picture_every: int
    log_every: int
    stop_after: float | None = None


def start_fabric(device: str = "auto", devices: int = 1, precision: str = "32-true") -> Fabric:
    """Fabric for one process, or DDP over ``devices``.

    The plain Lightning environment keeps it from taking a SLURM job step for a distributed launch.
    """
    plugins = [LightningEnvironment()] if devices == 1 else []
    accelerator = {"auto": "auto", "cpu": "cpu", "cuda": "gpu"}[device.split(":")[0]]
    strategy = "auto" if devices == 1 else "ddp_find_unused_parameters_true"
    fabric = Fabric(
        accelerator=accelerator,
        devices=devices,
        precision=precision,
        strategy=strategy,
        plugins=plugins,  # type: ignore[arg-type]
    )
    fabric.launch()
    return fabric


@contextmanager
def _asked_to_stop():
    """Turns SIGTERM and SIGUSR1 (what a cluster sends before it kills) into a flag the loop reads."""
    asked: list[int] = []
    before = {s: signal.signal(s, lambda number, _: asked.append(number)) for s in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def fit(
    task: Task,
    train: SliceBank,
    held_out: SliceBank,
    schedule: Schedule,
    checkpoint: Path,
    log: TrainingLog,
    fabric: Fabric,
    identity: Mapping[str, Any],
) -> int:
    """Trains ``task`` to the end, from ``checkpoint`` if there is one of the same ``identity``; returns the steps done.

    Leaves the averaged weights in ``task.network`` where the task has an EMA. Raises ``Stopped`` after a signal or
    ``stop_after`` (checkpoint written) and ``Diverged`` on a loss that is not finite (checkpoint left as it was).
    """
    task = task.to(fabric.device).train()
    task.prepare(train)
    phases = task.phases()
    ema = EMAModel(task.network.parameters(), decay=task.ema_decay) if task.ema_decay else None
    if ema:
        ema.to(fabric.device)
    wrapped, *optimisers = fabric.setup(task, *(phase.optimiser for phase in phases.values()))
    state = {
        "task": wrapped,
        "phases": dict(zip(phases, optimisers, strict=True)),
        "step": 0,
        "identity": dict(identity),
    }
    schedules = {name: phase.schedule for name, phase in phases.items() if phase.schedule}

    def save() -> None:
        extra = {
            "schedules": {n: s.state_dict() for n, s in schedules.items()},
            "ema": ema.state_dict() if ema else None,
        }
        aside = checkpoint.with_suffix(".part")
        fabric.save(aside, {**state, **extra, "log": log.rows})
        if fabric.is_global_zero:
            aside.replace(checkpoint)

    if checkpoint.exists():
        rest = fabric.load(checkpoint)
        if rest["identity"] == dict(identity):
            task.load_state_dict(rest["task"])
            for name, optimiser in state["phases"].items():
                optimiser.load_state_dict(rest["phases"][name])
            for name, scheduler in schedules.items():
                scheduler.load_state_dict(rest["schedules"][name])
            if ema:
                ema.load_state_dict(rest["ema"])
                ema.to(fabric.device)
            state["step"] = rest["step"]
            log.rows = rest["log"]

    started, waited = time.monotonic(), state["step"]
    bar = tqdm(
        total=schedule.steps, initial=waited, desc=log.name, unit="it", mininterval=5, disable=not fabric.is_global_zero
    )
    with _asked_to_stop() as asked, bar:
        for step in range(state["step"], schedule.steps):
            torch.manual_seed(schedule.seed + (step * fabric.world_size + fabric.global_rank) * 1_000_003)
            batch = train.batch(schedule.batch)
            numbers: dict[str, torch.Tensor] = {}
            for name, phase in phases.items():
                loss, extra = wrapped(name, batch, step)
                optimiser = state["phases"][name]
                optimiser.zero_grad()
                fabric.backward(loss)
                optimiser.step()
                if phase.schedule:
                    phase.schedule.step()
                numbers |= {f"{name}_loss": loss.detach(), **extra}
            if ema:
                ema.step(task.network.parameters())
            done = state["step"] = step + 1
            bar.update()
            if done % schedule.log_every == 0 or done == schedule.steps:
                row = log.add(done, numbers)
                bar.set_postfix({k: f"{v:.4g}" for k, v in row.items() if k.endswith("loss")}, refresh=False)
                if not all(map(_finite, row.values())):
                    raise Diverged(
                        f"{log.name}: a loss is not finite at step {done}; {checkpoint} has the last good weights"
                    )
            out_of_time = schedule.stop_after is not None and time.monotonic() - started > schedule.stop_after
            if asked or out_of_time:
                save()
                raise Stopped(f"{log.name}: stopped at step {done} of {schedule.steps}; run again to go on from there")
            if done % schedule.picture_every == 0 or done == schedule.steps:
                _picture(task, held_out, log, ema)
            if done % schedule.checkpoint_every == 0 and done < schedule.steps:
                save()
    if ema:
        ema.copy_to(task.network.parameters())
    task.eval()
    for warning in task.report(log.rows):
        print(f"WARNING: {log.name}: {warning}")
    return schedule.steps


def _finite(value: float) -> bool:
    return value == value and abs(value) != float("inf")


@torch.no_grad()
def _picture(task: Task, held_out: SliceBank, log: TrainingLog, ema: EMAModel | None) -> None:
    """Validation slices as the weights that will be saved restore them."""
    task.eval()
    if ema:
        ema.store(task.network.parameters())
        ema.copy_to(task.network.parameters())
    log.picture([row.float().cpu() for row in task.picture(held_out.spread(6))])
    if ema:
        ema.restore(task.network.parameters())
    task.train()
