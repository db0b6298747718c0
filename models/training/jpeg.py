"""JPEG coding and decoding of grey slices, in batches on the slices' device.

Grey slices have no chroma, and no gradient passes through the degradation, so only these steps of the codec (ITU-T
T.81, annex A) are needed: the cosine transform of 8×8 blocks, rounding to multiples of a table that is scaled by the
quality as in libjpeg, and the inverse transform. Kornia's differentiable codec launches a hundred times as many
kernels: 84 ms for 16 slices on an H100's host, longer than the rest of a training step.
"""

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from models.fast import moved
from models.half import exact_products

BLOCK = 8
LUMA = [
    [16, 11, 10, 16, 24, 40, 51, 61],
    [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77],
    [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101],
    [72, 92, 95, 98, 112, 100, 103, 99],
]
"""Quantisation table of luma (T.81, table K.1)."""


def jpeg(slices: Tensor, quality: Tensor) -> Tensor:
    """Slices (B, 1, H, W) in [0, 1], each coded and decoded at its ``quality`` (B,), integers of 50 to 100 on the CPU.

    The result is in [0, 1]. Frames whose sides are not multiples of 8 are padded at their lower and right edges.
    """
    height, width = slices.shape[-2:]
    padded = F.pad(slices, (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate")
    rows, columns = (side // BLOCK for side in padded.shape[-2:])
    blocks = (padded * 255 - 128).view(-1, rows, BLOCK, columns, BLOCK).transpose(2, 3)
    basis, steps = cosines(slices.device), moved(table(quality), slices.device)
    with exact_products():
        levels = (basis @ blocks @ basis.T).div_(steps).round_().mul_(steps)
        blocks = basis.T @ levels @ basis
    decoded = blocks.transpose(2, 3).reshape(-1, 1, *padded.shape[-2:])[..., :height, :width]
    return decoded.add(128).div_(255).clamp_(0, 1)


def table(quality: Tensor) -> Tensor:
    """The steps of quantisation (B, 1, 1, 8, 8) at each quality (B,), as libjpeg scales them."""
    scale = (200 - 2 * quality).view(-1, 1, 1, 1, 1)
    return ((torch.tensor(LUMA) * scale + 50) // 100).clamp(1, 255).float()


@functools.cache
def cosines(device: torch.device) -> Tensor:
    """The orthonormal cosine transform of eight values, (8, 8): one frequency per row."""
    place = torch.arange(BLOCK)
    basis = torch.cos((2 * place + 1) * place.unsqueeze(1) * math.pi / (2 * BLOCK)) * math.sqrt(2 / BLOCK)
    basis[0] /= math.sqrt(2)
    return basis.to(device)
