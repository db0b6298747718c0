"""The setting of every check: a device, a folder, a trunk of LPIPS if available; and small volumes."""

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SIDE, SLICES = 64, 14


class Skipped(Exception):
    """A check that cannot run here; the message says why."""


@dataclass(frozen=True)
class Setting:
    """``device``: cpu or cuda; ``folder``: of the check; ``trunks``: with ``alex.safetensors`` and, if available,
    ``vgg.safetensors``; ``minutes``: for the study; ``cores``: for the study; ``share``: jobs that may use the GPU at
    the same time.
    """

    device: str
    folder: Path
    trunks: Path | None = None
    cores: int = 2
    share: int = 4
    kept: dict[str, Any] = field(default_factory=dict)

    def trunk(self, net: str) -> str | None:
        """The file of a trunk of LPIPS, if it is there."""
        path = self.trunks / f"{net}.safetensors" if self.trunks else None
        return str(path) if path and path.is_file() else None


@dataclass(frozen=True)
class Check:
    """One check: ``call`` returns a line of detail or raises. ``estimate``: its usual largest number of seconds."""

    name: str
    call: Callable[[Setting], str]
    estimate: float


def config() -> dict[str, Any]:
    """The smoke study's configuration: every network small. A copy, which the caller may change."""
    return copy.deepcopy(_config())


@functools.cache
def _config() -> dict[str, Any]:
    """Read once in a process: listing the checks asks for the configuration a hundred times."""
    from benchmark.bench import study

    return study.config("smoke")


def truths(setting: Setting, count: int = 2) -> list[str]:
    """Files of ``count`` phantom volumes (SLICES, SIDE, SIDE) in [0, 1]."""
    import numpy as np

    from benchmark import volume
    from benchmark.datasets.phantom import phantom

    paths = [setting.folder / f"phantom-{number}.nii.gz" for number in range(count)]
    for number, path in enumerate(paths):
        if not path.exists():
            made = phantom((SIDE, SIDE, SLICES), "T1", seed=number).clip(0, 1).astype(np.float32)
            volume.write(path, np.moveaxis(made, 2, 0), np.eye(4))
    return [str(path) for path in paths]


def random_weights(setting: Setting, names: list[str]) -> list[str]:
    """Weight files of the smoke study's networks ``names``, untrained.

    Layers that start at zero get other values. Networks with batch normalisation get larger weights: untrained
    statistics normalise nothing, and with PyTorch's own weights the result would hardly depend on the input.
    """
    import torch

    from models import weights

    networks, paths = config()["networks"], []
    for number, name in enumerate(names):
        path = setting.folder / "random" / f"{name}.safetensors"
        if not path.exists():
            block = networks[name]
            kind = block.get("class", name)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(number)
                module = weights.network(kind, block["size"])
                for parameter in module.parameters():
                    if not parameter.any():
                        torch.nn.init.normal_(parameter, std=0.02)
                layers = list(module.modules())
                if any(isinstance(layer, torch.nn.BatchNorm2d) for layer in layers):
                    for layer in layers:
                        if isinstance(layer, torch.nn.Conv2d):
                            torch.nn.init.kaiming_normal_(layer.weight)
            weights.save(path, module, {"network": name, "class": kind, "size": block["size"]})
        paths.append(str(path))
    return paths
