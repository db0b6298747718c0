"""The training volumes of Slab and Lens on the device, from which blocks are cut at random places and axes."""

from collections.abc import Iterable
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from models.fast import moved

LEVELS = 256
ORDERS = torch.tensor(list(permutations(range(3))))
"""Every order of the three axes."""


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

        ``places``: number of voxels per volume on which blocks are centred, drawn with the seed of torch's global
        generator among the voxels above a tenth of the grey scale. ``ValueError`` if a volume has no such voxel.
        """
        generator = np.random.default_rng(torch.initial_seed())
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
