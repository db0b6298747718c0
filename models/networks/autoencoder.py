"""Autoencoder after Sander, de Vos and Išgum 2022 (https://arxiv.org/abs/2202.09258), a comparison method (section
2.7).

Its latents are maps with a quarter of the slice's size in each direction. A slice between two others is decoded from
the mean of their latents. Sizes and losses are those of the authors' public code for adult brain MRI: two scales, 32
features at the finest, 128 latent channels; mean squared error of reconstructed slices, and 0.001 × the perceptual
distance between a slice and the slice decoded from its two neighbours.
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from models.half import in_weights
from models.interpolation import bicubic
from models.perceptual import Perceptual
from models.training.data import SliceBank, random_flip
from models.training.task import Phase, Task
from models.training.upsampling import learning_rate, random_patch

ABOUT = {
    "label": "autoencoder",
    "parameters": 0.4e6,
    "step_seconds": 0.01,
    "training_mb": 4000,
    "width": 32,
    "in_plane": "the true slice",
}


def _twice(inside: int, outside: int) -> list[nn.Module]:
    """Two 3×3 convolutions, each with a leaky ReLU, and batch norm after them."""
    layers: list[nn.Module] = []
    for width in (inside, outside):
        layers += [nn.Conv2d(width, outside, 3, padding=1), nn.LeakyReLU(inplace=True)]
    return [*layers, nn.BatchNorm2d(outside)]


class Layers(nn.Sequential):
    """Layers in sequence.

    PyTorch does not compile a plain ``nn.Sequential``, because ``forward`` is PyTorch's own code.
    """

    def forward(self, features: Tensor) -> Tensor:
        for layer in self:
            features = layer(features)
        return features


class Autoencoder(nn.Module):
    """Grey slices (B, 1, H, W) in [0, 1] ↔ latents (B, ``latent``, H/2^scales, W/2^scales)."""

    def __init__(self, width: int, scales: int, latent: int) -> None:
        super().__init__()
        self.factor = 2**scales
        widths = [width * 2**scale for scale in range(scales)]
        down: list[nn.Module] = [nn.Conv2d(1, width, 1)]
        for inside, outside in zip([width, *widths], widths, strict=False):
            down += [*_twice(inside, outside), nn.AvgPool2d(2)]
        deepest = width * 2**scales
        down += [nn.Conv2d(widths[-1], deepest, 3, padding=1), nn.LeakyReLU(inplace=True)]
        self.encoder = Layers(*down, nn.Conv2d(deepest, latent, 3, padding=1))
        up: list[nn.Module] = []
        for inside, outside in zip([latent, *widths[::-1]], widths[::-1], strict=False):
            up += [*_twice(inside, outside), nn.Upsample(scale_factor=2)]
        up += [nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(inplace=True), nn.Conv2d(width, 1, 3, padding=1)]
        self.decoder = Layers(*up, nn.Sigmoid())

    @property
    def costly(self) -> list[nn.Module]:
        """The parts that are worth compiling."""
        return [self.encoder, self.decoder]

    def encode(self, slices: Tensor) -> Tensor:
        """Slices → latents; ``ValueError`` if H or W is not a multiple of 2^scales."""
        height, across = slices.shape[-2:]
        if height % self.factor or across % self.factor:
            raise ValueError(f"autoencoder: {height}×{across} slices are not multiples of {self.factor}")
        return in_weights(self.encoder, slices)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents → slices in [0, 1]."""
        return in_weights(self.decoder, latents)

    def forward(self, slices: Tensor) -> Tensor:
        return self.decode(self.encode(slices))


def build(width: int = 32, scales: int = 2, latent: int = 128) -> Autoencoder:
    """The defaults are the authors'."""
    return Autoencoder(width, scales, latent)


class Training(Task[SliceBank]):
    """Reconstruction of slices at full resolution, and synthesis of the slices between them.

    A step uses pairs of slices with one slice between them: B/2 pairs for a batch of B.

    Options: ``patch`` (side in pixels), ``rate``, ``rate_schedule`` (see ``learning_rate``); ``perceptual_weight`` (of
    LPIPS for the slice between: λ of eq. 3) and ``synthesis_weight`` (of its mean squared error, if LPIPS takes too
    long; the original has no such term); ``trunk`` (LPIPS trunk file, needed if ``perceptual_weight`` > 0).
    """

    network: Autoencoder

    def __init__(self, network: nn.Module, needs: Mapping[str, nn.Module], steps: int, options: Mapping[str, Any]):
        super().__init__(network, needs, steps, options)
        self.perceptual = Perceptual(options["trunk"], net="vgg") if options["perceptual_weight"] else None

    def prepare(self, bank: SliceBank) -> None:
        inside = bank.run[:-2] == bank.run[2:]
        if not inside.any():
            raise ValueError(
                "the autoencoder learns from three neighbouring slices; no training volume has as many in a row"
            )
        self.bank, self.middles = bank, inside.nonzero().squeeze(1) + 1

    def phases(self) -> dict[str, Phase]:
        optimiser = Adam(self.network.parameters(), lr=self.options["rate"])
        return {"network": Phase(optimiser, learning_rate(self.options, optimiser, self.steps))}

    def forward(self, phase: str, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        middle = self.middles[torch.randint(len(self.middles), ((len(batch) + 1) // 2,))]
        slices = torch.cat([self.bank.take(middle + offset) for offset in (-1, 0, 1)], dim=1)
        before, between, after = random_flip(random_patch(slices, self.options["patch"])).split(1, dim=1)
        pair = torch.cat([before, after])
        latents = self.network.encode(pair)
        mse = F.mse_loss(self.network.decode(latents), pair)
        synthesised = self.network.decode(torch.stack(latents.chunk(2)).mean(dim=0))
        synthesis = F.mse_loss(synthesised, between)
        log = {"mse": mse.detach(), "synthesis_mse": synthesis.detach()}
        loss = mse + self.options["synthesis_weight"] * synthesis
        if self.perceptual is not None:
            distance = self.perceptual(synthesised, between).mean()
            loss = loss + self.options["perceptual_weight"] * distance
            log["perceptual_loss"] = distance.detach()
        return loss, log

    def picture(self, batch: Tensor) -> list[Tensor]:
        return [self.network(bicubic(self.coarse(batch))), self.network(batch), batch]
