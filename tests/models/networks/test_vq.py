"""The first stage's training: its losses, and the start of its adversarial loss."""

import pytest
import torch

from models import weights
from models.networks.vq import Training, build

SIZE = {"channels": [8, 8, 16], "layers_per_block": 1, "codes": 16, "norm_groups": 4}
START = 2
OPTIONS = {
    "base_rate": 1e-5, "crop": 0.5, "perceptual_weight": 0, "codebook_weight": 0.5, "discriminator_weight": 0.75,
    "discriminator_start": START,
}  # fmt: skip


def test_loss_is_that_of_the_original_before_and_after_the_start_of_the_adversarial_loss(train) -> None:
    _, log = train("vq", SIZE, OPTIONS, 4)
    assert {row["step"] <= START for row in log.rows} == {True, False}
    for row in log.rows:
        plain = row["l1"] + 0.5 * row["codebook_loss"]
        if row["step"] <= START:
            assert row["network_loss"] == pytest.approx(plain, rel=1e-5)
            assert row["discriminator_loss"] == 0
        else:
            expected = plain + row["adaptive_weight"] * row["generator_loss"]
            assert row["network_loss"] == pytest.approx(expected, rel=1e-5)
            assert row["discriminator_loss"] > 0


def test_adaptive_weight_balances_the_gradients_at_the_last_layer() -> None:
    torch.manual_seed(0)
    task = Training(build(**SIZE), {}, 10, OPTIONS | {"slices_per_step": 4, "crop": 1})
    slices = torch.rand(2, 1, 32, 32)
    torch.manual_seed(1)
    _, log = task("network", slices, START)
    torch.manual_seed(1)
    network, last = task.network, task.network.vq.decoder.conv_out.weight
    rgb = network.decode_rgb(network.encode(slices))
    l1 = (rgb - (2 * slices - 1)).abs().mean()
    opposing = -task.discriminator(rgb).mean()
    pull, push = (torch.autograd.grad(loss, last, retain_graph=True)[0].norm() for loss in (l1, opposing))
    assert log["adaptive_weight"].item() == pytest.approx((0.75 * pull / (push + 1e-4)).item(), rel=1e-3)
    real, fake = (task.discriminator(images) for images in task.images)
    hinge = ((1 - real).clamp_min(0).mean() + (1 + fake).clamp_min(0).mean()) / 2
    assert task("discriminator", slices, START)[0].item() == pytest.approx(hinge.item(), rel=1e-4)
    assert not task.images[1].requires_grad


def test_early_stopping_begins_with_the_adversarial_loss() -> None:
    options = OPTIONS | {"slices_per_step": 4}
    assert Training(build(**SIZE), {}, 10, options).complete_from == START
    assert Training(build(**SIZE), {}, START, options).complete_from == 0  # there is no adversarial loss
    assert Training(build(**SIZE), {}, 10, options | {"discriminator_weight": 0}).complete_from == 0


def test_weights_to_start_from_keep_their_codebook(bank) -> None:
    options = OPTIONS | {"slices_per_step": 4, "codebook_init": "data"}
    for initialised in (True, False):
        task = Training(build(**SIZE), {}, 10, options)
        task.initialised = initialised
        before = task.network.vq.quantize.embedding.weight.clone()
        task.prepare(bank)
        assert torch.equal(task.network.vq.quantize.embedding.weight, before) == initialised


def test_interrupted_training_equals_uninterrupted_training(assert_resumes) -> None:
    assert_resumes("vq", SIZE, OPTIONS)


def test_saved_and_loaded_network_has_the_same_outputs(assert_round_trip) -> None:
    assert_round_trip("vq", SIZE, torch.rand(2, 1, 16, 16))
    assert weights.training_of("vq") is Training
