"""Training slices, kept on the device, and batches that depend only on the step."""

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models.fast import moved


class SliceBank:
    """All training slices on the device, 2 bytes a pixel (a cohort of 13,600 takes 1.8 GB): batches need no transfer.

    ``run`` (N,): the number of the run that each slice belongs to: slices of one volume that follow each other without
    a gap, in order. A volume is one run, or more if blank slices between its slices were left out.
    ``drawn`` (B,): the numbers of the slices of the last batch.
    ``slices`` (N, H, W): intensities from 0 to 65,535, stored as int16 with the same bits, because CUDA cannot index
    uint16.
    """

    def __init__(self, volumes: Iterable[np.ndarray], device: torch.device | str = "cpu", blank: float = 0.0):
        """``volumes``: each (S, H, W) in [0, 1]; ``ValueError`` if H or W differ.

        ``blank``: slices with a maximum of at most this value are left out.
        """
        kept, begins = [], []
        for volume in volumes:
            places = np.flatnonzero(volume.max(axis=(1, 2)) > blank)
            kept.append((volume[places] * 65535).round().astype(np.uint16))
            begins.append(np.diff(places, prepend=-2) > 1)
        if len(frames := {part.shape[1:] for part in kept}) > 1:
            sizes = ", ".join(f"{height}×{width}" for height, width in sorted(frames))
            raise ValueError(f"training volumes of different frames ({sizes}): set one preprocess.size in the config")
        slices = np.concatenate(kept)
        if not len(slices):
            raise ValueError("no training slice has any signal")
        self.run = torch.from_numpy(np.concatenate(begins).cumsum() - 1)
        self.slices = torch.from_numpy(slices.view(np.int16)).to(device)

    def __len__(self) -> int:
        return len(self.slices)

    def take(self, index: Tensor) -> Tensor:
        """Slices (B, 1, H, W) float32 in [0, 1]."""
        levels = self.slices[moved(index, self.slices.device)].int() & 0xFFFF
        return levels.float().div_(65535).unsqueeze(1)

    def batch(self, size: int) -> Tensor:
        """``size`` slices, each drawn from all slices with torch's global generator."""
        self.drawn = torch.randint(len(self), (size,))
        return self.take(self.drawn)

    def spread(self, count: int) -> Tensor:
        """``count`` slices spread evenly over the bank: the same slices each time, for pictures."""
        return self.take(torch.linspace(0, len(self) - 1, count + 2)[1:-1].round().long())


def random_crop(slices: Tensor, smallest: float, at: str = "random") -> Tensor:
    """Square crops with a side of ``smallest`` to 1 of the frame, resized to the frame (article, section 3.1).

    ``slices`` (B, C, H, W). Side and position are drawn for each slice with torch's global generator; ``at``:
    ``random``, or ``centre`` for crops about the middle of the frame (the authors' ``random_crop: false``).
    """
    if at not in ("random", "centre"):
        raise ValueError(f"crop_at '{at}' is not known: choose random or centre")
    if not 0 < smallest <= 1:
        raise ValueError(f"crop {smallest}: the smallest side of a crop is a share of the frame, above 0 and at most 1")
    batch = len(slices)
    side = torch.empty(batch).uniform_(smallest, 1.0)
    shift = (torch.rand(batch, 2) * 2 - 1) * (1 - side).unsqueeze(1) * (at == "random")
    theta = torch.zeros(batch, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = side
    theta[:, :, 2] = shift
    grid = F.affine_grid(moved(theta, slices.device), list(slices.shape), align_corners=False)
    return F.grid_sample(slices, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def random_flip(slices: Tensor) -> Tensor:
    """Each slice mirrored left to right with probability one half."""
    flips = moved(torch.rand(len(slices)) < 0.5, slices.device)
    return torch.where(flips[:, None, None, None], slices.flip(-1), slices)
