"""The autoencoder: its latents, what it learns, and the method that interpolates them."""

import numpy as np
import pytest
import torch

from models.interpolation import bicubic, degrade
from models.method import method
from models.networks.autoencoder import Training, build
from models.training.data import SliceBank

SIZE = {"width": 8, "scales": 2, "latent": 8}
OPTIONS = {"patch": 32, "rate": 1e-2, "rate_schedule": "constant", "perceptual_weight": 0, "synthesis_weight": 1.0}


def test_parameter_count_and_latent_shape_are_the_published_ones():
    network = build()
    latents = network.encode(torch.rand(1, 1, 64, 64))
    assert latents.shape == (1, 128, 16, 16)
    assert network.decode(latents).shape == (1, 1, 64, 64)
    encoder = 64 + 9 * (32 * 32 * 2 + 32 * 64 + 64 * 64) + 192 + 192 + 9 * (64 * 128 + 128 * 128) + 256
    assert sum(p.numel() for p in network.encoder.parameters()) == encoder
    decoder = 9 * (128 * 64 + 64 * 64 + 64 * 32 + 32 * 32) + 192 + 192 + 9 * (32 * 32 + 32) + 33 + 96
    assert sum(p.numel() for p in network.decoder.parameters()) == decoder - 96


def test_saved_and_loaded_network_has_the_same_outputs(assert_round_trip):
    assert_round_trip("autoencoder", SIZE, torch.rand(2, 1, 16, 16))


def test_training_halves_both_losses(train):
    _, log = train("autoencoder", SIZE, OPTIONS, 60)
    for name in ("mse", "synthesis_mse"):
        values = [row[name] for row in log.rows]
        assert np.mean(values[-5:]) < 0.5 * np.mean(values[:5])


def test_interrupted_training_equals_uninterrupted_training(assert_resumes):
    assert_resumes("autoencoder", SIZE, OPTIONS | {"patch": 16})


def test_training_triplets_are_three_consecutive_slices():
    """A pair and the slice between come from three consecutive slices of the bank, in one patch."""
    volume = np.stack([np.full((8, 8), (i + 1) / 16, np.float32) for i in range(10)])
    seen = []

    class Spy(torch.nn.Module):
        def encode(self, slices):
            seen.append(slices)
            return slices

        decode = torch.nn.Identity()

    task = Training(Spy(), {}, 1, OPTIONS | {"patch": 4})
    task.prepare(SliceBank([volume]))
    _, log = task("network", torch.zeros(6, 1, 8, 8), 0)
    before, after = seen[0].chunk(2)
    assert seen[0].shape == (6, 1, 4, 4)
    torch.testing.assert_close(after - before, torch.full_like(before, 2 / 16), atol=1e-4, rtol=0)
    assert log["synthesis_mse"] < 1e-8  # grey levels rise linearly: the mean of two is the one between


def test_training_triplets_stay_inside_one_volume():
    volumes = [np.full((4, 8, 8), grey, np.float32) for grey in (0.25, 0.5, 0.75)]
    task = Training(build(**SIZE), {}, 1, OPTIONS)
    task.prepare(SliceBank(volumes))
    assert task.middles.tolist() == [1, 2, 5, 6, 9, 10]


def test_slices_that_the_scales_cannot_halve_are_refused():
    network = build(width=4, scales=3, latent=4).eval()  # bicubic slices are multiples of 4
    with pytest.raises(ValueError, match="autoencoder: 20×24 slices are not multiples of 8"):
        method("bicubic_ae", {"autoencoder": network}).restore(np.zeros((2, 5, 6), np.float32), [0, 1], [0])


def test_volumes_of_two_slices_are_refused():
    with pytest.raises(ValueError, match="three neighbouring slices"):
        Training(build(**SIZE), {}, 1, OPTIONS).prepare(SliceBank([np.ones((2, 8, 8), np.float32)]))


def test_loss_includes_the_weighted_perceptual_loss(trunks, bank):
    torch.manual_seed(0)
    options = OPTIONS | {"perceptual_weight": 0.5, "synthesis_weight": 0.0, "trunk": trunks["vgg"]}
    task = Training(build(**SIZE), {}, 10, options)
    task.prepare(bank)
    loss, log = task("network", torch.rand(4, 1, 32, 32), 0)
    assert log["perceptual_loss"] > 0
    assert loss.item() == pytest.approx((log["mse"] + 0.5 * log["perceptual_loss"]).item(), rel=1e-5)


def test_bicubic_ae_interpolates_linearly_in_latent_space(bank):
    network = build(**SIZE).eval()
    slices = degrade(bank.spread(3)).squeeze(1)
    restored = method("bicubic_ae", {"autoencoder": network}, chunk=2).restore(slices.numpy(), [0, 1, 2], [1, 1.25])
    with torch.no_grad():
        first, second, third = network.encode(bicubic(slices.unsqueeze(1))).split(1)
        expected = network.decode(torch.cat([second, 0.75 * second + 0.25 * third]))
    np.testing.assert_allclose(restored, expected.squeeze(1).numpy(), atol=1e-5)
    assert not torch.equal(first, second)
