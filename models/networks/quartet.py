"""Four known slices and a position between them → the slice there: this project's own network.

The article restores slices one by one and mixes the results. Here one network sees the known slices on each side of a
position, at low resolution, and the position itself, and draws the slice in one step: sharp detail of a neighbour is
kept, and results are not mixed. Two slices on each side are usual, one or more are possible. The network is 2-D (the
slices are channels), accepts any position, and works on the known slices' grid until its last layer, as WDSR does; its
blocks are WDSR's. It magnifies ×4 in plane, or, with factor 1, keeps the slices' resolution, which suits a scan with
thick slices.
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from models.fast import moved
from models.half import in_weights, weights_dtype
from models.interpolation import FACTOR, bicubic
from models.networks.wdsr import Block
from models.perceptual import Perceptual
from models.training.data import SliceBank, random_flip
from models.training.task import Phase, Task
from models.training.upsampling import learning_rate, random_patch

ABOUT = {
    "label": "Quartet",
    "parameters": 1.3e6,
    "step_seconds": 0.02,
    "training_mb": 5000,
    "width": 64,
    "in_plane": "bicubic",
    "method": "quartet",
}


class Quartet(nn.Module):
    """Slices (B, 2 + 2c, h, w) in [0, 1] and distances ``places`` (B, 1 + 2c) → the slice at a position (B, 1, fh, fw),
    not clamped.

    ``context`` c: known slices on each side of the two neighbours; 1 is usual. ``factor`` f: in-plane magnification, 4
    or 1.

    The columns of ``places`` are the distances from each slice to the next, but the middle column is ``t``, the
    distance from the left neighbour to the position (0 … 1). The unit is the width of the gap around the position. A
    missing slice is replaced by its inner neighbour, at distance 0.

    The network's output is added to a starting point, and its last layer starts at zero: untrained, the network returns
    the starting point. With factor 4 the starting point is the linear control (bicubic of the two neighbours' mixture),
    with factor 1 the cubic spline through the inner four slices. With factor 1 nothing is added to a known slice.
    """

    def __init__(self, blocks: int, width: int, expansion: int, context: int, factor: int) -> None:
        super().__init__()
        if factor not in (1, FACTOR):
            raise ValueError(f"quartet: factor {factor}; it magnifies by 1 or {FACTOR}")
        if context < 0:
            raise ValueError(f"quartet: context {context}; 0 or more slices outside of the two neighbours")
        self.context, self.factor = int(context), factor
        self.slices = 2 + 2 * self.context
        self.head = nn.Conv2d(self.slices + 1, width, 3, padding=1)
        self.blocks = nn.ModuleList(Block(width, expansion) for _ in range(blocks))
        self.place = nn.Sequential(nn.Linear(self.slices - 1, 64), nn.SiLU(), nn.Linear(64, 2 * width * blocks))
        self.tail = nn.Conv2d(width, factor * factor, 3, padding=1)
        for parameter in (*self.place[-1].parameters(), *self.tail.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, slices: Tensor, places: Tensor) -> Tensor:
        mixed = self.mixed(slices, places)
        features = self.head((torch.cat([slices, mixed], dim=1) - 0.5).to(weights_dtype(self.head)))
        tuned = in_weights(self.place, places).view(len(places), len(self.blocks), 2, -1, 1, 1).to(features)
        for block, (scale, shift) in zip(self.blocks, (part.unbind(1) for part in tuned.unbind(1)), strict=True):
            features = block(features * (1 + scale) + shift)
        drawn = F.pixel_shuffle(self.tail(features), self.factor).to(mixed.dtype)
        if self.factor == 1:
            drawn = drawn * between(places).to(drawn)
        return self.magnified(mixed) + drawn

    def mixed(self, slices: Tensor, places: Tensor) -> Tensor:
        """Slices (B, 2 + 2c, h, w) and places (B, 1 + 2c) → (B, 1, h, w), without learning: linear, or with factor 1
        cubic."""
        if self.factor == FACTOR or not self.context:
            return mixture(slices, places)
        left = self.context - 1
        return spline(slices[:, left : left + 4], places[:, left : left + 3])

    def magnified(self, slices: Tensor) -> Tensor:
        """Bicubic with factor 4, unchanged with factor 1; ``mixed`` and ``magnified`` make the starting point."""
        return bicubic(slices) if self.factor == FACTOR else slices


def mixture(slices: Tensor, places: Tensor) -> Tensor:
    """The linear control between the two middle slices, (B, 2 + 2c, h, w) → (B, 1, h, w)."""
    left = slices.shape[1] // 2 - 1
    t = places[:, left].to(slices).view(-1, 1, 1, 1)
    return torch.lerp(slices[:, left : left + 1], slices[:, left + 1 : left + 2], t)


def spline(slices: Tensor, places: Tensor) -> Tensor:
    """The natural cubic spline through the slices that exist, (B, 4, h, w) → (B, 1, h, w); through two it is linear.

    Its second derivatives at the two neighbours solve the two equations of its smoothness there; where an outer slice
    does not exist, the neighbour is the spline's end and its second derivative is zero.
    """
    before, t, after = (place.view(-1, 1, 1, 1) for place in places.to(slices).unbind(1))
    first, left, right, last = slices.split(1, dim=1)
    slope = right - left
    bend_left = 6 * (slope - (left - first) / before.clamp_min(1e-6)) * (before > 0)
    bend_right = 6 * ((last - right) / after.clamp_min(1e-6) - slope) * (after > 0)
    on_left, on_right = 2 * (1 + before), 2 * (1 + after)
    both = ((before > 0) & (after > 0)).to(slices)  # an unknown that is zero is in neither equation
    scale = on_left * on_right - both
    at_left = (on_right * bend_left - both * bend_right) / scale
    at_right = (on_left * bend_right - both * bend_left) / scale
    return left + t * slope + (((1 - t) ** 3 - (1 - t)) * at_left + (t**3 - t) * at_right) / 6


def turned(places: Tensor) -> Tensor:
    """The distances ``places`` (B, 1 + 2c) of the same slices in the opposite order."""
    is_t = torch.arange(places.shape[1], device=places.device) == places.shape[1] // 2
    return torch.where(is_t, 1 - places, places).flip(1)


def between(places: Tensor) -> Tensor:
    """4t(1 − t): 0 at a known slice, 1 half-way, (B, 1 + 2c) → (B, 1, 1, 1)."""
    t = places[:, places.shape[1] // 2].view(-1, 1, 1, 1)
    return 4 * t * (1 - t)


def build(blocks: int = 16, width: int = 64, expansion: int = 6, context: int = 1, factor: int = FACTOR) -> Quartet:
    """As large as WDSR at the article's size."""
    return Quartet(blocks, width, expansion, context, factor)


class Training(Task[SliceBank]):
    """True slices of the training volumes, from the slices around them at many distances.

    Each sample is a slice and a gap of 1 to ``gap`` slices around it. The slice is anywhere in the gap (with factor 1:
    anywhere but at the ends). The outer slices of a side follow each other at the width of the gap, or at one slice.
    Half of the samples are reversed along the slice axis. The loss is MAE + ``perceptual_weight`` · LPIPS (with
    the trunk ``perceptual_net``); low resolution is the protocol's.

    Options: ``gap``, ``patch`` (side in pixels, a multiple of 4), ``perceptual_weight``, ``perceptual_net`` (``vgg`` or
    ``alex``), ``trunk`` (its file, needed if the weight is above 0), ``rate``, ``rate_schedule`` (see
    ``learning_rate``), ``ema`` (decay).
    """

    network: Quartet

    def __init__(self, network: nn.Module, needs: Mapping[str, nn.Module], steps: int, options: Mapping[str, Any]):
        super().__init__(network, needs, steps, options)
        self.ema_decay = options["ema"]
        self.options.whole("patch", self.network.factor, self.network.factor)
        self.options.whole("gap", 1 + self.least)
        weighs = options["perceptual_weight"]
        self.perceptual = Perceptual(options["trunk"], net=options["perceptual_net"]) if weighs else None

    @property
    def least(self) -> int:
        """The smallest distance of a sample from its left neighbour: with factor 1, known slices are not drawn."""
        return int(self.network.factor == 1)

    def prepare(self, bank: SliceBank) -> None:
        self.bank = bank
        self.first = torch.searchsorted(bank.run, bank.run)
        self.last = torch.searchsorted(bank.run, bank.run, right=True) - 1

    def phases(self) -> dict[str, Phase]:
        optimiser = Adam(self.network.parameters(), lr=self.options["rate"])
        return {"network": Phase(optimiser, learning_rate(self.options, optimiser, self.steps))}

    def forward(self, phase: str, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        slices, places = self.draw(len(batch))
        patches = random_flip(random_patch(slices, self.options["patch"]))
        target = patches[:, -1:]
        known, places = self.seen(patches[:, :-1]), moved(places.to(patches.dtype), patches.device)
        made = self.network(known, places)
        loss = F.l1_loss(made, target)
        log = {"l1_of_start": F.l1_loss(self.start(known, places), target)}
        if self.perceptual is not None:
            distance = self.perceptual(made.clamp(0, 1), target).mean()
            log |= {"l1": loss.detach(), "lpips": distance.detach()}
            loss = loss + self.options["perceptual_weight"] * distance
        return loss, log

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """``count`` samples: slices (B, 3 + 2c, H, W), the known slices and the target, and distances ``places`` (B, 1
        + 2c)."""
        anchor = torch.randint(len(self.bank), (count,))
        first, last = self.first[anchor], self.last[anchor]
        gap = torch.minimum(torch.randint(1 + self.least, self.options["gap"] + 1, (count,)), last - first)
        left = torch.minimum(torch.maximum(anchor - (gap / 2).long(), first), last - gap)
        right, inside = left + gap, self.least + (torch.rand(count) * (gap - self.least)).long()
        target = torch.minimum(left + inside, last)  # of a volume of one slice: the slice
        reach = torch.where(torch.rand(2, count) < 0.5, gap, 1).clamp_min(1)
        # an outer slice that falls outside the volume is dropped, not moved closer
        outer = torch.arange(self.network.context, 0, -1).unsqueeze(1)
        before = left - reach[0] * torch.minimum(outer, (left - first) // reach[0])
        after = right + reach[1] * torch.minimum(outer.flip(0), (last - right) // reach[1])
        index = torch.cat([before, left.unsqueeze(0), right.unsqueeze(0), after])
        places = index.diff(dim=0)
        places[self.network.context] = target - left
        places = places.T / gap.clamp_min(1).unsqueeze(1)
        turn = torch.rand(count) < 0.5
        index = torch.where(turn, index.flip(0), index)
        places = torch.where(turn.unsqueeze(1), turned(places), places)
        slices = self.bank.take(torch.cat([index, target.unsqueeze(0)]).T.reshape(-1))
        return slices.view(count, len(index) + 1, *slices.shape[-2:]), places

    def start(self, known: Tensor, places: Tensor) -> Tensor:
        """The network's starting point."""
        return self.network.magnified(self.network.mixed(known, places))

    def seen(self, slices: Tensor) -> Tensor:
        """True slices as the network sees them: at low resolution if the network magnifies."""
        return self.coarse(slices) if self.network.factor == FACTOR else slices

    def examples(self, held_out: SliceBank) -> Tensor:
        """Slices half-way between two neighbours: the two neighbours (1 + c times each), then the slice, (B, 3 + 2c, H,
        W)."""
        middle = torch.linspace(0, len(held_out) - 1, 8)[1:-1].round().long()
        each = self.network.slices // 2
        steps = torch.tensor([-1] * each + [1] * each + [0])
        index = (middle.unsqueeze(1) + steps).clamp(0, len(held_out) - 1)
        slices = held_out.take(index.reshape(-1))
        return slices.view(*index.shape, *slices.shape[-2:])

    def picture(self, batch: Tensor) -> list[Tensor]:
        """The network's starting point, its output, the truth."""
        known, places = self.seen(batch[:, :-1]), batch.new_zeros(len(batch), self.network.slices - 1)
        places[:, self.network.context] = 0.5
        return [
            self.start(known, places),
            self.network(known, places).clamp(0, 1),
            batch[:, -1:],
        ]
