"""The machine's limit: the rate of its matrix products, and counted work."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def matrix_rate(device: "torch.device", dtype: "torch.dtype", side: int, rounds: int = 5) -> float:
    """FLOP/s of a product of two ``side``×``side`` matrices: the best of the rounds."""
    import torch

    a, b = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(rounds + 1):  # the first round warms up
        start = time.perf_counter()
        a @ b
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - start)
    return 2 * side**3 / best


def copy_rate(device: "torch.device", side: int, rounds: int = 5) -> float:
    """Bytes/s that are read and written when a ``side``×``side`` matrix of float32 is copied: the best round."""
    import torch

    matrix = torch.zeros(side, side, device=device)
    target, best = torch.empty_like(matrix), float("inf")
    for _ in range(rounds + 1):  # the first round warms up
        start = time.perf_counter()
        target.copy_(matrix)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - start)
    return 2 * matrix.nbytes / best


def counted(call: Callable[[], object]) -> float:
    """FLOP of a call: matrix products and convolutions, including backward passes."""
    from torch.utils.flop_counter import FlopCounterMode

    from models.compiling import eagerly

    with eagerly(), FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops())
