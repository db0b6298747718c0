"""A training step of each network: as the loop takes it, and as one would write it first."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.bench import study
from benchmark.bench.limit import counted
from benchmark.bench.row import Row
from benchmark.networks import class_of
from benchmark.recipe import settled

NETWORKS = ("vq", "ldm", "edsr", "srgan", "wdsr", "autoencoder", "quartet")
SLICES = 48


def rows(config: Mapping[str, Any], side: int, trunk: Path, device: str = "cpu") -> Iterator[Row]:
    """A step of each network's batch, on slices ``side``×``side``."""
    for name in NETWORKS:
        fast, plain = (Learner(name, config, side, trunk, device, how) for how in (True, False))
        yield Row(f"training, {name}", "step", fast.step, plain.step, flop=counted(fast.step))


class Learner:
    """A network in training, with random weights and slices of noise."""

    def __init__(
        self,
        name: str,
        config: Mapping[str, Any],
        side: int,
        trunk: Path,
        device: str,
        fast: bool,
        *,
        precision: Any = "32-true",
        compiled: bool = False,
    ) -> None:
        """``fast``: by the parts of the loop; else volumes stay float32 in memory and batches are collated from single
        slices by a ``DataLoader``, frozen networks are laid out as they are built, and parameters averaged one by one.
        """
        import torch

        from models import weights
        from models.fast import compile_costly, laid_out
        from models.training.data import SliceBank
        from models.training.loop import averages, start_fabric
        from models.training.task import fuse

        torch.manual_seed(0)
        block = config["networks"][name]
        options = {"trunk": str(trunk)} | settled(block["training"], SLICES)
        self.batch = options["batch"]
        if "pool" in options:
            options |= {"pool": self.batch, "sampling_steps": 1}
        frozen = {
            class_of(config, need): weights.network(class_of(config, need), config["networks"][need]["size"])
            for need in block["needs"]
        }
        self.fabric = start_fabric(device, 1, precision)
        needs = {n: laid_out(network) if fast else network for n, network in frozen.items()}
        kind = weights.training_of(block.get("class", name))
        network = weights.network(block.get("class", name), block["size"])
        task = kind(network, needs, 10**6, options | {"slices_per_step": self.batch})
        self.task = task.to(self.fabric.device).train()
        slices = study.noise(SLICES, side)
        self.bank = SliceBank([slices], self.fabric.device)
        self.task.prepare(self.bank)
        phases = self.task.phases()
        if fast and self.fabric.device.type == "cuda":
            for phase in phases.values():
                fuse(phase.optimiser)
        if compiled:
            compile_costly(network, mode=None)
        self.averages = averages(self.task) if fast else _one_by_one(self.task)
        if self.averages:
            self.averages.to(self.fabric.device)
        self.wrapped, *optimisers = self.fabric.setup(self.task, *(phase.optimiser for phase in phases.values()))
        self.optimisers = dict(zip(phases, optimisers, strict=True))
        self.loader = None if fast else self._loader(torch.from_numpy(slices)[:, None])
        self.done = 0

    def _loader(self, slices: Any) -> Any:
        import torch

        dataset = torch.utils.data.TensorDataset(slices)
        while True:
            for (batch,) in torch.utils.data.DataLoader(dataset, self.batch, shuffle=True, drop_last=True):
                yield batch.to(self.fabric.device)

    def step(self) -> None:
        """One step of every phase, and of the averages."""
        from models.training.loop import learn

        batch = self.bank.batch(self.batch) if self.loader is None else next(self.loader)
        learn(self.fabric, self.wrapped, self.optimisers, {}, batch, self.done)
        if self.averages:
            self.averages.step(self.task.network.parameters())
        self.done += 1


def _one_by_one(task: Any) -> Any:
    """Averaged weights as ``diffusers`` updates them by default, where the task has them."""
    from diffusers.training_utils import EMAModel

    return EMAModel(task.network.parameters(), decay=task.ema_decay) if task.ema_decay else None
