"""Trainings on blocks of volumes: what the trainings of Slab and Lens share."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from models.training.blocks import BlockBank
from models.training.task import Phase, Task, rate_schedule


class BlockTask(Task[BlockBank]):
    """MAE inside a border, averaged weights, Adam with clipped gradients. A subclass defines ``forward``.

    Options: ``patch`` (side in pixels of the target, a multiple of ``multiple``), ``border`` (pixels at a patch's edges
    that the loss leaves out), ``rate``, ``rate_schedule``, ``clip`` (the largest norm of the gradients) and ``ema``
    (decay).
    """

    multiple = 1

    def __init__(self, network: nn.Module, needs: Mapping[str, nn.Module], steps: int, options: Mapping[str, Any]):
        super().__init__(network, needs, steps, options)
        self.ema_decay = options["ema"]
        self.options.whole("patch", 2 * self.options.whole("border", 0) + 1, self.multiple)

    @staticmethod
    def learns_from(
        volumes: Iterable[np.ndarray], device: torch.device, shares: Sequence[float] | None = None
    ) -> BlockBank:
        return BlockBank(volumes, device, shares)

    def prepare(self, bank: BlockBank) -> None:
        self.bank = bank

    def phases(self) -> dict[str, Phase]:
        optimiser = Adam(self.network.parameters(), lr=self.options["rate"], betas=(0.9, 0.99))
        schedule = rate_schedule(self.options["rate_schedule"], optimiser, self.steps)
        return {"network": Phase(optimiser, schedule, clip=self.options["clip"])}

    def loss(self, made: Tensor, begun: Tensor, target: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """MAE of the output ``made``, and for the log that of the network's starting point ``begun``."""
        inner = slice(self.options["border"], self.options["patch"] - self.options["border"])
        made, begun, target = (image[..., inner, inner] for image in (made, begun, target))
        return F.l1_loss(made, target), {"l1_of_start": F.l1_loss(begun, target).detach()}

    def examples(self, held_out: BlockBank) -> Tensor:
        """The positions of held-out blocks."""
        self.held_out = held_out
        return held_out.spread(6)
