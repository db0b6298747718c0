"""Simulated slices with coarse pixels for the training of Lens, made from fine volumes.

As in ``models.training.thick``, a block of a volume is cut along a random axis, its grey scale is changed, and the
rest is one matrix product per axis. A coarse pixel is a weighted mean of the fine voxels around its position; the
kernel differs between samples.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from models.fast import moved
from models.interpolation import FACTOR
from models.training.appearance import FARTHEST, curves, looks, resamplings
from models.training.blocks import ORDERS, BlockBank

SLICES = 5
AROUND = 5
"""Fine slices on each side of the middle slice within the reach of the blur."""

EDGE = 8
"""Fine pixels outside of a patch within the reach of its coarse pixels."""

KERNELS = {"box": 0.4, "gaussian": 0.3, "triangle": 0.15, "cubic": 0.15}
"""Shares of the kernels: mean of the four fine pixels along an axis, Gaussian, antialiased bilinear and bicubic."""


def coarse_and_fine(bank: BlockBank, places: Tensor, patch: int, augment: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """At ``places`` (B, 4), five slices of coarse pixels (B, 5, p/4, p/4) and the middle slice in fine pixels (B, 1, p,
    p).

    ``augment``: as for ``models.training.thick.simulate``; ``thick``: the share of the samples that are smoother along
    the slice axis, like slices drawn from thick slices.
    """
    count, device = len(places), bank.device
    exact = torch.float16 if device.type == "cuda" else torch.float32
    fine = patch + 2 * EDGE
    wide = round(fine * FARTHEST) + 2
    around = 2 * AROUND + 1
    deep = 2 * round((AROUND + 2) * FARTHEST + 1)
    order, flip = ORDERS[torch.randint(6, (count,))], torch.rand(count, 3) < 0.5
    places = torch.cat([places[:, :1], places[:, 1:] + torch.randint(-patch // 4, patch // 4 + 1, (count, 3))], dim=1)
    greys = moved(curves(count, augment).to(exact), device)
    voxel, blur, field = looks(count, augment)
    thick = torch.where(torch.rand(count) < augment["thick"], torch.empty(count).uniform_(0.5, 1.7), 0.0)
    blur[:, 0] = torch.hypot(blur[:, 0], thick)
    voxel, blur, field = (moved(one, device) for one in (voxel, blur, field))
    kernels = moved(pixel_kernels(count, patch // FACTOR), device)
    noise = torch.rand(count) * augment["noise"] * (torch.rand(count) < augment["noisy"])
    with torch.autocast(device.type, enabled=False):
        block = bank.take(places, order, flip, (deep, wide, wide))
        block = greys.gather(1, block.view(count, -1).long()).view(block.shape)
        sizes = ((around, deep), (fine, wide), (fine, wide))
        along, down, across = resamplings(sizes, voxel, blur, field)
        middle = SLICES // 2
        along = along[:, AROUND - middle : AROUND + middle + 1]
        slices = torch.bmm(along.to(exact), block.view(count, deep, -1)).view(count, SLICES, wide, wide)
        inner = slice(EDGE, EDGE + patch)
        target = down[:, inner].to(exact) @ slices[:, middle] @ across[:, inner].to(exact).mT
        down, across = ((kernels @ one).to(exact).unsqueeze(1) for one in (down, across))
        slices = (down @ slices @ across.mT).float()
        noise = moved(noise, device).view(-1, 1, 1, 1)
        slices = (slices + noise * torch.randn_like(slices)).clamp_min(0)
    return slices, target.float().unsqueeze(1)


def pixel_kernels(count: int, pixels: int) -> Tensor:
    """Matrices (B, pixels, 4 · pixels + 2 · EDGE): the weights of fine pixels of a line in a coarse pixel.

    The kernel of a sample is drawn from ``KERNELS``; a Gaussian is 0.7 to 1.2 coarse pixels wide (full width at half
    maximum). A coarse pixel is centred on its four fine pixels.
    """
    centre = FACTOR * torch.arange(pixels) + (FACTOR - 1) / 2 + EDGE
    u = (torch.arange(FACTOR * pixels + 2 * EDGE) - centre[:, None]).abs() / FACTOR
    cubic = torch.where(u <= 1, (1.5 * u - 2.5) * u**2 + 1, ((-0.5 * u + 2.5) * u - 4) * u + 2) * (u < 2)
    width = torch.empty(count, 1, 1).uniform_(0.7, 1.2)
    gaussian = torch.exp2(-((2 * u / width) ** 2))
    shapes = {"box": (u < 0.5).float(), "triangle": (1 - u).clamp_min(0), "cubic": cubic}
    every = torch.stack([shapes[name].expand(count, *u.shape) if name in shapes else gaussian for name in KERNELS])
    chosen = torch.multinomial(torch.tensor(list(KERNELS.values())), count, replacement=True)
    kernels = every[chosen, torch.arange(count)]
    return kernels / kernels.sum(dim=2, keepdim=True)
