"""Seconds and memory of a zoom, estimated from one tile, and whether half precision changes the result."""

import os
import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.errors import UserError
from zoom.tiles import Layout

if TYPE_CHECKING:
    from models.streaming import Streaming

#: Bytes of slices that are mixed and blended at a time, if memory allows: more is not faster.
IN_FLIGHT = 192 << 20
#: Half precision may change a voxel by this much of the grey scale: half a level of 256.
INVISIBLE = 0.5 / 255
PROBE_STEPS = 5
LONG = 1.0  # seconds; longer calls are measured once


@dataclass(frozen=True)
class Cost:
    """Time and memory of one tile.

    ``represent``: seconds to encode a known slice; ``between``, ``known``: seconds to render a new slice, a known
    slice; ``working``: bytes for one slice in addition to the slice itself; ``growth``: for each further slice in a
    chunk; ``held``: bytes kept per encoded slice; ``gap``: seconds for the work that is done once for all new slices of
    a gap.
    """

    represent: float
    between: float
    known: float
    working: int
    growth: int
    held: int
    gap: float = 0.0


def measure(restorer: "Streaming", side: tuple[int, int]) -> Cost:
    """Times one tile of noise. Of a sampler only a few steps are run, and the time of all is calculated from them."""
    restorer, steps_of_all = copy(restorer), restorer.steps
    if steps_of_all:
        restorer.steps = min(steps_of_all, PROBE_STEPS)
    tiles = restorer.trial(2, side)
    held: Any
    known = np.arange(4.0)

    def represent(count: int = 1) -> None:
        nonlocal held
        with restorer.evaluating():
            held = restorer.represent(tiles[:count], restorer.numbers(count))

    def render(*places: float) -> Callable[[], None]:
        at = np.array(places)
        four = dict.fromkeys(range(4), held[0])

        def call() -> None:
            with restorer.evaluating():
                restorer.block(four, restorer.weights(known, at), range(4), known, at)

        return call

    represent()  # warm-up: the first call takes longer
    device = "cuda" if restorer.on_gpu else "cpu"
    before = resident(device)
    first = _timed(represent, restorer)
    between, there = (_timed(render(place), restorer) for place in (1.5, 1.0))
    gap = 0.0
    if _keeps(restorer):
        restorer.forget()
        first_in_gap, between = (_timed(render(1.5), restorer, once=True) for _ in range(2))
        gap = max(0.0, first_in_gap - between)
    working = growth = max(0, peak(device) - before)
    if between < LONG:  # for longer calls, linear growth with the number of slices is assumed
        represent(2)
        render(1.25, 1.5)()
        growth = min(working, max(0, peak(device) - before - working))
    times = steps_of_all / restorer.steps if steps_of_all and restorer.steps else 1.0
    return Cost(first * times, between, there, working, growth, held[0].nbytes, gap)


def _keeps(restorer: "Streaming") -> bool:
    """Whether a method keeps values from one block for the next."""
    from models.streaming import Streaming

    return type(restorer).forget is not Streaming.forget


def _timed(call: Callable[[], None], restorer: "Streaming", *, once: bool = False) -> float:
    for _ in range(1 if once else 2):  # short calls twice: the first call takes longer
        start = time.perf_counter()
        call()
        restorer.finish()
        seconds = time.perf_counter() - start
        if seconds > LONG:
            break
    return seconds


def resident(device: str) -> int:
    """Bytes in use now; resets ``peak`` (if the system allows it)."""
    if device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    reset = Path("/proc/self/clear_refs")
    if reset.exists() and os.access(reset, os.W_OK):
        reset.write_text("5", encoding="utf-8")
    import psutil

    return psutil.Process().memory_info().rss


def peak(device: str) -> int:
    """Peak bytes in use since ``resident``."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated()
    status = Path("/proc/self/status")
    if status.exists():
        lines = (line.split() for line in status.read_text(encoding="utf-8").splitlines())
        return next(int(line[1]) * 1024 for line in lines if line and line[0] == "VmHWM:")
    import psutil

    return psutil.Process().memory_info().rss


@dataclass(frozen=True)
class ChunkPlan:
    """The division of the work.

    ``chunk``: slices per chunk; ``memory``: bytes, estimated; ``seconds``: of the networks.
    """

    chunk: int
    memory: int
    seconds: float
    tiles: int


def plan(
    cost: Cost,
    layout: Layout,
    factor: int,
    looks_at: np.ndarray,
    *,
    exact: int,
    largest: int,
    limit: int,
    base: int,
    path: str,
) -> ChunkPlan:
    """The largest chunk that fits.

    ``looks_at`` (S', S) bool: the known slices that each position needs; ``exact``: how many of the S' positions are
    known; ``largest``: chunk of the config; ``limit``: bytes allowed in total; ``base``: bytes in use before.
    ``UserError`` if even one slice at a time needs more memory than ``limit``.
    """
    tiles = len(layout.corners())
    frame = layout.height * layout.width * factor**2 * 4

    def slices(chunk: int) -> int:
        needed = max(
            int(np.count_nonzero(looks_at[start : start + chunk].any(axis=0)))
            for start in range(0, len(looks_at), chunk)
        )
        # held: slices that a block needs, and slices encoded ahead together with these; then the block, its copies, and
        # the previous block, which is being written
        return (2 * needed + 2 * chunk) * cost.held * tiles + 6 * chunk * frame

    def working(chunk: int) -> int:
        return cost.working + (chunk - 1) * cost.growth

    fitting = [
        chunk
        for chunk in range(1, largest + 1)
        if slices(chunk) <= IN_FLIGHT or chunk == 1
        if base + slices(chunk) + working(chunk) <= limit
    ]
    if not fitting:
        needs = (base + slices(1) + cost.working) / 1e9
        raise UserError(
            f"{path}: needs {needs:.1f} GB of memory even for one slice at a time; allow more (memory), or use smaller "
            "tiles"
        )
    chunk = fitting[-1]
    count, known = looks_at.shape
    seconds = tiles * (
        (known - 1) * cost.gap + known * cost.represent + (count - exact) * cost.between + exact * cost.known
    )
    return ChunkPlan(chunk, base + slices(chunk) + working(chunk), seconds, tiles)


def half_is_invisible(build: Callable[[bool], "Streaming"], tile: np.ndarray) -> bool:
    """Whether half precision changes no voxel of two restored slices by half a grey level.

    ``build(half)``: the method, same seed; ``tile`` (2, h, w): two slices of the scan.
    """
    try:
        full, half = (build(flag).restore(tile, [0, 1], [0, 0.5, 1]) for flag in (False, True))
    except FloatingPointError:  # outside the range of half precision
        return False
    return bool(np.abs(full - half).max() < INVISIBLE)
