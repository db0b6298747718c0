"""Compilation of networks: kernels are fused, and on a GPU replayed as one CUDA graph; and when it pays."""

import importlib.util
import os
import shutil
from contextlib import AbstractContextManager
from typing import Literal, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)

SECONDS = 60.0
"""A compilation of the article's networks takes about so long."""
SAVED = 0.3e-3 / 64**2
"""Seconds that the compiled U-Net saves for one slice, one step and one pixel of its latent (H200: 101 ms for a step of
155 slices 64×64 without it, 47 ms with it)."""
DECODING = 10
"""As many steps as one slice's decoding counts for."""
TRAINING_STEPS = 3000
"""A training of this many steps saves more than its compilation takes (about 20 ms a step)."""


def decided(asked: bool | Literal["auto"], automatic: bool) -> bool:
    """A setting of the config that may be ``auto``."""
    return automatic if asked == "auto" else asked


def compile_costly(network: Network, **options: object) -> Network:
    """The network with its costly parts (``costly``, or all of it) compiled in place, for inputs of one shape.

    By default for inference: kernels are fused, and on a GPU replayed as CUDA graphs. A network of the same layers and
    shapes is compiled once a process, whatever its weights. ``options``: of ``torch.compile``.
    """
    # all parts and networks share one function in PyTorch's eyes, which it would stop compiling after eight shapes
    torch._dynamo.config.recompile_limit = max(64, torch._dynamo.config.recompile_limit)
    for part in getattr(network, "costly", [network]):
        if part._compiled_call_impl is None:
            part.compile(**{"mode": "reduce-overhead", "dynamic": False, "fullgraph": True} | options)
    return network


def eagerly() -> AbstractContextManager[object]:
    """Compiled networks run as they were written in here: for batches of a size that comes once."""
    return torch.compiler.set_stance("force_eager")


def possible(device: torch.device) -> bool:
    """Whether this machine has what a compilation for the device needs: a GPU that Triton knows, and a C compiler."""
    if device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return False
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    return compiler is not None and torch.cuda.get_device_capability(device) >= (7, 0)


def restoring_pays(device: torch.device, slices: int, steps: int, side: int) -> bool:
    """Whether to compile a diffusion's networks for restoring ``slices`` slices in ``steps`` steps each.

    ``side``: of a low-resolution slice in pixels; ``steps`` 0: no diffusion, and networks that are too small to gain.
    """
    saved = slices * (steps + DECODING) * side**2 * SAVED
    return bool(steps) and possible(device) and saved > SECONDS


def training_pays(device: torch.device, steps: int) -> bool:
    """Whether to compile a network for a training of ``steps`` steps."""
    return possible(device) and steps >= TRAINING_STEPS
