"""The diffusion's training: latents of the frozen first stage."""

import numpy as np
import pytest
import torch

from models import weights
from models.interpolation import degrade
from models.training.data import SliceBank

VQ = {"channels": [8, 8, 16], "layers_per_block": 1, "codes": 16, "norm_groups": 4}
LDM = {"width": 16, "multipliers": [1, 2], "layers_per_block": 1, "head_channels": 16, "norm_groups": 4}
OPTIONS = {"slices_per_step": 4, "base_rate": 1e-5, "crop": 1, "degradation": "bilinear", "ema": 0.9, "latent_scale": 1}


@pytest.fixture
def bank() -> SliceBank:
    return SliceBank([np.random.default_rng(0).random((20, 16, 16), dtype=np.float32)])


def task(bank: SliceBank, remembers: bool):
    torch.manual_seed(0)
    made = weights.training_of("ldm")(weights.network("ldm", LDM), {"vq": weights.network("vq", VQ)}, 10, OPTIONS)
    made.train().prepare(bank)
    assert made.remembered is None  # on a CPU, results stay the same to the bit
    if remembers:
        made.remember(bank)
    return made


@pytest.mark.parametrize("scale", [1.0, "unit"])
def test_weights_to_start_from_keep_their_latent_scale(bank: SliceBank, scale: float | str) -> None:
    """A U-Net that was trained with latents of another scale would get inputs that it does not know."""
    scales = []
    for initialised in (True, False):
        network = weights.network("ldm", LDM)
        network.scale.fill_(0.18)
        options = OPTIONS | {"latent_scale": scale}
        made = weights.training_of("ldm")(network, {"vq": weights.network("vq", VQ)}, 10, options)
        made.initialised = initialised
        made.train().prepare(bank)
        scales.append(network.scale.item())
    assert scales[0] == pytest.approx(0.18)
    assert scales[1] != pytest.approx(0.18)


def test_kept_latents_are_those_of_the_drawn_slices(bank: SliceBank) -> None:
    """Where whole slices repeat, each is encoded once; a resumed training, which encodes them again, gets the same."""
    keeping, resumed, plain = task(bank, True), task(bank, True), task(bank, False)
    for seed in range(3):
        torch.manual_seed(seed)
        batch = bank.batch(4)
        slices, latents = keeping.crops(batch)
        assert torch.equal(slices, batch)
        torch.testing.assert_close(latents, plain.encode(batch))
        assert torch.equal(latents, resumed.crops(batch)[1])
        torch.testing.assert_close(latents, plain.crops(batch)[1], atol=1e-4, rtol=1e-4)
    assert not torch.equal(latents[0], latents[1])


def test_held_out_slices_are_encoded(bank: SliceBank) -> None:
    keeping, other = task(bank, True), torch.rand(4, 1, 16, 16)
    bank.batch(4)
    keeping.eval()
    torch.testing.assert_close(keeping.crops(other)[1], keeping.encode(other), atol=1e-4, rtol=1e-4)


def test_picture_shows_the_low_resolution_that_the_config_chooses(bank: SliceBank) -> None:
    batch, rows = torch.rand(2, 1, 32, 32), []
    for antialias in (True, False):
        made = task(bank, False)
        made.options["antialias"] = antialias
        rows.append(made.eval().picture(batch)[0])
        assert torch.equal(rows[-1], degrade(batch, antialias=antialias))
    assert not torch.equal(*rows)


def trained_on(vq: dict, ldm: dict):
    """A training of a diffusion of this size with a first stage of this size."""
    networks = weights.network("ldm", LDM | ldm), {"vq": weights.network("vq", VQ | vq)}
    return weights.training_of("ldm")(*networks, 10, OPTIONS)


def test_latents_may_have_four_channels(bank: SliceBank) -> None:
    made = trained_on({"code_dim": 4}, {"in_channels": 7, "out_channels": 4}).train()
    made.prepare(bank)
    assert made("network", bank.batch(4), 0)[0].isfinite()
    assert [row.shape[-1] for row in made.eval().picture(bank.batch(2))] == [4, 16, 16, 16]


@pytest.mark.parametrize(
    ("vq", "ldm", "said"),
    [
        ({"code_dim": 4}, {}, "latents have 4 channels; set in_channels: 7 and out_channels: 4"),
        ({}, {"in_channels": 5}, "latents have 3 channels; set in_channels: 6"),
        ({"channels": [8, 8]}, {}, "reduces slices 2 times and its condition 4 times"),
    ],
)
def test_first_stage_with_other_latents_is_refused(vq: dict, ldm: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        trained_on(vq, ldm)


@pytest.mark.parametrize("scale", ["units", 0, None])
def test_latent_scale_that_is_no_scale_is_refused(scale: object) -> None:
    networks = weights.network("ldm", LDM), {"vq": weights.network("vq", VQ)}
    with pytest.raises(ValueError, match=f"'latent_scale' is {scale}; it must be unit or a number above 0"):
        weights.training_of("ldm")(*networks, 10, OPTIONS | {"latent_scale": scale})
