"""Interpolation without PyTorch is the interpolation of the study's controls."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.method import method
from models.numpy_methods import METHODS, NumpyMethod, bilinear, magnified


@pytest.mark.parametrize("factor", [1, 4])
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("chunk", [1, 3, 16])
def test_plain_interpolation_equals_the_torch_method(name: str, factor: int, chunk: int) -> None:
    slices = np.random.default_rng(1).random((6, 11, 8), dtype=np.float32)
    known, at = np.arange(6), np.linspace(0, 5, 14)
    wanted = method(name, factor=factor, chunk=chunk).restore(slices, known, at)
    found = NumpyMethod(name, factor=factor, chunk=chunk).restore(slices, known, at)
    assert found.dtype == np.float32
    assert found.shape == wanted.shape == (14, 11 * factor, 8 * factor)
    assert np.abs(found - wanted).max() < 2e-6


@pytest.mark.parametrize("name", METHODS)
def test_known_slices_are_unchanged(name: str) -> None:
    slices = np.random.default_rng(2).random((5, 4, 4), dtype=np.float32)
    at = np.arange(0, 4.5, 0.5)
    assert (NumpyMethod(name).restore(slices, np.arange(5), at)[::2] == slices).all()


def test_bilinear_magnification_equals_pytorchs() -> None:
    slices = np.random.default_rng(3).random((2, 5, 7), dtype=np.float32)
    wanted = F.interpolate(torch.from_numpy(slices)[:, None], scale_factor=4, mode="bilinear", align_corners=False)
    assert np.abs(magnified(slices, 4, bilinear) - wanted[:, 0].numpy()).max() < 1e-6


def test_values_and_positions_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="finite and in"):
        NumpyMethod("linear").restore(np.full((2, 3, 3), 2.0, np.float32), [0, 1], [0.5])
    with pytest.raises(ValueError, match="nothing is extrapolated"):
        NumpyMethod("linear").restore(np.zeros((2, 3, 3), np.float32), [0, 1], [1.5])
