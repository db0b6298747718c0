"""This project's method for scans that are coarse in plane too: thin slices drawn by Slab, each magnified by Lens."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.interpolation import FACTOR
from models.methods.slab import Method as Slab
from models.methods.slab import filled_area
from models.networks.lens import SLICES


class Method(Slab):
    """Applies ``models.networks.lens`` at every position, to five slices of ``models.networks.slab`` around the
    position."""

    made_of = ("slab", "lens")

    def __init__(self, networks: Mapping[str, nn.Module] | None = None, **options: Any) -> None:
        """``networks``: one ``slab`` and one ``lens``; ``options``: those of ``models.methods.slab``."""
        super().__init__(networks, **options)
        self.factor = FACTOR

    def looks_at(self, known: np.ndarray, at: np.ndarray) -> np.ndarray:
        """The known slices that the five slices need."""
        each = self.five(known, at)
        used = super().looks_at(known, each.ravel()).reshape(*each.shape, len(known))
        return np.logical_or.reduce(used, axis=1)

    def five(self, known: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Positions (S', 5) of the slices that Lens sees: a quarter of a coarse pixel apart, inside the scan."""
        step = 1 / (FACTOR * self.geometry.in_plane)  # also where slices are missing: a distance of 1 is in_plane
        around = at[:, None] + step * (np.arange(SLICES) - SLICES // 2)
        return np.round(around, 9).clip(known[0], known[-1])  # rounded: a known position is met exactly

    def block(
        self, held: Mapping[int, Tensor], rows: np.ndarray, needed: Sequence[int], known: np.ndarray, at: np.ndarray
    ) -> Tensor:
        places, where = np.unique(self.five(known, at), return_inverse=True)
        coarse = super().block(held, rows, needed, known, places)
        drawn_slices = torch.zeros(len(at), *(FACTOR * side for side in coarse.shape[1:]), device=self.device)
        for i, each in enumerate(where.reshape(len(at), SLICES).tolist()):
            slices = coarse[each]
            area = filled_area(slices, self.networks["lens"].reach)
            if area is not None:
                seen = slices[:, *area].unsqueeze(0).contiguous()
                down, across = (slice(FACTOR * side.start, FACTOR * side.stop) for side in area)
                drawn_slices[i, down, across] = self.networks["lens"](seen)[0, 0].clamp(0, 1)
        return drawn_slices
