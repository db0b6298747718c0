"""A task on its device: the optimisers, the averaged weights, and one training step."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from lightning_fabric import Fabric

from models.training.data import SliceBank
from models.training.task import Task, fuse

if TYPE_CHECKING:
    from diffusers.training_utils import EMAModel


class Learner:
    """``optimisers``, ``schedules`` and ``clips`` by phase; ``ema``: averaged weights (None if the task has none)."""

    def __init__(self, task: Task, train: SliceBank, fabric: Fabric, *, compiled: bool = False, half: bool = False):
        """``compiled``, ``half``: as for ``models.training.loop.fit``."""
        self.task, self.fabric = task.to(fabric.device).train(), fabric
        task.set_evaluation(half, compiled)
        task.prepare(train)
        phases = task.phases()
        if fabric.device.type == "cuda":
            for phase in phases.values():
                fuse(phase.optimiser)
        self.ema = averages(task)
        if self.ema:
            self.ema.to(fabric.device)
        self.wrapped: Any
        self.wrapped, *optimisers = fabric.setup(task, *(phase.optimiser for phase in phases.values()))
        self.optimisers = dict(zip(phases, optimisers, strict=True))
        self.schedules = {name: phase.schedule for name, phase in phases.items() if phase.schedule}
        self.clips = {name: phase.clip for name, phase in phases.items() if phase.clip}

    def step(self, batch: torch.Tensor, step: int) -> dict[str, torch.Tensor]:
        """One step of every phase, and of the averages, on ``batch`` (B, 1, H, W) in [0, 1].

        Returns the losses and the other logged numbers. This function does not wait for the device.
        """
        numbers: dict[str, torch.Tensor] = {}
        torch.compiler.cudagraph_mark_step_begin()  # results of the previous step are no longer used
        for name, optimiser in self.optimisers.items():
            optimiser.zero_grad()
            loss, extra = self.wrapped(name, batch, step)
            self.fabric.backward(loss)
            if clip := self.clips.get(name):
                self.fabric.clip_gradients(self.wrapped, optimiser, max_norm=clip, error_if_nonfinite=False)
            optimiser.step()
            if name in self.schedules:
                self.schedules[name].step()
            numbers |= {f"{name}_loss": loss.detach(), **extra}
        if self.ema:
            self.ema.step(self.task.network.parameters())
        return numbers

    def is_finite(self, numbers: Mapping[str, torch.Tensor], *, weights: bool) -> bool:
        """Whether all ``numbers`` of a step are finite and, with ``weights``, all that was trained and its averages.

        A gradient may be NaN although its loss is finite. This function waits for the device.
        """
        values = list(numbers.values())
        if weights:
            values += [value for value in self.task.trained_state().values() if value.is_floating_point()]
            values += self.ema.shadow_params if self.ema else []
        return all(torch.isfinite(value).all() for value in values)

    def skip(self, steps: int) -> None:
        """Moves the learning rates ``steps`` steps of the schedule further."""
        for rate in self.schedules.values():
            for _ in range(steps):
                rate.step()


def averages(task: Task) -> "EMAModel | None":
    """The averaged weights, all updated in one call; None if the task has none."""
    if not task.ema_decay:
        return None
    from models.training.averages import Averages  # its import takes seconds

    return Averages(task.network.parameters(), decay=task.ema_decay, foreach=True)


@contextmanager
def as_saved(task: Task, ema: "EMAModel | None") -> Iterator[None]:
    """Inside this context, the task is in ``eval`` mode, and its network has the weights that would be saved now: the
    averaged weights if there are any."""
    task.eval()
    if ema:
        ema.store(task.network.parameters())
        ema.copy_to(task.network.parameters())
    try:
        yield
    finally:
        if ema:
            ema.restore(task.network.parameters())
        task.train()
