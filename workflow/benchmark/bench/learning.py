"""A training step of each network: by the training loop, and in plain code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.bench import study
from benchmark.bench.limit import counted
from benchmark.bench.row import Race
from benchmark.config.networks import class_of, study_networks
from benchmark.config.recipe import settled

SLICES = 48


def rows(config: Mapping[str, Any], side: int, trunk: Path, device: str = "cpu") -> Iterator[Race]:
    """A step of each network's batch, on slices ``side``×``side``."""
    for name in one_of_each_class(config):
        setup = TrainingSetup(name, config, side, trunk, device)
        fast, plain = Learning(setup), Plainly(setup)
        yield Race(f"training, {name}", "step", fast.step, plain.step, flop=counted(fast.step))


def one_of_each_class(config: Mapping[str, Any]) -> list[str]:
    """Networks of the study, the first of each class: variants take the same time."""
    networks = study_networks(config)
    first = {class_of(config, name): name for name in reversed(networks)}
    return [name for name in networks if name in first.values()]


@dataclass(frozen=True)
class TrainingSetup:
    """What is trained, and where: a network of the config, with random weights, on slices of noise ``side``×``side``.

    ``trunk``: the file of the perceptual loss; ``training``: options that replace the config's.
    """

    name: str
    config: Mapping[str, Any]
    side: int
    trunk: Path
    device: str
    training: Mapping[str, Any] = field(default_factory=dict)

    def task(self, fast: bool) -> tuple[Any, int]:
        """The network's task, and its batch. ``fast``: frozen networks in the memory layout of the training loop."""
        import torch

        from models import weights
        from models.fast import laid_out

        torch.manual_seed(0)
        block = self.config["networks"][self.name]
        options = {"trunk": str(self.trunk), **settled(block["training"], SLICES), **self.training}
        batch = options["batch"]
        if "pool" in options:
            options |= {"pool": batch, "sampling_steps": 1}
        frozen = {
            class_of(self.config, need): weights.network(
                class_of(self.config, need), self.config["networks"][need]["size"]
            )
            for need in block["needs"]
        }
        needs = {kind: laid_out(network) if fast else network for kind, network in frozen.items()}
        kind = class_of(self.config, self.name)
        training_of, network = weights.training_of(kind), weights.network(kind, block["size"])
        return training_of(network, needs, 10**6, options | {"slices_per_step": batch}), batch


class Learning:
    """A network in training by the parts of the training loop."""

    def __init__(
        self,
        setup: TrainingSetup,
        *,
        precision: Any = "32-true",
        compiler: Mapping[str, Any] | None = None,
        **how: bool,
    ) -> None:
        """``compiler``: options of ``torch.compile`` that replace a training's; ``how``: ``compiled``, ``half``
        (``models.training.loop.fit``).
        """
        from models.compiling import compile_costly
        from models.half import halved
        from models.training.learner import Learner
        from models.training.loop import start_fabric

        self.fabric = start_fabric(setup.device, 1, precision)
        with self.fabric.device:  # weights are drawn on their device
            self.task, self.batch = setup.task(fast=True)
        if compiler:
            for network in (self.task.network, *map(halved, self.task.frozen.values())):
                compile_costly(network, **compiler)
        self.bank = self.task.learns_from([study.noise(SLICES, setup.side)], self.fabric.device)
        self.learner = Learner(self.task, self.bank, self.fabric, **how)
        self.done = 0

    def step(self) -> dict[str, Any]:
        """One step of every phase, and of the averages; the losses."""
        numbers = self.learner.step(self.bank.batch(self.batch), self.done)
        self.done += 1
        return numbers


class Plainly:
    """The same in plain code.

    Volumes are float32 in memory, a ``DataLoader`` collates batches from single slices, networks and optimisers have
    their default settings, and parameters are averaged one by one.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        import torch
        from diffusers.training_utils import EMAModel

        from models.training.loop import start_fabric

        self.fabric = start_fabric(setup.device)
        task, self.batch = setup.task(fast=False)
        self.task = task.to(self.fabric.device).train()
        slices = study.noise(max(SLICES, self.batch), setup.side)  # the loader drops a batch that is not full
        self.task.prepare(self.task.learns_from([slices], self.fabric.device))
        phases = self.task.phases()
        parameters = self.task.network.parameters()
        self.averages = EMAModel(parameters, decay=self.task.ema_decay) if self.task.ema_decay else None
        if self.averages:
            self.averages.to(self.fabric.device)
        self.wrapped, *optimisers = self.fabric.setup(self.task, *(phase.optimiser for phase in phases.values()))
        self.optimisers = dict(zip(phases, optimisers, strict=True))
        self.loader = self._loader(torch.from_numpy(slices)[:, None])
        self.done = 0

    def _loader(self, slices: Any) -> Any:
        import torch

        dataset = torch.utils.data.TensorDataset(slices)
        while True:
            for (batch,) in torch.utils.data.DataLoader(dataset, self.batch, shuffle=True, drop_last=True):
                yield batch.to(self.fabric.device)

    def step(self) -> None:
        """One step of every phase, and of the averages."""
        batch = next(self.loader)
        for name, optimiser in self.optimisers.items():
            loss, _ = self.wrapped(name, batch, self.done)
            optimiser.zero_grad()
            self.fabric.backward(loss)
            optimiser.step()
        if self.averages:
            self.averages.step(self.task.network.parameters())
        self.done += 1
