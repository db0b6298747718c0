"""Facts about networks that are needed before a network is built: its kind, time and memory.

They are in each network's module (``models/networks/__init__.py`` explains them). Importing such a module imports
PyTorch, which takes seconds, and every call of Snakemake needs the facts; so the literal is read from the source text,
as setuptools reads a version.
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmark import project
from benchmark.errors import UserError

STARTS = ("diffusion", "bicubic", "the true slice")
"""The image that a network in plane is compared with: the diffusion's slice, bicubic ×4 of the low-resolution slice, or
none for networks that reproduce the true slice."""


@dataclass(frozen=True)
class About:
    """The literal ``ABOUT`` of a module in models/networks. The defaults are for a module without ``ABOUT``.

    Time and memory, at the article's size and for slices of 256×256 pixels:
    ``parameters``; ``width`` of the first layers; ``step_seconds`` of a training step of 16 slices; ``training_mb``,
    GPU memory in MiB of such a training; and, for a diffusion, ``slice_gflop`` for one slice and sampling step, and
    ``restoring_mb`` (MiB) for 16 slices with its decoder.

    Kind:
    ``label``: its name in tables; ``samples``: a diffusion, whose methods take the config's ``sampling``; ``in_plane``:
    the image for comparison in the table of networks in plane (``STARTS``), or None if the network is not in that
    table; ``method``: file in models/methods that super-resolves slices with this network only, for a network that
    starts from ``bicubic``.
    """

    parameters: float = 1e6
    width: int = 64
    step_seconds: float = 1.0
    training_mb: float = 16000
    slice_gflop: float = 0.0
    restoring_mb: float = 0.0
    label: str = ""
    samples: bool = False
    in_plane: str | None = None
    method: str = "pixel_sr"

    def __post_init__(self) -> None:
        if self.in_plane not in (None, *STARTS):
            raise ValueError(f"in_plane: '{self.in_plane}' must be one of {', '.join(STARTS)}")


@cache
def about(class_: str) -> About:
    """Facts about ``models/networks/{class_}.py``. ``UserError``: no such file, or a wrong ``ABOUT`` in it."""
    path = project.models() / "networks" / f"{class_}.py"
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"config: networks: '{class_}': no file models/networks/{class_}.py") from error
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["ABOUT"]:
            try:
                return About(**ast.literal_eval(node.value))
            except (ValueError, TypeError) as error:
                raise UserError(f"{path}: ABOUT: {error}; use only literal values") from error
    return About()


def class_of(config: Mapping[str, Any], network: str) -> str:
    """The file in models/networks, without ``.py``, that builds a network of the config."""
    return config["networks"].get(network, {}).get("class", network)


def labels(config: Mapping[str, Any], networks: Iterable[str]) -> dict[str, str]:
    """Names of networks in tables; the label of a variant includes its key in the config."""
    names = {}
    for key in networks:
        kind = class_of(config, key)
        label = about(kind).label or kind
        names[key] = label if key == kind else f"{label} ({key})"
    return names


def sampling_network(config: Mapping[str, Any], networks: Iterable[str]) -> str | None:
    """The first diffusion among ``networks``, or None."""
    return next((name for name in networks if about(class_of(config, name)).samples), None)


def is_diffusion(config: Mapping[str, Any], method: str) -> bool:
    """Whether a method samples from a diffusion, and so takes the config's ``sampling``."""
    return sampling_network(config, config["methods"][method]["networks"]) is not None


def options(config: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Keyword arguments of a method's class: its own options, which override ``sampling`` if it is a diffusion."""
    sampling = config["sampling"] if is_diffusion(config, method) else {}
    return {**sampling, **config["methods"][method]["options"]}


def keeps_resolution(config: Mapping[str, Any], method: str) -> bool:
    """Whether a method's networks make new slices without magnification (``size: {factor: 1}``)."""
    factors = [
        config["networks"].get(name, {}).get("size", {}).get("factor") for name in config["methods"][method]["networks"]
    ]
    return bool(factors) and all(factor == 1 for factor in factors)


def needed_networks(config: Mapping[str, Any], method: str) -> list[str]:
    """A method's networks and all networks that these need, each after the networks it needs."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        for other in config["networks"][name]["needs"]:
            visit(other)
        if name not in ordered:
            ordered.append(name)

    for name in config["methods"][method]["networks"]:
        visit(name)
    return ordered


def study_networks(config: Mapping[str, Any]) -> list[str]:
    """All networks that the study's methods need, each after the networks it needs."""
    return list(dict.fromkeys(n for method in config["study"]["methods"] for n in needed_networks(config, method)))
