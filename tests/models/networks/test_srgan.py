"""SRGAN: its size, its two phases, and its losses."""

import numpy as np
import pytest
import torch

from models.networks.srgan import Discriminator, Training, build

SIZE = {"blocks": 1, "width": 8}
OPTIONS = {
    "degradation": "bilinear", "patch": 32, "rate": 1e-2, "rate_schedule": "constant", "warm_up": 40,
    "pixel_weight": 1.0, "perceptual_weight": 0, "adversarial_weight": 1e-3, "discriminator_width": 4,
}  # fmt: skip


def test_parameter_counts_are_the_papers():
    """SRResNet: 16 blocks of two 3×3×64×64 convolutions with batch norm; 1.5 M in all."""
    block = 2 * (9 * 64 * 64 + 128) + 64
    tail = 2 * (9 * 64 * 256 + 256 + 64) + 81 * 64 + 1
    assert sum(p.numel() for p in build().parameters()) == 16 * block + 81 * 64 + 128 + 9 * 64 * 64 + 128 + tail
    dense = 512 * 36 * 1024 + 1024 + 1024 + 1
    assert sum(p.numel() for p in Discriminator(64).layers[-3:].parameters()) == dense


def test_generator_magnifies_four_times_and_discriminator_gives_one_score():
    assert build(**SIZE)(torch.rand(2, 1, 8, 12)).shape == (2, 1, 32, 48)
    for side in (32, 96, 64):
        assert Discriminator(4)(torch.rand(2, 1, side, side)).shape == (2, 1)


def test_discriminators_last_map_of_a_96_pixel_patch_is_6_by_6():
    """At 96×96 the map before the dense layers is 6×6 already."""
    network = Discriminator(4)
    convolutions = torch.nn.Sequential(*list(network.layers)[:-5])
    assert convolutions(torch.rand(1, 1, 96, 96)).shape == (1, 32, 6, 6)


def test_saved_and_loaded_network_has_the_same_outputs(assert_round_trip):
    assert_round_trip("srgan", SIZE, torch.rand(2, 1, 8, 8))


def test_adversarial_loss_is_added_only_after_the_warm_up(train):
    _, log = train("srgan", SIZE, OPTIONS, 50)
    l1 = [row["l1"] for row in log.rows]
    assert np.mean(l1[35:40]) < 0.5 * np.mean(l1[:3])
    for row in log.rows[:40]:
        assert row["network_loss"] == row["l1"]
        assert row["discriminator_loss"] == 0
    for row in log.rows[40:]:
        assert row["network_loss"] == pytest.approx(row["l1"] + 1e-3 * row["adversarial_loss"], rel=1e-5)
        assert row["discriminator_loss"] > 0


def test_discriminator_is_unchanged_during_the_warm_up(train):
    before, _ = train("srgan", SIZE, OPTIONS | {"warm_up": 9}, 2)
    torch.manual_seed(0)
    build(**SIZE)
    fresh = Discriminator(4).state_dict()
    for key, value in before.discriminator.named_parameters():
        torch.testing.assert_close(value.data, fresh[key], atol=0, rtol=0)


def test_loss_includes_the_weighted_perceptual_loss(trunks):
    torch.manual_seed(0)
    options = OPTIONS | {"warm_up": 0, "perceptual_weight": 2.0, "adversarial_weight": 0.0, "trunk": trunks["vgg"]}
    task = Training(build(**SIZE), {}, 10, options)
    loss, log = task("network", torch.rand(2, 1, 32, 32), 0)
    assert loss.item() == pytest.approx((log["l1"] + 2 * log["perceptual_loss"]).item(), rel=1e-5)
    loss.backward()
    assert all(p.grad is not None for p in task.network.parameters())
    assert not any(key.startswith("perceptual") for key in task.trained_state())


def test_interrupted_training_equals_uninterrupted_training(assert_resumes):
    assert_resumes(
        "srgan", SIZE, OPTIONS | {"warm_up": 2, "rate_schedule": "stairs", "lower_at": [3], "lower_by": 0.1}, steps=5
    )
