"""One training job: input: volumes and a network's config; output: weights, log, curve and validation picture."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmark import progress, volume
from benchmark.config import digest
from benchmark.config.code import code
from benchmark.config.recipe import files_of, settled
from benchmark.files import sha256
from benchmark.jobs import training_data
from benchmark.project import revision
from benchmark.seeds import derive
from models import weights as weight_files
from models.auto import decided
from models.compiling import training_pays
from models.training.held_out import EarlyStop
from models.training.log import TrainingLog
from models.training.loop import Outcome, TrainingPlan, fit, start_fabric
from models.training.task import Options


def train(
    name: str,
    network: Mapping[str, Any],
    *,
    training: Sequence[str],
    validation: Sequence[str],
    needs: Sequence[str],
    trunk: str | None,
    weights: Path,
    seed: int,
    identity: Mapping[str, str],
    compute: Mapping[str, Any],
    init: str | None = None,
    recipe: str | None = None,
    stop_after: float | None = None,
    limit: float | None = None,
    shares: Sequence[float] | None = None,
    half: bool = False,
) -> None:
    """Trains network ``name`` on the volumes ``training`` and writes ``weights`` and, next to it, the log.

    ``network``: its config block. ``needs``: weight files of the networks that this network needs. ``identity``: cohort
    and fold, stored in the metadata together with the name of the ``recipe``. ``init``: weights to start from.
    ``stop_after``: seconds from now after which to write a checkpoint and stop, or None. ``limit``: seconds for the
    training, whose schedule is then shortened, or None. ``shares``: relative frequency with which each training volume
    is drawn. ``half``: the weights are written in half precision. A checkpoint ``{weights}.ckpt`` of the same config is
    resumed if its input files are unchanged; any other checkpoint is ignored. Raises the errors of
    ``models.training.loop.fit``.
    """
    called = time.monotonic()
    torch.set_num_threads(compute["threads"])
    torch.manual_seed(derive(seed, "weights", name, *identity.values()))
    fabric = start_fabric(compute["device"], compute["devices"], compute["precision"])
    kind = network.get("class", name)
    module = _start(kind, network["size"], init)
    task_of = weight_files.training_of(kind)
    bank = task_of.learns_from((volume.read(path)[0] for path in training), fabric.device, shares)
    held_out = task_of.learns_from((volume.read(path)[0] for path in validation or training[:1]), fabric.device)
    options = Options(settled(network["training"], len(bank), compute["devices"]))
    steps, batch = options.pop("steps"), options.pop("batch")
    early_stop = early_stopping(options.pop("early_stop", None), training, validation)
    slices_per_step = batch * compute["devices"]
    options |= {"slices_per_step": slices_per_step} | ({"trunk": trunk} if trunk else {})
    task = task_of(module, weight_files.load_by_class(needs, fabric.device), steps, options)
    task.initialised = init is not None
    log = TrainingLog(f"{name} of {identity['cohort']}, fold {identity['fold']}", weights.with_suffix(""))
    settings = {"network": dict(network), "seed": seed, "training": list(map(str, training)), "shares": shares}
    plan = TrainingPlan(
        steps=steps,
        batch=batch,
        seed=derive(seed, "batches", name, *identity.values()) % 2**40,  # the loop adds to it at each step
        checkpoint_every=compute["checkpoint_every"],
        picture_every=compute["picture_every"],
        log_every=compute["log_every"],
        stop_after=None if stop_after is None else stop_after - (time.monotonic() - called),
        limit=limit,
        early_stop=early_stop,
    )
    print(f"{name}: {sum(p.numel() for p in module.parameters()):,} parameters, {len(bank)} slices, {fabric.device}")
    inputs = [*training, *validation, *needs, *([trunk] if trunk else []), *files_of(init)]
    checkpoint = weights.with_suffix(".ckpt")
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    outcome = fit(
        task,
        bank,
        held_out,
        plan,
        checkpoint,
        log,
        fabric,
        {"config": digest(settings), "inputs": inputs_digest(inputs, compute, kind)},
        compiled=decided(compute["compile"], training_pays(fabric.device, steps)),
        half=decided(compute["half"], fabric.device.type == "cuda"),
        show=lambda title, total, begun: progress.bar(title, total, "it", begun=begun, logged=True),
    )
    if not fabric.is_global_zero:
        return
    log.write()
    metadata = {
        "network": name,
        "class": kind,
        "size": network["size"],
        "config": digest(settings),
        "seed": seed,
        **_length(outcome, slices_per_step, len(bank)),
        "recipe": recipe,
        "init": _origin(init),
        "revision": revision(),
        "trained_on": training_data.summary(training),
        **identity,
    }
    weight_files.save(weights, task.network, metadata, half=half)
    checkpoint.unlink(missing_ok=True)


def _start(kind: str, size: Mapping[str, Any], init: str | None) -> torch.nn.Module:
    """The network before its training: random weights, or the weights ``init``."""
    module = weight_files.network(kind, size)
    if init:
        from models.initialise import initialise  # its import takes seconds

        print(initialise(module, kind, init))
    return module


def inputs_digest(files: Iterable[str], compute: Mapping[str, Any], kind: str) -> str:
    """What a training depends on, in addition to its config block: the content of ``files``, and the code ``kind`` of
    the network. A checkpoint from before one of these changed must not be resumed."""
    parallel = {key: compute[key] for key in ("devices", "precision")}
    return digest([[sha256(path) for path in files], parallel, code("networks", kind)])


def early_stopping(
    rule: Mapping[str, int] | None, training: Sequence[str], validation: Sequence[str]
) -> EarlyStop | None:
    """The config's ``early_stop``; None if no patient is held out, as in a study of one fold."""
    if not rule:
        return None
    if not validation or set(validation) & set(training):
        print("early_stop: no patient is held out in this study; the training runs all its steps")
        return None
    return EarlyStop(**rule)


def _length(outcome: Outcome, slices_per_step: int, slices: int) -> dict[str, Any]:
    """The length of a training, and why it ended."""
    ended = "early_stop" if outcome.stopped_early else "time" if outcome.limited else "length"
    return {
        "steps": outcome.steps,
        "epochs": round(outcome.steps * slices_per_step / slices, 3),
        "slices_per_step": slices_per_step,
        "ended_by": ended,
        "held_out_loss": outcome.held_out,
        "kept_step": outcome.steps if outcome.kept is None else outcome.kept,
    }


def _origin(init: str | None) -> dict[str, Any] | None:
    """The weights from which a training started: file and hash."""
    if init is None:
        return None
    return {"file": Path(init).name, "sha256": sha256(init) if Path(init).is_file() else None}
