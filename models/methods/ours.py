"""The article's method: latent diffusion in plane, linear interpolation of latents between slices (section 2.4)."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor

from models.fast import in_pieces
from models.method import Restorer
from models.sampling import slice_seeds


class Diffusion(Restorer):
    """Common part of the article's method and its baseline: a latent is sampled for every known slice, with the same
    noise."""

    random = True
    made_of: tuple[str, ...] = ("vq", "ldm")

    def __init__(
        self,
        *args: Any,
        sampler: str = "ddim",
        steps: int = 200,
        eta: float = 1.0,
        noise: str = "independent",
        quantise_interpolated: bool = True,
        samples: int = 1,
        **options: Any,
    ) -> None:
        """``networks``: ``vq``, ``ldm`` and, to sharpen the result, ``edsr`` (section 2.6).

        ``samples``: a slice's latent is the mean of this many samples (article: 1).
        """
        super().__init__(*args, **options)
        self.steps = steps
        self.sampling = {"sampler": sampler, "eta": eta if sampler == "ddim" else 0.0}
        self.noise = noise
        self.quantise_interpolated = quantise_interpolated
        self.samples = samples
        self._watch: Callable[[int], AbstractContextManager] = nullcontext

    @contextmanager
    def watched(self, watch: Callable[[int], AbstractContextManager]) -> Iterator[None]:
        """Inside the block, a batch of ``count`` slices is sampled in the context ``watch(count)``: to time it."""
        self._watch = watch
        try:
            yield
        finally:
            self._watch = nullcontext

    def latents(self, slices: Tensor, index: Tensor) -> Tensor:
        """Low-resolution slices (B, 1, h, w) → latents (B, 3, h, w), Algorithm 1."""
        seeds = [slice_seeds(self.seed + draw, index.tolist(), self.noise) for draw in range(self.samples)]
        with self._watch(len(slices)):
            sample = partial(self.networks["ldm"].sample, slices, steps=self.steps, **self.sampling)
            drawn = [sample(seed_list) for seed_list in seeds]
            return torch.stack(drawn).mean(dim=0)

    def decode(self, latents: Tensor, quantise: bool | Tensor = True) -> Tensor:
        """Latents (B, 3, h, w) → pixels (B, 1, 4h, 4w), eqs. 7–9, then EDSR if it is among the networks (eq. 13)."""
        first_stage = self.networks["vq"]
        chosen = quantise
        if not isinstance(chosen, Tensor):
            chosen = torch.full((len(latents),), chosen, dtype=torch.bool, device=latents.device)
        pixels = in_pieces(first_stage.decode, latents, chosen, pixels=latents[0, 0].numel() * first_stage.factor**2)
        return self.sharpen(pixels) if "edsr" in self.networks else pixels

    def sharpen(self, pixels: Tensor) -> Tensor:
        """EDSR on slices (B, 1, H, W)."""
        return in_pieces(self.networks["edsr"], pixels, pixels=pixels[0].numel())

    def trial_run(self, count: int, side: tuple[int, int]) -> None:
        ldm = self.networks["ldm"]
        latents = torch.zeros(count, ldm.unet.size["out_channels"], *side, device=self.device)
        ldm(latents, torch.zeros(count, dtype=torch.long, device=self.device), latents[:, :1])
        self.decode(latents)


class Method(Diffusion):
    """Latents are mixed (eq. 6), then decoded: a new slice comes from the decoder, not from a cross-fade."""

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        return self.latents(slices, index)

    def render(self, mixed: Tensor, interpolated: Tensor) -> Tensor:
        return self.decode(mixed, True if self.quantise_interpolated else ~interpolated)
