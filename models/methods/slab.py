"""This project's method for thick slices: one network draws thin slices from the eight slices around a gap."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.gap import SLICES, gap_description
from models.method import Restorer
from models.networks.slab import Slab
from models.thickness import consistent_spline

POSITIONS = 4
"""Positions that are drawn at once; limits the memory."""


class Method(Restorer):
    """Applies ``models.networks.slab`` at every position, also at known slices: a thin slice differs from the thick
    slice there. If the scan's slices are thin (``point``), known slices are returned unchanged.
    """

    any_factor = True
    any_size = True
    one_size = False  # the areas with signal differ from slice to slice
    widest = 8.0
    made_of: tuple[str, ...] = ("slab",)

    def __init__(self, networks: Mapping[str, nn.Module] | None = None, *, views: int = 1, **options: Any) -> None:
        """``networks``: those in ``made_of`` by class, as the files of these names in ``models.networks`` build them.

        ``views``: a slice is the mean of the network's outputs for this many orders of the slices: the original order
        (1), also the opposite order (2). ``geometry`` (in ``options``) describes a slice; its unit is a distance of 1
        between positions ``known``.
        """
        super().__init__(networks, **options)
        if views not in (1, 2):
            raise ValueError(f"slab: views = {views}; choose 1 or 2")
        self.views = views
        self.network = self.networks["slab"]
        self.factor = 1
        # The features of the last gap; the next block of positions may be in the same gap.
        self.kept: tuple[int, tuple[slice, slice], list[Tensor]] | None = None

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        return slices

    def weights(self, known: np.ndarray, at: np.ndarray) -> np.ndarray:
        """The network's starting point: the consistent spline through the eight slices around each position."""
        weights = np.zeros((len(at), len(known)))
        left = gaps(known, at)
        for gap in np.unique(left):
            rows = np.flatnonzero(left == gap)
            first, last = window(gap, len(known))
            step = known[gap + 1] - known[gap]
            weights[rows, first : last + 1] = consistent_spline(
                (known[first : last + 1] - known[gap]) / step,
                (at[rows] - known[gap]) / step,
                self.geometry.profile,
                self.geometry.thickness / step,
            )
        return weights

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
        drawn_slices = torch.zeros(len(at), height, width, device=self.device)
        left, weights = gaps(known, at), self.weights(known, at)
        exact = np.isin(at, known) & (self.geometry.profile == "point")
        for gap in np.unique(left[~exact]).tolist():
            here = np.flatnonzero((left == gap) & ~exact)
            first, last = window(gap, len(known))
            eight = np.arange(gap - 3, gap + 5)
            slices = torch.stack([held[i][0] for i in eight.clip(first, last).tolist()])
            step = known[gap + 1] - known[gap]
            exists = (eight >= first) & (eight <= last)
            mixing = np.zeros((len(here), SLICES))
            mixing[:, exists] = weights[here, first : last + 1]
            where = np.concatenate([(at[here, None] - known[gap]) / step, mixing], axis=1)
            about = gap_description(
                self.geometry.profile, self.geometry.thickness / step, self.geometry.in_plane * step, exists
            )
            area = filled_area(slices, self.network.reach)
            if area is not None:
                for i, drawn in zip(here.tolist(), self.drawn(gap, area, slices, about, where), strict=True):
                    drawn_slices[i, *area] = drawn
        for i in np.flatnonzero(exact).tolist():
            drawn_slices[i] = held[int(np.searchsorted(known, at[i]))][0]
        return drawn_slices

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
            self.kept = (gap, area, [network.features(view, description) for view, description, _ in views])
        pieces = [
            [network.at(features, view, description, part)[0] for part in places.split(POSITIONS, dim=1)]
            for features, (view, description, places) in zip(self.kept[2], views, strict=True)
        ]
        return torch.stack([torch.cat(each) for each in pieces]).mean(dim=0).clamp(0, 1)


def turned(slices: Tensor, about: Tensor, where: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same slices in the opposite order, and their descriptions."""
    description = torch.cat([about[:, :-SLICES], about[:, -SLICES:].flip(1)], dim=1)
    return slices.flip(1), description, torch.cat([1 - where[..., :1], where[..., 1:].flip(-1)], dim=-1)


def gaps(known: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The gap number of each position.

    At a known slice it is the gap that begins there, at the last slice the last gap.
    """
    return np.minimum(np.searchsorted(known, at, side="right") - 1, len(known) - 2)


def window(gap: int, count: int) -> tuple[int, int]:
    """The first and the last of the eight slices around a gap that exist."""
    return max(gap - 3, 0), min(gap + 4, count - 1)


def filled_area(slices: Tensor, reach: int) -> tuple[slice, slice] | None:
    """Rows and columns that hold all non-zero pixels, with a margin of ``reach``; None if all pixels are zero.

    ``reach``: of the network, which draws zero where its whole input is zero, so leaving out that area changes nothing.
    """
    filled_pixels = slices.amax(dim=0) > 0
    area = []
    for axis in (1, 0):
        filled = torch.nonzero(filled_pixels.any(dim=axis)).flatten()
        if not len(filled):
            return None
        first, last = int(filled[0]), int(filled[-1])
        start, stop = max(first - reach, 0) // 2 * 2, last // 2 * 2 + 2 + reach  # Slab works on pairs of pixels
        area.append(slice(start, min(stop, filled_pixels.shape[1 - axis])))
    return area[0], area[1]
