"""The input of the bench: a config's networks with random weights, slices of noise.

Times do not depend on these values.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.config import load_config
from benchmark.project import shipped

if TYPE_CHECKING:
    import torch

CONFIG = shipped("config")
TRUNK = "trunks/alex.safetensors"


def config(name: str | None = None) -> dict[str, Any]:
    """``config/config.yaml``, the article's own, changed by ``config/{name}.yaml``."""
    return load_config(CONFIG / f"{name}.yaml" if name else None)


def networks(config: Mapping[str, Any], device: "torch.device", fast: bool) -> dict[str, Any]:
    """First stage, diffusion and EDSR, in ``eval`` mode; the same weights in the ``fast`` and the plain layout."""
    import torch

    from models import weights
    from models.fast import laid_out

    torch.manual_seed(0)
    built = {}
    for name in ("vq", "ldm", "edsr"):
        with device:  # weights are drawn on their device
            network = weights.network(name, config["networks"][name]["size"]).eval().requires_grad_(False)
        built[name] = laid_out(network) if fast else network
    return built


def trunk(config: Mapping[str, Any]) -> Path:
    """LPIPS's AlexNet, downloaded if it is missing (63.8 MB)."""
    from benchmark.acquire.trunks import fetch_trunk

    path = Path(config["data"]) / TRUNK
    if not path.exists():
        fetch_trunk("alex", path)
    return path


def noise(slices: int, side: int) -> np.ndarray:
    """Slices (S, side, side) in (0, 1], float32."""
    return 1 - np.random.default_rng(0).random((slices, side, side), dtype=np.float32)
