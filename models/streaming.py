"""Restores a volume in blocks, so that memory does not grow with the volume. Needs no PyTorch."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from models.interpolation import linear

Item = TypeVar("Item")
END = object()

CPU_CHUNK = 16
"""Slices per chunk on a CPU; larger chunks are not faster."""


class Slices(Protocol):
    """Known slices (S, h, w), float32 in [0, 1]: an array, or an object that reads some of the slices at a time."""

    shape: tuple[int, int, int]

    def __getitem__(self, index: Any, /) -> np.ndarray:
        """The slices numbered by a list of integers, (B, h, w)."""


class Streaming:
    """Mixes the representations of known slices, block after block. Arrays are of NumPy or PyTorch.

    A subclass defines how a slice is represented and how a block is drawn.
    """

    # In-plane magnification, and the number of slices per chunk.
    factor: int
    chunk: int
    # Whether the result depends on the seed.
    random: bool = False
    # Steps of the sampler that represents a slice; None without a sampler.
    steps: int | None = None

    @property
    def on_gpu(self) -> bool:
        """Whether the method works on a GPU."""
        return False

    def evaluating(self) -> AbstractContextManager:
        """The context for all work on arrays."""
        return nullcontext()

    def weights(self, known: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Mixing weights (S', S), float64: row j mixes the known slices into position ``at[j]``. Default: linear."""
        return linear(known, at)

    def looks_at(self, known: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Which known slices each position needs, (S', S) bool. Default: those whose mixing weight is not zero.

        ``stream`` keeps a slice in memory only while a position still needs it. A method whose network draws a slice
        from more known slices than ``weights`` mixes overrides this.
        """
        return np.abs(self.weights(known, at)) > 1e-6

    def forget(self) -> None:
        """Drops values that one block keeps for the next block: they belong to the slices of one ``stream``."""

    def finish(self) -> None:
        """Waits until a GPU has finished."""

    def numbers(self, count: int) -> Any:
        """0 … ``count`` − 1, in the form of ``represent``'s ``index``."""
        return np.arange(count)

    def trial(self, count: int, side: tuple[int, int]) -> Any:
        """Slices (B, …) for trials of the method, in the form of ``represent``'s argument; always the same."""
        raise NotImplementedError

    def represent(self, slices: Any, index: Any) -> Any:
        """Known slices (B, …) in [0, 1] → the representation that is mixed (B, …). ``index`` (B,): their numbers."""
        raise NotImplementedError

    def represented(self, slices: Slices, missing: Sequence[int]) -> dict[int, Any]:
        """Representations of known slices by number."""
        raise NotImplementedError

    def block(
        self, held: Mapping[int, Any], rows: np.ndarray, needed: Sequence[int], known: np.ndarray, at: np.ndarray
    ) -> Any:
        """One block of ``stream``, (S', f·h, f·w): mixtures ``rows`` (S', S) of the slices ``needed`` (S).

        ``at`` (S',): their positions.
        """
        raise NotImplementedError

    def blocks(self, slices: Slices, known: np.ndarray, at: np.ndarray) -> Iterator[Any]:
        """The blocks of ``stream``, on the device."""
        self.forget()
        weights = self.weights(known, at)
        used = self.looks_at(known, at)
        last_use = len(at) - 1 - used[::-1].argmax(axis=0)
        in_turn = sorted(np.flatnonzero(used.any(axis=0)).tolist(), key=used.argmax(axis=0).tolist().__getitem__)
        held: dict[int, Any] = {}
        for start in range(0, len(at), self.chunk):
            rows = slice(start, start + self.chunk)
            needed = np.flatnonzero(used[rows].any(axis=0)).tolist()
            held = {i: held[i] for i in held if last_use[i] >= start}
            missing = [i for i in needed if i not in held]
            if missing:
                # Always a whole chunk, even if this block needs few of its slices: small batches waste the device.
                ahead = [i for i in in_turn if i not in held and i not in missing and last_use[i] >= start]
                missing += ahead[: -len(missing) % self.chunk]
            # Not around the yield, where this mode would also hold for the caller and for other streams.
            with self.evaluating():
                held |= self.represented(slices, missing)
                block = self.block(held, weights[rows][:, needed], needed, known, at[rows])
            yield block

    def stream(self, slices: Slices, known: ArrayLike, at: ArrayLike) -> Iterator[np.ndarray]:
        """As ``restore``, in blocks of at most ``chunk`` slices, in the order of ``at``.

        Memory does not grow with S', nor with S if ``slices`` reads slices when they are needed.
        """
        yield from self.blocks(*check(slices, known, at))

    def restore(self, slices: Slices, known: ArrayLike, at: ArrayLike) -> np.ndarray:
        """Finer volume, float32 in [0, 1], (S', 4h, 4w).

        ``slices`` (S, h, w): float32 in [0, 1], low resolution; ``known`` (S,): their positions along the slice
        axis, increasing; ``at`` (S',): the positions wanted, any real numbers within [known[0], known[-1]]. A slice at
        a known position is super-resolved; a slice between two known neighbours is interpolated (article, eq. 6).
        Raises ``ValueError`` if shapes, ranges or positions break these rules.
        """
        return np.concatenate(list(self.stream(slices, known, at)))


def check(slices: Slices, known: ArrayLike, at: ArrayLike) -> tuple[Slices, np.ndarray, np.ndarray]:
    """The arguments of ``restore`` as arrays, or a ``ValueError`` that names the broken rule."""
    if not hasattr(slices, "shape"):
        slices = np.asarray(slices)
    known, at = np.asarray(known, dtype=np.float64), np.asarray(at, dtype=np.float64)
    if len(slices.shape) != 3 or slices.shape[0] < 2:
        raise ValueError(f"slices must be (S, h, w) with S ≥ 2, not {slices.shape}")
    if known.shape != slices.shape[:1] or not np.isfinite(known).all() or np.any(np.diff(known) <= 0):
        raise ValueError("known must hold one increasing position for each slice")
    if at.ndim != 1 or len(at) == 0 or not (at.min() >= known[0] and at.max() <= known[-1]):  # also refuses NaN
        raise ValueError(f"at must hold positions within [{known[0]:g}, {known[-1]:g}]: nothing is extrapolated")
    return slices, known, at


def read(slices: Slices, index: Sequence[int]) -> np.ndarray:
    """Some of the slices, (B, h, w) float32; ``ValueError`` if ``restore`` does not accept them."""
    batch = np.ascontiguousarray(slices[index], dtype=np.float32)
    if not np.isfinite(batch).all() or batch.min() < 0 or batch.max() > 1:
        raise ValueError("slices must be finite and in [0, 1]")
    return batch


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The items in order; a thread makes the next item while the caller uses the current item."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, END)
        while (item := coming.result()) is not END:
            coming = thread.submit(next, items, END)
            yield item  # type: ignore[misc]
