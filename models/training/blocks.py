"""Simulated scans for training, made from fine volumes: any axis, spacing, thickness and profile, and the appearance of
other scanners. All work is done on the device that holds the volumes. A block is cut along a random axis and its grey
scale is changed. The scan of the block is then three matrix products, one per axis: resampling, blur and bias field are
separable, and so are the slices' profile and the selection of the thin target slices. The random numbers of a batch
come from torch's global generator only.
"""

from collections.abc import Iterable, Mapping
from itertools import permutations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.thickness import consistent_spline, profile
from models.training.data import moved

SLICES = 8
DEEP = 80
"""Voxels along the slice axis of a block: eight slices with a spacing of 8 voxels, and the reach of their profiles."""

FARTHEST = 1.35
"""The largest voxel size after resampling, in voxels of the volume; the smallest size is the inverse."""

LEVELS = 256
KNOTS = 17
ORDERS = torch.tensor(list(permutations(range(3))))


class BlockBank:
    """All training volumes on the device, one byte per voxel, and the positions of voxels with signal."""

    def __init__(
        self,
        volumes: Iterable[np.ndarray],
        device: torch.device | str = "cpu",
        shares: Iterable[float] | None = None,
        places: int = 8192,
    ) -> None:
        """``volumes``: each (S, H, W), float in [0, 1] or uint8.

        ``shares``: relative frequency with which each volume is drawn.

        ``places``: number of voxels per volume on which blocks are centred, drawn with a fixed seed among the voxels
        above a tenth of the grey scale. ``ValueError`` if a volume has no such voxel.
        """
        generator = np.random.default_rng(0)
        kept, shapes, centres = [], [], []
        for number, volume in enumerate(volumes):
            levels = volume if volume.dtype == np.uint8 else np.rint(volume.clip(0, 1) * (LEVELS - 1)).astype(np.uint8)
            levels = filled(levels)
            bright = np.flatnonzero(levels > LEVELS // 10)
            if not len(bright):
                raise ValueError(f"training volume {number} has no signal")
            chosen = np.unravel_index(generator.choice(bright, places), levels.shape)
            centres.append(np.stack(chosen, axis=1))
            kept.append(levels.reshape(-1))
            shapes.append(levels.shape)
        if not kept:
            raise ValueError("no training volumes")
        self.device = torch.device(device)
        self.voxels = torch.from_numpy(np.concatenate(kept)).to(self.device)
        self.shapes = torch.tensor(shapes)
        self.first = torch.tensor(np.cumsum([0, *map(len, kept)])[:-1])
        self.centres = torch.from_numpy(np.stack(centres))
        self.shares = torch.tensor(list(shares or [1.0] * len(kept)), dtype=torch.float64)

    def __len__(self) -> int:
        return self.centres.shape[0] * self.centres.shape[1]

    def batch(self, size: int) -> Tensor:
        """``size`` block centres (volume, z, y, x), drawn with torch's global generator: (size, 4)."""
        volume = torch.multinomial(self.shares, size, replacement=True)
        place = self.centres[volume, torch.randint(self.centres.shape[1], (size,))]
        return torch.cat([volume[:, None], place], dim=1)

    def spread(self, count: int) -> Tensor:
        """``count`` block centres spread evenly over the volumes: the same centres each time."""
        volume = torch.linspace(0, len(self.centres) - 1, count).round().long()
        return torch.cat([volume[:, None], self.centres[volume, 0]], dim=1)

    def take(self, places: Tensor, order: Tensor, flip: Tensor, sides: tuple[int, int, int]) -> Tensor:
        """Blocks (B, *sides) uint8 around ``places`` (B, 4); outside the volume, its edge voxels are repeated.

        ``order`` (B, 3): which axis of the volume becomes each axis of the block; ``flip`` (B, 3) bool: mirrored.
        """
        volume, centre = places[:, 0], places[:, 1:].gather(1, order)
        shape = self.shapes[volume]
        stride = torch.stack([shape[:, 1] * shape[:, 2], shape[:, 2], torch.ones_like(volume)], dim=1).gather(1, order)
        shape = shape.gather(1, order)
        index = moved(self.first[volume], self.device).view(-1, 1, 1, 1)
        for axis, side in enumerate(sides):
            steps = torch.arange(side) - side // 2
            steps = torch.where(flip[:, axis, None], -steps, steps) + centre[:, axis, None]
            steps = torch.minimum(steps.clamp_min(0), shape[:, axis, None] - 1) * stride[:, axis, None]
            where = [len(places), 1, 1, 1]
            where[axis + 1] = side
            index = index + moved(steps, self.device).view(where)
        return self.voxels[index]


def filled(volume: np.ndarray) -> np.ndarray:
    """The non-zero part of a volume, with a margin of one voxel where the volume has one."""
    parts = []
    for axis in range(3):
        filled_planes = np.flatnonzero(volume.any(axis=tuple(other for other in range(3) if other != axis)))
        parts.append(slice(max(filled_planes[0] - 1, 0), filled_planes[-1] + 2) if len(filled_planes) else slice(None))
    return np.ascontiguousarray(volume[tuple(parts)])


class Protocols:
    """Random geometries of 2-D scans, drawn once.

    For each geometry: the eight slices' weights on ``DEEP`` voxels (N, 8, DEEP), the voxels of the targets (N, T), and
    the descriptions for the network (``about`` (N, 12), ``where`` (N, T, 9)). Spacings are 1.5 to 8 voxels; a quarter
    of the scans have thin slices; the others have a thickness of 0.5 to 1.2 spacings, two thirds with a Gaussian
    profile, one third with a box.
    """

    def __init__(self, count: int, positions: int, device: torch.device | str = "cpu", seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        drawn = [_protocol(generator, positions) for _ in range(count)]
        self.slices, self.targets, self.about, self.where = (
            torch.from_numpy(np.stack(part)).to(device) for part in zip(*drawn, strict=True)
        )

    def __len__(self) -> int:
        return len(self.targets)


def _protocol(draw: np.random.Generator, positions: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    spacing = float(np.exp(draw.uniform(np.log(1.5), np.log(8.0))))
    kind = str(draw.choice(["thin", "gaussian", "box"], p=[0.25, 0.5, 0.25]))
    phase = draw.uniform(-0.5, 0.5)
    if kind == "thin":
        thickness = 1.0
        if draw.random() < 0.7:
            spacing, phase = float(max(2, round(spacing))), 0.0
    else:
        share = 1.0 if draw.random() < 0.35 else draw.uniform(0.5, 1.2)
        thickness = max(1.0, share * spacing)
    left = DEEP // 2 - spacing / 2 + phase
    if phase == 0:
        left = float(round(left))
    first, last = 0, SLICES - 1
    if draw.random() < 0.15:
        lost = int(draw.integers(1, 4))
        first, last = (lost, last) if draw.random() < 0.5 else (first, last - lost)
    places = left + (np.arange(SLICES) - 3) * spacing
    rows = np.stack([voxel_weights("box" if kind == "thin" else kind, place, thickness) for place in places])
    exists = (np.arange(SLICES) >= first) & (np.arange(SLICES) <= last)
    rows = rows[np.arange(SLICES).clip(first, last)]
    inside = np.arange(np.ceil(left - 1e-6), np.floor(left + spacing + 1e-6) + 1)
    if kind == "thin" and phase == 0:
        inside = inside[1:-1]  # known thin slices are no targets
    target = draw.choice(inside, positions, replace=len(inside) < positions).astype(np.int64)
    t = ((target - left) / spacing).clip(0, 1)
    if kind == "thin":
        kind, thickness = ("point", 0.0) if draw.random() < 0.5 else ("box", 1.0)
    about = described(kind, thickness / spacing, spacing, exists)
    weights = np.zeros((positions, SLICES))
    weights[:, exists] = consistent_spline(np.flatnonzero(exists) - 3.0, t, kind, thickness / spacing)
    where = np.concatenate([t[:, None], weights], axis=1)
    return rows.astype(np.float32), target, about, where.astype(np.float32)


def described(kind: str, thickness: float, spacing: float, exists: np.ndarray) -> np.ndarray:
    """The network's description of a gap, (12,) float32.

    ``thickness``: of a slice, in spacings; ``spacing``: of the slices, in in-plane voxels (limited to 8, the maximum in
    training); ``exists`` (8,) bool: which of the slices exist.
    """
    thickness = 0.0 if kind == "point" else thickness
    scale = np.log2(np.clip(spacing, 1.0, 8.0)) / 3
    return np.array([thickness, kind == "box", kind == "gaussian", scale, *exists], np.float32)


def voxel_weights(kind: str, place: float, thickness: float) -> np.ndarray:
    """Weights (DEEP,) of the voxels 0 … DEEP − 1 in a slice at ``place``; thickness in voxels."""
    voxel = np.arange(DEEP)
    if kind == "box":
        low = np.maximum(voxel - 0.5, place - thickness / 2)
        weights = np.maximum(np.minimum(voxel + 0.5, place + thickness / 2) - low, 0)
    else:
        offsets, values = profile(kind, thickness)
        weights = np.interp(voxel - place, offsets, values, left=0, right=0)
    return weights / weights.sum()


def simulate(
    bank: BlockBank, places: Tensor, protocols: Protocols, patch: int, augment: Mapping[str, Any]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scans of the volumes at ``places`` (B, 4).

    Returns slices (B, 8, p, p), about (B, 12), where (B, T, 9) and the target (B, T, p, p).

    ``augment``: shares of the samples that are resampled (``resampled``), blurred (``blurred``), or get another
    contrast (``bent``; of these, ``unordered`` changes the order of tissues and ``inverted`` inverts the grey scale), a
    bias field (``biased``) or noise in the slices (``noisy``; at most ``noise``, as a share of the grey scale).
    """
    count, device = len(places), bank.device
    exact = torch.float16 if device.type == "cuda" else torch.float32
    wide = patch + 2 * round(patch * (FARTHEST - 1) / 2 + 1)
    deep = DEEP + 2 * round(DEEP * (FARTHEST - 1) / 2)
    order, flip = ORDERS[torch.randint(6, (count,))], torch.rand(count, 3) < 0.5
    places = torch.cat([places[:, :1], places[:, 1:] + torch.randint(-patch // 4, patch // 4 + 1, (count, 3))], dim=1)
    greys = moved(curves(count, augment).to(exact), device)
    voxel, blur, field = (moved(one, device) for one in looks(count, augment))
    chosen = moved(torch.randint(len(protocols), (count,)), device)
    noise = torch.rand(count) * augment["noise"] * (torch.rand(count) < augment["noisy"])
    with torch.autocast(device.type, enabled=False):
        block = bank.take(places, order, flip, (deep, wide, wide))
        block = greys.gather(1, block.view(count, -1).long()).view(block.shape)
        sizes = ((DEEP, deep), (patch, wide), (patch, wide))
        along, down, across = (
            resampling(new, old, voxel[:, axis], blur[:, axis], field[:, axis]) for axis, (new, old) in enumerate(sizes)
        )
        targets = protocols.targets[chosen]
        rows = torch.cat(
            [protocols.slices[chosen] @ along, along[torch.arange(count, device=device)[:, None], targets]], 1
        )
        made = torch.bmm(rows.to(exact), block.view(count, deep, -1)).view(count, -1, wide, wide)
        made = down.to(exact).unsqueeze(1) @ made @ across.to(exact).mT.unsqueeze(1)
        slices, target = made.float().split([SLICES, targets.shape[1]], dim=1)
        noise = moved(noise, device).view(-1, 1, 1, 1)
        slices = (slices + noise * torch.randn_like(slices)).clamp_min(0)
    return slices, protocols.about[chosen], protocols.where[chosen], target


def looks(count: int, augment: Mapping[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Voxel size (B, 3), blur (B, 3; σ in new voxels) and bias field (B, 3, 2) of other scanners, for each axis."""
    log = torch.empty(count, 1).uniform_(-1, 1) * float(np.log(FARTHEST)) * 0.9 + torch.randn(count, 3) * 0.04
    limit = float(np.log(FARTHEST))
    voxel = torch.where(torch.rand(count, 1) < augment["resampled"], log.clamp(-limit, limit).exp(), 1.0)
    blur = torch.rand(count, 1) * 0.8 * torch.empty(count, 3).uniform_(0.6, 1.2)
    blur = torch.where(torch.rand(count, 1) < augment["blurred"], blur, 0.0)
    field = torch.randn(count, 3, 2) * torch.tensor([0.15, 0.1])
    return voxel, blur, torch.where(torch.rand(count, 1, 1) < augment["biased"], field, 0.0)


def resampling(new: int, old: int, voxel: Tensor, blur: Tensor, field: Tensor) -> Tensor:
    """Matrices (B, new, old): a bias field, then resampling of a line about its middle to voxels of size ``voxel``
    (B,). The kernel is Catmull-Rom, widened for larger voxels, then a Gaussian of σ = ``blur`` (B,) new voxels. The
    field is exp(a·u + b·u²) with u from −1 to 1 over the line, ``field`` (B, 2).
    """
    at = (torch.arange(new, device=voxel.device) - new // 2) * voxel[:, None] + old // 2
    distance = (at[:, :, None] - torch.arange(old, device=voxel.device)).abs() / voxel.clamp_min(1)[:, None, None]
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    kernel = torch.where(distance <= 1, near, torch.where(distance < 2, far, 0.0))
    kernel = kernel / kernel.sum(dim=2, keepdim=True)
    apart = torch.arange(new, device=voxel.device)
    smooth = torch.exp(-0.5 * ((apart[:, None] - apart) / blur.clamp_min(1e-2)[:, None, None]) ** 2)
    kernel = smooth / smooth.sum(dim=2, keepdim=True) @ kernel
    u = torch.linspace(-1, 1, old, device=voxel.device)
    return kernel * torch.exp(field[:, :1] * u + field[:, 1:] * u**2)[:, None, :]


def curves(count: int, augment: Mapping[str, Any]) -> Tensor:
    """New grey level for each old level (B, 256): the contrast of another sequence. Black stays black or becomes
    white."""
    base = torch.linspace(0, 1, KNOTS)
    bent = base ** torch.exp(torch.empty(count, 1).uniform_(-0.5, 0.5))
    rising = torch.cat([torch.zeros(count, 1), torch.empty(count, 6).exponential_().cumsum(dim=1)], dim=1)
    rising = _through(rising / rising[:, -1:])
    other = _through(torch.cat([torch.zeros(count, 1), torch.rand(count, 6)], dim=1))
    other = other / other.amax(dim=1, keepdim=True).clamp_min(0.3)
    kind = torch.rand(count, 1)
    curve = torch.where(torch.rand(count, 1) < 0.5, bent, rising)
    curve = torch.where(kind < augment["bent"], curve, base)
    unordered = kind < augment["bent"] * augment["unordered"]
    curve = torch.where(unordered, other, curve)
    curve = torch.where(torch.rand(count, 1) < augment["inverted"], 1 - curve, curve)
    return torch.nn.functional.interpolate(curve[:, None], LEVELS, mode="linear", align_corners=True)[:, 0]


def _through(values: Tensor) -> Tensor:
    """Linear interpolation of a few values (B, n) at the knots: (B, KNOTS)."""
    return torch.nn.functional.interpolate(values[:, None], KNOTS, mode="linear", align_corners=True)[:, 0]
