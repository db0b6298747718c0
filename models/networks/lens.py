"""Five slices a fine voxel apart → the middle slice, four times finer in plane: this project's network for zoom.

The network sees slices at the scan's resolution and works on their grid; only its last two layers work on a finer grid.
Its output is added to the bicubic magnification of the middle slice; untrained, the network returns this magnification.
The slices before and after show how an edge continues, and so the position of the edge inside a coarse pixel.

No layer has a bias, and every activation is a leaky ReLU: the output scales with the slices, and it is zero where all
slices are zero.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.half import weights_dtype
from models.interpolation import FACTOR
from models.networks.slab import active, convolution
from models.training.block_task import BlockTask
from models.training.blocks import BlockBank
from models.training.coarse import SLICES, coarse_and_fine

ABOUT = {"label": "Lens", "parameters": 0.67e6, "step_seconds": 0.05, "training_mb": 1000, "width": 64}


class Block(nn.Module):
    """Two convolutions, whose output is added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = convolution(width, width), convolution(width, width)
        nn.init.normal_(self.second.weight, std=0.1 / width**0.5)

    def forward(self, features: Tensor) -> Tensor:
        return self.second(active(self.first(features))).add_(features)


class Lens(nn.Module):
    """Slices (B, 5, h, w) → the middle slice, magnified: (B, 1, 4h, 4w), not clamped.

    The slice spacing is a quarter of a pixel, which is the pixel size of the result.
    """

    def __init__(self, blocks: int, width: int, tail: int) -> None:
        super().__init__()
        self.enter = convolution(SLICES, width)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.rise = convolution(width, 4 * tail)
        self.last = convolution(tail, 4)
        nn.init.zeros_(self.last.weight)

    @property
    def reach(self) -> int:
        """Coarse pixels around non-zero pixels in which the network may draw: the radius of its receptive field."""
        return 3 + 2 * len(self.blocks)  # convolutions of 3×3; the last one is on a finer grid

    def forward(self, slices: Tensor) -> Tensor:
        middle = slices[:, SLICES // 2 : SLICES // 2 + 1]
        others = torch.cat([slices[:, : SLICES // 2], slices[:, SLICES // 2 + 1 :]], dim=1)
        seen = torch.cat([middle, others - middle], dim=1)
        seen = seen.to(weights_dtype(self.enter), memory_format=torch.channels_last)
        features = self.enter(seen)
        features = self.blocks(features).add_(features)
        finer = active(F.pixel_shuffle(self.rise(features), 2))
        return start(slices) + F.pixel_shuffle(self.last(finer), 2).float()


def start(slices: Tensor) -> Tensor:
    """The network's starting point: the middle of the slices (B, 5, h, w), bicubic ×4, not clamped."""
    middle = slices[:, SLICES // 2 : SLICES // 2 + 1]
    return F.interpolate(middle, scale_factor=FACTOR, mode="bicubic", align_corners=False)


def build(blocks: int = 8, width: int = 64, tail: int = 32, factor: int = FACTOR) -> Lens:
    """The defaults are the size of the shipped weights: 0.67 M parameters.

    ``factor``: in-plane magnification, always 4.
    """
    if factor != FACTOR:
        raise ValueError(f"lens: factor {factor}; it magnifies by {FACTOR}")
    return Lens(blocks, width, tail)


class Training(BlockTask):
    """Compares restored slices, made coarse by ``models.training.coarse``, with the fine slices. The loss is MAE.

    Options: those of ``BlockTask`` (``patch``: a multiple of 4) and ``augment`` (see
    ``models.training.coarse.coarse_and_fine``).
    """

    network: Lens
    multiple = FACTOR

    def forward(self, phase: str, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        slices, target = self.pairs(self.bank, batch)
        return self.loss(self.network(slices), start(slices), target)

    @torch.no_grad()
    def pairs(self, bank: BlockBank, places: Tensor) -> tuple[Tensor, Tensor]:
        """Coarse slices (B, 5, p/4, p/4) and fine slices (B, 1, p, p) of the bank's blocks at ``places`` (B, 4)."""
        return coarse_and_fine(bank, places, self.options["patch"], self.options["augment"])

    def picture(self, batch: Tensor) -> list[Tensor]:
        """Bicubic, the network's output, the truth; the same pairs each time."""
        torch.manual_seed(0)
        slices, target = self.pairs(self.held_out, batch)
        return [one.clamp(0, 1) for one in (start(slices), self.network(slices), target)]
