"""The parts of a training that differ between networks: the losses, and the parameters that each loss updates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from models.compiling import compile_costly
from models.fast import laid_as, laid_out
from models.half import halved
from models.interpolation import degrade
from models.training.blocks import BlockBank
from models.training.data import SliceBank

Bank = TypeVar("Bank", SliceBank, BlockBank)
"""The training data of a task, on the device: slices, or volumes from which blocks are cut."""


@dataclass
class Phase:
    """One optimiser of a task, with its schedule (stepped once per training step) and the parameters that it updates.

    ``clip``: the largest norm of all gradients together; larger gradients are scaled down to this norm.
    """

    optimiser: Optimizer
    schedule: LRScheduler | None = None
    clip: float | None = None


class Options(dict[str, Any]):
    """Settings of a training, by name; ``ValueError`` for a setting that is needed and missing, or has a wrong
    value."""

    def __missing__(self, key: str) -> Any:
        raise ValueError(f"the training needs the setting '{key}'; add it to the network's `training` in the config")

    def choice(self, key: str, usual: str, *others: str) -> str:
        """The setting ``key``, one of these words; ``usual`` if it is not set."""
        value = self.get(key, usual)
        if value not in (usual, *others):
            words = ", ".join((usual, *others))
            raise ValueError(f"the training's setting '{key}' is {value}; choose one of {words}")
        return str(value)

    def whole(self, key: str, least: int = 1, multiple: int = 1) -> int:
        """The setting ``key``, a whole number of at least ``least`` and a multiple of ``multiple``."""
        value = self[key]
        if not isinstance(value, int) or value < least or value % multiple:
            steps = f" and a multiple of {multiple}" if multiple > 1 else ""
            raise ValueError(
                f"the training's setting '{key}' is {value}; it must be a whole number of at least {least}{steps}"
            )
        return value


class Task(nn.Module, Generic[Bank]):
    """Base of all training tasks. A subclass sets up in ``__init__`` and defines ``phases`` and ``forward``.

    ``network`` is trained and saved. ``needs`` are other networks' weights, frozen and in ``eval`` mode
    (the first stage, for latent diffusion). ``options`` are the config's ``networks.{name}.training`` without the keys
    that the loop itself reads. Randomness: ``forward`` may draw from torch's global generator; the loop seeds this
    generator at every step, so a resumed run draws the same numbers as an uninterrupted run.
    """

    ema_decay: float | None = None  # a subclass with averaged weights sets this; the averaged weights are saved
    # The network has trained weights: values that belong to them (a scale, a codebook, a mean) are not set again.
    initialised: bool = False
    # Early stopping compares only held-out losses of later steps: before, the training has not its complete loss.
    complete_from: int = 0

    def __init__(self, network: nn.Module, needs: Mapping[str, nn.Module], steps: int, options: Mapping[str, Any]):
        super().__init__()
        self.network = network
        self.frozen: Any = nn.ModuleDict({name: module.eval().requires_grad_(False) for name, module in needs.items()})
        self.steps = steps
        self.options = Options(options)

    @staticmethod
    def learns_from(volumes: Iterable[np.ndarray], device: torch.device, shares: Sequence[float] | None = None) -> Any:
        """The training data: the ``volumes`` (each (S, H, W) in [0, 1]) on the device.

        ``shares``: relative frequency with which each volume is drawn, if the task supports this; else a warning.
        """
        if shares and min(shares) < max(shares):
            print("WARNING: this network draws every slice equally often: the shares of the volumes have no effect")
        return SliceBank(volumes, device)

    def coarse(self, slices: Tensor) -> Tensor:
        """Slices (B, C, H, W) at a quarter of the resolution, as the benchmark shows them to the methods."""
        return degrade(slices, antialias=self.options.get("antialias", True))

    def phases(self) -> dict[str, Phase]:
        """Optimisers by name, in the order in which one step runs them."""
        raise NotImplementedError

    def forward(self, phase: str, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of ``phase`` on ``batch`` (B, 1, H, W) in [0, 1], and numbers to log.

        A later phase of the same step may use values that an earlier phase stored on ``self``.
        """
        raise NotImplementedError

    def prepare(self, bank: Bank) -> None:
        """Called once before the first step, on the device; must have the same result in a resumed run."""

    def report(self, rows: list[dict[str, float]]) -> list[str]:
        """Warnings for the user about the finished training, from the rows of its log."""
        return []

    def held_out_loss(self, batch: Tensor) -> Tensor:
        """The loss, a scalar, of held-out slices (B, 1, H, W) in [0, 1], by which a training may be stopped early.

        Called without gradients; draws from torch's global generator are the same in every call.
        """
        raise ValueError(f"{type(self).__module__}: has no held-out loss; remove early_stop from its training")

    def examples(self, held_out: Bank) -> Tensor:
        """The argument of ``picture``: six held-out slices (B, 1, H, W), or blocks; the same each time."""
        return held_out.spread(6)

    def picture(self, batch: Tensor) -> list[Tensor]:
        """Rows of a picture of held-out slices (B, 1, H, W), each (B, 1, h, w) in [0, 1]; the target last."""
        raise NotImplementedError

    def set_evaluation(self, half: bool, compiled: bool) -> None:
        """Sets how networks are evaluated; called on the device before `prepare`.

        ``half``: frozen networks get float16 weights; ``compiled``: all networks are compiled, which takes a minute.
        """
        if half:
            self.frozen = nn.ModuleDict({name: halved(network) for name, network in self.frozen.items()})
        if compiled:
            # No CUDA graphs: gradients and averages are used after the step, and VQ's loss is differentiated twice.
            torch._functorch.config.donated_buffer = False
            # Otherwise one convolution with at most half as many outputs as inputs, as in the U-Net, keeps all
            # convolutions in the layout that the GPU's kernels convert before and after every call.
            torch._inductor.config.force_layout_optimization = True
            for network in (self.network, *self.frozen.values()):
                compile_costly(laid_out(network), mode=None)

    def trained_state(self) -> dict[str, Tensor]:
        """The content of a checkpoint: everything except frozen networks and the perceptual trunk, which have files of
        their own."""
        return {
            key: value for key, value in self.state_dict().items() if not key.startswith(("frozen.", "perceptual."))
        }

    def load_trained_state(self, state: Mapping[str, Tensor]) -> None:
        """Restores the result of ``trained_state``; ``ValueError`` if the keys differ."""
        if differing := set(state) ^ set(self.trained_state()):
            raise ValueError(f"checkpoint and network differ in {sorted(differing)[:5]}")
        self.load_state_dict(dict(state), strict=False)

    def train(self, mode: bool = True) -> "Task":
        super().train(mode)
        self.frozen.eval()
        return self


def fuse(optimiser: Optimizer) -> None:
    """Lets one kernel update all parameters, if the optimiser has such a kernel; call this before the first step."""
    for group in optimiser.param_groups:
        if "fused" in group:
            group |= {"fused": True, "foreach": False}


def lay_out_state(optimiser: Any) -> None:
    """Gives an optimiser's loaded state the memory layout of its parameters, which fused kernels require.

    The layouts differ if a training that was not compiled is resumed compiled.
    """
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            kept = optimiser.state[parameter]
            kept |= {key: laid_as(value, parameter) for key, value in kept.items() if isinstance(value, Tensor)}


def rate_schedule(name: str | None, optimiser: Optimizer, steps: int) -> LRScheduler | None:
    """Learning rate over a training: ``constant`` (None), or ``one_cycle``: rises over 5 % of the steps, then falls to
    zero.

    With ``one_cycle``, PyTorch also moves Adam's β₁ from 0.95 to 0.85 and back: the optimiser's own β₁ is not used.
    """
    if name in (None, "constant"):
        return None
    if name != "one_cycle":
        raise ValueError(f"rate_schedule '{name}' is not known: choose constant or one_cycle")
    highest = [group["lr"] for group in optimiser.param_groups]
    return torch.optim.lr_scheduler.OneCycleLR(optimiser, highest, total_steps=steps + 1, pct_start=0.05)
