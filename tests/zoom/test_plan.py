"""The work is divided to fit the allowed memory."""

import time
from typing import Any

import numpy as np
import pytest

from benchmark.errors import UserError
from models.interpolation import cubic_spline, linear
from models.method import Restorer, method
from models.methods.linear import Method as Linear
from models.networks.quartet import build
from zoom import probe
from zoom.probe import Cost, measure, plan
from zoom.tiles import Layout

FRAME = Layout(512, 512, None)
MB = 1 << 20


def plan_for(looks_at: np.ndarray, cost: Cost, limit: int = 8 << 30) -> probe.ChunkPlan:
    return plan(cost, FRAME, 1, looks_at, exact=20, largest=16, limit=limit, base=300 * MB, path="scan")


@pytest.mark.parametrize("weights", [linear, cubic_spline])
@pytest.mark.parametrize("side", [512, 2048])
def test_planned_memory_does_not_grow_with_n(weights, side: int) -> None:
    found = []
    for n in (1, 20):
        known = np.arange(40.0)
        matrix = weights(known, np.arange(39 * (n + 1) + 1) / (n + 1)) != 0
        cost = Cost(0.0, 0.0, 0.0, 40 * MB, 40 * MB, side * side * 4)
        layout = Layout(side, side, None)
        found.append(plan(cost, layout, 1, matrix, exact=40, largest=16, limit=8 << 30, base=300 * MB, path="").memory)
    assert max(found) < 1.1 * min(found)


def test_chunk_shrinks_to_the_memory_limit() -> None:
    known = np.arange(20.0)
    matrix = linear(known, np.arange(39) / 2) != 0
    heavy = Cost(1.0, 2.0, 0.5, 500 * MB, 500 * MB, 12 * 64 * 64)
    free, tight = plan_for(matrix, heavy, 32 << 30), plan_for(matrix, heavy, 2 << 30)
    assert (free.chunk, tight.chunk) == (16, 3)
    assert tight.memory < 2 << 30
    assert free.seconds == tight.seconds == 20 * 1.0 + 19 * 2.0 + 20 * 0.5
    with pytest.raises(UserError, match=r"scan: needs 0\.\d GB of memory even"):
        plan_for(matrix, heavy, 400 * MB)


def test_time_is_multiplied_by_the_number_of_tiles() -> None:
    layout = Layout(100, 100, 64)
    matrix = linear(np.arange(3.0), np.arange(5) / 2) != 0
    found = plan(Cost(1.0, 0.1, 0.0, 0, 0, 0), layout, 4, matrix, exact=3, largest=16, limit=8 << 30, base=0, path="")
    assert found.tiles == 4
    assert found.seconds == pytest.approx(4 * (3 + 0.2))


def test_measuring_runs_five_sampling_steps() -> None:
    class Sampler(Restorer):
        def __init__(self) -> None:
            super().__init__()
            self.steps = 100
            self.calls: list[int] = []

        def represent(self, slices, index):
            self.calls.append(self.steps)
            return slices

    sampler = Sampler()
    cost = probe.measure(sampler, (8, 8))
    assert set(sampler.calls) == {5}
    assert sampler.steps == 100  # the caller can use the restorer afterwards
    assert cost.represent > 0
    assert cost.held == 8 * 8 * 4


@pytest.mark.parametrize(("factor", "drawn"), [(4, [(1.5, 4), (1.25, 4), (1.0, 4)]), (1, [(1.5, 1), (1.25, 1)])])
def test_new_slices_of_a_drawing_method_are_measured(factor: int, drawn: list) -> None:
    """The network draws new slices, and known slices only if it magnifies."""
    network = build(blocks=1, width=8, expansion=2, factor=factor).eval()
    seen: list[tuple[float, int]] = []
    network.register_forward_hook(lambda m, given, made: seen.append((1 + float(given[1][0, 1]), m.factor)))
    cost = probe.measure(method("quartet", {"quartet": network}), (64, 64))
    assert sorted(set(seen), reverse=True) == drawn
    assert cost.between > 0


def test_half_precision_is_used_only_if_the_result_is_equal() -> None:
    tile = np.random.default_rng(0).uniform(0, 1, (2, 8, 8)).astype(np.float32)
    assert probe.half_is_invisible(lambda half: method("linear", half=half), tile)

    class Coarse(Restorer):
        def represent(self, slices, index):
            return slices.repeat_interleave(4, 2).repeat_interleave(4, 3) + (0.01 if self.half else 0.0)

    assert not probe.half_is_invisible(lambda half: Coarse(half=half), tile)


def test_work_done_once_per_gap_is_counted_once_per_gap() -> None:
    class Keeps(Linear):
        """Sleeps at the beginning of a gap."""

        kept = False

        def forget(self) -> None:
            self.kept = False

        def block(self, *args: Any) -> Any:
            if not self.kept:
                time.sleep(0.05)
            self.kept = True
            return super().block(*args)

    cost = measure(Keeps(), (16, 16))
    assert cost.gap == pytest.approx(0.05, rel=0.5)
    assert cost.between < 0.03
    found = plan(
        cost, Layout(16, 16, None), 1, np.ones((41, 9), bool), exact=9, largest=4, limit=8 << 30, base=0, path=""
    )
    assert 0.3 < found.seconds < 1.5  # eight gaps
