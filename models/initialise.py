"""Starts a training from existing weights instead of random weights: the config's ``networks.{name}.init``."""

from pathlib import Path
from typing import Any

from torch import nn

from models import weights
from models.checkpoints import load_init
from models.schedule import ARTICLE


def initialise(module: nn.Module, name: str, path: str | Path) -> str:
    """Fills network ``name`` with the weights in ``path`` and returns a line that describes them.

    ``path``: a ``.safetensors`` file of this project, a CompVis checkpoint or a diffusers folder. ``ValueError`` names
    the mismatch: sizes, or a checkpoint without that network; or weights that are not finite.
    """
    if str(path).endswith(".safetensors") and "network" in weights.read_metadata(path):
        _fill(module, name, path)
        return f"{name} starts from {path}"
    target: Any = module.unet if name == "ldm" else module
    # A CompVis file does not store the width of an attention head; the network that is filled has it.
    init = load_init(path, target.size["head_channels"]) if name == "ldm" else load_init(path)
    part = {"vq": init.vq, "ldm": init.ldm}.get(name)
    if part is None:
        raise ValueError(f"{path}: a {init.layout} checkpoint without weights for network {name}")
    if init.schedule != ARTICLE:
        raise ValueError(f"{path}: trained with {init.schedule}, but this project samples with {ARTICLE}")
    part.require(target.size)
    weights.check_finite(part.state_dict, path)
    target.load_state_dict(part.state_dict)
    if name == "ldm":
        module.get_buffer("scale").fill_(init.scale)
    return f"{name} starts from {path} ({init.layout}{', averaged weights' if init.ema else ''})"


def _fill(module: nn.Module, name: str, path: str | Path) -> None:
    """Fills network ``name`` with the weights in a file of this project."""
    if (kind := weights.class_in(path)) != name:
        raise ValueError(f"{path}: has weights for network {kind}, not for network {name}")
    given = weights.load(path).state_dict()
    sizes, configured = ({key: tensor.shape for key, tensor in one.items()} for one in (given, module.state_dict()))
    if sizes != configured:
        size = weights.read_metadata(path)["size"]
        raise ValueError(f"{path}: its {name} has another size than the config: {size}; set networks.{name}.size")
    module.load_state_dict(given)
