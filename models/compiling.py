"""Compilation of networks (fused kernels, on a GPU replayed as one CUDA graph), and when compilation saves time."""

import importlib.util
import os
import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)

SECONDS = 60.0
"""Approximate duration of a compilation of the article's networks."""
SAVED = 0.3e-3 / 64**2
"""Seconds that the compiled U-Net saves for one slice, one step and one pixel of its latent (H200: 101 ms for a step of
155 slices 64×64 without it, 47 ms with it)."""
DECODING = 10
"""Decoding one slice takes as long as this number of steps."""
TRAINING_STEPS = 3000
"""A training of this many steps saves more than its compilation takes (about 20 ms a step)."""


def compile_costly(network: Network, **options: object) -> Network:
    """Compiles the costly parts of the network (``costly``, or the whole network) in place, for inputs of one shape.

    By default for inference: kernels are fused, and on a GPU replayed as CUDA graphs. Networks of the same layers and
    shapes are compiled once per process, whatever their weights. ``options``: arguments of ``torch.compile``.
    """
    # For PyTorch, all parts and networks share one function; it would stop compiling this function after eight shapes.
    torch._dynamo.config.recompile_limit = max(64, torch._dynamo.config.recompile_limit)
    for part in getattr(network, "costly", [network]):
        if part._compiled_call_impl is None:
            part.compile(**{"mode": "reduce-overhead", "dynamic": False, "fullgraph": True} | options)
    return network


def eagerly() -> AbstractContextManager[object]:
    """Inside this context, compiled networks run uncompiled: for batches of a size that occurs once."""
    return torch.compiler.set_stance("force_eager")


def in_parts(count: int, at_once: int) -> Iterator[torch.Tensor]:
    """The numbers 0 … ``count`` − 1, ``at_once`` in each part. Compiled networks run a smaller last part uncompiled."""
    for part in torch.arange(count).split(at_once):
        with eagerly() if len(part) < at_once else nullcontext():
            yield part


def possible(device: torch.device) -> bool:
    """Whether this machine can compile for the device: it needs a GPU that Triton supports, a C compiler, and
    Python's header files, with which Triton compiles its launcher (on Debian in a separate package, python3-dev).
    """
    if device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return False
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")
    return compiler is not None and header().is_file() and torch.cuda.get_device_capability(device) >= (7, 0)


def header() -> Path:
    """The file ``Python.h`` of this interpreter, where Triton looks for it."""
    scheme = sysconfig.get_default_scheme()
    return Path(sysconfig.get_path("include", "posix_prefix" if scheme == "posix_local" else scheme)) / "Python.h"


def restoring_pays(device: torch.device, slices: int, steps: int, side: int) -> bool:
    """Whether to compile a diffusion's networks for restoring ``slices`` slices in ``steps`` steps each.

    ``side``: of a low-resolution slice, in pixels; ``steps`` 0: no diffusion (such networks are too small to gain).
    """
    saved = slices * (steps + DECODING) * side**2 * SAVED
    return bool(steps) and possible(device) and saved > SECONDS


def training_pays(device: torch.device, steps: int) -> bool:
    """Whether to compile a network for a training of ``steps`` steps."""
    return possible(device) and steps >= TRAINING_STEPS
