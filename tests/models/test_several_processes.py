"""Training on several devices: two processes on the CPU, as Fabric starts them for two GPUs."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.training.data import SliceBank
from models.training.log import TrainingLog
from models.training.loop import Diverged, TrainingPlan, fit, start_fabric
from models.training.task import Phase, Task


class Copy(Task):
    explode = False

    def phases(self):
        return {"network": Phase(torch.optim.Adam(self.network.parameters(), lr=1e-2))}

    def forward(self, phase, batch, step):
        self.seen = float(batch.mean())
        loss = (self.network(batch) - batch).pow(2).mean()
        return loss * (float("nan") if self.explode and step == 2 else 1), {}

    def picture(self, batch):
        return [batch]


fabric = start_fabric("cpu", 2)
folder = Path(sys.argv[1])
bank = SliceBank([np.random.default_rng(0).random((64, 8, 8), dtype=np.float32)])


def train(name, explode):
    torch.manual_seed(0)
    task = Copy(nn.Conv2d(1, 1, 3, padding=1), {}, 4, {})
    task.explode = explode
    plan = TrainingPlan(4, 3, 7, checkpoint_every=2, picture_every=9, log_every=1)
    fit(task, bank, bank, plan, folder / f"{name}.ckpt", TrainingLog(name, folder / name), fabric, {})
    return task


task = train("a", explode=False)
weights = fabric.all_gather(task.network.weight.detach())
seen = fabric.all_gather(torch.tensor(task.seen))
try:
    train("b", explode=fabric.global_rank == 1)
except Diverged as error:
    ended = str(error)
(folder / f"rank{fabric.global_rank}").write_text(
    f"equal weights {torch.equal(*weights)}, equal slices {torch.equal(*seen)}, {ended}"
)
"""


def test_two_processes_train_one_network_and_end_together_when_one_loss_is_nan(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for rank in (0, 1):
        said = (tmp_path / f"rank{rank}").read_text()
        assert said.startswith("equal weights True, equal slices False, b: a loss or a weight is NaN"), said
        assert "at step 3" in said
    assert {path.name for path in tmp_path.glob("*.ckpt")} == {"a.ckpt", "b.ckpt"}
