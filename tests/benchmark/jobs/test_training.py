"""Early stopping uses held-out patients, or is off."""

import pytest

from benchmark.jobs.training import early_stopping
from models.training.held_out import EarlyStop

RULE = {"every": 5, "patience": 2}


def test_early_stopping_uses_held_out_patients():
    assert early_stopping(RULE, ["a", "b"], ["c"]) == EarlyStop(every=5, patience=2)
    assert early_stopping(None, ["a", "b"], ["c"]) is None


@pytest.mark.parametrize("validation", [[], ["a", "b"]])
def test_early_stopping_is_off_without_held_out_patients(validation, capsys):
    assert early_stopping(RULE, ["a", "b"], validation) is None
    assert "no patient is held out" in capsys.readouterr().out
