"""This project's method for scans with thick slices: thin slices drawn by one network from the eight around a gap."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.method import Restorer
from models.networks.slab import SLICES, Slab
from models.thickness import consistent_spline
from models.training.blocks import described

REACH = 32
"""Pixels around what is not zero in which a network may draw something: what a pixel sees of the slices."""

POSITIONS = 4
"""Positions that are drawn at once: bounds the memory."""


class Method(Restorer):
    """``models.networks.slab`` at every position, known ones too: there a thick slice is not what a thin one shows.

    Where slices are thin (``point``), a known slice is what it was.
    """

    any_factor = True
    any_size = True
    widest = 8.0
    made_of: tuple[str, ...] = ("slab",)

    def __init__(self, networks: Mapping[str, nn.Module] | None = None, *, views: int = 1, **options: Any) -> None:
        """``networks``: those in ``made_of`` by class, as the files of these names in ``models.networks`` build them.

        ``views``: a slice is the mean of what is drawn of the slices in so many orders, as they are (1) and turned
        round (2). Of ``options``, ``geometry`` says what a slice is, where positions ``known`` lie 1 apart.
        """
        super().__init__(networks, **options)
        if views not in (1, 2):
            raise ValueError(f"slab: views = {views}; choose 1 or 2")
        self.views = views
        if self.networks.keys() != set(self.made_of):
            given = ", ".join(self.networks) or "none"
            raise ValueError(f"it is made of the networks {', '.join(self.made_of)}; given: {given}")
        self.network = self.networks["slab"]
        self.factor = 1
        # What was made of the last gap, which the next block of positions may lie in as well.
        self.kept: tuple[int, tuple[slice, slice], list[Tensor]] | None = None

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        return slices

    def weights(self, known: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Where the network starts from: the consistent spline through the eight slices around each position."""
        found = np.zeros((len(at), len(known)))
        left = gaps(known, at)
        for gap in np.unique(left):
            rows = np.flatnonzero(left == gap)
            first, last = window(gap, len(known))
            step = known[gap + 1] - known[gap]
            found[rows, first : last + 1] = consistent_spline(
                (known[first : last + 1] - known[gap]) / step,
                (at[rows] - known[gap]) / step,
                self.geometry.profile,
                self.geometry.thickness / step,
            )
        return found

    def looks_at(self, known: np.ndarray, at: np.ndarray) -> np.ndarray:
        """The eight slices around each position."""
        offset = np.arange(len(known)) - gaps(known, at)[:, None]
        return (offset >= -3) & (offset <= 4)

    def forget(self) -> None:
        self.kept = None

    def block(
        self, held: Mapping[int, Tensor], rows: np.ndarray, needed: Sequence[int], known: np.ndarray, at: np.ndarray
    ) -> Tensor:
        height, width = held[needed[0]].shape[-2:]
        found = torch.zeros(len(at), height, width, device=self.device)
        left, weights = gaps(known, at), self.weights(known, at)
        exact = np.isin(at, known) & (self.geometry.profile == "point")
        for gap in np.unique(left[~exact]).tolist():
            here = np.flatnonzero((left == gap) & ~exact)
            first, last = window(gap, len(known))
            eight = np.arange(gap - 3, gap + 5)
            slices = torch.stack([held[i][0] for i in eight.clip(first, last).tolist()])
            step = known[gap + 1] - known[gap]
            there = (eight >= first) & (eight <= last)
            mixing = np.zeros((len(here), SLICES))
            mixing[:, there] = weights[here, first : last + 1]
            where = np.concatenate([(at[here, None] - known[gap]) / step, mixing], axis=1)
            about = described(
                self.geometry.profile, self.geometry.thickness / step, self.geometry.in_plane * step, there
            )
            area = filled_area(slices)
            if area is not None:
                for i, drawn in zip(here.tolist(), self.drawn(gap, area, slices, about, where), strict=True):
                    found[i, *area] = drawn
        for i in np.flatnonzero(exact).tolist():
            found[i] = held[int(np.searchsorted(known, at[i]))][0]
        return found

    def drawn(
        self, gap: int, area: tuple[slice, slice], slices: Tensor, about: np.ndarray, where: np.ndarray
    ) -> Tensor:
        """Slices (T, h, w) of the ``area`` at the positions ``where`` (T, 9) in one gap."""
        network: Slab = self.network
        seen = slices[:, *area].unsqueeze(0).contiguous()
        views = [(seen, torch.from_numpy(about).to(seen)[None], torch.from_numpy(where).to(seen)[None])]
        if self.views > 1:
            views.append(turned(*views[0]))
        if self.kept is None or self.kept[:2] != (gap, area):
            self.kept = (gap, area, [network.features(one, told) for one, told, _ in views])
        pieces = [
            [network.at(features, one, told, part)[0] for part in places.split(POSITIONS, dim=1)]
            for features, (one, told, places) in zip(self.kept[2], views, strict=True)
        ]
        return torch.stack([torch.cat(each) for each in pieces]).mean(dim=0).clamp(0, 1)


def turned(slices: Tensor, about: Tensor, where: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same slices in the opposite order, and what is told of them."""
    told = torch.cat([about[:, :-SLICES], about[:, -SLICES:].flip(1)], dim=1)
    return slices.flip(1), told, torch.cat([1 - where[..., :1], where[..., 1:].flip(-1)], dim=-1)


def gaps(known: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The number of the gap that each position lies in; a known position lies at the beginning of one, but the last."""
    return np.minimum(np.searchsorted(known, at, side="right") - 1, len(known) - 2)


def window(gap: int, count: int) -> tuple[int, int]:
    """The first and the last of the eight slices around a gap that exist."""
    return max(gap - 3, 0), min(gap + 4, count - 1)


def filled_area(slices: Tensor) -> tuple[slice, slice] | None:
    """Rows and columns that hold all that is not zero, with ``REACH`` around; None where there is nothing.

    Where all that the network sees is zero it draws nothing, so that nothing changes by leaving it out.
    """
    there = slices.amax(dim=0) > 0
    found = []
    for axis in (1, 0):
        filled = torch.nonzero(there.any(dim=axis)).flatten()
        if not len(filled):
            return None
        first, last = int(filled[0]), int(filled[-1])
        found.append(slice(max(first - REACH, 0) // 2 * 2, min(last + 1 + REACH, there.shape[1 - axis])))
    return found[0], found[1]
