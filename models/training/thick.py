"""Simulated scans for the training of Slab, made from fine volumes: any axis, spacing, thickness and profile.

All work is done on the device that holds the volumes. A block is cut along a random axis and its grey scale is changed.
The scan of the block is then three matrix products, one per axis: resampling, blur and bias field are separable, and so
are the slices' profile and the selection of the thin target slices. The random numbers of a batch come from torch's
global generator only.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from models.fast import moved
from models.gap import SLICES
from models.training.appearance import FARTHEST, curves, looks, resamplings
from models.training.blocks import ORDERS, BlockBank
from models.training.scan_protocols import DEEP, Protocols


def simulate(
    bank: BlockBank, places: Tensor, protocols: Protocols, patch: int, augment: Mapping[str, Any]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scans of the volumes at ``places`` (B, 4).

    Returns slices (B, 8, p, p), about (B, 12), where (B, T, 9) and the target (B, T, p, p).

    ``augment``: shares of the samples that are resampled (``resampled``), blurred (``blurred``), or get another
    contrast (``bent``; of these, the share ``unordered`` with another order of the tissues), an inverted grey scale
    (``inverted``), a bias field (``biased``) or noise in the slices (``noisy``; at most ``noise``, as a share of the
    grey scale).
    """
    count, device = len(places), bank.device
    exact = torch.float16 if device.type == "cuda" else torch.float32
    wide = patch + 2 * round(patch * (FARTHEST - 1) / 2 + 1)
    deep = DEEP + 2 * round(DEEP * (FARTHEST - 1) / 2)
    order, flip = ORDERS[torch.randint(6, (count,))], torch.rand(count, 3) < 0.5
    places = torch.cat([places[:, :1], places[:, 1:] + torch.randint(-patch // 4, patch // 4 + 1, (count, 3))], dim=1)
    greys = moved(curves(count, augment).to(exact), device)
    voxel, blur, field = (moved(one, device) for one in looks(count, augment))
    chosen = moved(torch.randint(len(protocols), (count,)), device)
    noise = torch.rand(count) * augment["noise"] * (torch.rand(count) < augment["noisy"])
    with torch.autocast(device.type, enabled=False):
        block = bank.take(places, order, flip, (deep, wide, wide))
        block = greys.gather(1, block.view(count, -1).long()).view(block.shape)
        sizes = ((DEEP, deep), (patch, wide), (patch, wide))
        along, down, across = resamplings(sizes, voxel, blur, field)
        targets = protocols.targets[chosen]
        rows = torch.cat(
            [protocols.slices[chosen] @ along, along[torch.arange(count, device=device)[:, None], targets]], 1
        )
        made = torch.bmm(rows.to(exact), block.view(count, deep, -1)).view(count, -1, wide, wide)
        made = down.to(exact).unsqueeze(1) @ made @ across.to(exact).mT.unsqueeze(1)
        slices, target = made.float().split([SLICES, targets.shape[1]], dim=1)
        noise = moved(noise, device).view(-1, 1, 1, 1)
        slices = (slices + noise * torch.randn_like(slices)).clamp_min(0)
    return slices, protocols.about[chosen], protocols.where[chosen], target
