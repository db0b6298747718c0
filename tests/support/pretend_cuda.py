"""A pretended CUDA device: its tensors are on the CPU, and operations that CUDA refuses are errors.

In ``PretendCuda`` ``tensor.to("cuda")`` works, ``tensor.device`` says so, and these are errors, as they are on
a GPU: an operation on tensors of both devices (a number, an index and a copy excepted), a NumPy array made of a tensor
on the device, pinning it, filling it with a generator of the CPU. Stricter than CUDA is one rule: unsigned tensors of
16, 32 and 64 bits, for which CUDA lacks most kernels, may only be viewed and copied, on any device. It checks Python
calls in the thread that entered it, not compiled code or other threads.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

DEVICE = torch.device("cuda:0")
UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)
COPIES = {"view", "to", "clone", "copy_", "detach", "cpu", "contiguous", "size", "dim", "__len__", "__repr__"}
MIXES = {
    *("__getitem__", "__setitem__", "copy_", "_foreach_copy_", "to", "__set__", "set_", "index_put_", "type_as"),
    *("is_set_to", "_has_compatible_shallow_copy_type", "result_type", "assert_close", "assert_allclose"),
}
ARRAYS = {"numpy", "__array__"}


class NotOnCuda(AssertionError):
    """An operation that a GPU would refuse."""


class PretendCuda(TorchFunctionMode):
    """See above."""

    def __enter__(self) -> "PretendCuda":
        self.made = nn.Parameter.__new__

        def made(kind: Any, data: Any = None, requires_grad: bool = True) -> Any:
            """A parameter made from a tensor is on the tensor's device; the mode does not see its creation."""
            parameter = self.made(kind, data, requires_grad)
            mark(parameter, data is not None and on_card(data))
            return parameter

        nn.Parameter.__new__ = staticmethod(made)  # type: ignore[assignment]
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        nn.Parameter.__new__ = staticmethod(self.made)  # type: ignore[assignment]
        super().__exit__(*error)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", str(func))
        if name == "__get__" and args and isinstance(args[0], Tensor) and on_card(args[0]):
            called = getattr(getattr(func, "__self__", None), "__name__", "")
            if called in ("device", "is_cuda", "is_cpu"):
                return {"device": DEVICE, "is_cuda": True, "is_cpu": False}[called]
        tensors = list(_tensors((args, kwargs)))
        _refuse(name, tensors, args, kwargs)
        if name == "pin_memory":
            return args[0].clone()
        if name == "is_pinned":
            return False
        kwargs.pop("pin_memory", None)
        target, args, kwargs = _aimed(name, args, kwargs)
        out = func(*args, **kwargs)
        if name == "__set__":
            if getattr(getattr(func, "__self__", None), "__name__", "") == "data":
                mark(args[0], on_card(args[1]))
            return out
        if name == "requires_grad_" or (isinstance(out, Tensor) and tensors and out is tensors[0]):
            moved = name in ("to", "cuda", "cpu") and target is not None and on_card(out) != target
            if not moved:
                return out
            out = out.detach().clone().requires_grad_(out.requires_grad)  # `to` would return the tensor itself
        card = any(map(on_card, tensors)) if target is None else target
        for tensor in _tensors(out):
            mark(tensor, card)
        return out


def on_card(tensor: Tensor) -> bool:
    """Whether a tensor is on the pretended device."""
    return tensor.__dict__.get("_on_card", False)


def mark(tensor: Tensor, card: bool) -> None:
    """Records a tensor's device."""
    tensor.__dict__["_on_card"] = card


def _refuse(name: str, tensors: list[Tensor], args: Any, kwargs: dict[str, Any]) -> None:
    card = [tensor for tensor in tensors if on_card(tensor)]
    if name not in COPIES and name != "__get__" and any(tensor.dtype in UNSIGNED for tensor in tensors):
        raise NotOnCuda(f"{name}: CUDA has no kernel of most operations for unsigned tensors of 16, 32 or 64 bits")
    if card and name in ARRAYS:
        raise NotOnCuda(f"{name}: a tensor on the GPU is no NumPy array; bring it to the CPU first")
    if card and name == "pin_memory":
        raise NotOnCuda("pin_memory: only tensors on the CPU can be pinned")
    generators = [one for one in (*args, *kwargs.values()) if isinstance(one, torch.Generator)]
    if generators and (card or _is_card(kwargs.get("device"))):
        raise NotOnCuda(f"{name}: a tensor on the GPU is not filled by a generator of the CPU")
    apart = [tensor for tensor in tensors if not on_card(tensor) and tensor.ndim]
    if card and apart and name not in MIXES and name != "__get__":
        raise NotOnCuda(f"{name}: tensors on the GPU and on the CPU")


def _aimed(name: str, args: Any, kwargs: dict[str, Any]) -> tuple[bool | None, Any, dict[str, Any]]:
    """The device of a call's result (None: that of its tensors), and its arguments for the CPU."""
    if name == "cuda":
        return True, args[:1], {}
    if name == "cpu":
        return False, args, kwargs
    target: bool | None = None
    if kwargs.get("device") is not None:
        target = _is_card(kwargs["device"])
        kwargs = kwargs | {"device": torch.device("cpu")}
    if name == "to":
        args = list(args)
        for place, one in enumerate(args[1:], start=1):
            if isinstance(one, str | torch.device):
                target = _is_card(one)
                args[place] = torch.device("cpu")
            elif isinstance(one, Tensor):
                target = on_card(one)
    return target, tuple(args), kwargs


def _is_card(device: Any) -> bool:
    return device is not None and torch.device(device).type == "cuda"


def _tensors(found: Any) -> Iterator[Tensor]:
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, dict):
        for one in found.values():
            yield from _tensors(one)
    elif isinstance(found, list | tuple):
        for one in found:
            yield from _tensors(one)
