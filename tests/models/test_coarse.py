"""How slices are made coarse: with a filter or, as the authors' code at inference, without."""

import pytest
import torch

from models.interpolation import degrade
from models.training.degradation import degradation


@pytest.fixture
def stripes() -> torch.Tensor:
    """Rows brighter and darker in turn by twos: detail that a quarter of the resolution cannot hold."""
    return (torch.arange(64) % 4 < 2).float().view(1, 1, 64, 1).expand(1, 1, 64, 64)


def test_the_filter_removes_what_a_coarse_pixel_cannot_hold(stripes):
    shifted = stripes.roll(1, dims=2)  # now the four pixels in the middle of each block are all bright
    assert degrade(shifted, antialias=False).std() < 1e-6
    assert degrade(shifted, antialias=False).mean() == pytest.approx(1, abs=1e-6)  # false: a bright plane
    assert degrade(shifted).mean() == pytest.approx(0.5, abs=0.05)


def test_without_a_filter_a_pixel_is_the_mean_of_the_middle_four():
    slices = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    middle = slices.unfold(2, 4, 4).unfold(3, 4, 4)[..., 1:3, 1:3].mean(dim=(-1, -2))
    torch.testing.assert_close(degrade(slices, antialias=False), middle)
    assert not torch.allclose(degrade(slices), middle, atol=0.01)


def test_training_makes_slices_coarse_the_same_way(stripes):
    for antialias in (True, False):
        torch.testing.assert_close(degradation("bilinear", antialias)(stripes), degrade(stripes, antialias=antialias))
