"""Memory: how many slices are worked on at once (as many as fit into the free memory of a GPU), and peaks."""

import resource
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch

from models.compiling import eagerly

if TYPE_CHECKING:
    from models.method import Restorer

USUAL = 16
"""Slices at once on a CPU, where more of them are no faster."""
MOST = 256
"""Slices at once on a GPU, where more of them are no faster."""
SHARE = 0.5
"""Of the free memory that a chunk may take: another job may take as much at the same time."""

_found: WeakKeyDictionary[object, dict[tuple[int, ...], int]] = WeakKeyDictionary()


def chunk_that_fits(restorer: "Restorer", shape: tuple[int, int, int]) -> int:
    """Slices at once for a volume of ``shape`` (S, h, w), by a method with networks on a GPU.

    A slice and then three are evaluated once, to see what each needs. The number is found once for a network and size
    of a slice and then kept, so that compiled networks see chunks of one size.
    """
    kept = _found.setdefault(next(iter(restorer.networks.values())), {})
    if shape[1:] not in kept:
        one, three = (_peak(restorer.device, partial(restorer.rehearse, n, shape[1:])) for n in (1, 3))
        unused = torch.cuda.memory_reserved(restorer.device) - torch.cuda.memory_allocated(restorer.device)
        free = torch.cuda.mem_get_info(restorer.device)[0] + unused
        kept[shape[1:]] = fitting(shape[0], int(SHARE * free), one, (three - one) // 2)
    return kept[shape[1:]]


def fitting(slices: int, memory: int, first: int, further: int) -> int:
    """The size of equal chunks of ``slices`` slices: the fewest whose largest fits into ``memory`` bytes.

    ``first``, ``further``: bytes that the first slice of a chunk needs, and each one more.
    """
    most = max(1, min(MOST, slices, 1 + (memory - first) // max(further, 1)))
    return -(-slices // -(-slices // most))


def _peak(device: torch.device, call: Callable[[], object]) -> int:
    """Bytes of a GPU that a call needs at its highest, beyond what was in use before; compiled networks run eagerly."""
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    with torch.inference_mode(), eagerly():
        call()
    return torch.cuda.max_memory_allocated(device) - before


def peak_mb(device: torch.device) -> float:
    """Most 10⁶ bytes in use: of a GPU since its statistics were reset, else of the process since its start."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
