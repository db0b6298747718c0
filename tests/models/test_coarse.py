"""Simulated coarse slices: a coarse pixel is the average of the area that it covers."""

import numpy as np
import pytest
import torch
from smooth_volumes import smooth_volume

from models.networks.lens import start
from models.training import coarse
from models.training.blocks import BlockBank
from models.training.coarse import EDGE, SLICES, coarse_and_fine, pixel_kernels

SHARES = ("resampled", "blurred", "bent", "unordered", "inverted", "biased", "noisy", "noise", "thick")
PLAIN = dict.fromkeys(SHARES, 0.0)
ALL = PLAIN | {"resampled": 1.0, "blurred": 0.5, "biased": 1.0, "thick": 1.0}


def test_pixel_kernels_are_averages_centred_on_four_fine_pixels(monkeypatch):
    for name in coarse.KERNELS:
        monkeypatch.setattr(coarse, "KERNELS", dict.fromkeys(coarse.KERNELS, 0.0) | {name: 1.0})
        kernels = pixel_kernels(3, 5)
        torch.testing.assert_close(kernels.sum(dim=2), torch.ones(3, 5))
        places = kernels @ torch.arange(20 + 2 * EDGE).float() - EDGE
        torch.testing.assert_close(places, (4 * torch.arange(5) + 1.5).expand(3, 5))
        if name == "box":
            assert ((kernels == 0) | (kernels == 0.25)).all()


@pytest.mark.parametrize("augment", [PLAIN, ALL])
def test_start_equals_the_target_of_a_smooth_volume(augment):
    torch.manual_seed(0)
    bank = BlockBank([smooth_volume()])
    slices, target = coarse_and_fine(bank, bank.batch(12), 32, augment)
    assert slices.shape == (12, SLICES, 8, 8)
    assert target.shape == (12, 1, 32, 32)
    assert (start(slices) - target)[..., 8:-8, 8:-8].abs().max() < 0.01
    assert (slices[:, 0] - slices[:, -1]).abs().max() > 0.02


def test_same_seed_gives_the_same_pairs():
    bank = BlockBank([np.random.default_rng(0).random((60, 60, 60), dtype=np.float32)])
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        found.append(coarse_and_fine(bank, bank.batch(4), 16, ALL))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
