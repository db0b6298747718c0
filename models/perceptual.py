"""LPIPS, the learned perceptual distance (Zhang et al., 2018, https://arxiv.org/abs/1801.03924), without a model hub.

The package ``lpips`` contains its linear layers and downloads its trunk (AlexNet or VGG16, trained on ImageNet) from a
hub at run time. Here the trunk is a file that was downloaded before, and its tensors are verified: a distance computed
with another trunk is another metric.
"""

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from safetensors.numpy import load_file
from torch import Tensor, nn
from torch.nn import functional

# The convolutions of torchvision's `features` that LPIPS uses, and the SHA-256 of their tensors (see `digest`) in
# alexnet-owt-7be5be79.pth and vgg16-397923af.pth.
LAYERS: dict[str, tuple[int, ...]] = {
    "alex": (0, 3, 6, 8, 10),
    "vgg": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
}
SHA256: dict[str, str] = {
    "alex": "2b566cc3a4d6f0a7343701af22f461f1ac3dcd03a3ac28cce10968a1d3c85fdc",
    "vgg": "40acdda7c6b05249f81637b2571671ce938507c5f986db17af374cf62a2f42a6",
}

# Below this the last feature map of AlexNet or VGG16 would be empty.
SMALLEST = 32


def names(net: str) -> list[str]:
    """Names of a trunk's tensors in torchvision's ``state_dict``, in the order in which they are hashed."""
    return [f"features.{layer}.{kind}" for layer in LAYERS[net] for kind in ("weight", "bias")]


def digest(tensors: Mapping[str, np.ndarray], net: str) -> str:
    """SHA-256 over the trunk's tensors, in the order of ``names``, as little-endian float32 bytes.

    Raises ``ValueError`` if a tensor is missing.
    """
    total = hashlib.sha256()
    for name in names(net):
        if name not in tensors:
            raise ValueError(f"no tensor {name}: these are not the weights of torchvision's {net}")
        total.update(np.ascontiguousarray(tensors[name], dtype="<f4").tobytes())
    return total.hexdigest()


class Perceptual(nn.Module):
    """LPIPS version 0.1 between images in [0, 1], frozen; a metric with ``alex``, a training loss with ``vgg``.

    It stays in ``eval`` mode even when the module that holds it is put into training mode (``lpips`` has dropout before
    its linear layers), computes in float32 under autocast, and draws nothing from the global random generator.
    """

    def __init__(self, trunk: str | Path, net: str = "alex") -> None:
        """``trunk``: a safetensors file with the tensors ``features.*``, written by ``benchmark.acquire.trunks``.

        Raises ``ValueError`` if the file cannot be read or does not hold the trunk's own weights.
        """
        super().__init__()
        if net not in LAYERS:
            raise ValueError(f"LPIPS has no trunk {net!r} in this project: choose one of {', '.join(LAYERS)}")
        tensors = _load(Path(trunk), net)
        self.lpips = _build(net)
        own = self.lpips.net.state_dict()  # "slice2.3.weight" is torchvision's "features.3.weight"
        self.lpips.net.load_state_dict(
            {name: torch.from_numpy(tensors["features." + name.split(".", 1)[1]]) for name in own}
        )
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "Perceptual":
        """Stays in ``eval`` mode."""
        return super().train(False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances (B,) between ``a`` and ``b``, each (B, 1, H, W) or (B, 3, H, W) in [0, 1].

        Grey is repeated to three channels. Differentiable in both. Raises ``ValueError`` on other shapes.
        """
        for image in (a, b):
            if image.ndim != 4 or image.shape[1] not in (1, 3) or image.shape != a.shape:
                shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
                raise ValueError(f"LPIPS compares (B, 1, H, W) or (B, 3, H, W) of one shape, got {shapes}")
        if min(a.shape[-2:]) < SMALLEST:
            raise ValueError(f"LPIPS needs frames of at least {SMALLEST}×{SMALLEST}, got {a.shape[-2]}×{a.shape[-1]}")
        # LPIPS divides by the features' norms plus 1e-10, which half precision cannot represent.
        with torch.autocast(a.device.type, enabled=False):
            a, b = (image.float().expand(-1, 3, -1, -1) for image in (a, b))
            return self.lpips(a, b, normalize=True).flatten()

    def with_mask(self, a: Tensor, b: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Distances (B,) over the full frame and (B,) inside ``mask`` (B, 1, H, W), from one pass through the network.

        LPIPS is the sum, over five layers, of the mean of a low-resolution map of distances. Inside the mask, LPIPS is
        the weighted mean of the same maps; a point's weight is the share of its area inside the mask (the mask averaged
        to the map's size). Raises ``ValueError`` if a mask is empty.
        """
        if mask.shape != (len(a), 1, *a.shape[-2:]):
            raise ValueError(f"the mask of images {tuple(a.shape)} has shape {tuple(mask.shape)}")
        if not mask.flatten(1).any(dim=1).all():
            raise ValueError("a mask without a voxel: leave out slices without signal")
        maps: list[Tensor] = []
        hooks = [layer.register_forward_hook(lambda _, __, out: maps.append(out)) for layer in self.lpips.lins]
        try:
            full = self(a, b)
        finally:
            for hook in hooks:
                hook.remove()
        masked = torch.zeros_like(full)
        for distance in maps:
            height, width = distance.shape[-2:]
            weight = functional.adaptive_avg_pool2d(mask.float(), (height, width))
            masked = masked + (distance * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))
        return full, masked

    @torch.inference_mode()
    def distances(
        self, a: np.ndarray, b: np.ndarray, mask: np.ndarray, batch: int = 16
    ) -> tuple[np.ndarray, np.ndarray]:
        """``with_mask`` for arrays (S, H, W), ``batch`` slices at a time on the module's device: two float64 (S,)."""
        device = next(self.parameters()).device
        parts = []
        for start in range(0, len(a), batch):
            images = [
                torch.from_numpy(np.ascontiguousarray(array[start : start + batch], dtype=np.float32))
                for array in (a, b, mask)
            ]
            parts.append(torch.stack(self.with_mask(*(image[:, None].to(device) for image in images))).cpu())
        full, masked = torch.cat(parts, dim=1).double().numpy() if parts else np.empty((2, 0))
        return full, masked


def _load(trunk: Path, net: str) -> dict[str, np.ndarray]:
    """A trunk's tensors, verified."""
    advice = "download it again with benchmark.acquire.trunks.fetch_trunk"
    try:
        tensors = load_file(trunk)
        digest_found = digest(tensors, net)
    except (OSError, safetensors.SafetensorError, ValueError) as error:
        raise ValueError(f"{trunk}: cannot be read as the {net} trunk of LPIPS ({error}); {advice}") from error
    if digest_found != SHA256[net]:
        raise ValueError(f"{trunk}: SHA-256 of the {net} trunk is {digest_found}, expected {SHA256[net]}; {advice}")
    return tensors


def _build(net: str) -> Any:
    """``lpips.LPIPS`` with its own linear layers and an empty trunk."""
    import lpips  # slow to import: it brings torchvision's models

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        # lpips 0.1.4 calls torchvision's models with arguments that are now deprecated.
        warnings.filterwarnings("ignore", category=UserWarning, module="torchvision")
        return lpips.LPIPS(net=net, version="0.1", pnet_rand=True, verbose=False)
