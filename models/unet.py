"""The denoiser of the latent diffusion: a U-Net that predicts the noise of a latent from the low-resolution slice.

Section "Networks" of the article; the size is that of the original super-resolution model of Rombach et al.
2022. The blocks are `diffusers.UNet2DModel`'s, configured to compute the same as the original's blocks.
"""

from collections.abc import Sequence

import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from torch import Tensor, nn

from models.half import weights_dtype
from models.normalisation import normalise_by_channels


def canonical_size(
    *,
    sample_size: int = 64,
    in_channels: int = 6,
    out_channels: int = 3,
    width: int = 160,
    multipliers: Sequence[int] = (1, 2, 2, 4),
    layers_per_block: int = 2,
    attention_factors: Sequence[int] = (16, 8),
    head_channels: int = 32,
    norm_groups: int = 32,
) -> dict:
    """The full description of a U-Net, defaults filled in; two equal networks have equal descriptions.

    `sample_size` is the intended side of the latents (any multiple of 2^(levels − 1) works). `attention_factors` have
    the original's meaning: not resolutions, but the *down-sampling factors* (1, 2, 4 …) of the levels with attention; a
    factor beyond the last level has no effect in the original and is dropped here. The middle always has attention. The
    defaults are the article's size: of its "16 and 8" only 8 exists. Raises ValueError where a width cannot be split
    into heads or groups, or a factor is not a power of two.
    """
    levels = len(multipliers)
    if multipliers[0] != 1:
        raise ValueError(f"U-Net: multipliers {list(multipliers)} must begin with 1, as the first level has the width")
    for factor in attention_factors:
        if factor < 1 or factor & (factor - 1):
            raise ValueError(f"U-Net: attention factor {factor} is not a power of two")
    factors = sorted({int(factor) for factor in attention_factors if factor < 2**levels})
    for level, multiplier in enumerate(multipliers):
        channels = width * multiplier
        if channels % norm_groups:
            raise ValueError(f"U-Net: width {channels} is not a multiple of norm_groups = {norm_groups}")
        if (2**level in factors or level == levels - 1) and channels % head_channels:
            raise ValueError(f"U-Net: width {channels} has attention but is no multiple of {head_channels} a head")
    return {
        "sample_size": int(sample_size),
        "in_channels": int(in_channels),
        "out_channels": int(out_channels),
        "width": int(width),
        "multipliers": [int(multiplier) for multiplier in multipliers],
        "layers_per_block": int(layers_per_block),
        "attention_factors": factors,
        "head_channels": int(head_channels),
        "norm_groups": int(norm_groups),
    }


def build_unet(**size) -> "Denoiser":
    """A U-Net with fresh weights; `size` as `canonical_size`. By default 113,622,563 parameters."""
    return Denoiser(**size)


class Denoiser(nn.Module):
    """ε(x_t, t, condition). `self.unet` is `diffusers.UNet2DModel`."""

    def __init__(self, **size) -> None:
        super().__init__()
        self.size = canonical_size(**size)
        levels = range(len(self.size["multipliers"]))
        attends = [2**level in self.size["attention_factors"] for level in levels]
        self.unet = UNet2DModel(
            sample_size=self.size["sample_size"],
            in_channels=self.size["in_channels"],
            out_channels=self.size["out_channels"],
            block_out_channels=tuple(self.size["width"] * m for m in self.size["multipliers"]),
            layers_per_block=self.size["layers_per_block"],
            down_block_types=tuple("AttnDownBlock2D" if attends[i] else "DownBlock2D" for i in levels),
            up_block_types=tuple("AttnUpBlock2D" if attends[i] else "UpBlock2D" for i in reversed(levels)),
            attention_head_dim=self.size["head_channels"],
            norm_num_groups=self.size["norm_groups"],
            # As in the original: cosines before sines, frequencies from 1 down to 1/10000 (excluded).
            flip_sin_to_cos=True,
            freq_shift=0,
            norm_eps=1e-5,
            downsample_padding=1,
        )
        normalise_by_channels(self.unet)

    def forward(self, noisy: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """The noise predicted in `noisy`.

        `noisy` (B, 3, h, w) is the latent at time `t` ((B,) or a scalar, 0 … 999), `condition` (B, 3, h, w)
        the low-resolution slice of the same size in [−1, 1] (`as_condition`). Returns (B, 3, h, w). ValueError if h or
        w is not a multiple of 2^(levels − 1): each level halves them.
        """
        height, width = noisy.shape[-2:]
        multiple = 2 ** (len(self.size["multipliers"]) - 1)
        if height % multiple or width % multiple:
            raise ValueError(f"U-Net: {height}×{width} latents are not multiples of {multiple}")
        inputs = torch.cat([noisy, condition], dim=1).to(weights_dtype(self.unet))
        return self.unet(inputs, t).sample.to(noisy.dtype)


def as_condition(slices: Tensor, channels: int = 3) -> Tensor:
    """Low-resolution slices (B, 1 or 3, h, w) in [0, 1] → the input of the U-Net: (B, 3, h, w) in [−1, 1]."""
    return slices.expand(-1, channels, -1, -1) * 2 - 1
