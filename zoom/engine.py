"""The method with its networks in memory, and the division of its work: chunks that fit, measured on one tile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.errors import UserError
from zoom import probe
from zoom.choice import Choice, builder
from zoom.prepare import Prepared

if TYPE_CHECKING:
    from torch import nn

    from models.streaming import Streaming

#: Makes the networks of a choice on a device.
Load = Callable[[Choice, str], Mapping[str, "nn.Module"]]


@dataclass(frozen=True)
class Engine:
    """The method with loaded networks, and the division of its work.

    ``build(seed)``: the method; ``half``: whether in half precision; ``random``: whether the result depends on the
    seed; ``mixing`` (S', S): its weights.
    """

    build: Callable[[int], "Streaming"]
    plan: probe.ChunkPlan
    device: str
    half: bool
    random: bool
    mixing: np.ndarray


def start(
    prepared: Prepared, compute: Mapping[str, Any], tile: np.ndarray | None = None, *, load: Load = Choice.load
) -> Engine:
    """Loads the networks, measures one tile and divides the work to fit the allowed memory.

    ``compute``: the config's block; ``tile`` (2, h, w): two tiles of the scan in [0, 1], to check whether half
    precision changes the result (on a GPU; without tiles half precision is not used); ``load``: makes the networks.
    Raises ``UserError``: an option of the method, a spread of a method without random numbers, too little memory.
    """
    from models.thickness import Geometry

    choice, grid = prepared.choice, prepared.grid
    device, usual = _device(choice, compute)
    networks = load(choice, device)
    factor = choice.factor or grid.factor
    apart, rows, columns = prepared.scan.upright_spacing
    geometry = Geometry(
        profile="point" if prepared.thin else prepared.thickness.profile,
        thickness=0.0 if prepared.thin else prepared.thickness.slices,
        in_plane=2 * apart / (rows + columns),
    )

    def build(chunk: int, half: bool) -> Callable[[int], "Streaming"]:
        return builder(choice, networks, chunk=chunk, device=device, factor=factor, half=half, geometry=geometry)

    chunk = usual if compute["chunk"] == "auto" else compute["chunk"]
    half = device == "cuda" and tile is not None and bool(choice.networks) and bool(compute["half"])
    if half and tile is not None:
        half = probe.half_is_invisible(lambda flag: build(2, flag)(0), tile)
    try:
        trial = build(1, half)(0)
    except ValueError as error:
        raise UserError(f"method {choice.key}: {error}") from error
    if prepared.request.uncertainty and not trial.random:
        raise UserError(
            f"{prepared.scan.path}: method {choice.key} uses no random numbers, so there is no spread over seeds; "
            "leave out --uncertainty"
        )
    try:
        cost = probe.measure(trial, prepared.layout.tile())
    except NotImplementedError:
        raise UserError(
            f"method {choice.key}: its class defines no represent, so it restores only whole volumes, in a study; "
            "choose another method"
        ) from None
    plan = probe.plan(
        cost,
        prepared.layout,
        factor,
        trial.looks_at(grid.known, grid.at),
        exact=int(np.isin(grid.at, grid.known).sum()),
        largest=chunk,
        limit=int(prepared.request.memory * 1e9),
        base=probe.resident(device),
        path=prepared.scan.path,
    )
    mixing = trial.weights(grid.known, grid.at)
    return Engine(build(plan.chunk, half), plan, device, half, trial.random, mixing)


def _device(choice: Choice, compute: Mapping[str, Any]) -> tuple[str, int]:
    """The method's device, and a fast number of slices per chunk; sets the number of threads."""
    from models.streaming import CPU_CHUNK

    if choice.without_torch:
        return "cpu", CPU_CHUNK
    import torch

    from models.auto import device as chosen_device
    from models.memory import MOST

    torch.set_num_threads(compute["threads"])
    device = chosen_device(compute["device"])
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("device cuda: PyTorch finds no GPU on this machine; use --device auto or cpu")
    return device, MOST if device == "cuda" and choice.networks else CPU_CHUNK


def seconds(prepared: Prepared, engine: Engine) -> float:
    """Expected time of one sample: the measured method, and the passes over the voxels."""
    voxels = prepared.grid.count * prepared.frame[0] * prepared.frame[1]
    return prepared.scan.volumes * (engine.plan.seconds + voxels * 1.2e-7)
