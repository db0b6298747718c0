"""WDSR: its size, that it learns, resumes and is restored by the method that uses it."""

import numpy as np
import pytest
import torch

from models.interpolation import degrade
from models.method import method
from models.networks.wdsr import build
from models.training.upsampling import random_patch

SIZE = {"blocks": 1, "width": 8, "expansion": 4}
OPTIONS = {"degradation": "bilinear", "patch": 32, "rate": 1e-2, "rate_schedule": "one_cycle"}


def test_parameter_counts_are_the_papers():
    network = build()
    convolutions = sum(p.numel() for name, p in network.named_parameters() if not name.endswith("original0"))
    block = 64 * 384 + 384 + 384 * 51 + 51 + 51 * 64 * 9 + 64
    assert convolutions == 16 * block + (9 * 64 + 64) + (64 * 16 * 9 + 16) + (25 * 16 + 16)
    lengths = sum(p.numel() for name, p in network.named_parameters() if name.endswith("original0"))
    assert lengths == 16 * (384 + 51 + 64) + 64 + 16 + 16  # weight normalisation: one for each filter


@pytest.mark.parametrize("side", [8, 20])
def test_output_has_four_times_the_side(side):
    assert build(**SIZE)(torch.rand(2, 1, side, 2 * side)).shape == (2, 1, 4 * side, 8 * side)


def test_saved_and_loaded_network_has_the_same_outputs(assert_round_trip):
    assert_round_trip("wdsr", SIZE, torch.rand(2, 1, 8, 8))


def test_training_halves_the_loss(train):
    _, log = train("wdsr", SIZE, OPTIONS, 60)
    losses = [row["network_loss"] for row in log.rows]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


@pytest.mark.parametrize("name", ["bilinear", "bsrgan_light"])
def test_interrupted_training_equals_uninterrupted_training(name, assert_resumes):
    assert_resumes("wdsr", SIZE, OPTIONS | {"degradation": name, "patch": 16})


def test_pixel_sr_magnifies_known_slices_and_averages_between_them(bank):
    network = build(**SIZE).eval()
    slices = degrade(bank.spread(3)).squeeze(1).numpy()
    restorer = method("pixel_sr", {"wdsr": network}, chunk=2)
    restored = restorer.restore(slices, [0, 1, 2], [0, 0.5, 2])
    with torch.no_grad():
        known = network(torch.from_numpy(slices).unsqueeze(1)).clamp(0, 1).squeeze(1).numpy()
    np.testing.assert_allclose(restored[[0, 2]], known[[0, 2]], atol=1e-6)
    np.testing.assert_allclose(restored[1], (known[0] + known[1]) / 2, atol=1e-6)


def test_pixel_sr_with_two_or_no_networks_is_refused():
    with pytest.raises(ValueError, match="pixel_sr: needs exactly one network, not a, b"):
        method("pixel_sr", {"a": build(**SIZE), "b": build(**SIZE)})
    with pytest.raises(ValueError, match="not none"):
        method("pixel_sr")


def test_random_patches_are_windows_of_the_slices():
    slices = torch.arange(6 * 400).float().view(6, 1, 20, 20)
    torch.manual_seed(0)
    patches = random_patch(slices, 8)
    assert patches.shape == (6, 1, 8, 8)
    corners = patches[:, 0, 0, 0].long()
    assert len({(corner % 400).item() for corner in corners}) > 1
    for one, (patch, corner) in enumerate(zip(patches, corners, strict=True)):
        top, left = (corner % 400).item() // 20, corner.item() % 20
        torch.testing.assert_close(patch, slices[one, :, top : top + 8, left : left + 8], atol=0, rtol=0)
    assert random_patch(slices, 32) is slices
