"""The recipe that `recipe` names, as defaults for the config's settings, and the length of trainings.

A recipe is a block of `recipes`: for each network its starting weights, length and learning rate. It applies to every
network with this name or class; settings under `networks` override it.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import UserError, known

LENGTHS = ("steps", "epochs")


def under(config: dict[str, Any]) -> None:
    """Fills in missing settings of ``networks`` from the chosen recipe, in place; a second call changes nothing.

    A network with its own length (``steps`` or ``epochs``) does not get the recipe's length.
    """
    recipe = config["recipes"][config["recipe"]]
    for name, block in config["networks"].items():
        chosen = recipe.get(name, recipe.get(block.get("class", name), {}))
        defaults = json.loads(json.dumps(chosen))
        if any(key in block.get("training", {}) for key in LENGTHS):
            for key in LENGTHS:
                defaults.get("training", {}).pop(key, None)
        for key, value in defaults.items():
            if key == "training":
                block["training"] = value | block.get("training", {})
            else:
                block.setdefault(key, value)


def trainable(config: Mapping[str, Any], network: str) -> None:
    """``UserError`` if a network has no length, no batch, or starting weights that are not defined."""
    training, where = config["networks"][network]["training"], f"config: networks.{network}.training"
    if sum(key in training for key in LENGTHS) != 1:
        raise UserError(f"{where}: set either steps or epochs (recipe {config['recipe']} sets none)")
    if "batch" not in training:
        raise UserError(f"{where}: batch is missing (slices per step and device)")
    if (public := public_name(config["networks"][network]["init"])) is not None:
        known(f"networks.{network}.init", [public], config["public_weights"])


def steps_of(training: Mapping[str, Any], slices: float, devices: int = 1) -> int:
    """The number of training steps of a network: its ``steps``, or its ``epochs`` × slices ÷ (batch × devices).

    ``training``: its block ``networks.{name}.training``; ``slices``: number of training slices; ``devices``: GPUs that
    share a step.
    """
    if "steps" in training:
        return int(training["steps"])
    return max(math.ceil(training["epochs"] * slices / (training["batch"] * devices)), 1)


NAMING_STEPS = ("discriminator_start", "warm_up", "lower_at")
"""Settings of a training whose value is a step; a number below 1 is a share of all steps."""


def settled(training: Mapping[str, Any], slices: float, devices: int = 1) -> dict[str, Any]:
    """The settings with ``steps`` as the only length, and every share of the steps (0.5) converted to a step."""
    steps = steps_of(training, slices, devices)

    def step(value: Any) -> Any:
        return round(value * steps) if isinstance(value, float) and value < 1 else value

    named = {key: training[key] for key in NAMING_STEPS if key in training}
    named = {key: [step(v) for v in value] if isinstance(value, list) else step(value) for key, value in named.items()}
    return {key: value for key, value in training.items() if key != "epochs"} | named | {"steps": steps}


PUBLIC = "public:"


def public_name(init: str | None) -> str | None:
    """The entry of ``public_weights`` that an ``init: public:NAME`` names; None for a path or no ``init``."""
    return init.removeprefix(PUBLIC) if init and init.startswith(PUBLIC) else None


def start(config: Mapping[str, Any], network: str) -> str | None:
    """The path of the weights from which a network's training starts; None for random weights.

    Public weights are at ``public_weights.NAME.local``, else in the download folder.
    """
    init = config["networks"][network]["init"]
    name = public_name(init)
    if name is None:
        return init
    return config["public_weights"][name]["local"] or fetched(config, name)


def fetched(config: Mapping[str, Any], name: str) -> str:
    """The path of downloaded public weights."""
    return f"{config['data']}/public/{name}.ckpt"


def files_at_start(config: Mapping[str, Any], network: str) -> list[str]:
    """The files from which a network's training starts: a download, also if it is not here yet, or ``files_of``."""
    path, name = start(config, network), public_name(config["networks"][network]["init"])
    downloads = name is not None and path == fetched(config, name)
    return [path] if path and downloads else files_of(path)


def files_of(path: str | None) -> list[str]:
    """The user's files of weights: the file itself, all files in a folder, or none if the path does not exist: then a
    study can be planned without it, and the job names it."""
    if path is None:
        return []
    files = [Path(path)] if Path(path).is_file() else Path(path).rglob("*")
    return sorted(str(file) for file in files if file.is_file())
