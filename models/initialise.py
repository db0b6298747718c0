"""Where a training starts from, other than random weights: the config's ``networks.{name}.init``."""

from pathlib import Path
from typing import Any

from torch import nn

from models import weights
from models.checkpoints import load_init
from models.schedule import ARTICLE


def initialise(module: nn.Module, name: str, path: str | Path) -> str:
    """Fills network ``name`` with the weights in ``path`` and returns a line about them.

    ``path``: one of our own ``.safetensors``, a CompVis checkpoint or a diffusers folder. ``ValueError`` names what
    does not fit: sizes, or a checkpoint without that network.
    """
    if str(path).endswith(".safetensors") and "network" in weights.read_metadata(path):
        module.load_state_dict(weights.load(path).state_dict())
        return f"{name} starts from {path}"
    target: Any = module.unet if name == "ldm" else module
    # a CompVis file does not say how wide an attention head is: the network that is filled does
    init = load_init(path, target.size["head_channels"]) if name == "ldm" else load_init(path)
    part = {"vq": init.vq, "ldm": init.ldm}.get(name)
    if part is None:
        raise ValueError(f"{path}: a {init.layout} checkpoint without weights for network {name}")
    if init.schedule != ARTICLE:
        raise ValueError(f"{path}: trained with {init.schedule}, where this project samples with {ARTICLE}")
    part.require(target.size)
    target.load_state_dict(part.state_dict)
    if name == "ldm":
        module.get_buffer("scale").fill_(init.scale)
    return f"{name} starts from {path} ({init.layout}{', averaged weights' if init.ema else ''})"
