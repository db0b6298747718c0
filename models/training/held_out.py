"""Early stopping: the loss on held-out slices, and the weights at which this loss was lowest."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from models.compiling import eagerly
from models.training.data import SliceBank
from models.training.learner import as_saved
from models.training.task import Task

if TYPE_CHECKING:
    from diffusers.training_utils import EMAModel


@dataclass(frozen=True)
class EarlyStop:
    """The held-out loss is measured every ``every`` steps on ``slices`` slices; after ``patience`` measurements in a
    row without a new lowest loss, the training ends."""

    every: int
    patience: int
    slices: int = 64


class HeldOut:
    """The measurements of one training.

    ``best``: the weights to keep, on the CPU; None before the first measurement.
    """

    def __init__(self, rule: EarlyStop, slices: SliceBank, seed: int, batch: int) -> None:
        """``slices``: of patients that are not in the training set; ``seed``: of the noise and crops, the same in every
        measurement."""
        self.rule, self.seed, self.batch = rule, seed, batch
        self.slices = slices.spread(min(rule.slices, len(slices)))
        self.lowest, self.step, self.since = float("inf"), 0, 0
        self.best: dict[str, Tensor] | None = None

    def due(self, done: int, last: bool) -> bool:
        return last or done % self.rule.every == 0

    @torch.no_grad()
    def measure(self, task: Task, fabric: Fabric, ema: "EMAModel | None", done: int, *, counts: bool = True) -> float:
        """The mean loss with the weights that would be saved; keeps these weights if the loss is the lowest so far.

        ``counts``: False only returns the loss.
        """
        torch.manual_seed(self.seed)
        with as_saved(task, ema):
            with fabric.autocast(), eagerly():
                parts = [task.held_out_loss(part).float() * len(part) for part in self.slices.split(self.batch)]
            loss = float(torch.stack(parts).sum()) / len(self.slices)
            if fabric.world_size > 1:  # a last bit that differs between GPUs must not stop one GPU earlier
                loss = fabric.broadcast(loss)
            if counts and loss < self.lowest:
                self.lowest, self.step, self.since = loss, done, 0
                self.best = {key: value.detach().cpu().clone() for key, value in task.network.state_dict().items()}
            elif counts:
                self.since += 1
        return loss

    @property
    def exhausted(self) -> bool:
        return self.since >= self.rule.patience

    def state(self) -> dict[str, Any]:
        return {"lowest": self.lowest, "step": self.step, "since": self.since, "best": self.best}

    def resume(self, state: dict[str, Any]) -> None:
        """Restores the result of ``state``."""
        self.lowest, self.step, self.since, self.best = (state[k] for k in ("lowest", "step", "since", "best"))
