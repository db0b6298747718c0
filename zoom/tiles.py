"""Slices of any size through networks of one size: overlapping tiles, blended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from models.streaming import Slices, Streaming

MARGIN = 1  # low-resolution pixels along a tile's inner edges that are not used, because the tile ends there


@dataclass(frozen=True)
class Layout:
    """Tiles of ``side`` over a frame of ``height`` × ``width`` low-resolution pixels, with an overlap of a quarter.

    A frame smaller than a tile is mirrored at its edges to fill the tile, or without ``fill``, tiles are at most as
    large as the frame. Without ``side``: one tile, the frame.
    """

    height: int
    width: int
    side: int | None
    fill: bool = True

    def tile(self) -> tuple[int, int]:
        """Height and width of a tile."""
        if self.side is None:
            return (self.height, self.width)
        return (self.side, self.side) if self.fill else (min(self.side, self.height), min(self.side, self.width))

    def starts(self, length: int) -> list[int]:
        """First pixels of the tiles along one axis; below 0 if the frame is mirrored."""
        if self.side is None or (length <= self.side and not self.fill):
            return [0]
        if length <= self.side:
            return [-((self.side - length) // 2)]
        overlap = max(self.side // 4, 2 * MARGIN + 2)
        count = int(np.ceil((length - overlap) / (self.side - overlap)))
        return [round(start) for start in np.linspace(0, length - self.side, count)]

    def corners(self) -> list[tuple[int, int]]:
        """Top left pixels of all tiles, row by row."""
        return [(top, left) for top in self.starts(self.height) for left in self.starts(self.width)]

    def share(self, factor: int) -> list[tuple[tuple[slice, slice], tuple[slice, slice], np.ndarray]]:
        """For every tile: its part of the output frame, the used part of the tile, and its blending weight.

        Shares rise linearly over the overlap and sum to one everywhere.
        """
        rows = _shares(self.starts(self.height), self.tile()[0], self.height, factor)
        columns = _shares(self.starts(self.width), self.tile()[1], self.width, factor)
        return [
            ((r_frame, c_frame), (r_tile, c_tile), np.outer(r_share, c_share).astype(np.float32))
            for r_frame, r_tile, r_share in rows
            for c_frame, c_tile, c_share in columns
        ]


def _shares(starts: list[int], side: int, length: int, factor: int) -> list[tuple[slice, slice, np.ndarray]]:
    """Along one axis: frame part, tile part and share of each tile, in output pixels."""
    tiles = []
    total = np.zeros(length * factor)
    for start in starts:
        first, last = max(start, 0), min(start + side, length)
        centre = (np.arange(first * factor, last * factor) + 0.5) / factor
        weight = np.ones(len(centre))
        if start > 0:  # an inner edge: zero over the margin, then a slope
            weight = np.minimum(weight, centre - start - MARGIN)
        if start + side < length:
            weight = np.minimum(weight, start + side - MARGIN - centre)
        tiles.append((first, last, start, weight))
    slope = _slope(starts, side)
    for i, (first, last, start, weight) in enumerate(tiles):
        tiles[i] = (first, last, start, (weight / slope).clip(0, 1))
        total[first * factor : last * factor] += tiles[i][3]
    return [
        (
            slice(first * factor, last * factor),
            slice((first - start) * factor, (last - start) * factor),
            weight / total[first * factor : last * factor],
        )
        for first, last, start, weight in tiles
    ]


def _slope(starts: list[int], side: int) -> float:
    """Length of the slopes: the smallest overlap minus its margins."""
    overlaps = [first + side - second for first, second in pairwise(starts)]
    return max(1.0, min(overlaps, default=side) - 2 * MARGIN)


class Window:
    """One tile of slices on disk, read when needed; mirrored outside the frame."""

    def __init__(self, slices: "Slices", corner: tuple[int, int], tile: tuple[int, int]) -> None:
        self.slices = slices
        self.rows = _mirrored(corner[0], tile[0], slices.shape[1])
        self.columns = _mirrored(corner[1], tile[1], slices.shape[2])
        self.shape = (slices.shape[0], *tile)

    def __getitem__(self, index: Any) -> np.ndarray:
        return self.slices[index][:, self.rows[:, None], self.columns]


def _mirrored(start: int, count: int, length: int) -> np.ndarray:
    """Indices start … start + count − 1 folded back into 0 … length − 1 (…, 1, 0 | 0, 1, …)."""
    folded = np.arange(start, start + count) % (2 * length)
    return np.where(folded < length, folded, 2 * length - 1 - folded)


def stream(
    build: Callable[[int], "Streaming"],
    slices: "Slices",
    known: np.ndarray,
    at: np.ndarray,
    *,
    side: int | None,
    fill: bool = True,
    tick: Callable[[int], None] = lambda count: None,
) -> Iterator[np.ndarray]:
    """As ``Streaming.stream`` for slices (S, h, w) of any size: blocks (B, f·h, f·w).

    ``build(i)``: the method for tile i (with separate noise); ``side``, ``fill``: of ``Layout``; ``tick``: called with
    the tile's share of a block's slices.
    """
    layout = Layout(slices.shape[1], slices.shape[2], side, fill)
    corners = layout.corners()
    methods = [build(i) for i in range(len(corners))]
    factor = methods[0].factor
    if len(corners) == 1 and layout.tile() == (layout.height, layout.width):
        for block in methods[0].stream(slices, known, at):
            tick(len(block))
            yield block
        return
    shares = layout.share(factor)
    windows = [Window(slices, corner, layout.tile()) for corner in corners]
    streams = [m.stream(window, known, at) for m, window in zip(methods, windows, strict=True)]
    for start in range(0, len(at), methods[0].chunk):
        count = min(methods[0].chunk, len(at) - start)
        whole = np.zeros((count, layout.height * factor, layout.width * factor), np.float32)
        for one, (frame, part, share) in zip(streams, shares, strict=True):
            whole[:, *frame] += next(one)[:, *part] * share
            tick(count)
        yield whole
