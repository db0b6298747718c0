"""Conditional latent diffusion (article, sections 2.1 and 3.1): ε-prediction, L2, averaged weights."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.latent_diffusion import LatentDiffusion
from models.sampling import slice_seeds
from models.schedule import Schedule, add_noise
from models.training.data import SliceBank, moved, random_crop
from models.training.degradation import degradation
from models.training.task import Phase, Task, rate_schedule
from models.training.upsampling import cut

ABOUT = {"parameters": 113.6e6, "step_seconds": 0.6, "width": 160, "slice_gflop": 80.5, "samples": True}


def build(**size: Any) -> LatentDiffusion:
    """The network at ``size`` (arguments of ``models.unet.build_unet``); the defaults are the article's."""
    return LatentDiffusion(**size)


class Training(Task):
    """Predicts the noise in the latents of crops, given the degraded crops.

    Options: ``base_rate`` (× slices a step), ``crop`` (smallest side), ``crop_at`` (``random`` or ``centre``),
    ``patch`` (as of the first stage), ``degradation`` (name), ``ema`` (decay), ``latent_scale`` (a number, or ``unit``:
    latents brought to unit spread), ``rate_schedule``.
    """

    network: LatentDiffusion
    alphas_bar: Tensor

    def __init__(self, network: nn.Module, needs: Mapping[str, nn.Module], steps: int, options: Mapping[str, Any]):
        super().__init__(network, needs, steps, options)
        self.ema_decay = options["ema"]
        self.degrade = degradation(options["degradation"])
        self.register_buffer("alphas_bar", Schedule().alphas_bar(), persistent=False)

    def prepare(self, bank: SliceBank) -> None:
        if self.options["latent_scale"] != "unit":
            self.network.scale.fill_(self.options["latent_scale"])
            return
        with torch.no_grad():
            latents = torch.cat([self.frozen["vq"].encode(part) for part in bank.spread(64).split(8)])
        self.network.scale.copy_(1 / latents.std())

    def phases(self) -> dict[str, Phase]:
        rate = self.options["base_rate"] * self.options["slices_per_step"]
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=rate)
        return {"network": Phase(optimiser, rate_schedule(self.options.get("rate_schedule"), optimiser, self.steps))}

    def forward(self, phase: str, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        slices = random_crop(cut(batch, self.options), self.options["crop"], self.options.get("crop_at", "random"))
        with torch.no_grad():
            latents = self.frozen["vq"].encode(slices) * self.network.scale
            condition = self.degrade(slices)
        t = moved(torch.randint(len(self.alphas_bar), (len(latents),)), latents.device)
        noise = moved(torch.randn(latents.shape), latents.device)
        predicted = self.network(add_noise(latents, noise, t, self.alphas_bar), t, condition)
        return F.mse_loss(predicted.float(), noise), {}

    def held_out_loss(self, batch: Tensor) -> Tensor:
        return self("network", batch, 0)[0]

    def picture(self, batch: Tensor) -> list[Tensor]:
        condition = degradation("bilinear")(batch)
        latents = self.network.sample(condition, slice_seeds(0, range(len(batch))), steps=20)
        return [condition, self.frozen["vq"].decode(latents), self.frozen["vq"](batch), batch]
