"""Fast evaluation of networks: layout, pieces, transfers. None of these changes what a network computes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)

PIXELS = 1 << 14
"""Pixels per batch on a CPU, chosen so that the feature maps fit in the cache; larger batches are slower."""
GPU_PIXELS = 1 << 20
"""Pixels per batch on a GPU (16 slices of 256×256): larger batches are not faster and need more memory."""


def laid_out(network: Network) -> Network:
    """The network with its weights in channels-last layout, which convolutions use without reordering (GPU and CPU)."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def laid_as(values: Tensor, like: Tensor) -> Tensor:
    """The values in the memory layout of ``like``, if both have the same shape."""
    if values.shape != like.shape or values.stride() == like.stride():
        return values
    return torch.empty_like(like, dtype=values.dtype, device=values.device, requires_grad=False).copy_(values)


def moved(made: Tensor, device: torch.device) -> Tensor:
    """Copies a tensor from the CPU to the device; neither waits for the other."""
    return made.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else made.to(device)


def fetched(blocks: Iterable[Tensor]) -> Iterator[np.ndarray]:
    """The blocks as arrays, in order. A block on a GPU is returned after the next block was started there.

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
    """``call(*tensors)``, in batches of at most ``PIXELS`` pixels, or on a GPU ``GPU_PIXELS``.

    ``tensors``: each (B, …); the result of a slice must not depend on other slices. ``pixels``: largest number of
    pixels of a slice inside ``call``.
    """
    count = len(tensors[0])
    if tensors[0].is_cuda:
        return _in_equal_pieces(call, *tensors, size=max(1, GPU_PIXELS // pixels))
    size = max(1, PIXELS // pixels)
    if size >= count:
        return call(*tensors)
    return torch.cat([call(*part) for part in zip(*(tensor.split(size) for tensor in tensors), strict=True)])


def _in_equal_pieces(call: Callable[..., Tensor], *tensors: Tensor, size: int) -> Tensor:
    """As ``in_pieces``, in pieces of one size, at most ``size``: a compiled network accepts one shape.

    If the last piece would be smaller, it begins earlier. Results are copied, because the next call of a compiled
    network overwrites them.
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
