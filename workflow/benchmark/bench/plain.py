"""The same work in plain code with the libraries only: eager, float32, one chunk or one slice at a time."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def sample(ldm: Any, low: "Tensor", steps: int, eta: float = 1.0) -> "Tensor":
    """Low-resolution slices (B, 1, h, w) → latents (B, 3, h, w): diffusers' U-Net and DDIM, all slices at once."""
    import torch

    from models.schedule import scheduler

    solver = scheduler("ddim")
    solver.set_timesteps(steps)
    condition = low.expand(-1, 3, -1, -1) * 2 - 1
    x = torch.randn(condition.shape, device=low.device)
    with torch.no_grad():
        for t in solver.timesteps:
            noise = ldm.unet.unet(torch.cat([x, condition], dim=1), t).sample
            x = solver.step(noise, t, x, eta=eta).prev_sample
    return x / ldm.scale


def decode(vq: Any, latents: "Tensor") -> "Tensor":
    """Latents (B, 3, h, w) → slices (B, 1, 4h, 4w): the codebook's nearest vectors, then diffusers' decoder."""
    import torch

    with torch.no_grad():
        rgb = vq.vq.decode(vq.quantise(latents)[0], force_not_quantize=True).sample
    return ((rgb.mean(dim=1, keepdim=True) + 1) / 2).clamp(0, 1)


def restore(networks: Mapping[str, Any], low: "Tensor", steps: int) -> "Tensor":
    """As the article: DDIM at η = 1, one new slice in every gap (n = 1), decoded and sharpened: (2B − 1, 1, 4h, 4w)."""
    import torch

    latents = sample(networks["ldm"], low, steps)
    mixed = torch.stack([latents[:-1], (latents[:-1] + latents[1:]) / 2], dim=1).flatten(0, 1)
    pixels = decode(networks["vq"], torch.cat([mixed, latents[-1:]]))
    with torch.no_grad():
        return networks["edsr"](pixels)


def scores(prediction: np.ndarray, truth: np.ndarray) -> list[tuple[float, ...]]:
    """SSIM and PSNR of each slice, full frame and brain, one call of scikit-image per score."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    window = {"data_range": 1, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    rows = []
    for ours, true in zip(prediction.astype(np.float64), truth.astype(np.float64), strict=True):
        brain = true != 0
        frame = structural_similarity(true, ours, **window)
        inside = structural_similarity(true, ours, full=True, **window)[1][brain].mean()
        pairs = ((true, ours), (true[brain], ours[brain]))
        rows.append((frame, inside, *(peak_signal_noise_ratio(*pair, data_range=1) for pair in pairs)))
    return rows


def distances(lpips: Any, a: "Tensor", b: "Tensor") -> list[float]:
    """LPIPS of slices (S, 1, H, W), one at a time, over the frame and then over the brain: two calls of ``lpips``."""
    distances_found = []
    for first, second in zip(a.split(1), b.split(1), strict=True):
        three, true = first.expand(-1, 3, -1, -1), second.expand(-1, 3, -1, -1)
        mask = true != 0
        distances_found += [float(lpips(three, true, normalize=True)), float(lpips(three * mask, true, normalize=True))]
    return distances_found


def preprocess(path: Path, into: Path, size: int) -> None:
    """Reads a scan with its slices along the last axis, scales it to [0, 1], pads and writes it."""
    import nibabel as nib

    image: Any = nib.load(path)
    data = image.get_fdata()
    scale = np.percentile(data[data > 0], 99.9)
    pad = [((size - n) // 2, size - n - (size - n) // 2) for n in data.shape[:2]]
    framed = np.pad(np.clip(data / scale, 0, 1), [*pad, (0, 0)])
    nib.save(nib.Nifti1Image(framed.astype(np.float32), image.affine), into)
