"""Trainings small enough for a test: a few slices of a phantom, a few steps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.datasets.phantom import phantom
from models import weights
from models.fast import laid_out
from models.training.data import SliceBank
from models.training.log import TrainingLog
from models.training.loop import Stopped, TrainingPlan, fit, start_fabric
from models.training.task import Task


@pytest.fixture(scope="session")
def bank() -> SliceBank:
    volume = phantom((32, 32, 16), "T1", seed=5).clip(0, 1).astype(np.float32)
    return SliceBank([np.moveaxis(volume, 2, 0)[3:13]])


@pytest.fixture
def train(bank: SliceBank, tmp_path: Path) -> Callable[..., tuple[Task, TrainingLog]]:
    """Trains a network from fixed weights; ``interrupted``: stopped after every step, and started again from disk."""

    def once(name: str, size: dict, options: dict, steps: int, needs: dict, folder: Path, stop_after: float | None):
        torch.manual_seed(0)
        network = weights.network(name, size)
        task = weights.training_of(name)(network, needs, steps, options | {"slices_per_step": 4})
        plan = TrainingPlan(steps, 4, 7, checkpoint_every=99, picture_every=99, log_every=1, stop_after=stop_after)
        log = TrainingLog(name, folder / name)
        fit(task, bank, bank, plan, folder / f"{name}.ckpt", log, start_fabric("cpu"), {"id": name})
        return task, log

    def run(
        name: str, size: dict, options: dict[str, Any], steps: int, needs: dict | None = None, interrupted: bool = False
    ) -> tuple[Task, TrainingLog]:
        folder = tmp_path / ("interrupted" if interrupted else "undisturbed")
        folder.mkdir(exist_ok=True)
        arguments = (name, size, options, steps, needs or {}, folder)
        for _ in range(steps - 1 if interrupted else 0):
            with pytest.raises(Stopped):
                once(*arguments, stop_after=0.0)
        return once(*arguments, stop_after=None)

    return run


@pytest.fixture
def assert_resumes(train: Callable[..., tuple[Task, TrainingLog]]) -> Callable[..., None]:
    """A training that was interrupted after every step ends bit for bit as an undisturbed one."""

    def check(name: str, size: dict, options: dict, needs: dict | None = None, steps: int = 4) -> None:
        expected, log = train(name, size, options, steps, needs)
        resumed, again = train(name, size, options, steps, needs, interrupted=True)
        assert again.rows == log.rows
        for key, value in expected.trained_state().items():
            torch.testing.assert_close(resumed.trained_state()[key], value, atol=0, rtol=0, msg=key)

    return check


@pytest.fixture
def assert_round_trip(tmp_path: Path) -> Callable[..., None]:
    """Saved and loaded, a network is the same, in ``eval`` mode."""

    def check(name: str, size: dict, example: torch.Tensor) -> None:
        torch.manual_seed(1)
        module = weights.network(name, size)
        module(example)  # moves batch norm's statistics, which belong to the weights
        weights.save(tmp_path / "w.safetensors", module, {"network": name, "size": size})
        back = weights.load(tmp_path / "w.safetensors")
        torch.testing.assert_close(back(example), laid_out(module.eval())(example), atol=0, rtol=0)

    return check
