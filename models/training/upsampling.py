"""Common parts of the trainings of in-plane networks: patches, pairs of low and full resolution, and the learning
rate."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR

from models.fast import moved
from models.interpolation import FACTOR, bicubic
from models.training.data import SliceBank, random_flip
from models.training.degradation import degradation
from models.training.task import Task, rate_schedule


def random_patch(slices: Tensor, side: int) -> Tensor:
    """A ``side``×``side`` window of each slice (B, C, H, W), at the slices' own resolution; whole slices if smaller.

    Positions are drawn for each slice with torch's global generator.
    """
    batch, _, height, width = slices.shape
    if side >= min(height, width):
        return slices
    top = torch.randint(height - side + 1, (batch, 1)) + torch.arange(side)
    left = torch.randint(width - side + 1, (batch, 1)) + torch.arange(side)
    sample, row, column = torch.arange(batch).view(-1, 1, 1), top.unsqueeze(2), left.unsqueeze(1)
    sample, row, column = (moved(part, slices.device) for part in (sample, row, column))
    return slices[sample, :, row, column].permute(0, 3, 1, 2)


def cut(slices: Tensor, options: Mapping[str, Any]) -> Tensor:
    """A window of side ``options["patch"]`` of each slice (B, C, H, W), or whole slices if the option is absent."""
    return random_patch(slices, options["patch"]) if "patch" in options else slices


def learning_rate(options: Mapping[str, Any], optimiser: Optimizer, steps: int) -> LRScheduler | None:
    """``rate_schedule`` (``models.training.task``), or ``stairs``: × ``lower_by`` at each of the steps in
    ``lower_at``."""
    if options["rate_schedule"] == "stairs":
        return MultiStepLR(optimiser, list(options["lower_at"]), options["lower_by"])
    return rate_schedule(options["rate_schedule"], optimiser, steps)


class Upsampling(Task[SliceBank]):
    """Base for ×4 networks: random patches, flips, and their degraded versions.

    Options: ``degradation`` (name), ``patch`` (side in pixels, a multiple of 4), ``rate``, ``rate_schedule`` (see
    ``learning_rate``).
    """

    def __init__(self, network: nn.Module, needs: Mapping[str, nn.Module], steps: int, options: Mapping[str, Any]):
        super().__init__(network, needs, steps, options)
        self.options.whole("patch", FACTOR, FACTOR)
        self.degrade = degradation(options["degradation"], options.get("antialias", True))

    def pair(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Slices (B, 1, H, W) → low-resolution patches (B, 1, p/4, p/4) and the patches (B, 1, p, p) they come from."""
        patches = random_flip(random_patch(batch, self.options["patch"]))
        with torch.no_grad():
            return self.degrade(patches), patches

    def picture(self, batch: Tensor) -> list[Tensor]:
        low = self.coarse(batch)
        return [bicubic(low), self.network(low), batch]
