"""The choice of the method and its weights for a scan."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmark import project
from benchmark.cohort.frame import FACTOR
from benchmark.config.networks import keeps_resolution
from benchmark.config.networks import options as method_options
from benchmark.errors import UserError, meant
from benchmark.files import stamp
from zoom.libraries import MISSING, installed
from zoom.weight_files import (
    WeightFile,
    check_latents,
    factor_of,
    loaded,
    paths_of,
    refuse_larger_than,
    weight_file,
)

if TYPE_CHECKING:
    from torch import nn

    from models.streaming import Streaming

AUTO = "auto"
FALLBACK = "spline"  # the best method without networks, if there are no shipped weights
SHIPPED = project.models() / "weights"
LARGEST = 512  # side of the tiles if any size is possible: fits most memories and most scans


@dataclass(frozen=True)
class Choice:
    """A method of the config's catalogue with its weights.

    ``options``: of its class, sampling included; ``tile``: side of the tiles; None: the size trained on;
    ``passed_over``: a sentence about the method that would have been used if PyTorch were installed.
    """

    key: str
    label: str
    file: str
    networks: tuple[str, ...]
    options: Mapping[str, Any]
    weights: tuple[WeightFile, ...]
    tile: int | None = None
    passed_over: str | None = None

    @property
    def without_torch(self) -> bool:
        """Whether the method interpolates without PyTorch."""
        from models.numpy_methods import METHODS

        return self.file in METHODS and not self.networks

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The weights' metadata: those of the last network (the diffusion, if there is one)."""
        return next((w.metadata for w in reversed(self.weights) if w.metadata), {})

    @property
    def factor(self) -> int | None:
        """In-plane magnification of the networks; None (any factor) for methods without training."""
        return max((factor_of(weights) for weights in self.weights), default=None)

    @property
    def any_size(self) -> bool:
        """Whether the networks restore frames of any size as well as frames of the training size."""
        return not self.without_torch and bool(import_module(f"models.methods.{self.file}").Method.any_size)

    @property
    def widest(self) -> float | None:
        """The widest slice spacing, in in-plane voxels, of networks trained with many spacings; else None."""
        if self.without_torch:
            return None
        widest: float | None = import_module(f"models.methods.{self.file}").Method.widest
        return widest

    @property
    def side(self) -> int | None:
        """Side of the tiles in pixels of the networks' input: the training size, or the ``tile`` option.

        None without training; ``LARGEST`` if any size is possible. For weights without a stored training size the
        article's size is assumed.
        """
        if not self.networks:
            return None
        if self.tile is not None:
            return self.tile
        if self.any_size:
            return LARGEST
        frame = self.metadata.get("trained_on", {}).get("frame")
        if frame:
            return int(min(frame)) // (self.factor or FACTOR)
        return int(self.metadata.get("size", {}).get("sample_size", 64))

    def load(self, device: str) -> dict[str, "nn.Module"]:
        """The networks by class (file in models/networks), in ``eval`` mode."""
        modules: dict[str, nn.Module] = {}
        for file in self.weights:
            modules |= loaded(file, self.networks, device)
            if stamp(file.path) != file.stamp:
                raise UserError(f"{file.path}: was changed or replaced while it was read; start again")
        check_latents(modules)
        return modules


def choose(
    config: Mapping[str, Any],
    method: str | None,
    weights: Sequence[str],
    *,
    in_plane: int = 1,
    tile: int | None = None,
    memory: float = math.inf,
) -> Choice:
    """The method and its weights.

    ``method`` None: the config's default; with weights, the first method of ``zoom.prefer``, or else of the catalogue,
    that can use these weights. ``auto``: the first method of ``zoom.prefer`` with shipped weights, else ``spline``.
    ``weights``: files, folders, or ``cohort/fold`` of the study; none: the shipped weights, if the method has networks.
    ``tile``: side of the tiles in low-resolution pixels; None: the size trained on. ``memory``: GB allowed for the
    weights. ``UserError``: the method is unknown or cannot be used on a scan or with the factor ``in_plane``; weights
    are missing, wrong or not needed; or the tile does not fit the networks.
    """
    passed_over = None
    if not installed():
        if weights:
            raise UserError(f"{', '.join(weights)}: {MISSING}")
        if (method or config["zoom"]["method"]) == AUTO:
            passed_over = f"Plain interpolation ({FALLBACK}), without the weights that ship: {MISSING}."
            method = FALLBACK
    if weights and method == AUTO:
        method = None
    if not weights:
        method, weights = _shipped(config, method or config["zoom"]["method"], in_plane)
    paths = [path for one in weights for path in paths_of(one, config["results"])]
    refuse_larger_than(paths, memory)
    files = [weight_file(path) for path in paths]
    held = {name for file in files for name in file.networks}
    if method is None:
        method = _served_or_refuse(config, weights, held, in_plane)
    refuse_unusable(config, method, in_plane)
    chosen = config["methods"][method]
    needed = chosen["networks"]
    _refuse_other_weights(method, needed, held, weights)
    used = tuple(file for file in files if set(file.networks) & set(needed))
    used = tuple(sorted(used, key=lambda file: needed.index(next(n for n in file.networks if n in needed))))
    if tile is not None and needed:
        _fits(tile, used)
    file = chosen.get("class", method)
    return Choice(method, chosen["label"], file, tuple(needed), method_options(config, method), used, tile, passed_over)


def _shipped(config: Mapping[str, Any], method: str, in_plane: int) -> tuple[str, list[str]]:
    """The method (chosen for ``auto``), and the files of its shipped weights."""
    held: dict[str, str] = {}
    for path in sorted(SHIPPED.glob("*.safetensors")) if installed() else ():
        held |= dict.fromkeys(weight_file(path).networks, str(path))
    if method == AUTO:
        whole = (key for key in preferred(config, in_plane) if set(config["methods"][key]["networks"]) <= held.keys())
        method = next(whole, FALLBACK)
    needed = config["methods"].get(method, {}).get("networks", [])
    return method, [held[name] for name in needed] if set(needed) <= held.keys() else []


def preferred(config: Mapping[str, Any], in_plane: int) -> list[str]:
    """Methods of ``zoom.prefer`` with the in-plane factor, the best first."""
    return [key for key in config["zoom"]["prefer"] if in_plane == 1 or not keeps_resolution(config, key)]


def _served(config: Mapping[str, Any], held: set[str], in_plane: int) -> str | None:
    """The best method that needs only the networks ``held``."""
    able = [
        key
        for key, method in config["methods"].items()
        if method["networks"] and held.issuperset(method["networks"]) and method["kind"] != "oracle"
        if in_plane == 1 or not keeps_resolution(config, key)
    ]
    return next(iter([key for key in preferred(config, in_plane) if key in able] + able), None)


def _served_or_refuse(config: Mapping[str, Any], weights: Sequence[str], held: set[str], in_plane: int) -> str:
    """The best method that the networks ``held`` by the files ``weights`` serve; ``UserError`` without one."""
    method = _served(config, held, in_plane)
    if method is None:
        reason = "but no method of the config uses them"
        if _served(config, held, 1):
            reason = f"whose method keeps the in-plane resolution: leave out in-plane {in_plane}"
        raise UserError(f"{', '.join(weights)}: holds {_names(held)}, {reason}")
    return method


def refuse_unusable(config: Mapping[str, Any], method: str, in_plane: int) -> None:
    """``UserError`` if the method is unknown, needs the true slices or PyTorch, or has no ``in_plane`` factor."""
    catalogue = config["methods"]
    if method not in catalogue:
        raise UserError(f"method '{method}' is not in the config{meant(method, catalogue)}")
    if catalogue[method]["kind"] == "oracle":
        raise UserError(f"method {method} is an oracle: it needs the slices that a scan does not have")
    if not installed():
        from models.numpy_methods import METHODS

        if catalogue[method].get("class", method) not in METHODS:
            raise UserError(f"method {method}: {MISSING}; {' and '.join(METHODS)} need no network")
    if in_plane != 1 and keeps_resolution(config, method):
        raise UserError(f"method {method} keeps the in-plane resolution: leave out in-plane {in_plane}")


def _refuse_other_weights(method: str, needed: Sequence[str], held: set[str], weights: Sequence[str]) -> None:
    """``UserError`` if the files ``weights``, which hold the networks ``held``, are not those that the method needs."""
    missing = [name for name in needed if name not in held]
    if missing and not weights:
        raise UserError(
            f"method {method} needs {_names(needed)}: give their weights (--weights cohort/fold, folder or "
            "files), or choose linear or spline, which need no weights"
        )
    if missing:
        raise UserError(
            f"{', '.join(weights)}: the wrong weights for method {method}, which needs {_names(needed)}; "
            f"{_names(held)} found, {_names(missing)} missing"
        )
    if weights and not needed:
        raise UserError(f"{', '.join(weights)}: method {method} has no networks; leave out the weights, or the method")


def _fits(tile: int, weights: Sequence[WeightFile]) -> None:
    """Checks the tile: a U-Net halves its slices at every level except the last."""
    levels = max((len(w.metadata.get("size", {}).get("multipliers", ())) for w in weights), default=0) or 4
    multiple = 2 ** (levels - 1)
    if tile < 2 * multiple or tile % multiple:
        raise UserError(f"tile = {tile}; these networks need multiples of {multiple}, at least {2 * multiple}")


def _names(names: Sequence[str] | set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def builder(choice: Choice, networks: Mapping[str, "nn.Module"], **options: Any) -> Callable[[int], "Streaming"]:
    """A function that makes the method with a seed: ``builder(...)(seed)``.

    ``options``: chunk, device, factor, half.
    """
    if choice.without_torch:
        from models.numpy_methods import NumpyMethod

        return lambda seed: NumpyMethod(choice.file, chunk=options.get("chunk"), factor=options.get("factor", 1))
    from models.method import method

    return lambda seed: method(choice.file, networks, seed=seed, **options, **choice.options)
