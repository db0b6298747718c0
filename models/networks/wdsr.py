"""WDSR ×4 (Yu et al. 2018, https://arxiv.org/abs/1808.08718), a comparison method of the article (section 2.7).

This is WDSR-B: in a residual block, a 1×1 convolution widens the features before the activation, and a low-rank pair
of a 1×1 and a 3×3 convolution narrows them again. Every convolution is weight-normalised; there is no batch norm.
"""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm
from torch.optim import Adam

from models.half import weights_dtype
from models.training.task import Phase
from models.training.upsampling import Upsampling, learning_rate

ABOUT = {
    "label": "WDSR",
    "parameters": 1.2e6,
    "step_seconds": 0.015,
    "training_mb": 4000,
    "width": 64,
    "in_plane": "bicubic",
}
SCALE = 4


def _convolution(inside: int, outside: int, side: int) -> nn.Module:
    return weight_norm(nn.Conv2d(inside, outside, side, padding=side // 2))


class Block(nn.Module):
    """A residual block of type B: ``width`` → ``expansion`` · ``width`` → 0.8 · ``width`` → ``width``."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        narrow = int(0.8 * width)
        self.body = nn.Sequential(
            _convolution(width, expansion * width, 1),
            nn.ReLU(inplace=True),
            _convolution(expansion * width, narrow, 1),
            _convolution(narrow, width, 3),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


class Wdsr(nn.Module):
    """Grey slices (B, 1, h, w) in [0, 1] → (B, 1, 4h, 4w), not clamped."""

    def __init__(self, blocks: int, width: int, expansion: int) -> None:
        super().__init__()
        pixels = SCALE * SCALE
        self.body = nn.Sequential(
            _convolution(1, width, 3), *(Block(width, expansion) for _ in range(blocks)), _convolution(width, pixels, 3)
        )
        self.skip = _convolution(1, pixels, 5)

    def forward(self, slices: Tensor) -> Tensor:
        centred = (slices - 0.5).to(weights_dtype(self.body))
        return F.pixel_shuffle(self.body(centred) + self.skip(centred), SCALE).to(slices.dtype) + 0.5


def build(blocks: int = 16, width: int = 64, expansion: int = 6) -> Wdsr:
    """The defaults are the paper's 16 blocks, in the size that matches EDSR's and SRResNet's (1.2 M parameters)."""
    return Wdsr(blocks, width, expansion)


class Training(Upsampling):
    """Mean absolute error, Adam. Options: those of ``Upsampling``."""

    def phases(self) -> dict[str, Phase]:
        optimiser = Adam(self.network.parameters(), lr=self.options["rate"])
        return {"network": Phase(optimiser, learning_rate(self.options, optimiser, self.steps))}

    def forward(self, phase: str, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        low, high = self.pair(batch)
        return F.l1_loss(self.network(low), high), {}

    def held_out_loss(self, batch: Tensor) -> Tensor:
        return self("network", batch, 0)[0]
