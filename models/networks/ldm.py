"""Conditional latent diffusion (article, sections 2.1 and 3.1): ε-prediction, L2, averaged weights."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.compiling import eagerly, in_parts
from models.fast import moved
from models.half import own_precision
from models.interpolation import FACTOR
from models.latent_diffusion import LatentDiffusion
from models.sampling import slice_seeds
from models.schedule import Schedule, add_noise
from models.training.data import SliceBank, random_crop
from models.training.degradation import degradation
from models.training.task import Phase, Task, rate_schedule
from models.training.upsampling import cut

ABOUT = {
    "label": "diffusion",
    "samples": True,
    "parameters": 113.6e6,
    "step_seconds": 0.207,
    "training_mb": 16000,
    "width": 160,
    "slice_gflop": 80.5,
    "restoring_mb": 9000,
}


def build(**size: Any) -> LatentDiffusion:
    """The network at ``size`` (arguments of ``models.unet.build_unet``); the defaults are the article's."""
    return LatentDiffusion(**size)


class Training(Task[SliceBank]):
    """Predicts the noise in the latents of crops, given the degraded crops.

    Options: ``base_rate`` (× slices a step), ``crop`` (smallest side), ``crop_at`` (``random`` or ``centre``),
    ``patch`` (as of the first stage), ``degradation`` (name), ``ema`` (decay), ``latent_scale`` (a number, or ``unit``:
    latents scaled to unit standard deviation; weights to start from have their own scale), ``rate_schedule``.
    """

    network: LatentDiffusion
    alphas_bar: Tensor

    def __init__(self, network: nn.Module, needs: Mapping[str, nn.Module], steps: int, options: Mapping[str, Any]):
        super().__init__(network, needs, steps, options)
        self._refuse_other_latents()
        scale = self.options["latent_scale"]
        if scale != "unit" and not (isinstance(scale, int | float) and scale > 0):
            raise ValueError(f"the training's setting 'latent_scale' is {scale}; it must be unit or a number above 0")
        self.ema_decay = options["ema"]
        self.degrade = degradation(options["degradation"], options.get("antialias", True))
        self.remembered: Tensor | None = None
        self.register_buffer("alphas_bar", Schedule().alphas_bar(), persistent=False)

    def _refuse_other_latents(self) -> None:
        """``ValueError`` if the U-Net's channels or the size of its condition do not fit the first stage."""
        stage, size = self.frozen["vq"], self.network.unet.size
        if stage.factor != FACTOR:
            raise ValueError(
                f"ldm: the first stage reduces slices {stage.factor} times and its condition {FACTOR} times; give "
                "networks.vq.size.channels three levels"
            )
        latent = stage.size["code_dim"]
        if (size["in_channels"], size["out_channels"]) != (latent + 3, latent):
            raise ValueError(
                f"ldm: the first stage's latents have {latent} channels; set in_channels: {latent + 3} and "
                f"out_channels: {latent} in networks.ldm.size"
            )

    def prepare(self, bank: SliceBank) -> None:
        whole = self.options["crop"] == 1 and "patch" not in self.options
        # Only where slices repeat. (A CPU would gain too, but its results must stay the same to the bit.)
        if whole and bank.slices.is_cuda and self.steps * self.options["slices_per_step"] > len(bank):
            self.remember(bank)
        if self.initialised:
            return
        if self.options["latent_scale"] != "unit":
            self.network.scale.fill_(self.options["latent_scale"])
            return
        with eagerly():
            latents = torch.cat([self.encode(part) for part in bank.spread(64).split(8)])
        self.network.scale.copy_(1 / latents.std())

    def phases(self) -> dict[str, Phase]:
        rate = self.options["base_rate"] * self.options["slices_per_step"]
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=rate)
        return {"network": Phase(optimiser, rate_schedule(self.options.get("rate_schedule"), optimiser, self.steps))}

    def forward(self, phase: str, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            slices, latents = self.crops(batch)
            latents = latents * self.network.scale
            condition = self.degrade(slices)
        t = moved(torch.randint(len(self.alphas_bar), (len(latents),)), latents.device)
        noise = moved(torch.randn(latents.shape), latents.device)
        predicted = self.network(add_noise(latents, noise, t, self.alphas_bar), t, condition)
        return F.mse_loss(predicted.float(), noise), {}

    def held_out_loss(self, batch: Tensor) -> Tensor:
        return self("network", batch, 0)[0]

    def crops(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Crops (B, 1, H, W) of the batch and their latents (B, 3, H/4, W/4)."""
        if self.remembered is not None and self.training:
            return batch, self.remembered[moved(self.bank.drawn, batch.device)]
        options = self.options
        slices = random_crop(cut(batch, options), options["crop"], options.get("crop_at", "random"))
        return slices, self.encode(slices)

    @torch.no_grad()
    def encode(self, slices: Tensor) -> Tensor:
        """Slices (B, 1, H, W) → latents of the frozen first stage, in the precision of the first stage's weights."""
        with own_precision(self.frozen["vq"], slices.device):
            return self.frozen["vq"].encode(slices)

    def remember(self, bank: SliceBank) -> None:
        """Encodes all slices once; crops are then whole slices, and their latents are looked up.

        49 kB per slice at the article's size.
        """
        self.bank, parts = bank, in_parts(len(bank), 16)
        self.remembered = torch.cat([self.encode(bank.take(part)) for part in parts])

    def picture(self, batch: Tensor) -> list[Tensor]:
        condition = self.coarse(batch)
        latents = self.network.sample(condition, slice_seeds(0, range(len(batch))), steps=20)
        return [condition, self.frozen["vq"].decode(latents), self.frozen["vq"](batch), batch]
