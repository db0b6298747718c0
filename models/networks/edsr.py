"""EDSR at scale 1, to reduce the blur of the diffusion's slices (article, sections 2.6 and 3.1; Lim et al. 2017)."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from models.compiling import in_parts
from models.fast import moved
from models.half import weights_dtype
from models.sampling import slice_seeds
from models.training.data import SliceBank, random_flip
from models.training.task import Phase, Task
from models.training.upsampling import learning_rate, random_patch

ABOUT = {
    "label": "EDSR",
    "parameters": 1.2e6,
    "step_seconds": 0.02,
    "training_mb": 6000,  # counted, not measured: the diffusion, decoding 32 slices, and the pool need 5,000
    "width": 64,
    "in_plane": "diffusion",
}
LOSSES = {"mae": F.l1_loss, "mse": F.mse_loss}


class Block(nn.Module):
    """Two convolutions with a ReLU between them, without batch norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


class Edsr(nn.Module):
    """Grey slices (B, 1, H, W) in [0, 1] → sharper slices of the same size, not clamped.

    The output of the last convolution is added to the slice, and that convolution starts at zero: untrained, the
    network returns its input. (At scale 1 the original has no such path from pixels to pixels.)
    """

    mean: Tensor

    def __init__(self, blocks: int, width: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(1, width, 3, padding=1)
        self.body = nn.Sequential(*(Block(width) for _ in range(blocks)), nn.Conv2d(width, width, 3, padding=1))
        self.tail = nn.Conv2d(width, 1, 3, padding=1)
        for parameter in self.tail.parameters():
            nn.init.zeros_(parameter)
        # The mean grey level of the training slices; with half the range it normalises input and output.
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, slices: Tensor) -> Tensor:
        features = self.head(((slices - self.mean) / 0.5).to(weights_dtype(self.head)))
        return slices + 0.5 * self.tail(features + self.body(features)).to(slices.dtype)


def build(blocks: int = 16, width: int = 64) -> Edsr:
    """The defaults are the article's."""
    return Edsr(blocks, width)


class Training(Task[SliceBank]):
    """Sharpened diffusion outputs against the truth, Adam with a schedule.

    Sampling takes most of the time, so the first stage and the diffusion restore ``pool`` training slices once, before
    the first step; patches and flips are drawn from these slices. The slices are spread evenly over the training set,
    their low resolution is the protocol's, and each slice has its own noise with a fixed seed: a resumed training gets
    the same slices.

    Options: ``loss`` (the article says both: ``mae`` as in section 3.1, the default, or ``mse`` as in eq. 14), ``pool``
    (slices), ``sampler``, ``sampling_steps``, ``eta`` (of the diffusion), ``patch`` (side in pixels), ``rate``,
    ``rate_schedule`` (see ``learning_rate``).
    """

    network: Edsr

    def __init__(self, network: nn.Module, needs: Mapping[str, nn.Module], steps: int, options: Mapping[str, Any]):
        super().__init__(network, needs, steps, options)
        self.loss = LOSSES[self.options.choice("loss", *LOSSES)]

    def prepare(self, bank: SliceBank) -> None:
        size = min(self.options.whole("pool"), len(bank))
        self.target = bank.spread(size)
        sampling = {key: self.options[key] for key in ("sampler", "eta")} | {"steps": self.options["sampling_steps"]}
        at_once = 32 if self.target.is_cuda else 16
        restored = []
        for part in in_parts(size, at_once):
            slices = self.target[moved(part, self.target.device)]
            restored.append(self.restore(slices, part.tolist(), **sampling))
        self.restored = torch.cat(restored)
        if not self.initialised:
            self.network.mean.copy_(self.target.mean())

    @torch.no_grad()
    def restore(self, slices: Tensor, index: list[int], **sampling: Any) -> Tensor:
        """Slices (B, 1, H, W) as the diffusion restores them from a quarter of the resolution."""
        latents = self.frozen["ldm"].sample(self.coarse(slices), slice_seeds(0, index), **sampling)
        return self.frozen["vq"].decode(latents)

    def phases(self) -> dict[str, Phase]:
        optimiser = Adam(self.network.parameters(), lr=self.options["rate"])
        return {"network": Phase(optimiser, learning_rate(self.options, optimiser, self.steps))}

    def forward(self, phase: str, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        index = moved(torch.randint(len(self.target), (len(batch),)), self.target.device)
        pair = torch.cat([self.restored[index], self.target[index]], dim=1)
        blurred, target = random_flip(random_patch(pair, self.options["patch"])).split(1, dim=1)
        return self.loss(self.network(blurred), target), {"input_loss": self.loss(blurred, target)}

    def picture(self, batch: Tensor) -> list[Tensor]:
        restored = self.restore(batch, list(range(len(batch))), sampler="ddim", eta=0.0, steps=20)
        return [restored, self.network(restored), batch]
