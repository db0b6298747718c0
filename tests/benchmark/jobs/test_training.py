"""Early stopping uses held-out patients, or is off; what a checkpoint depends on."""

import pytest

from benchmark.jobs.training import early_stopping, inputs_digest
from models.training.held_out import EarlyStop

RULE = {"every": 5, "patience": 2}


def test_early_stopping_uses_held_out_patients():
    assert early_stopping(RULE, ["a", "b"], ["c"]) == EarlyStop(every=5, patience=2)
    assert early_stopping(None, ["a", "b"], ["c"]) is None


@pytest.mark.parametrize("validation", [[], ["a", "b"]])
def test_early_stopping_is_off_without_held_out_patients(validation, capsys):
    assert early_stopping(RULE, ["a", "b"], validation) is None
    assert "no patient is held out" in capsys.readouterr().out


def test_checkpoint_depends_on_the_content_of_its_inputs(tmp_path):
    """A diffusion must not resume in the latents of a first stage that was trained again under the same name."""
    first_stage = tmp_path / "vq.safetensors"
    first_stage.write_bytes(b"one")
    compute = {"devices": 1, "precision": "32-true", "log_every": 1}
    before = inputs_digest([str(first_stage)], compute, "ldm")
    assert inputs_digest([str(first_stage)], compute | {"log_every": 2}, "ldm") == before
    assert inputs_digest([str(first_stage)], compute | {"precision": "bf16-mixed"}, "ldm") != before
    first_stage.write_bytes(b"two")
    assert inputs_digest([str(first_stage)], compute, "ldm") != before
