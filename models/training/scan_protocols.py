"""Random geometries of 2-D scans for the training of Slab: spacing, thickness, profile and phase of the slices."""

import numpy as np
import torch

from models.gap import SLICES, gap_description
from models.thickness import consistent_spline, profile

DEEP = 80
"""Voxels along the slice axis of a block: eight slices with a spacing of 8 voxels, and the reach of their profiles."""


class Protocols:
    """Random geometries of 2-D scans, drawn once.

    For each geometry: the eight slices' weights on ``DEEP`` voxels (N, 8, DEEP), the voxels of the targets (N, T), and
    the descriptions for the network (``about`` (N, 12), ``where`` (N, T, 9)). Spacings are 1.5 to 8 voxels; a quarter
    of the scans have thin slices; the others have a thickness of 0.5 to 1.2 spacings, two thirds with a Gaussian
    profile, one third with a box.
    """

    def __init__(self, count: int, positions: int, device: torch.device | str = "cpu", *, seed: int) -> None:
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
    about = gap_description(kind, thickness / spacing, spacing, exists)
    weights = np.zeros((positions, SLICES))
    weights[:, exists] = consistent_spline(np.flatnonzero(exists) - 3.0, t, kind, thickness / spacing)
    where = np.concatenate([t[:, None], weights], axis=1)
    return rows.astype(np.float32), target, about, where.astype(np.float32)


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
