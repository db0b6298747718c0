"""Memory: the number of slices per chunk (as many as fit into the free memory of a GPU), and peaks."""

import resource
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch

from models.compiling import eagerly

if TYPE_CHECKING:
    from models.method import Restorer

MOST = 256
"""Slices per chunk on a GPU; larger chunks are not faster."""
SHARE = 0.5
"""Share of the free memory that a chunk may use: another job may use as much at the same time."""

_found: WeakKeyDictionary[object, dict[tuple[int, ...], int]] = WeakKeyDictionary()


def chunk_that_fits(restorer: "Restorer", shape: tuple[int, int, int]) -> int:
    """Slices per chunk for a volume of ``shape`` (S, h, w), for a method with networks on a GPU.

    One slice and then three slices are evaluated, to measure the memory of each. The number is determined once for a
    network and slice size and then kept, so that compiled networks get chunks of one size.
    """
    kept = _found.setdefault(next(iter(restorer.networks.values())), {})
    if shape[1:] not in kept:
        single, three = (_peak(restorer.device, partial(restorer.trial_run, n, shape[1:])) for n in (1, 3))
        unused = torch.cuda.memory_reserved(restorer.device) - torch.cuda.memory_allocated(restorer.device)
        free = torch.cuda.mem_get_info(restorer.device)[0] + unused
        kept[shape[1:]] = fitting(shape[0], int(SHARE * free), single, (three - single) // 2)
    return kept[shape[1:]]


def fitting(slices: int, memory: int, first: int, further: int) -> int:
    """The size of equal chunks of ``slices`` slices: the fewest whose largest fits into ``memory`` bytes.

    ``first``, ``further``: bytes for the first slice of a chunk, and for each further slice.
    """
    most = max(1, min(MOST, slices, 1 + (memory - first) // max(further, 1)))
    return -(-slices // -(-slices // most))


def _peak(device: torch.device, call: Callable[[], object]) -> int:
    """Peak GPU memory of a call in bytes, beyond the memory in use before; compiled networks run uncompiled."""
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    with torch.inference_mode(), eagerly():
        call()
    return torch.cuda.max_memory_allocated(device) - before


def peak_mb(device: torch.device) -> float:
    """Peak memory in 10⁶ bytes: of a GPU since its statistics were reset, else of the process since its start."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
