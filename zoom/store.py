"""Slices on disk, so that memory does not grow with their number."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np


class Store:
    """S slices (S, H, W) float32 in a file without a name, which disappears when the process ends in any way.

    The disk space is reserved at the start: a full disk raises ``OSError`` at once. Read with ``store[index]``: a
    number gives (H, W), a slice or a list (B, H, W), always a copy.
    """

    def __init__(self, shape: tuple[int, int, int], folder: Path) -> None:
        self.shape = shape
        self._bytes = shape[1] * shape[2] * 4
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (open as long as the store)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._file.fileno(), 0, shape[0] * self._bytes)
        else:
            self._file.truncate(shape[0] * self._bytes)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray) -> np.ndarray:
        if isinstance(index, int | np.integer):
            return self[[int(index)]][0]
        if isinstance(index, slice):
            index = range(*index.indices(len(self)))
        slices = np.empty((len(index), *self.shape[1:]), np.float32)
        for one, i in zip(slices, index, strict=True):
            self._file.seek(int(i) * self._bytes)
            self._file.readinto(one.data)
        return slices

    def write(self, start: int, block: np.ndarray) -> None:
        """Replaces the slices from ``start`` on by slices (B, H, W)."""
        self._file.seek(start * self._bytes)
        self._file.write(np.ascontiguousarray(block, dtype=np.float32).data)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Rows ``start`` to ``stop`` of every slice, (S, stop − start, W)."""
        strips = np.empty((len(self), stop - start, self.shape[2]), np.float32)
        for i, one in enumerate(strips):
            self._file.seek(i * self._bytes + start * self.shape[2] * 4)
            self._file.readinto(one.data)
        return strips

    def write_rows(self, start: int, block: np.ndarray) -> None:
        """Replaces the rows from ``start`` on of every slice by rows (S, B, W)."""
        block = np.ascontiguousarray(block, dtype=np.float32)
        for i, one in enumerate(block):
            self._file.seek(i * self._bytes + start * self.shape[2] * 4)
            self._file.write(one.data)

    def close(self) -> None:
        """Releases the disk space."""
        self._file.close()


def blocks(count: int, size: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of consecutive blocks of at most ``size`` out of ``count``."""
    for start in range(0, count, size):
        yield start, min(start + size, count)


def block_length(slice_bytes: int, budget: int = 8 << 20) -> int:
    """Number of slices of ``slice_bytes`` that fit into ``budget`` bytes, at least 1."""
    return max(1, budget // max(slice_bytes, 1))
