"""Convolutions in whole tiles: tensor cores process channels in groups of eight; other numbers use slow kernels.

Without padding, the first convolution of the U-Net (6 to 160 channels) and the last one take 4.4 ms of a step of 155
slices (H100, 45.6 ms in total): as much as ten convolutions between 160 channels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TILE = 8


class Padded(nn.Module):
    """A convolution with channels of zeros added on both sides up to multiples of ``TILE``; computes the same."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        weight, bias = convolution.weight, convolution.bias
        self.outside, inside = convolution.out_channels, convolution.in_channels
        self.more = -inside % TILE
        added = -self.outside % TILE
        self.convolution = nn.Conv2d(
            inside + self.more,
            self.outside + added,
            convolution.kernel_size,  # type: ignore[arg-type]
            convolution.stride,  # type: ignore[arg-type]
            convolution.padding,  # type: ignore[arg-type]
            convolution.dilation,  # type: ignore[arg-type]
            bias=bias is not None,
            device=weight.device,
            dtype=weight.dtype,
        )
        padded = F.pad(weight.detach(), (0, 0, 0, 0, 0, self.more, 0, added))
        self.convolution.weight.data = padded.contiguous(memory_format=torch.channels_last)
        if bias is not None and self.convolution.bias is not None:
            self.convolution.bias.data = F.pad(bias.detach(), (0, added))

    def forward(self, features: Tensor) -> Tensor:
        return self.convolution(F.pad(features, (0, 0, 0, 0, 0, self.more)))[:, : self.outside]


def pad_convolutions(network: nn.Module) -> None:
    """Replaces, in place, the network's convolutions whose channels are not multiples of ``TILE``."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if (
                type(child) is nn.Conv2d
                and child.groups == 1
                and (child.in_channels % TILE or child.out_channels % TILE)
            ):
                setattr(module, name, Padded(child))
