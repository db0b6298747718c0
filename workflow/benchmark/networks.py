"""Facts about networks that are needed before one is built: what kind it is, and what it costs.

They stand in each network's own module (``models/networks/__init__.py`` explains them). Importing such a module imports
PyTorch, which takes seconds, and every call of Snakemake needs the facts; so the literal is read from the source text,
as setuptools reads a version.
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmark.errors import UserError


@dataclass(frozen=True)
class About:
    """The literal ``ABOUT`` of a module in models/networks. The defaults are for a module that has none.

    ``parameters``: at the article's size; ``step_seconds``: of one training step of 16 slices of 256×256 pixels at the
    article's size, estimated for an A100; ``width``: of the first layers at that size; ``slice_gflop``: work of one
    sampling step for one slice of 256×256; ``samples``: whether its methods take the config's ``sampling``;
    ``in_plane``: what the table of networks in plane compares it with (``None``: it is not in that table).
    """

    parameters: float = 1e6
    step_seconds: float = 1.0
    width: int = 64
    slice_gflop: float = 0.0
    samples: bool = False
    in_plane: str | None = None


@cache
def about(class_: str) -> About:
    """Facts about ``models/networks/{class_}.py``. ``UserError``: no such file, or a wrong ``ABOUT`` in it."""
    folder = find_spec("models")
    if folder is None or folder.origin is None:
        raise UserError("models: this package is not installed next to the benchmark")
    path = Path(folder.origin).with_name("networks") / f"{class_}.py"
    try:
        tree = ast.parse(path.read_text())
    except FileNotFoundError as error:
        raise UserError(f"config: networks: '{class_}': no file models/networks/{class_}.py") from error
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["ABOUT"]:
            try:
                return About(**ast.literal_eval(node.value))
            except (ValueError, TypeError) as error:
                raise UserError(f"{path}: ABOUT: {error}; it holds literal values alone") from error
    return About()


def class_of(config: Mapping[str, Any], network: str) -> str:
    """The file in models/networks, without ``.py``, that a network of the config is built by."""
    return config["networks"].get(network, {}).get("class", network)


def sampling_network(config: Mapping[str, Any], networks: Iterable[str]) -> str | None:
    """The first diffusion among ``networks``, or None."""
    return next((name for name in networks if about(class_of(config, name)).samples), None)


def is_diffusion(config: Mapping[str, Any], method: str) -> bool:
    """Whether a method samples from a diffusion, and so takes the config's ``sampling``."""
    return sampling_network(config, config["methods"][method]["networks"]) is not None


def options(config: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Keyword arguments of a method's class: its own, over ``sampling`` if it is a diffusion."""
    sampling = config["sampling"] if is_diffusion(config, method) else {}
    return {**sampling, **config["methods"][method]["options"]}
