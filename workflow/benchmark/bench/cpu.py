"""The bench on a CPU: every stage, compared with its plain version and the machine's limit."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.bench import cpu_table, learning, restoring, startup, study, volumes
from benchmark.bench.limit import matrix_rate
from benchmark.bench.row import Race
from benchmark.jobs.timing import hardware


def run(into: Path, say: Callable[[str], None], *, name: str = "demo", side: int = 128, planning: bool = True) -> str:
    """Measures everything and writes ``into/bench.md`` and ``.csv``; returns the Markdown.

    ``name``: the config whose networks are measured; ``side``: of the slices; ``planning``: also measure job start-up
    and the dry run.
    """
    import torch

    begun = time.perf_counter()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "0")) or torch.get_num_threads())
    cpu = torch.device("cpu")
    rate = matrix_rate(cpu, torch.float32, 1024)
    config, done = study.config(name), []
    with tempfile.TemporaryDirectory() as folder:
        for row in _rows(config, side, Path(folder), planning):
            done.append(row.measure(rate))
            say(f"{row.part}: {done[-1]['fast_ms']:.3g} ms a {row.unit}, plain / time {done[-1]['ratio']:.2f}")
    caption = (
        f"Measured on {hardware(cpu)} in {time.perf_counter() - begun:.0f} s; load average {os.getloadavg()[0]:.1f} on "
        f"{os.cpu_count()} cores. Networks of config/{name}.yaml (small), slices {side}×{side}, random weights. Plain: "
        "the same networks and solver used straight from diffusers, lpips and scikit-image, eager, float32, a chunk of "
        f"{restoring.CHUNK} slices (or, for scores, a slice) at a time, all imports at the top; timed in turn "
        "with ours in the same process; the ratio is the median over rounds. Limit: counted FLOP over this "
        f"machine's rate of matrix products ({rate / 1e9:.0f} GFLOP/s). Memory: peak of a call, beyond the memory in "
        "use before."
    )
    return cpu_table.write(done, f"Bench: {hardware(cpu)}", caption, into / "bench")


def _rows(config: Mapping[str, Any], side: int, folder: Path, planning: bool) -> Iterator[Race]:
    trunk = study.trunk(config)
    yield from restoring.rows(config, side)
    yield from learning.rows(config, side, trunk)
    yield from volumes.rows(side, trunk)
    if planning:
        yield from startup.rows()
        yield startup.plan(study.config(), folder)
