"""Files of weights: their networks, their hash, and the networks in memory."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cohort.frame import FACTOR
from benchmark.errors import UserError
from benchmark.files import sha256, stamp

if TYPE_CHECKING:
    from torch import nn

TRAINED = re.compile(r"(?P<cohort>[A-Za-z0-9_]+)/(fold)?(?P<fold>\d+)")
"""A training of the study as an argument of the command: ``cohort/fold``."""


@dataclass(frozen=True)
class WeightFile:
    """A file of weights: its networks, its hash, its metadata, and the file's ``stamp`` at the time of the hash."""

    path: Path
    networks: tuple[str, ...]
    sha256: str
    metadata: Mapping[str, Any]
    stamp: tuple[int, ...] = ()


def factor_of(weights: WeightFile) -> int:
    return int(weights.metadata.get("size", {}).get("factor", FACTOR))


def refuse_larger_than(paths: Sequence[Path], memory: float) -> None:
    """Refuses weights that exceed the memory, before they are read."""
    size = sum(one.stat().st_size for path in paths for one in ([path] if path.is_file() else path.glob("*/*")))
    if size > memory * 1e9:
        raise UserError(
            f"{paths[0]}: {size / 1e9:.3g} GB of weights, and {memory:g} GB of memory are allowed; allow more with "
            "--memory"
        )


def paths_of(argument: str, results: str) -> list[Path]:
    """The files (or folders of diffusers) of weights for one argument of the command."""
    path = Path(argument)
    trained = TRAINED.fullmatch(argument)
    if trained and not path.exists():
        path = Path(results) / "models" / trained["cohort"] / f"fold{trained['fold']}"
        if not path.is_dir():
            raise UserError(
                f"{argument}: not trained; {path} does not exist (results: {results}), and there is no such file"
            )
    if not path.exists():
        raise UserError(f"{argument}: no such file or folder of weights")
    if path.is_dir():
        trained_here = [file for file in sorted(path.glob("*.safetensors")) if "network" in _metadata(file)]
        if trained_here:
            return trained_here
        if not any((path / part / "config.json").exists() for part in ("unet", "vqvae")):
            raise UserError(
                f"{argument}: no weights in it (neither .safetensors of this project nor a diffusers folder)"
            )
    return [path]


def _metadata(path: Path) -> dict[str, Any]:
    from models.weights import read_metadata

    try:
        return read_metadata(path)
    except ValueError as error:
        raise UserError(error) from error


def weight_file(path: Path) -> WeightFile:
    before = stamp(path)
    if path.is_file() and path.suffix == ".safetensors":
        metadata = _metadata(path)
        if "network" in metadata:
            return WeightFile(path, (metadata["network"],), sha256(path), metadata, before)
    init = _init(path)
    parts = tuple(name for name in ("vq", "ldm") if getattr(init, name) is not None)
    size = init.ldm.size["sample_size"] if init.ldm is not None else 64
    about = {"layout": init.layout, "trained_on": {"frame": [size * FACTOR] * 2}}
    hashed = path if path.is_file() else max(path.glob("*/*.safetensors"), default=None) or max(path.glob("*/*.bin"))
    return WeightFile(path, parts, sha256(hashed), about, before)


def check_latents(networks: Mapping[str, Any]) -> None:
    """Checks that the first stage and the diffusion have the same number of latent channels."""
    if {"vq", "ldm"} <= networks.keys():
        made, taken = networks["vq"].size["latent_channels"], networks["ldm"].unet.size["out_channels"]
        if made != taken:
            raise UserError(
                f"the first stage has latents of {made} channels, the U-Net of the diffusion has {taken}; "
                "give weights that were trained together"
            )


def _init(path: Path) -> Any:
    from models.wrong_file import wrong_file

    if path.is_file() and path.suffix != ".safetensors":
        try:
            with path.open("rb") as file:
                start = file.read(2)
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}; give weights") from error
        if not start.startswith((b"PK", b"\x80")):  # the two formats of torch.save: zip and pickle
            said = wrong_file(path) or "not a file of weights; give a .safetensors file or a PyTorch checkpoint"
            raise UserError(f"{path}: {said}")
    from models.checkpoints import load_init

    try:
        return load_init(path)
    except ValueError as error:
        raise UserError(str(error)) from error


def loaded(weights: WeightFile, needed: Sequence[str], device: str) -> dict[str, "nn.Module"]:
    """The networks of a file, by class; of a checkpoint in another layout, the networks in ``needed``."""
    from models import weights as weight_files

    if "network" in weights.metadata:
        try:
            return weight_files.load_by_class([weights.path], device)
        except ValueError as error:
            raise UserError(str(error).splitlines()[0]) from error
    from models.latent_diffusion import LatentDiffusion

    init = _init(weights.path)
    networks: dict[str, nn.Module] = {}
    if init.vq is not None and "vq" in needed:
        networks["vq"] = init.vq.build()
    if init.ldm is not None and "ldm" in needed:
        diffusion = LatentDiffusion(**init.ldm.size)
        diffusion.unet.load_state_dict(init.ldm.state_dict)
        diffusion.scale.fill_(init.scale)
        networks["ldm"] = diffusion
    for network in networks.values():
        try:
            weight_files.check_finite(network.state_dict(), weights.path)
        except ValueError as error:
            raise UserError(str(error)) from error
    return {name: network.to(device).eval().requires_grad_(False) for name, network in networks.items()}
