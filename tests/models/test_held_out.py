"""Early stopping: by held-out slices, the same in every run and across an interruption."""

import numpy as np
import pytest
import torch
from torch import nn

from models.training.data import SliceBank
from models.training.held_out import EarlyStop
from models.training.log import TrainingLog
from models.training.loop import Stopped, TrainingPlan, fit, start_fabric
from models.training.task import Phase, Task, rate_schedule


class Level(nn.Module):
    """A grey level for all slices."""

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(0.0))


class Learn(Task):
    """Moves the level steadily towards the training slices' mean; the held-out slices' mean is in between."""

    ema_decay: float | None = None

    def phases(self):
        optimiser = torch.optim.SGD(self.network.parameters(), lr=0.1)
        return {"network": Phase(optimiser, rate_schedule(None, optimiser, self.steps))}

    def forward(self, phase, batch, step):
        return (self.network.level - batch.mean()).abs(), {}

    def held_out_loss(self, batch):
        return (self.network.level - batch.mean()).abs() + 0 * torch.rand(())

    def picture(self, batch):
        return [batch]


RULE = EarlyStop(every=2, patience=2, slices=4)


@pytest.fixture
def train_grey_level(tmp_path):
    def run(folder, stop_after=None, rule=RULE, complete_from=0):
        (tmp_path / folder).mkdir(exist_ok=True)
        banks = [SliceBank([np.full((4, 8, 8), level, np.float32)]) for level in (0.9, 0.5)]
        task = Learn(Level(), {}, 40, {})
        task.complete_from = complete_from
        plan = TrainingPlan(40, 2, 3, 5, 99, 99, stop_after, early_stop=rule)
        log = TrainingLog("level", tmp_path / folder / "n")
        outcome = fit(task, *banks, plan, tmp_path / folder / "n.ckpt", log, start_fabric("cpu"), {"id": 1})
        return task.network.level.item(), outcome, log.rows

    return run


def test_training_stops_after_the_lowest_held_out_loss_and_keeps_those_weights(train_grey_level):
    level, outcome, rows = train_grey_level("a")
    assert level == pytest.approx(0.5, abs=0.11)
    assert outcome.stopped_early
    assert not outcome.limited
    assert outcome.steps < 40
    assert outcome.kept == outcome.steps - 4  # two measurements, two steps apart, were no lower
    measured = {int(row["step"]): row["held_out"] for row in rows if "held_out" in row}
    assert outcome.held_out == min(measured.values()) == measured[outcome.kept]


def test_losses_before_the_complete_loss_do_not_stop_the_training(train_grey_level):
    early = train_grey_level("a")[1]
    _, outcome, rows = train_grey_level("b", complete_from=20)
    assert early.steps < 20
    assert outcome.kept == 22  # the loss rises: the first measurement that counts is the lowest
    assert outcome.steps == 26
    assert [row["step"] for row in rows if "held_out" in row] == list(range(2, 27, 2))
    assert train_grey_level("c", complete_from=40)[1].kept == 40


def test_without_early_stopping_all_steps_run(train_grey_level):
    level, outcome, rows = train_grey_level("a", rule=None)
    assert level == pytest.approx(0.9, abs=0.11)
    assert (outcome.steps, outcome.stopped_early, outcome.held_out, outcome.kept) == (40, False, None, None)
    assert not any("held_out" in row for row in rows)


def test_training_interrupted_after_every_step_equals_uninterrupted_training(train_grey_level):
    expected = train_grey_level("a")
    for _ in range(expected[1].steps - 1):
        with pytest.raises(Stopped):
            train_grey_level("b", stop_after=0.0)
    level, outcome, rows = train_grey_level("b")
    assert (level, rows) == (expected[0], expected[2])
    assert (outcome.steps, outcome.kept, outcome.held_out) == (
        expected[1].steps,
        expected[1].kept,
        expected[1].held_out,
    )


def test_task_without_held_out_loss_refuses_early_stopping(tmp_path):
    with pytest.raises(ValueError, match="remove early_stop"):
        Task(nn.Linear(1, 1), {}, 1, {}).held_out_loss(torch.zeros(1, 1, 8, 8))
