"""SRGAN ×4 (Ledig et al. 2017, https://arxiv.org/abs/1609.04802), a comparison method of the article (section 2.7)."""

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from models.half import weights_dtype
from models.perceptual import Perceptual
from models.training.task import Phase
from models.training.upsampling import Upsampling, learning_rate

ABOUT = {
    "label": "SRGAN",
    "parameters": 1.5e6,
    "step_seconds": 0.015,
    "training_mb": 6000,
    "width": 64,
    "in_plane": "bicubic",
}


class Block(nn.Module):
    """The generator's residual block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


class SrResNet(nn.Module):
    """The generator: grey slices (B, 1, h, w) in [0, 1] → (B, 1, 4h, 4w), not clamped."""

    def __init__(self, blocks: int, width: int) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(1, width, 9, padding=4), nn.PReLU(width))
        self.body = nn.Sequential(
            *(Block(width) for _ in range(blocks)),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        double = [nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(width)]
        again = [nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(width)]
        self.tail = nn.Sequential(*double, *again, nn.Conv2d(width, 1, 9, padding=4))

    def forward(self, slices: Tensor) -> Tensor:
        features = self.head(slices.to(weights_dtype(self.head)))
        return self.tail(features + self.body(features)).to(slices.dtype)


def build(blocks: int = 16, width: int = 64) -> SrResNet:
    """The defaults are the paper's."""
    return SrResNet(blocks, width)


class Discriminator(nn.Module):
    """Eight convolutions, ``width`` to 8 · ``width`` features, and two dense layers: logits (B, 1).

    Before the dense layers the map is pooled to 6×6, its size for the paper's patches of 96×96, so patches may have any
    size.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, width, 3, padding=1), nn.LeakyReLU(0.2)]
        inside = width
        for outside, stride in [(1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2)]:
            convolution = nn.Conv2d(inside, outside * width, 3, stride, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(outside * width), nn.LeakyReLU(0.2)]
            inside = outside * width
        dense = [nn.Linear(inside * 36, 16 * width), nn.LeakyReLU(0.2), nn.Linear(16 * width, 1)]
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(6), nn.Flatten(), *dense)

    def forward(self, slices: Tensor) -> Tensor:
        return self.layers(slices)


class Training(Upsampling):
    """Mean absolute error for ``warm_up`` steps, then a weighted sum of this error, a perceptual and the adversarial
    loss.

    Options: those of ``Upsampling``; ``warm_up``; ``pixel_weight`` (mean absolute error after the warm-up; 0 in the
    original), ``perceptual_weight`` (LPIPS with the VGG16 trunk, where the original compares VGG19's features
    themselves; 0 leaves it out), ``adversarial_weight`` (1e-3 in the original), ``discriminator_width`` (64), and
    ``trunk`` (LPIPS trunk file, needed if ``perceptual_weight`` > 0).
    """

    def __init__(self, network: nn.Module, needs: Mapping[str, nn.Module], steps: int, options: Mapping[str, Any]):
        super().__init__(network, needs, steps, options)
        self.perceptual = Perceptual(options["trunk"], net="vgg") if options["perceptual_weight"] else None
        self.discriminator = Discriminator(options["discriminator_width"])

    def phases(self) -> dict[str, Phase]:
        phases = {}
        for name in ("network", "discriminator"):
            optimiser = Adam(getattr(self, name).parameters(), lr=self.options["rate"])
            phases[name] = Phase(optimiser, learning_rate(self.options, optimiser, self.steps))
        return phases

    def forward(self, phase: str, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        if phase == "network":
            return self._generate(batch, step)
        return self._discriminate(step)

    def _generate(self, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        low, high = self.pair(batch)
        made = self.network(low)
        l1 = F.l1_loss(made, high)
        self.images = high, made.detach()
        if step < self.options["warm_up"]:
            return l1, {"l1": l1.detach()}
        adversarial = F.softplus(-self.discriminator(made)).mean()
        loss = self.options["pixel_weight"] * l1 + self.options["adversarial_weight"] * adversarial
        log = {"l1": l1.detach(), "adversarial_loss": adversarial.detach()}
        if self.perceptual is not None:
            distance = self.perceptual(made, high).mean()
            loss = loss + self.options["perceptual_weight"] * distance
            log["perceptual_loss"] = distance.detach()
        return loss, log

    def _discriminate(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy of real and generated slices; zero during the warm-up."""
        if step < self.options["warm_up"]:
            return 0 * next(self.discriminator.parameters()).sum(), {}
        real, made = (self.discriminator(images) for images in self.images)
        return F.softplus(-real).mean() + F.softplus(made).mean(), {}
