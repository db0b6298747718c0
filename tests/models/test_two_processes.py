"""A training over two devices (``compute.devices``), as two processes on the CPU."""

import json
import os
import subprocess
import sys

import pytest
import torch
import two_processes as two


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What the first and the second process saw."""
    folder = tmp_path_factory.mktemp("two")
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "LOCAL_"))}
    done = subprocess.run(
        [sys.executable, two.__file__, folder],
        env=environment | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def test_every_process_has_its_own_slices_and_gradients_are_averaged(seen):
    bank, level = two.bank(), 0.0
    for step in range(two.STEPS):
        means = []
        for rank in (0, 1):
            torch.manual_seed(two.SEED + (2 * step + rank) * 1_000_003)
            means.append(bank.batch(two.BATCH).mean().item())
        assert means[0] != means[1]
        level -= two.RATE * sum(2 * (level - mean) for mean in means) / 2
    assert seen[0]["plain"]["level"] == seen[1]["plain"]["level"] == pytest.approx(level, rel=1e-5)


def test_a_loss_of_nan_in_one_process_ends_all(seen):
    for one in seen:
        assert "is NaN or infinite at step 3" in one["nan"]["error"]


def test_a_signal_to_one_process_stops_all_at_the_same_step_and_the_training_resumes_to_the_bit(seen):
    for one in seen:
        assert "stopped at step 3 of 6" in one["stopped"]["error"]
        assert one["resumed"]["level"] == one["plain"]["level"]


def test_early_stopping_follows_the_first_process(seen):
    # its loss rises from the first measurement on, so that the first weights are kept and two more steps end it
    for one in seen:
        assert (one["early"]["steps"], one["early"]["kept"]) == (3, 1)
    assert seen[0]["early"]["level"] == seen[1]["early"]["level"]
