"""Weights on disk: safetensors files that contain all information needed to use them."""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import nn

from models.fast import laid_out
from models.files import imported
from models.weight_metadata import checked, fits
from models.wrong_file import refuse_wrong_file

READ = "train again or download it again"
"""The advice for a file with weights that are not finite."""


def network(name: str, size: Mapping[str, Any]) -> nn.Module:
    """The network in ``models/networks/{name}.py`` at ``size`` (config: ``networks.{name}.size``), untrained."""
    module = imported("networks", name)
    try:
        return module.build(**size)
    except TypeError as error:
        raise ValueError(f"network {name}: {error}") from error


def save(path: str | Path, module: nn.Module, metadata: Mapping[str, Any], *, half: bool = False) -> None:
    """Writes ``module``'s state with ``metadata`` (needs ``network`` and ``size``; values become JSON).

    ``half``: floating-point tensors in half precision; ``load`` returns them in single precision. ``ValueError`` if a
    number is NaN or infinite (or becomes infinite in half precision): nothing is written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    if half:
        state = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    check_finite(state, f"{path} is not written", "train again with a lower rate")
    content = to_bytes(state, {key: json.dumps(value) for key, value in metadata.items()})
    aside = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    with open(aside, "xb") as file:  # never follow a link that somebody placed there
        try:
            file.write(content)
            file.flush()
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise


def read_metadata(path: str | Path) -> dict[str, Any]:
    """The metadata in a file that ``save`` wrote; in another safetensors file, its texts as they are.

    ``ValueError`` with the file's name: not a regular file, a git-lfs pointer, a web page or another format;
    metadata that ``save`` does not write.
    """
    with _opened(path) as file:
        return checked(path, file.metadata() or {})


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    refuse_wrong_file(path)
    try:
        with safe_open(str(path), "pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: cannot be read as weights ({str(error).splitlines()[0]})") from error


def load(path: str | Path, device: str | torch.device = "cpu") -> nn.Module:
    """The network in a file that ``save`` wrote, in ``eval`` mode. ``ValueError`` names the mismatch."""
    metadata = read_metadata(path)
    if "network" not in metadata:
        raise ValueError(f"{path}: no network and size in its metadata; it was not written by this project")
    with _opened(path) as file:
        fits(path, metadata, {key: file.get_slice(key).get_shape() for key in file.keys()})  # noqa: SIM118 (no mapping)
        module = network(metadata.get("class", metadata["network"]), metadata["size"])
        try:
            module.load_state_dict({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118
        except RuntimeError as error:
            raise ValueError(f"{path}: its tensors do not fit network {metadata['network']}: {error}") from error
    check_finite(module.state_dict(), path)
    return laid_out(module.to(device)).eval().requires_grad_(False)


def check_finite(state: Mapping[str, torch.Tensor], path: str | Path, advice: str = READ) -> None:
    """``ValueError`` that begins with ``path`` and ends with ``advice``, if weights are NaN or infinite."""
    for name, tensor in state.items():
        bad = int((~torch.isfinite(tensor)).sum()) if tensor.is_floating_point() else 0
        if bad:
            raise ValueError(f"{path}: {bad} numbers of {name} are NaN or infinite; {advice}")


def load_by_class(paths: Iterable[str | Path], device: str | torch.device = "cpu") -> dict[str, nn.Module]:
    """The networks in several files by class (the file in ``models/networks``), in ``eval`` mode.

    Methods and trainings find networks by class, whatever their names in the config. ``ValueError``: as ``load``, or
    two networks of one class.
    """
    networks: dict[str, nn.Module] = {}
    for path in paths:
        kind = class_in(path)
        if kind in networks:
            raise ValueError(f"{path}: a second network of class {kind}; a method has at most one of each class")
        networks[kind] = load(path, device)
    return networks


def class_in(path: str | Path) -> str:
    """The class of the network in a file: which file in ``models/networks`` builds it."""
    metadata = read_metadata(path)
    return metadata.get("class", metadata["network"])


def training_of(name: str) -> type[Any]:
    """The class ``Training`` (a ``Task``) in ``models/networks/{name}.py``. An unknown name is a ``ValueError``."""
    return imported("networks", name).Training
