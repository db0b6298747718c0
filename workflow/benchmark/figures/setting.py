"""The source of diagrams: sizes and numbers of the config, and phantom slices as examples."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchmark.config.solvers import printed
from benchmark.datasets.phantom import phantom

STEPS = 1000
"""Time steps of the diffusion (section 3.1); ``models.schedule`` has their noise."""


def blocks(number: int) -> str:
    """The number of blocks as text."""
    return f"{number} block{'' if number == 1 else 's'}"


@dataclass(frozen=True)
class Setting:
    """``spec``: the figure's line in the config.

    ``size``: side of the frame. ``networks``: the config's blocks. ``sampling``: how the method samples. ``slices``:
    per volume, of the first cohort that states a number.
    """

    figure: str
    spec: Mapping[str, Any]
    size: int
    networks: Mapping[str, Mapping[str, Any]]
    sampling: Mapping[str, Any]
    slices: int

    def of(self, network: str) -> Mapping[str, Any]:
        """The size of a network in the config."""
        return self.networks[network]["size"]

    @property
    def factor(self) -> int:
        """Side of the frame over side of a latent: each level of the first stage except the last halves the side."""
        return 2 ** (len(self.of("vq")["channels"]) - 1)

    @property
    def frame(self) -> str:
        return f"{self.size}×{self.size}"

    @property
    def low(self) -> str:
        return f"{self.size // 4}×{self.size // 4}"

    @property
    def latent(self) -> str:
        side = self.size // self.factor
        return f"{side}×{side}×{self.of('vq').get('code_dim', 3)}"

    @property
    def sampler(self) -> str:
        """The solver, its steps and η in one line."""
        return printed(self.sampling["sampler"], self.sampling["steps"], self.sampling["eta"])

    @property
    def unet(self) -> str:
        """Channels and attention of the U-Net. Attention factors without a level have no effect."""
        size = self.of("ldm")
        channels = " · ".join(str(size["width"] * m) for m in size["multipliers"])
        levels = [2**level for level in range(len(size["multipliers"]))]
        at = [str(factor) for factor in size["attention_factors"] if factor in levels]
        attention = f"at 1/{' and 1/'.join(at)} of the side" if at else "in the middle"
        return f"channels {channels}\n{blocks(size['layers_per_block'])} a level\nattention {attention}"

    @cached_property
    def pictures(self) -> tuple[np.ndarray, np.ndarray]:
        """Two slices of a phantom (H, W), a few slices apart, as examples."""
        slices = np.moveaxis(phantom((128, 128, 24), "T1", 1), 2, 0).swapaxes(1, 2)[:, ::-1]
        return slices[12], slices[15]

    def coarse(self, pixels: np.ndarray, by: int = 8) -> np.ndarray:
        """A picture (H, W) averaged over blocks of ``by`` × ``by`` pixels."""
        return pixels.reshape(pixels.shape[0] // by, by, -1, by).mean(axis=(1, 3))

    def noise(self, number: int, side: int = 16) -> np.ndarray:
        """A picture of noise (side, side) in [0, 1]."""
        return np.random.default_rng(number).normal(0.5, 0.25, (side, side)).clip(0, 1)
