"""Each network's training on the device: the first losses as on the CPU, stopped and resumed, mixed, compiled."""

import csv
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from setting import Check, Setting, Skipped, config, random_weights, truths

STEPS, STOPPED_AFTER = 6, 3
IDENTITY = {"cohort": "phantoms", "fold": "1"}
CLOSE = {"32-true": 0.02, "bf16-mixed": 0.1}
"""Relative difference of the first losses from the CPU's in float32: convolutions in TF32; bfloat16 has 8 bits."""
COMPILING = {"vq": 75, "ldm": 80, "edsr": 50}
"""Seconds that a training takes to compile, where it is more than 25."""
RESUMED = 0.02
"""What a resumed training may differ by, as a share of how far the weights moved: sums of a GPU have no fixed order."""


def networks() -> list[str]:
    """The smoke study's networks, those of equal class and size once."""
    found: dict[str, str] = {}
    for name, block in config()["networks"].items():
        found.setdefault(repr((block.get("class", name), sorted(block["size"].items()))), name)
    return list(found.values())


def compiling() -> set[str]:
    """One network for each class and factor: others compile to nearly the same kernels."""
    found: dict[str, str] = {}
    for name in networks():
        block = config()["networks"][name]
        found.setdefault(repr((block.get("class", name), block["size"].get("factor"))), name)
    return set(found.values())


def checks(name: str, compiled: bool) -> list[Check]:
    """The checks of one network, in the order of their dependencies."""
    found = [
        Check(f"train {name}: float32, losses as on the CPU", lambda setting: _float32(name, setting), 25),
        Check(f"train {name}: stopped by a signal, resumed", lambda setting: resumed(name, setting), 10),
        Check(f"train {name}: bf16-mixed", lambda setting: _like_float32(name, setting, precision="bf16-mixed"), 5),
    ]
    if compiled and name in compiling():
        mixed = {"precision": "bf16-mixed", "compile": True}
        found.append(
            Check(
                f"train {name}: compiled, bf16-mixed",
                lambda s: _like_float32(name, s, **mixed),
                COMPILING.get(name, 25),
            )
        )
    return found


def trained(name: str, setting: Setting, folder: str, *, steps: int = STEPS, **compute: Any) -> Path:
    """Trains ``name`` as a job of the study does and returns the weights' file."""
    from benchmark.jobs.training import train

    study = config()
    block = dict(study["networks"][name])
    options = dict(block["training"]) | {"steps": steps}
    net = options.get("perceptual_net", "vgg")
    trunk = setting.trunk(net) if options.get("perceptual_weight") else None
    if options.get("perceptual_weight") and trunk is None:
        options["perceptual_weight"] = 0
    block["training"] = options
    target = setting.folder / folder / f"{name}.safetensors"
    defaults = {"devices": 1, "threads": 1, "checkpoint_every": 99, "picture_every": 99, "log_every": 1}
    train(
        name,
        block,
        training=truths(setting)[:1],
        validation=truths(setting)[1:],
        needs=random_weights(setting, list(block["needs"])),
        trunk=trunk,
        weights=target,
        seed=study["seed"],
        identity=IDENTITY,
        compute=study["compute"] | defaults | {"device": setting.device} | compute,
    )
    return target


def losses(weights: Path) -> list[dict[str, float]]:
    """Rows of the log next to ``weights``: only the losses."""
    with open(weights.with_suffix(".csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: float(value) for key, value in row.items() if "loss" in key and value} for row in rows]


def compare(found: Path, expected: Path, tolerance: float) -> str:
    """Checks that the first losses agree within ``tolerance`` (relative), that the network's loss agrees two steps
    later (layers that start at zero do not affect the first loss), and that all are finite.
    """
    import math

    rows, wanted = losses(found), losses(expected)
    assert all(math.isfinite(value) for row in rows for value in row.values()), f"not finite: {rows}"
    off = {key: abs(rows[0][key] - value) / max(abs(value), 1e-2) for key, value in wanted[0].items()}
    later = {"network_loss later": abs(rows[2]["network_loss"] / wanted[2]["network_loss"] - 1)}
    detail = "first losses differ by " + ", ".join(f"{key} {value:.1e}" for key, value in (off | later).items())
    assert max((off | later).values()) <= tolerance, f"{detail}; at most {tolerance:g}: {rows}, {wanted}"
    return detail


def _float32(name: str, setting: Setting) -> str:
    cpu = Setting("cpu", setting.folder, setting.trunks)
    setting.kept["start"] = trained(name, cpu, "start", steps=1)
    expected = trained(name, cpu, "cpu")
    with _deterministic(setting.device):
        setting.kept["float32"] = trained(name, setting, "float32")
    return compare(setting.kept["float32"], expected, CLOSE["32-true"])


def resumed(name: str, setting: Setting) -> str:
    """Pictures of the averaged weights are made on the way; neither these nor the stop change the weights."""
    from models.training.loop import Stopped

    undisturbed = _needed(setting, "float32")
    with _deterministic(setting.device):
        try:
            with _signalled(name, setting):
                trained(name, setting, "resumed", picture_every=2)
        except Stopped:
            pass
        else:
            raise AssertionError("the signal did not stop the training")
        again = trained(name, setting, "resumed", picture_every=2)
    return equal(again, undisturbed, _needed(setting, "start"))


def _like_float32(name: str, setting: Setting, **compute: Any) -> str:
    folder = "-".join(map(str, compute.values()))
    return compare(trained(name, setting, folder, **compute), _needed(setting, "float32"), CLOSE[compute["precision"]])


def _needed(setting: Setting, key: str) -> Path:
    if key not in setting.kept:
        raise Skipped("the float32 training that it is compared with failed")
    return setting.kept[key]


def equal(resumed: Path, undisturbed: Path, start: Path) -> str:
    import torch
    from safetensors.torch import load_file

    one, other, begin = load_file(resumed), load_file(undisturbed), load_file(start)
    assert losses(resumed)[0] == losses(undisturbed)[0], "the log of the steps before the signal is lost"
    assert len(losses(resumed)) == STEPS
    if all(torch.equal(one[key], other[key]) for key in other):
        return "bit for bit"

    def distance(a: dict[str, Any], b: dict[str, Any]) -> float:
        return sum(float((a[key].double() - b[key].double()).square().sum()) for key in other) ** 0.5

    share = distance(one, other) / distance(other, begin)
    assert share <= RESUMED, f"weights differ by {share:.1%} of how far they moved; at most {RESUMED:.0%}"
    return f"not bit for bit: by {share:.2e} of how far the weights moved"


@contextmanager
def _signalled(name: str, setting: Setting) -> Iterator[None]:
    """SIGTERM to this process when batch ``STOPPED_AFTER`` is drawn, as a cluster sends it."""
    import torch

    from benchmark import volume
    from models import weights

    task = weights.training_of(config()["networks"][name].get("class", name))
    bank = type(task.learns_from([volume.read(truths(setting)[0])[0]], torch.device("cpu")))
    real, drawn = bank.batch, 0

    def batch(self: Any, size: int) -> Any:
        nonlocal drawn
        drawn += 1
        if drawn == STOPPED_AFTER:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(self, size)

    bank.batch = batch
    try:
        yield
    finally:
        bank.batch = real


@contextmanager
def _deterministic(device: str) -> Iterator[None]:
    """Uses kernels with a fixed order of sums, if available: otherwise two runs are never equal."""
    import torch

    if device == "cpu":
        yield
        return
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
