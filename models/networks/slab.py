"""Eight slices of known thickness → the thin slices anywhere between the middle two: this project's network for zoom.

A slice of a two-dimensional scan is an average over its thickness, and its neighbours are averages too. The network
sees eight slices at once, with their thickness, profile and distance, and draws the difference between the thin slices
and the consistent spline (``models.thickness``). Untrained, it returns this spline. Most of the network runs once for
each gap; only its head runs for each position. It is 2-D (the slices are channels) and works on blocks of 2 × 2 pixels
as channels (as FFDNet does: Zhang et al. 2018, https://arxiv.org/abs/1710.04026), which takes a quarter of the work.

No layer has a bias, and every activation is a leaky ReLU: the output scales with the slices, whatever their grey scale
and wherever a coil makes them brighter, and it is zero where all slices are zero.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.gap import DESCRIPTION, SLICES
from models.half import in_weights, weights_dtype
from models.training.block_task import BlockTask
from models.training.blocks import BlockBank
from models.training.scan_protocols import Protocols
from models.training.thick import simulate

ABOUT = {"label": "Slab", "parameters": 2.0e6, "step_seconds": 0.1, "training_mb": 2000, "width": 128}
OUTPUT = 0.1
"""Scale of the network's output: one step changes a thousand weights of the last layer and must not spoil the slice."""

WHERE = 1 + SLICES
"""Length of the description ``where`` of a position: t, and the spline's weights of the slices."""


class Block(nn.Module):
    """Two convolutions; the features' scales before the first one depend on the gap."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = convolution(width, width), convolution(width, width)
        nn.init.normal_(self.second.weight, std=0.1 / width**0.5)

    def forward(self, features: Tensor, scale: Tensor) -> Tensor:
        return self.second(active(self.first(features * scale))).add_(features)  # in place: pages cost more than sums


class Slab(nn.Module):
    """Slices (B, 8, h, w), ``about`` (B, 12), ``where`` (B, T, 9) → slices at T positions (B, T, h, w), not clamped.

    ``about``: see ``models.gap.gap_description``. ``where``: t (0 at the fourth slice, 1 at the fifth) and the
    consistent spline's weights of the eight slices. A missing slice is replaced by its neighbour.
    """

    def __init__(self, blocks: int, width: int, head: int) -> None:
        super().__init__()
        self.width, self.narrow = width, head
        self.enter = convolution(4 * (SLICES + 1), width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.gap = _described(DESCRIPTION, width * blocks)
        self.place = _described(DESCRIPTION + WHERE, width + head)
        self.leave, self.draw = convolution(width, head), convolution(head, head)
        self.last = convolution(head, 4)
        nn.init.zeros_(self.last.weight)

    @property
    def reach(self) -> int:
        """Pixels around non-zero pixels in which the network may draw: the radius of its receptive field."""
        return 2 * (4 + 2 * len(self.blocks))  # convolutions of 3×3, on a grid of half the resolution

    def forward(self, slices: Tensor, about: Tensor, where: Tensor) -> Tensor:
        features = self.features(slices, about)
        return self.at(features, slices, about, where)

    def features(self, slices: Tensor, about: Tensor) -> Tensor:
        """The part that runs once for a gap: (B, 8, h, w) → (B, width, ⌈h/2⌉, ⌈w/2⌉)."""
        height, width = slices.shape[-2:]
        if height % 2 or width % 2:
            slices = F.pad(slices, (0, width % 2, 0, height % 2), mode="replicate")
        middle = slices[:, 3:5].mean(dim=1, keepdim=True)
        seen = F.pixel_unshuffle(torch.cat([slices - middle, middle], dim=1), 2)
        seen = seen.to(weights_dtype(self.enter), memory_format=torch.channels_last)
        features = self.enter(seen)
        scales = 1 + in_weights(self.gap, about).to(features).view(len(about), len(self.blocks), -1, 1, 1)
        for block, scale in zip(self.blocks, scales.unbind(1), strict=True):
            features = block(features, scale)
        return features

    def at(self, features: Tensor, slices: Tensor, about: Tensor, where: Tensor) -> Tensor:
        """The part that runs for each position: the starting point plus the drawn difference, (B, T, h, w)."""
        count, positions = where.shape[:2]
        height, width = slices.shape[-2:]
        description = torch.cat([about.unsqueeze(1).expand(-1, positions, -1), where], dim=2).flatten(0, 1)
        first, second = (1 + in_weights(self.place, description).to(features))[..., None, None].split(
            [self.width, self.narrow], dim=1
        )
        scaled = (features.unsqueeze(1) * first.view(count, positions, -1, 1, 1)).flatten(0, 1)
        drawn = active(self.leave(scaled))
        drawn = active(self.draw(drawn * second)).add_(drawn)
        drawn = F.pixel_shuffle(OUTPUT * self.last(drawn), 2)[..., :height, :width]
        return start(slices, where) + drawn.float().view(count, positions, height, width)


def start(slices: Tensor, where: Tensor) -> Tensor:
    """The network's starting point: (B, 8, h, w) and (B, T, 9) → (B, T, h, w)."""
    weights = where[..., 1:, None, None].to(slices)
    return (weights * slices.unsqueeze(1)).sum(dim=2)  # not a matrix product, which would have lower precision


def active(features: Tensor) -> Tensor:
    return F.leaky_relu(features, 0.1, inplace=not torch.is_grad_enabled())


def convolution(inside: int, outside: int) -> nn.Conv2d:
    convolution = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return convolution


def _described(numbers: int, scales: int) -> nn.Sequential:
    """A description → scales minus one, all zero before training."""
    network = nn.Sequential(nn.Linear(numbers, 64), nn.SiLU(), nn.Linear(64, scales))
    for parameter in network[-1].parameters():
        nn.init.zeros_(parameter)
    return network


def build(blocks: int = 6, width: int = 128, head: int = 64, factor: int = 1) -> Slab:
    """The defaults are the size of the shipped weights: 2.0 M parameters.

    ``factor``: in-plane magnification, always 1.
    """
    if factor != 1:
        raise ValueError(f"slab: factor {factor}; it keeps the in-plane resolution (1)")
    return Slab(blocks, width, head)


class Training(BlockTask):
    """Scans made from the training volumes by ``models.training.thick``, against the volumes. The loss is MAE.

    Options: those of ``BlockTask``, ``positions`` (in a gap), ``protocols`` (number drawn at the start) and ``augment``
    (see ``models.training.thick.simulate``).
    """

    network: Slab

    def prepare(self, bank: BlockBank) -> None:
        super().prepare(bank)
        seed = torch.initial_seed()  # which the training job has set from the config's
        self.protocols = Protocols(self.options["protocols"], self.options["positions"], bank.device, seed=seed)

    def forward(self, phase: str, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        slices, about, where, target = self.scans(self.bank, batch)
        return self.loss(self.network(slices, about, where), start(slices, where), target)

    @torch.no_grad()
    def scans(self, bank: BlockBank, places: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Scans that ``simulate`` makes from the bank's blocks at ``places`` (B, 4)."""
        return simulate(bank, places, self.protocols, self.options["patch"], self.options["augment"])

    def picture(self, batch: Tensor) -> list[Tensor]:
        """The slice before the gap, the starting point, the network's output, the truth; the same scans each time."""
        torch.manual_seed(0)
        slices, about, where, target = self.scans(self.held_out, batch)
        drawn = self.network(slices, about, where)
        return [slices[:, 3:4], *(image[:, :1].clamp(0, 1) for image in (start(slices, where), drawn, target))]
