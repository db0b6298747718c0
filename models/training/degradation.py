"""Low-resolution slices for training: the protocol's degradation, or BSRGAN-light (article, section 3.1) on the device.

BSRGAN (Zhang et al. 2021) degrades by blur, resizing, noise and JPEG in shuffled order. "Light" is the variant in the
original latent diffusion code (``degradation_bsrgan_variant`` of ``bsrgan_light.py``), and its probabilities and ranges
are kept here. The original processes one image at a time in NumPy; this code processes a batch of tensors on their
device.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from models.fast import moved
from models.interpolation import FACTOR, degrade
from models.training.jpeg import jpeg

GROUP = 4  # slices that share the shuffled order and the resizings
RADIUS = 6  # of the largest blur kernel, in pixels


def degradation(name: str, antialias: bool = True) -> Callable[[Tensor], Tensor]:
    """A function (B, 1, H, W) → (B, 1, H/4, W/4), both in [0, 1]: ``bsrgan_light``, or ``bilinear`` as at inference.

    ``antialias``: option of ``bilinear`` (``models.interpolation.degrade``).
    """
    known: dict[str, Callable[[Tensor], Tensor]] = {
        "bsrgan_light": bsrgan_light,
        "bilinear": partial(degrade, antialias=antialias),
    }
    if name not in known:
        raise ValueError(f"degradation '{name}' is not known: choose one of {', '.join(known)}")
    return known[name]


@torch.no_grad()
def bsrgan_light(slices: Tensor, factor: int = FACTOR) -> Tensor:
    """Slices (B, 1, H, W) in [0, 1] → degraded (B, 1, H/factor, W/factor) in [0, 1]; H and W multiples of ``factor``.

    All random numbers come from torch's global CPU generator, and the code does not wait for the device. Every slice
    has its own blur, noise and JPEG parameters; the order and the resizings, which change shapes, are drawn for every
    ``GROUP`` slices. There are three differences from the original: kernels of even size would move the image by half a
    pixel and are made one pixel smaller; there is no coloured noise, because slices are grey; and nothing is rounded to
    8 bits.
    """
    height, width = slices.shape[-2:]
    if slices.ndim != 4 or slices.shape[1] != 1 or height % factor or width % factor:
        raise ValueError(f"slices must be (B, 1, H, W), sides multiples of {factor}, not {tuple(slices.shape)}")
    with torch.autocast(slices.device.type, enabled=False):
        return torch.cat([_degrade_group(group.float(), factor) for group in slices.split(GROUP)])


def _degrade_group(image: Tensor, factor: int) -> Tensor:
    size = (image.shape[-2] // factor, image.shape[-1] // factor)
    if factor == 4 and _chance(0.25):
        half = (image.shape[-2] // 2, image.shape[-1] // 2)
        if _chance(0.5):
            image = _resize(image, half)
        else:
            image = F.interpolate(image, size=half, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
        factor = 2
    steps = [_blur, _reduce, _add_noise, _jpeg_mostly]
    order = torch.randperm(len(steps) + 1).tolist()
    # The fifth step resizes the image to its final size. It never runs before `_reduce`; if it would, the two are
    # swapped.
    first, second = sorted((order.index(1), order.index(4)))
    order[first], order[second] = 1, 4
    for step in order:
        image = _resize(image, size) if step == 4 else steps[step](image, factor)
    return _jpeg(image)


def _blur(image: Tensor, factor: int) -> Tensor:
    """Half of the slices by an anisotropic Gaussian (variances up to 2 at ×4), half by an isotropic one (σ to 0.7)."""
    batch = len(image)
    theta, first, second, sigma = torch.rand(4, batch) * torch.tensor(
        [math.pi, 1 + factor / 4, 1 + factor / 4, 0.5 + factor / 20]
    ).unsqueeze(1)
    isotropic = torch.rand(batch) < 0.5
    first, second = (torch.where(isotropic, sigma**2, variance).clamp_min(1e-4) for variance in (first, second))
    sizes = torch.where(isotropic, torch.randint(5, 8, (batch,)), torch.randint(5, 15, (batch,)))
    radius = ((sizes - 1) // 2).view(-1, 1, 1)
    y, x = torch.meshgrid(*[torch.arange(-RADIUS, RADIUS + 1)] * 2, indexing="ij")
    cosine, sine = theta.cos().view(-1, 1, 1), theta.sin().view(-1, 1, 1)
    along, across = x * cosine + y * sine, y * cosine - x * sine
    kernel = torch.exp(-0.5 * (along**2 / first.view(-1, 1, 1) + across**2 / second.view(-1, 1, 1)))
    kernel = kernel * ((x.abs() <= radius) & (y.abs() <= radius))
    kernel = kernel / kernel.sum(dim=(1, 2), keepdim=True)
    return filtered(image, moved(kernel, image.device))


def _reduce(image: Tensor, factor: int) -> Tensor:
    """Reduces to 1 … 1/(2 · factor) of the size in a random mode, or, one time in five, by Gaussian blur and every n-th
    pixel."""
    if _chance(0.8):
        shrink = _uniform(1, 2 * factor)
        return _resize(image, (int(image.shape[-2] / shrink), int(image.shape[-1] / shrink)))
    # The kernel is centred on a block of factor × factor pixels, so the chosen pixel is in the middle of the block.
    margin = 10
    at = torch.arange(factor + 2 * margin) - (factor - 1) / 2 - margin
    sigma = 0.1 + torch.rand(len(image), 1) * (0.6 * factor - 0.1)
    line = torch.exp(-0.5 * (at / sigma) ** 2)
    line = moved(line / line.sum(dim=1, keepdim=True), image.device)
    kernel = (line.unsqueeze(2) * line.unsqueeze(1)).unsqueeze(1)
    padded = F.pad(image.transpose(0, 1), [margin] * 4, mode="replicate")
    return F.conv2d(padded, kernel, stride=factor, groups=len(image)).transpose(0, 1)


def _add_noise(image: Tensor, factor: int) -> Tensor:
    """White Gaussian noise of one or two grey levels out of 255."""
    level = torch.randint(1, 3, (len(image), 1, 1, 1)) / 255
    return (image + moved(level * torch.randn(image.shape), image.device)).clamp(0, 1)


def filtered(image: Tensor, kernels: Tensor) -> Tensor:
    """Convolves each image of (B, 1, H, W) with its own kernel of (B, k, k), k odd; edges are repeated outwards."""
    batch, _, height, width = image.shape
    padded = F.pad(image, [kernels.shape[-1] // 2] * 4, mode="replicate").transpose(0, 1)
    return F.conv2d(padded, kernels.unsqueeze(1), groups=batch).view(batch, 1, height, width)


def _jpeg_mostly(image: Tensor, factor: int) -> Tensor:
    """JPEG on nine out of ten slices."""
    chosen = moved(torch.rand(len(image), 1, 1, 1) < 0.9, image.device)
    return torch.where(chosen, _jpeg(image), image)


def _jpeg(image: Tensor) -> Tensor:
    """JPEG of quality 80 to 95."""
    return jpeg(image, torch.randint(80, 96, (len(image),)))


def _resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes to ``size`` by area, bilinear or bicubic interpolation at random; the last two without antialiasing."""
    mode = ("bilinear", "bicubic", "area")[int(torch.randint(3, ()))]
    if mode == "area" and size[0] < image.shape[-2]:
        return F.interpolate(image, size=size, mode="area")
    mode = "bicubic" if mode == "bicubic" else "bilinear"
    return F.interpolate(image, size=size, mode=mode, align_corners=False).clamp(0, 1)


def _chance(probability: float) -> bool:
    return bool(torch.rand(()) < probability)


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))
