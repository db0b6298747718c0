"""Trainings over two processes on the CPU; each process writes what it saw to ``{folder}/{rank}.json``.

Run as a program with a folder: Fabric starts the second process by running the program again.
"""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.training.data import SliceBank
from models.training.held_out import EarlyStop
from models.training.log import TrainingLog
from models.training.loop import Diverged, Stopped, TrainingPlan, fit, start_fabric
from models.training.task import Phase, Task

SEED, STEPS, BATCH, RATE = 7, 6, 3, 0.1


def bank() -> SliceBank:
    return SliceBank([np.random.default_rng(5).random((20, 4, 4), dtype=np.float32)])


class Level(nn.Module):
    """A grey level for all slices."""

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(0.0))


class Learn(Task):
    """Moves the level towards the mean of the slices; ``trouble`` happens in the second process only."""

    trouble, rank = "", 0
    complete_from = 0

    def phases(self):
        return {"network": Phase(torch.optim.SGD(self.network.parameters(), lr=RATE))}

    def forward(self, phase, batch, step):
        here = self.rank == 1 and step == 2
        if here and self.trouble == "signal":
            os.kill(os.getpid(), signal.SIGTERM)
        loss = (self.network.level - batch.mean()).pow(2)
        return loss, {"seen": loss.detach() * (float("nan") if here and self.trouble == "nan" else 1)}

    def held_out_loss(self, batch):
        """In the second process the loss falls, in the first it rises."""
        level = self.network.level
        return level * (-1 if self.rank == 1 else 1) + 0 * batch.mean()

    def picture(self, batch):
        return [batch]


def main(folder: Path) -> None:
    fabric = start_fabric("cpu", 2)
    rank = fabric.global_rank

    def train(name: str, trouble: str = "", rule: EarlyStop | None = None) -> dict[str, object]:
        task = Learn(Level(), {}, STEPS, {})
        task.trouble, task.rank = trouble, rank
        (folder / f"{name}{rank}").mkdir(exist_ok=True)
        plan = TrainingPlan(STEPS, BATCH, SEED, checkpoint_every=99, picture_every=99, log_every=1, early_stop=rule)
        log = TrainingLog(name, folder / f"{name}{rank}" / "n")
        try:
            outcome = fit(task, bank(), bank(), plan, folder / f"{name}.ckpt", log, fabric, {})
        except (Diverged, Stopped) as error:
            return {"error": str(error)}
        return {"level": task.network.level.item(), "steps": outcome.steps, "kept": outcome.kept}

    seen = {
        "plain": train("plain"),
        "nan": train("nan", "nan"),
        "stopped": train("signal", "signal"),
        "resumed": train("signal"),
        "early": train("early", rule=EarlyStop(every=1, patience=2, slices=4)),
    }
    (folder / f"{rank}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
