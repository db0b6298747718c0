"""Time and memory of sampling on this machine's device."""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from models.method import Restorer


def hardware(device: "torch.device") -> str:
    """Name of the hardware: the GPU, or the processor and the number of threads."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_processor()}, {torch.get_num_threads()} thread{'s' if torch.get_num_threads() > 1 else ''}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@dataclass(frozen=True)
class Run:
    """One timed restoration: the result, the number of sampled slices, the seconds of sampling and in total.

    ``peak_mb`` (10⁶ bytes): of the GPU during the run; on a CPU of the whole process since its start.
    """

    volume: np.ndarray
    sampled: int
    sampling_seconds: float
    seconds: float
    peak_mb: float


class Stopwatch:
    """Times a diffusion method's sampling, without decoding: each batch, synchronised with the device."""

    def __init__(self, restorer: "Restorer") -> None:
        """``restorer``: ours, the baseline or any other method that samples; its sampling is timed in ``run`` alone."""
        import torch

        from models.methods.ours import Diffusion

        if not isinstance(restorer, Diffusion):
            raise ValueError(f"{type(restorer).__module__}: this method samples nothing that could be timed")
        self.restorer, self.device, self._cuda = restorer, restorer.device, torch.cuda
        self.seconds, self.slices = 0.0, 0

    def warm_up(self, slices: np.ndarray, known: np.ndarray) -> None:
        """Restores two slices, so that work that is slow only the first time is not timed."""
        self.restorer.restore(slices[:2], known[:2], known[:2])

    def run(self, slices: np.ndarray, known: np.ndarray, at: np.ndarray, keep: bool = True) -> Run:
        """Restores the positions ``at``; without ``keep`` the result is discarded, block by block."""
        from models.memory import peak_mb

        self.seconds, self.slices = 0.0, 0
        if self.device.type == "cuda":
            self._cuda.reset_peak_memory_stats(self.device)
        start = self._now()
        with self.restorer.watched(self._timed):
            blocks = [block if keep else block[:0] for block in self.restorer.stream(slices, known, at)]
        seconds = self._now() - start
        return Run(np.concatenate(blocks), self.slices, self.seconds, seconds, peak_mb(self.device))

    def _now(self) -> float:
        if self.device.type == "cuda":
            self._cuda.synchronize(self.device)
        return time.perf_counter()

    @contextmanager
    def _timed(self, count: int) -> Iterator[None]:
        """Around the sampling of a batch of ``count`` slices."""
        start = self._now()
        yield
        self.seconds += self._now() - start
        self.slices += count
