"""How networks are evaluated fast: layout, pieces, transfers. None of these changes what a network computes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)
Item = TypeVar("Item")
END = object()

PIXELS = 1 << 14
"""As many pixels as a processor's caches hold the features of: more at once are slower there, not faster."""
GPU_PIXELS = 1 << 20
"""As many pixels as keep a GPU busy (16 slices of 256×256): more at once are no faster there, and need more memory."""


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The items in their order, the next one being made by a thread while one is used."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, END)
        while (item := coming.result()) is not END:
            coming = thread.submit(next, items, END)
            yield item  # type: ignore[misc]


def laid_out(network: Network) -> Network:
    """The network with its weights channels last, as convolutions take them without reordering (GPU and CPU)."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def moved(made: Tensor, device: torch.device) -> Tensor:
    """A tensor made on the CPU, on the device; neither waits for the other."""
    return made.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else made.to(device)


def fetched(blocks: Iterable[Tensor]) -> Iterator[np.ndarray]:
    """The blocks as arrays, in their order. A block on a GPU comes when the next one is under way there.

    So the GPU does not wait while a block is copied and used.
    """
    coming: Callable[[], np.ndarray] | None = None
    for block in blocks:
        if not block.is_cuda:
            yield block.numpy()
            continue
        started = _fetching(block)
        if coming is not None:
            yield coming()
        coming = started
    if coming is not None:
        yield coming()


def _fetching(block: Tensor) -> Callable[[], np.ndarray]:
    """Starts the copy of a block from a GPU to main memory; the result waits for it."""
    host = torch.empty(block.shape, dtype=block.dtype, pin_memory=True)
    host.copy_(block, non_blocking=True)
    done = torch.cuda.Event()
    done.record()

    def array() -> np.ndarray:
        done.synchronize()
        return host.numpy().copy()  # pinned memory is scarce

    return array


def in_pieces(call: Callable[..., Tensor], *tensors: Tensor, pixels: int) -> Tensor:
    """``call(*tensors)``, over as many slices at once as hold ``PIXELS``, or on a GPU ``GPU_PIXELS``.

    ``tensors``: each (B, …), a slice's result depending on no other; ``pixels``: of a slice where it is largest.
    """
    count = len(tensors[0])
    if tensors[0].is_cuda:
        return _in_equal_pieces(call, *tensors, size=max(1, GPU_PIXELS // pixels))
    size = max(1, PIXELS // pixels)
    if size >= count:
        return call(*tensors)
    return torch.cat([call(*part) for part in zip(*(tensor.split(size) for tensor in tensors), strict=True)])


def _in_equal_pieces(call: Callable[..., Tensor], *tensors: Tensor, size: int) -> Tensor:
    """The same over pieces of one size, at most ``size``: a compiled network knows one shape.

    The last piece begins earlier where it would be smaller. Results are copied: what a compiled network returns is
    overwritten when it is called next.
    """
    count = len(tensors[0])
    size = -(-count // -(-count // size))
    whole: Tensor | None = None
    for start in range(0, count, size):
        place = slice(min(start, count - size), min(start, count - size) + size)
        part = call(*(tensor[place] for tensor in tensors))
        if whole is None:
            whole = part.new_empty(count, *part.shape[1:])
        whole[place] = part
    assert whole is not None
    return whole


def filled(index: Sequence[int], size: int) -> list[int]:
    """``index`` with its last number repeated up to ``size``: the last chunk gets the shape of all others."""
    return [*index, *[index[-1]] * (size - len(index))]
