"""How the networks are trained: the recipe that `recipe` names, under the config's own settings, and for how long.

A recipe is a block of `recipes`: for each network how it starts, how long it is trained and at what rate. It applies to
every network of that name or class; what stands under `networks` wins.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

LENGTHS = ("steps", "epochs")


def under(config: dict[str, Any]) -> None:
    """Puts the settings of the chosen recipe under those of ``networks``, in place; twice is as once.

    A network that says its own length (``steps`` or ``epochs``) is not given the recipe's.
    """
    recipe = config["recipes"][config["recipe"]]
    for name, block in config["networks"].items():
        chosen = recipe.get(name, recipe.get(block.get("class", name), {}))
        given = json.loads(json.dumps(chosen))
        if any(key in block.get("training", {}) for key in LENGTHS):
            for key in LENGTHS:
                given.get("training", {}).pop(key, None)
        for key, value in given.items():
            if key == "training":
                block["training"] = value | block.get("training", {})
            else:
                block.setdefault(key, value)


def steps_of(training: Mapping[str, Any], slices: float, devices: int = 1) -> int:
    """How many steps a network is trained: its ``steps``, or its ``epochs`` × slices ÷ (batch × devices).

    ``training``: its block ``networks.{name}.training``; ``slices``: that it learns from; ``devices``: GPUs that share
    a step.
    """
    if "steps" in training:
        return int(training["steps"])
    return max(math.ceil(training["epochs"] * slices / (training["batch"] * devices)), 1)


NAMING_STEPS = ("discriminator_start", "warm_up", "lower_at")
"""Settings of a training that name a step; a number below 1 is a share of all steps."""


def settled(training: Mapping[str, Any], slices: float, devices: int = 1) -> dict[str, Any]:
    """The settings with ``steps`` alone as the length, and every share of it (0.5) turned into the number of a step."""
    steps = steps_of(training, slices, devices)

    def step(value: Any) -> Any:
        return round(value * steps) if isinstance(value, float) and value < 1 else value

    named = {key: training[key] for key in NAMING_STEPS if key in training}
    named = {key: [step(v) for v in value] if isinstance(value, list) else step(value) for key, value in named.items()}
    return {key: value for key, value in training.items() if key != "epochs"} | named | {"steps": steps}


PUBLIC = "public:"


def public_name(init: str | None) -> str | None:
    """The entry of ``public_weights`` that an ``init: public:NAME`` names; None for a path or nothing."""
    return init.removeprefix(PUBLIC) if init and init.startswith(PUBLIC) else None


def start(config: Mapping[str, Any], network: str) -> str | None:
    """The path of the weights that a network's training starts from; None for random ones.

    Public weights lie where ``public_weights.NAME.local`` says, else where they are fetched to.
    """
    init = config["networks"][network]["init"]
    name = public_name(init)
    if name is None:
        return init
    return config["public_weights"][name]["local"] or fetched(config, name)


def fetched(config: Mapping[str, Any], name: str) -> str:
    """Where public weights are fetched to."""
    return f"{config['data']}/public/{name}.ckpt"


def starts_from_fetched(config: Mapping[str, Any], network: str) -> list[str]:
    """The fetched file that a network's training waits for, or none."""
    name = public_name(config["networks"][network]["init"])
    return [fetched(config, name)] if name is not None and not config["public_weights"][name]["local"] else []
