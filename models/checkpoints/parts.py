"""The result of loading a checkpoint of another project, and the checks common to all layouts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from models import first_stage, unet
from models.schedule import ARTICLE, Schedule

BUILDERS: dict[str, Callable[..., nn.Module]] = {"vq": first_stage.build_vq, "ldm": unet.build_unet}
SIZES: dict[str, Callable[..., dict]] = {"vq": first_stage.canonical_size, "ldm": unet.canonical_size}
INNER = {"vq": "vq", "ldm": "unet"}
"""The name under which our module holds diffusers' model."""


@dataclass(frozen=True)
class Part:
    """One network: its `size` (what its builder takes) and its weights (float32, named as our module's)."""

    network: str
    path: Path
    size: dict
    state_dict: dict[str, Tensor]

    def build(self) -> nn.Module:
        """The network with these weights, in evaluation mode."""
        module = BUILDERS[self.network](**self.size)
        module.load_state_dict(self.state_dict)
        return module.eval()

    def require(self, size: dict) -> None:
        """ValueError that names each difference from the configured `size` (the size of slices is not compared)."""
        configured_size = SIZES[self.network](**size)
        wrong = [
            f"{key} {self.size[key]} (config: {value})"
            for key, value in configured_size.items()
            if key != "sample_size" and value != self.size[key]
        ]
        if wrong:
            raise ValueError(
                f"{self.path}: its {self.network} has {', '.join(wrong)}; set networks.{self.network}.size"
            )


@dataclass(frozen=True)
class Init:
    """The content of a checkpoint. `vq` or `ldm` is None if the checkpoint lacks that network."""

    path: Path
    layout: str
    vq: Part | None
    ldm: Part | None
    scale: float = 1.0
    """The factor by which the original multiplied latents for the diffusion."""
    schedule: Schedule = ARTICLE
    ema: bool = False
    """Whether the averaged weights are used."""
    step: int | None = None
    """Number of training steps, as stored in the file."""
    ignored: list[str] = field(default_factory=list)
    """Keys left out on purpose: losses, derived schedule buffers, EMA counters."""


def skeleton(network: str, size: dict) -> nn.Module:
    """The network with names and shapes of its weights only, without memory for them."""
    with torch.device("meta"):
        return BUILDERS[network](**size)


def complete(path: Path, network: str, size: dict) -> dict:
    """The canonical size; if no network of this size can be built, the ValueError names the file."""
    try:
        return SIZES[network](**size)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def complain(path: Path, kind: str, keys: Iterable[str]) -> None:
    """ValueError that names the keys (the first few in full, then a count), if there are any."""
    keys = sorted(keys)
    if keys:
        shown = ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")
        raise ValueError(f"{path}: {kind}: {shown}")


def fit(path: Path, key: str, tensor: Tensor, like: Tensor) -> Tensor:
    """`tensor` as float32 in the shape of `like`, up to trailing dimensions of size 1 (a 1×1 convolution may be stored
    as a matrix)."""

    def bare(shape: torch.Size) -> tuple[int, ...]:
        sizes = tuple(shape)
        while len(sizes) > 1 and sizes[-1] == 1:
            sizes = sizes[:-1]
        return sizes

    if bare(tensor.shape) != bare(like.shape):
        raise ValueError(f"{path}: {key} has shape {tuple(tensor.shape)}, expected {tuple(like.shape)}")
    return tensor.float().reshape(like.shape).contiguous()
