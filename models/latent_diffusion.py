"""The conditional latent diffusion as one module: the denoiser and the scale of its latents."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from models.sampling import sample
from models.unet import as_condition, build_unet


class LatentDiffusion(nn.Module):
    """``unet``: the denoiser; ``scale``: latents are multiplied by it before noise is added (1.0 in the original)."""

    scale: Tensor

    def __init__(self, **size: Any) -> None:
        super().__init__()
        self.unet = build_unet(**size)
        self.register_buffer("scale", torch.ones(()))

    @property
    def costly(self) -> list[nn.Module]:
        """The parts that are worth compiling."""
        return [self.unet.unet]

    def forward(self, noisy: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """ε predicted in ``noisy`` (B, 3, h, w) at ``t`` (B,), given low-resolution slices (B, 1, h, w) in [0, 1]."""
        return self.unet(noisy, t, as_condition(condition))

    def sample(self, slices: Tensor, seeds: Sequence[int], **options: Any) -> Tensor:
        """Low-resolution slices (B, 1, h, w) in [0, 1] → latents (B, C, h, w) of the first stage.

        ``options``: those of ``models.sampling.sample`` (sampler, steps, eta …).
        """
        channels = self.unet.size["out_channels"]
        return sample(
            self.unet, as_condition(slices), seeds=seeds, scale=float(self.scale), channels=channels, **options
        )
