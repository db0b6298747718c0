"""Slices are read when needed, blocks are returned when made."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.half import in_weights
from models.method import Restorer, method

AT = np.arange(0, 9.5, 0.5)


class OnDisk:
    """Ten slices that record which slices were read."""

    def __init__(self) -> None:
        self.data = np.random.default_rng(1).uniform(0, 1, (10, 4, 5)).astype(np.float32)
        self.shape = self.data.shape
        self.read: list[int] = []

    def __getitem__(self, index: Any) -> np.ndarray:
        self.read += [int(i) for i in index]
        return self.data[index]


@pytest.mark.parametrize("name", ["linear", "spline", "copy"])
def test_each_slice_is_read_once_and_only_when_needed(name: str) -> None:
    slices = OnDisk()
    blocks = method(name, chunk=2).stream(slices, np.arange(10), AT)
    next(blocks)
    assert len(slices.read) < 10 or name == "spline"
    rest = list(blocks)
    assert slices.read == list(range(10))
    assert len(rest) == 9
    np.testing.assert_array_equal(rest[-1], method(name).restore(slices.data, np.arange(10), AT)[-1:])


def test_slice_out_of_range_is_refused_when_read() -> None:
    slices = OnDisk()
    slices.data[7, 0, 0] = 1.5
    blocks = method("linear", chunk=2).stream(slices, np.arange(10), AT)
    next(blocks)
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        list(blocks)


def test_two_parallel_streams_leave_inference_mode_off() -> None:
    slices = OnDisk()
    streams = [method("linear", chunk=4).stream(slices, np.arange(10), AT) for _ in range(2)]
    for _ in zip(*streams, strict=True):
        assert not torch.is_inference_mode_enabled()
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize("name", ["linear", "spline", "copy", "eq12"])
def test_factor_1_returns_known_slices_unchanged(name: str) -> None:
    slices = OnDisk().data
    found = method(name, factor=1).restore(slices, np.arange(10), AT)
    assert found.shape == (19, 4, 5)
    np.testing.assert_allclose(found[::2], slices, atol=1e-6)


def test_factor_other_than_the_networks_is_refused() -> None:
    with pytest.raises(ValueError, match="in-plane factor must be 4, not 1"):
        method("ours", {}, factor=1)


class Recording(nn.Module):
    """A convolution that notes the dtype it computes in."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.seen = nn.Conv2d(1, 1, 1), []

    def forward(self, slices: Tensor) -> Tensor:
        made = in_weights(self.convolution, slices)
        self.seen.append((next(self.convolution.parameters()).dtype, made.dtype))
        return made


def test_only_the_networks_compute_in_half_precision() -> None:
    class Method(Restorer):
        def represent(self, slices: Tensor, index: Tensor) -> Tensor:
            return self.networks["one"](slices)

        def render(self, mixed: Tensor, interpolated: Tensor) -> Tensor:
            assert mixed.dtype == torch.float32
            return mixed

    network = Recording().eval().requires_grad_(False)
    restorer = Method({"one": network}, half=True)
    restorer.restore(OnDisk().data, np.arange(10), [0.5])
    assert restorer.networks["one"].seen == [(torch.float16, torch.float32)]
    assert network.seen == []
    assert network.convolution.weight.dtype == torch.float32
