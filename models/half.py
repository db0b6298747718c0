"""Half precision for inference on a GPU: the weights of a network in float16, everything around the network in float32.

A network takes and returns float32, whatever the dtype of its weights: it calls its layers through `in_weights`. A
copy with float16 weights (`halved`) then needs no autocast, which casts every weight again in every call. Values that
must be exact stay in float32: the solver's state, the mixing of slices, the codebook, batch statistics; norms and
softmax accumulate in float32 inside their kernels.
"""

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from models.padded import pad_convolutions

Network = TypeVar("Network", bound=nn.Module)

HALF = torch.float16
"""As fast as bfloat16 on a GPU, and eight times finer. In bfloat16 the rounding errors of all steps add up, and the
codebook look-up chooses other codes: 0.02 to 0.1 dB on small networks trained for half a minute."""

EXACT = (nn.Embedding, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
"""Layers that stay in float32: a codebook, whose codes are compared, and batch norm, whose statistics are float32."""

_halved: WeakKeyDictionary[nn.Module, nn.Module] = WeakKeyDictionary()


def halved(network: Network) -> Network:
    """A copy of the network with float16 weights, for inference; the network itself does not change.

    The copy is made once: a second call returns the same copy, and later changes of the network's weights do not change
    the copy. Weight normalisation is computed once, in float32, and convolutions are padded to whole tiles.
    """
    if weights_dtype(network) == HALF:
        return network
    if network not in _halved:
        _halved[network] = _to_half(copy.deepcopy(network))
    return _halved[network]  # type: ignore[return-value]


def _to_half(network: nn.Module) -> nn.Module:
    for module in list(network.modules()):
        if parametrize.is_parametrized(module):
            for name in list(module.parametrizations):  # type: ignore[arg-type]
                parametrize.remove_parametrizations(module, name)
                weight = getattr(module, name).detach()
                delattr(module, name)
                module.register_parameter(name, nn.Parameter(weight))
    pad_convolutions(network)
    for module in network.modules():
        if not isinstance(module, EXACT):
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.to(HALF)
    return network.eval().requires_grad_(False)


def weights_dtype(layers: nn.Module) -> torch.dtype:
    """The dtype in which the first of the layers keeps its weights."""
    return next(layers.parameters()).dtype


def in_weights(layers: nn.Module, *inputs: Tensor) -> Tensor:
    """``layers(*inputs)`` computed in the dtype of the layers' weights; the result has the dtype of the first input."""
    dtype = weights_dtype(layers)
    return layers(*(one.to(dtype) for one in inputs)).to(inputs[0].dtype)


def own_precision(network: nn.Module, device: torch.device) -> AbstractContextManager[object]:
    """Switches autocast off for a network with float16 weights: autocast would cast every weight again in every
    call."""
    return torch.autocast(device.type, enabled=False) if weights_dtype(network) == HALF else nullcontext()


@contextmanager
def exact_products() -> Iterator[None]:
    """Inside this context, matrix products of float32 tensors are not rounded to TF32 (10 bits), whatever is set
    outside. So a slice that is mixed with weight 1 does not change, and neighbouring codes of a codebook stay distinct.
    """
    products = torch.backends.cuda.matmul
    before, products.allow_tf32 = products.allow_tf32, False
    try:
        yield
    finally:
        products.allow_tf32 = before
