"""The appearance of other scanners for training: contrast, voxel size, blur and bias field, drawn with torch's global
generator.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.training.blocks import LEVELS

FARTHEST = 1.35
"""The largest voxel size after resampling, in voxels of the volume; the smallest size is the inverse."""

KNOTS = 17


def looks(count: int, augment: Mapping[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Voxel size (B, 3), blur (B, 3; σ in new voxels) and bias field (B, 3, 2) of other scanners, for each axis."""
    log = torch.empty(count, 1).uniform_(-1, 1) * float(np.log(FARTHEST)) * 0.9 + torch.randn(count, 3) * 0.04
    limit = float(np.log(FARTHEST))
    voxel = torch.where(torch.rand(count, 1) < augment["resampled"], log.clamp(-limit, limit).exp(), 1.0)
    blur = torch.rand(count, 1) * 0.8 * torch.empty(count, 3).uniform_(0.6, 1.2)
    blur = torch.where(torch.rand(count, 1) < augment["blurred"], blur, 0.0)
    field = torch.randn(count, 3, 2) * torch.tensor([0.15, 0.1])
    return voxel, blur, torch.where(torch.rand(count, 1, 1) < augment["biased"], field, 0.0)


def resampling(new: int, old: int, voxel: Tensor, blur: Tensor, field: Tensor) -> Tensor:
    """Matrices (B, new, old): a bias field, then resampling of a line about its middle to voxels of size ``voxel``
    (B,). The kernel is Catmull-Rom, widened for larger voxels, then a Gaussian of σ = ``blur`` (B,) new voxels. The
    field is exp(a·u + b·u²) with u from −1 to 1 over the line, ``field`` (B, 2).
    """
    at = (torch.arange(new, device=voxel.device) - new // 2) * voxel[:, None] + old // 2
    distance = (at[:, :, None] - torch.arange(old, device=voxel.device)).abs() / voxel.clamp_min(1)[:, None, None]
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    kernel = torch.where(distance <= 1, near, torch.where(distance < 2, far, 0.0))
    kernel = kernel / kernel.sum(dim=2, keepdim=True)
    apart = torch.arange(new, device=voxel.device)
    smooth = torch.exp(-0.5 * ((apart[:, None] - apart) / blur.clamp_min(1e-2)[:, None, None]) ** 2)
    kernel = smooth / smooth.sum(dim=2, keepdim=True) @ kernel
    u = torch.linspace(-1, 1, old, device=voxel.device)
    return kernel * torch.exp(field[:, :1] * u + field[:, 1:] * u**2)[:, None, :]


def resamplings(sizes: Sequence[tuple[int, int]], voxel: Tensor, blur: Tensor, field: Tensor) -> Iterator[Tensor]:
    """The matrices of ``resampling`` for each axis: its (new, old) length, and its column of what ``looks`` draws."""
    for axis, (new, old) in enumerate(sizes):
        yield resampling(new, old, voxel[:, axis], blur[:, axis], field[:, axis])


def curves(count: int, augment: Mapping[str, Any]) -> Tensor:
    """New grey level for each old level (B, 256): the contrast of another sequence. Black stays black or becomes
    white."""
    base = torch.linspace(0, 1, KNOTS)
    bent = base ** torch.exp(torch.empty(count, 1).uniform_(-0.5, 0.5))
    rising = torch.cat([torch.zeros(count, 1), torch.empty(count, 6).exponential_().cumsum(dim=1)], dim=1)
    rising = _through(rising / rising[:, -1:])
    other = _through(torch.cat([torch.zeros(count, 1), torch.rand(count, 6)], dim=1))
    other = other / other.amax(dim=1, keepdim=True).clamp_min(0.3)
    kind = torch.rand(count, 1)
    curve = torch.where(torch.rand(count, 1) < 0.5, bent, rising)
    curve = torch.where(kind < augment["bent"], curve, base)
    unordered = kind < augment["bent"] * augment["unordered"]
    curve = torch.where(unordered, other, curve)
    curve = torch.where(torch.rand(count, 1) < augment["inverted"], 1 - curve, curve)
    return torch.nn.functional.interpolate(curve[:, None], LEVELS, mode="linear", align_corners=True)[:, 0]


def _through(values: Tensor) -> Tensor:
    """Linear interpolation of a few values (B, n) at the knots: (B, KNOTS)."""
    return torch.nn.functional.interpolate(values[:, None], KNOTS, mode="linear", align_corners=True)[:, 0]
