"""The training loop: seeded by step, resumable at any step, the same for every network.

Lightning Fabric handles devices, precision, multi-GPU and checkpoints. Lightning's Trainer is not used: resuming an
iteration-based run with several optimisers to the bit needs control over the loop.
"""

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from tqdm import tqdm

from models.compiling import eagerly
from models.training.checkpoint import Checkpoint
from models.training.course import Course
from models.training.data import SliceBank
from models.training.held_out import EarlyStop, HeldOut
from models.training.learner import Learner, as_saved
from models.training.log import TrainingLog, Waiting
from models.training.task import Task

MOST_WAITING = 0.05
"""Share of a training's time that fetching slices may take."""


class Stopped(Exception):
    """The training received a request to stop; the checkpoint holds its state. Run the training again to resume."""


class Diverged(ValueError):
    """A loss or a weight is NaN or infinite; no checkpoint holds such weights."""


@dataclass(frozen=True)
class TrainingPlan:
    """Length and intervals: ``steps`` of ``batch`` slices per device; ``…_every``: steps between checkpoints, pictures,
    log rows.

    ``stop_after``: seconds after which to write a checkpoint and stop (a cluster's time limit), or None. ``limit``:
    seconds of the whole training; the schedule is shortened to end by then (``models.training.course``), or None.
    ``early_stop``: when the held-out loss ends the training, or None.
    """

    steps: int
    batch: int
    seed: int
    checkpoint_every: int
    picture_every: int
    log_every: int
    stop_after: float | None = None
    limit: float | None = None
    early_stop: EarlyStop | None = None


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    ``steps`` taken; ``seconds`` spent; ``limited``: whether the time limit shortened the training; ``stopped_early``:
    whether the held-out loss ended it; ``held_out``: the lowest held-out loss; ``kept``: the step whose weights are
    kept (None: the last).
    """

    steps: int
    seconds: float
    limited: bool
    stopped_early: bool
    held_out: float | None
    kept: int | None


def start_fabric(device: str = "auto", devices: int = 1, precision: Any = "32-true") -> Fabric:
    """Fabric for one process, or DDP over ``devices`` of this node; Fabric starts these processes itself.

    With the plain Lightning environment, Fabric does not take a SLURM job step of one task for a distributed launch.
    """
    plugins = [LightningEnvironment()]
    accelerator = {"auto": "auto", "cpu": "cpu", "cuda": "gpu"}[device.split(":")[0]]
    strategy = "auto" if devices == 1 else "ddp_find_unused_parameters_true"
    fabric = Fabric(
        accelerator=accelerator,
        devices=devices,
        precision=precision,
        strategy=strategy,
        plugins=plugins,  # type: ignore[arg-type]
    )
    # Lightning's mixed precision would round the batch, and with it the targets, to 8 or 11 bits; autocast alone
    # already rounds where rounding is safe.
    fabric.strategy.precision.convert_input = lambda data: data  # type: ignore[method-assign]
    fabric.launch()
    if fabric.device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32, the default of convolutions
    return fabric


@contextmanager
def _asked_to_stop():
    """Turns SIGTERM and SIGUSR1 (which a cluster sends before SIGKILL) into a flag that the loop reads."""
    asked: list[int] = []
    before = {s: signal.signal(s, lambda number, _: asked.append(number)) for s in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hidden(title: str, total: int, begun: int) -> tqdm:
    return tqdm(disable=True)


def fit(
    task: Task,
    train: SliceBank,
    held_out: SliceBank,
    plan: TrainingPlan,
    checkpoint: Path,
    log: TrainingLog,
    fabric: Fabric,
    identity: Mapping[str, Any],
    *,
    compiled: bool = False,
    half: bool = False,
    show: Callable[[str, int, int], Any] = _hidden,
) -> Outcome:
    """Trains ``task`` to the end, from ``checkpoint`` if there is one of the same ``identity``.

    At the end ``task.network`` holds the averaged weights if the task has an EMA, and with early stopping the weights
    with the lowest held-out loss. Raises ``Stopped`` after a signal or ``stop_after`` (checkpoint written) and
    ``Diverged`` on a loss or a weight that is not finite (checkpoint not changed). ``compiled``: compile the networks
    first, which takes a minute and saves time on a GPU; ``half``: frozen networks have float16 weights, for a GPU.
    ``show``: makes a progress bar like ``tqdm``'s from a title, the number of steps and how many are done.
    """
    started = time.monotonic()
    learner = Learner(task, train, fabric, compiled=compiled, half=half)
    course = Course(plan.steps, plan.limit)
    watch = HeldOut(plan.early_stop, held_out, plan.seed, plan.batch) if plan.early_stop else None
    saved = Checkpoint(checkpoint, identity, fabric, learner, course, watch, log)
    if saved.resume():
        print(f"{log.name}: resumes at step {course.done}")
    bar = (show if fabric.is_global_zero else _hidden)(log.name, plan.steps, course.at)
    waiting = Waiting()
    with _asked_to_stop() as asked, bar:
        while not course.over:
            torch.manual_seed(plan.seed + (course.done * fabric.world_size + fabric.global_rank) * 1_000_003)
            with waiting:
                batch = train.batch(plan.batch)
            numbers = learner.step(batch, course.at)
            stride = fabric.broadcast(course.stride()) if fabric.world_size > 1 else course.stride()
            learner.skip(stride - 1)  # the learner counted one step itself
            course.advance(stride)
            done = course.done
            bar.update(stride)
            if watch and watch.due(done, course.over):
                counts = course.over or course.at > task.complete_from
                numbers["held_out"] = torch.tensor(watch.measure(task, fabric, learner.ema, done, counts=counts))
                if watch.exhausted:
                    course.end()
            last = course.over
            logs = done % plan.log_every == 0 or last or "held_out" in numbers
            saves = done % plan.checkpoint_every == 0 or last
            stops = _on_any(fabric, bool(asked) or _too_late(plan, started))
            # Reading a number waits for the device, so only when a row is due, or before weights are kept.
            if logs or saves or stops:
                finite = learner.is_finite(numbers, weights=saves or stops)
                if _on_any(fabric, not finite):
                    raise Diverged(
                        f"{log.name}: a loss or a weight is NaN or infinite at step {done}; no weights are written; "
                        "lower the rate or base_rate of networks.NAME.training in the config"
                    )
            if logs:
                row = log.add(done, numbers)
                log.waits[row["step"]] = waiting.share()
                losses = {key: f"{value:.4g}" for key, value in row.items() if key.endswith("loss")}
                bar.set_postfix(losses, refresh=False)
            if not last and done % plan.picture_every == 0 and fabric.is_global_zero:
                with as_saved(task, learner.ema):
                    _picture(task, held_out, log)
            if saves or stops:
                saved.save()
            if stops and not last:
                raise Stopped(f"{log.name}: stopped at step {done} of {plan.steps}; run again to resume")
    if watch and watch.best is not None:
        task.network.load_state_dict(watch.best)
    elif learner.ema:
        learner.ema.copy_to(task.network.parameters())
    task.eval()
    if fabric.is_global_zero:
        _picture(task, held_out, log)
        _report(task, log)
    return _outcome(course, watch)


def _too_late(plan: TrainingPlan, started: float) -> bool:
    """Whether ``plan.stop_after`` seconds have passed since ``started``."""
    return plan.stop_after is not None and time.monotonic() - started > plan.stop_after


def _on_any(fabric: Fabric, flag: bool) -> bool:
    """Whether the flag is set in any process: all must stop at the same step, or the others wait for ever."""
    if fabric.world_size == 1:
        return flag
    return bool(fabric.all_reduce(torch.tensor(float(flag), device=fabric.device), reduce_op="max"))


def _report(task: Task, log: TrainingLog) -> None:
    """Prints how long the training waited for slices, and the task's warnings."""
    if log.waits:
        share = sum(log.waits.values()) / len(log.waits)
        verdict = "" if share < MOST_WAITING else ": too much"
        print(f"{log.name}: {share:.1%} of the time was spent on fetching slices{verdict}")
    for warning in task.report(log.rows):
        print(f"WARNING: {log.name}: {warning}")


def _outcome(course: Course, watch: HeldOut | None) -> Outcome:
    early = watch is not None and watch.exhausted
    return Outcome(
        steps=course.done,
        seconds=course.seconds,
        limited=course.done < course.steps and not early,
        stopped_early=early,
        held_out=watch.lowest if watch else None,
        kept=watch.step if watch else None,
    )


@torch.no_grad()
def _picture(task: Task, held_out: SliceBank, log: TrainingLog) -> None:
    """Validation slices, restored by the network of ``task``, which is in ``eval`` mode."""
    with eagerly():
        log.picture([row.float().cpu() for row in task.picture(task.examples(held_out))])
