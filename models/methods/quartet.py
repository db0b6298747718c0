"""This project's method: each slice is drawn by one network from the known slices around its position."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.fast import in_pieces, moved
from models.interpolation import neighbours
from models.method import Restorer
from models.networks.quartet import turned


class Method(Restorer):
    """Applies ``models.networks.quartet`` at every position, also at known slices; no slices are mixed.

    The network sets the in-plane factor. With factor 1, known slices are returned unchanged.
    """

    any_factor = True
    any_size = True
    made_of = ("quartet",)

    def __init__(self, networks: Mapping[str, nn.Module] | None = None, *, views: int = 1, **options: Any) -> None:
        """``networks``: one, as ``models.networks.quartet`` builds it.

        ``views``: a slice is the mean of the network's outputs for this many mirror images: the slices as they are
        (1), also in the opposite order (2), and both also flipped left to right (4).
        """
        super().__init__(networks, **options)
        if views not in (1, 2, 4):
            raise ValueError(f"quartet: views = {views}; choose 1, 2 or 4")
        self.views = views
        self.network = self.networks["quartet"]
        self.factor = self.network.factor

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        return slices

    def looks_at(self, known: np.ndarray, at: np.ndarray) -> np.ndarray:
        """The slices that the network sees around each position, (S', S) bool; fewer at an end of the volume."""
        seen, _ = around(known, at, self.network.context)
        looked_at = np.zeros((len(at), len(known)), dtype=bool)
        np.put_along_axis(looked_at, seen, True, axis=1)
        return looked_at

    def block(
        self, held: Mapping[int, Tensor], rows: np.ndarray, needed: Sequence[int], known: np.ndarray, at: np.ndarray
    ) -> Tensor:
        unchanged = np.isin(at, known) & (self.factor == 1)
        drawn = iter(() if unchanged.all() else self.drawn(held, known, at[~unchanged]))
        as_they_were = (held[int(np.searchsorted(known, position))][0] for position in at[unchanged])
        return torch.stack([next(as_they_were if known_already else drawn) for known_already in unchanged])

    def drawn(self, held: Mapping[int, Tensor], known: np.ndarray, at: np.ndarray) -> Tensor:
        """Slices at the positions ``at``, (S', fh, fw)."""
        seen, places = around(known, at[self.whole(range(len(at)))], self.network.context)
        slices = torch.stack([torch.cat([held[i] for i in each]) for each in seen.tolist()])
        where = moved(torch.from_numpy(places).to(slices.dtype), self.device)
        pixels = in_pieces(self.draw, slices, where, pixels=slices.shape[-2] * slices.shape[-1])
        return pixels[: len(at)].squeeze(1).clamp(0, 1)

    def draw(self, slices: Tensor, places: Tensor) -> Tensor:
        """Known slices (B, 2 + 2c, h, w) and their distances ``places`` (B, 1 + 2c) → slices (B, 1, fh, fw), the mean
        over ``views``."""
        seen = [(slices, places)]
        if self.views > 1:
            seen.append((slices.flip(1), turned(places)))
        # Copies, because the next call of a compiled network overwrites its last result.
        drawn = [self.network(*view).clone() for view in seen]
        if self.views > 2:
            drawn += [self.network(known.flip(-1), where).flip(-1) for known, where in seen]
        return torch.stack(drawn).mean(dim=0)


def around(known: np.ndarray, at: np.ndarray, context: int) -> tuple[np.ndarray, np.ndarray]:
    """The known slices around each position (S', 2 + 2c), and the distances ``places`` (S', 1 + 2c), as
    ``models.networks.quartet`` defines them. A known position has t = 0; the last known slice has t = 1.
    """
    left, _ = neighbours(known, at)
    left = np.minimum(left, len(known) - 2)
    index = np.clip(left[:, None] + np.arange(-context, context + 2), 0, len(known) - 1)
    places = np.diff(known.astype(float)[index], axis=1)
    gap = places[:, context].copy()
    places[:, context] = at - known[left]
    return index, places / gap[:, None]
