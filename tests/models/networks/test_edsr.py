"""EDSR: the identity at first, and trained on the diffusion's outputs for training slices."""

import pytest
import torch
import torch.nn.functional as F

from models import weights
from models.interpolation import bicubic, degrade
from models.networks.edsr import Training, build

SIZE = {"blocks": 2, "width": 8}
OPTIONS = {
    "pool": 6, "sampler": "ddim", "sampling_steps": 4, "eta": 1.0, "patch": 16,
    "rate": 1e-2, "rate_schedule": "constant",
}  # fmt: skip


@pytest.fixture(scope="module")
def first_stage_and_diffusion() -> dict[str, torch.nn.Module]:
    torch.manual_seed(2)
    vq = {"channels": [8, 8, 8], "layers_per_block": 1, "codes": 16, "norm_groups": 4}
    ldm = {
        "width": 8, "multipliers": [1, 1], "layers_per_block": 1, "attention_factors": [2], "norm_groups": 4,
        "head_channels": 8,
    }  # fmt: skip
    return {"vq": weights.network("vq", vq).eval(), "ldm": weights.network("ldm", ldm).eval()}


def test_parameter_count_is_the_articles():
    assert sum(p.numel() for p in build().parameters()) == 16 * 2 * (9 * 64 * 64 + 64) + 640 + 9 * 64 * 64 + 64 + 577


def test_untrained_network_is_the_identity():
    slices = torch.rand(2, 1, 20, 24)
    torch.testing.assert_close(build(**SIZE)(slices), slices, atol=0, rtol=0)


def test_saved_and_loaded_network_has_the_same_outputs(assert_round_trip):
    assert_round_trip("edsr", SIZE, torch.rand(2, 1, 16, 16))


@pytest.mark.parametrize("loss", ["mae", "mse"])
def test_training_lowers_the_loss_below_that_of_the_input(loss, train, monkeypatch):
    """Blurred slices replace the diffusion's, because an untrained diffusion makes nothing that can be sharpened."""
    monkeypatch.setattr(Training, "restore", lambda self, slices, index, **_: bicubic(degrade(slices, 2), 2))
    task, log = train("edsr", SIZE, OPTIONS | {"loss": loss}, 150)
    assert log.rows[0]["network_loss"] == pytest.approx(log.rows[0]["input_loss"])
    last = log.rows[-10:]
    assert sum(row["network_loss"] for row in last) < 0.9 * sum(row["input_loss"] for row in last)
    assert task.network.mean == pytest.approx(task.target.mean().item())


def test_interrupted_training_equals_uninterrupted_training(assert_resumes, first_stage_and_diffusion):
    stairs = {"rate_schedule": "stairs", "lower_at": [2], "lower_by": 0.5}
    assert_resumes("edsr", SIZE, OPTIONS | stairs, first_stage_and_diffusion)


def test_pool_pairs_each_target_with_its_restored_slice(bank, first_stage_and_diffusion):
    task = Training(build(**SIZE), first_stage_and_diffusion, 10, OPTIONS)
    task.prepare(bank)
    assert task.restored.shape == task.target.shape == (6, 1, 32, 32)
    again = task.restore(task.target[2:3], [2], sampler="ddim", eta=1.0, steps=4)
    torch.testing.assert_close(task.restored[2:3], again, atol=1e-5, rtol=0)
    assert not any(key.startswith(("restored", "target")) for key in task.trained_state())


def test_pool_is_limited_to_the_number_of_training_slices(bank, first_stage_and_diffusion):
    task = Training(build(**SIZE), first_stage_and_diffusion, 10, OPTIONS | {"pool": 10_000, "sampling_steps": 1})
    task.prepare(bank)
    assert len(task.target) == len(bank)


def test_input_and_target_patches_are_cut_at_the_same_place(bank, first_stage_and_diffusion):
    task = Training(build(**SIZE), first_stage_and_diffusion, 10, OPTIONS | {"sampling_steps": 1})
    task.prepare(bank)
    task.restored = task.target.clone()
    loss, _ = task("network", bank.batch(8), 0)
    assert loss == 0


def test_loss_is_the_configured_one_and_mae_by_default(bank, first_stage_and_diffusion):
    """Untrained, the loss is that of the input: the mean absolute error unless another loss is set."""
    for name, loss in {"mae": F.l1_loss, "mse": F.mse_loss}.items():
        task = Training(
            build(**SIZE), first_stage_and_diffusion, 1, OPTIONS | {"loss": name, "sampling_steps": 1, "patch": 32}
        )
        task.prepare(bank)
        batch = bank.batch(4)
        torch.manual_seed(0)
        value, _ = task("network", batch, 0)
        torch.manual_seed(0)
        index = torch.randint(6, (4,))
        assert value.item() == pytest.approx(loss(task.restored[index], task.target[index]).item(), rel=1e-5)
    assert Training(build(**SIZE), first_stage_and_diffusion, 1, OPTIONS).loss is F.l1_loss
    with pytest.raises(ValueError, match="'loss' is huber; choose one of mae, mse"):
        Training(build(**SIZE), first_stage_and_diffusion, 1, OPTIONS | {"loss": "huber"})
