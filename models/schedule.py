"""The noise schedule and the solvers."""

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, PNDMScheduler, UniPCMultistepScheduler
from torch import Tensor

LEADING = {"timestep_spacing": "leading", "steps_offset": 1, "set_alpha_to_one": False}
"""The original's steps: 1, 1 + c, 1 + 2c … with c = ⌊1000 / T⌋; the time before the first step has ᾱ_0."""

SAMPLERS: dict[str, tuple[type, dict[str, Any]]] = {
    "ddim": (DDIMScheduler, {"clip_sample": False, **LEADING}),
    "plms": (PNDMScheduler, {"skip_prk_steps": True, **LEADING}),
    "dpm++": (DPMSolverMultistepScheduler, {"algorithm_type": "dpmsolver++", "solver_order": 2}),
    "dpm++sde": (DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++", "solver_order": 2}),
    "unipc": (UniPCMultistepScheduler, {"solver_order": 2}),
}
"""Name → solver. The original has the first two; the others need fewer steps for the same schedule."""


@dataclass(frozen=True)
class Schedule:
    """β from `beta_start` to `beta_end` in `steps` steps, linear in √β (the original calls this "linear")."""

    beta_start: float = 0.0015
    beta_end: float = 0.0155
    steps: int = 1000

    def betas(self) -> Tensor:
        """β_t, float64 (steps,)."""
        return torch.linspace(self.beta_start**0.5, self.beta_end**0.5, self.steps, dtype=torch.float64) ** 2

    def alphas_bar(self) -> Tensor:
        """ᾱ_t = Π (1 − β_s), float32 (steps,); multiplied in float64, as in the original. Eq. 5's α."""
        return torch.cumprod(1 - self.betas(), dim=0).float()


ARTICLE = Schedule()


def scheduler(name: str, schedule: Schedule = ARTICLE) -> Any:
    """A fresh diffusers scheduler by its name in `SAMPLERS`. ValueError for an unknown name."""
    if name not in SAMPLERS:
        raise ValueError(f"sampler {name!r} is not known: choose one of {', '.join(SAMPLERS)}")
    kind, options = SAMPLERS[name]
    solver = kind(trained_betas=schedule.betas().tolist(), num_train_timesteps=schedule.steps, **options)
    if name in ("ddim", "plms"):  # diffusers computes this product in float32
        solver.alphas_cumprod = schedule.alphas_bar()
        solver.final_alpha_cumprod = solver.alphas_cumprod[0]
    return solver


def add_noise(clean: Tensor, noise: Tensor, t: Tensor, alphas_bar: Tensor) -> Tensor:
    """x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε (Ho et al. 2020, eq. 4). `clean`, `noise` (B, …), `t` (B,)."""
    level = alphas_bar[t].view(-1, *[1] * (clean.ndim - 1))
    return level.sqrt() * clean + (1 - level).sqrt() * noise
