"""The bench at the article's size on a GPU, section by section: times, the machine's limit, and the aims.

Every section prints its results at once, and the files are written again after each section. If a section fails, its
traceback is printed and the next section begins: a GPU may be available for minutes only.
"""

import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmark.bench import study
from benchmark.files import write_csv, written
from benchmark.jobs.timing import hardware
from benchmark.print.typeset import Cell, Table, markdown, number

if TYPE_CHECKING:
    import torch

COLUMNS = ["what", "how", "measured", "unit", "limit", "of the limit", "aim", "peak memory, GB", "first call, s"]
KERNELS = ["of", "kernel", "calls", "ms", "share"]


@dataclass(frozen=True)
class Size:
    """``slices``: known slices of side ``side``; ``steps`` of DDIM; ``many``: n of the last row; ``trained``: number of
    timed training steps; ``matrix``: side of the matrices for the limit; ``compiler``: options of ``torch.compile``.
    """

    slices: int = 155
    side: int = 256
    steps: int = 200
    many: int = 10
    trained: int = 10
    matrix: int = 8192
    compiler: dict[str, Any] = field(default_factory=dict)


ARTICLE = Size()
DRY = Size(slices=5, side=32, steps=3, many=2, trained=1, matrix=64, compiler={"backend": "eager", "mode": None})


@dataclass(eq=False)
class Bench:
    """The tools and the results of the sections.

    ``rate``: FLOP/s of matrix products; ``copying``: bytes/s of copies in the device's memory, while no section has
    begun; ``calls``: seconds of every call of the last measurement, in order.
    """

    config: dict[str, Any]
    device: "torch.device"
    size: Size
    say: Callable[[str], None]
    warm: bool = False
    rate: float = float("nan")
    copying: float = float("nan")
    calls: list[float] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    kernels: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self, what: str, how: str, measured: float, unit: str, flop: float = 0.0, aim: str = "", peak: float = 0.0
    ) -> None:
        """Adds a row.

        ``measured``: in ``unit``, ms or s; ``flop``: counted for the measured work; ``peak``: in 10⁹ bytes.
        """
        limit = flop / self.rate * (1000 if unit.startswith("ms") else 1) if flop else float("nan")
        row = {"what": what, "how": how, "measured": measured, "unit": unit, "limit": limit, "aim": aim}
        first = self.calls[0] if self.calls else float("nan")
        self.rows.append(row | {"of_limit": limit / measured, "peak_gb": peak or float("nan"), "first_call_s": first})
        limit_text = f" (limit {limit:.3g})" if flop else ""
        calls = ", ".join(f"{seconds:.3g}" for seconds in self.calls)
        self.say(f"  {what}, {how}: {measured:.4g} {unit}{limit_text}{f', aim {aim}' if aim else ''}, {peak:.2f} GB")
        self.say(f"    calls in order: {calls} s")

    def timed(self, call: Callable[[], object], repeats: int = 3, warm_up: bool = True) -> tuple[float, float]:
        """Seconds of a call (the least of ``repeats``, after a warm-up) and its peak of the device's memory."""
        import torch

        cuda = self.device.type == "cuda"
        if self.warm:  # once, to compile
            repeats, warm_up = 1, False
        self.calls = []
        for call_number in range(repeats + warm_up):
            if cuda:
                torch.cuda.synchronize()
                if call_number == warm_up:
                    torch.cuda.reset_peak_memory_stats()
            start = time.perf_counter()
            call()
            if cuda:
                torch.cuda.synchronize()
            self.calls.append(time.perf_counter() - start)
        peak = torch.cuda.max_memory_allocated() / 1e9 if cuda else float("nan")
        return min(self.calls[warm_up:]), peak

    def profile(self, of: str, call: Callable[[], object], most: int = 12) -> None:
        """The kernels that take most of a call's time, and the share of time in which the device is busy."""
        if self.warm:
            return
        import torch
        from torch.profiler import ProfilerActivity

        cuda = self.device.type == "cuda"
        call()
        wall, _ = self.timed(call, warm_up=False)
        activities = [ProfilerActivity.CUDA] if cuda else [ProfilerActivity.CPU]
        with torch.profiler.profile(activities=activities) as profiler:
            call()
            if cuda:
                torch.cuda.synchronize()
        times = [
            (event.key, event.count, event.self_device_time_total if cuda else event.self_cpu_time_total)
            for event in profiler.key_averages()
        ]
        times = sorted((one for one in times if one[2] > 0), key=lambda one: -one[2])
        total = sum(us for *_, us in times)
        self.say(f"  {of}: {1000 * wall:.1f} ms, kernels {total / 1000:.1f} ms; longest kernels:")
        for key, calls, us in times[:most]:
            self.kernels.append({"of": of, "kernel": key, "calls": calls, "ms": us / 1000, "share": us / total})
            self.say(f"    {us / 1000:8.2f} ms {us / total:6.1%} {calls:5d} × {key[:110]}")

    def alone(self) -> bool:
        """Whether memory is copied as fast as at the start of the bench; if not, another process uses the device."""
        from benchmark.bench.limit import copy_rate

        rate = copy_rate(self.device, self.size.matrix)
        if rate > 0.7 * self.copying:
            return True
        self.say(f"  copies reach {rate / 1e12:.2g} TB/s instead of {self.copying / 1e12:.2g}: the device is shared")
        return False


def there() -> bool:
    """Whether this machine has a CUDA device."""
    import torch

    return torch.cuda.is_available()


def run(
    into: Path,
    say: Callable[[str], None],
    *,
    only: Sequence[str] = (),
    minutes: float = 3.0,
    dry: bool = False,
    warm: bool = False,
) -> str:
    """Measures, writes ``into/bench_gpu.md`` and ``.csv`` and ``into/bench_gpu_kernels.csv``; returns the Markdown.

    ``only``: names of sections (all); ``minutes``: skip sections that would end later; ``dry``: everything at a small
    size on the CPU, to check that it runs; ``warm``: every call once, to fill PyTorch's cache of compiled kernels for a
    later run.
    """
    import torch

    from benchmark.bench.gpu_sections import SECTIONS
    from benchmark.bench.limit import copy_rate, matrix_rate
    from models.half import HALF

    if not dry:  # so that a second run does not compile again
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str((into / "compiled").resolve()))
    begun = time.perf_counter()
    config, size = study.config("smoke" if dry else None), DRY if dry else ARTICLE
    bench = Bench(config, torch.device("cpu" if dry else "cuda"), size, say, warm)
    bench.rate = matrix_rate(bench.device, torch.float32 if dry else HALF, bench.size.matrix)
    bench.copying = copy_rate(bench.device, bench.size.matrix)
    say(f"{hardware(bench.device)}, torch {torch.__version__}: {bench.rate / 1e12:.3g} TFLOP/s in matrix products")
    failed: list[str] = []
    skipped: list[str] = []
    shared: list[str] = []
    for name, (section, seconds) in SECTIONS.items():
        if only and name not in only:
            continue
        left = 60 * minutes - (time.perf_counter() - begun)
        if left < seconds and not dry:
            say(f"[{name}] skipped: needs about {seconds} s, {left:.0f} s are left")
            skipped.append(name)
            continue
        say(f"[{name}] at {time.perf_counter() - begun:.0f} s")
        try:
            with _at_most(left) if not dry else nullcontext():
                if not bench.alone() and not dry:
                    shared.append(name)
                section(bench)
        except Exception:
            say(traceback.format_exc())
            failed.append(name)
        text = _write(into, bench, time.perf_counter() - begun, failed, skipped, shared)
        if not dry:
            torch.cuda.empty_cache()
    return text


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raises ``TimeoutError`` in the block after this time: a compilation may take longer than all that is left."""

    def late(number: int, frame: object) -> None:
        raise TimeoutError("the time of the bench is over")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _write(
    into: Path, bench: Bench, seconds: float, failed: Sequence[str], skipped: Sequence[str], shared: Sequence[str]
) -> str:
    """Writes the tables so far."""
    size = bench.size
    caption = (
        f"{size.slices} slices {size.side}×{size.side}, random weights, {seconds:.0f} s in total; each number is the "
        "least of a few runs after a first call, which may compile. Plain: diffusers' networks and DDIM, eager, "
        "float32, 16 slices at a time. Limit: counted FLOP over this device's rate of float16 matrix products "
        f"({bench.rate / 1e12:.0f} TFLOP/s)."
    )
    caption += f" Failed: {', '.join(failed)}." if failed else ""
    caption += f" Skipped for lack of time: {', '.join(skipped)}." if skipped else ""
    caption += f" Not alone on the device at the start of: {', '.join(shared)}." if shared else ""
    table = Table(f"Bench at the article's size: {hardware(bench.device)}", caption, COLUMNS)
    for row in bench.rows:
        share = "" if pd.isna(row["of_limit"]) else f"{row['of_limit']:.0%}"
        texts = [row["what"], row["how"], number(row["measured"], 2), row["unit"], number(row["limit"], 2), share]
        texts += [row["aim"], number(row["peak_gb"], 2), number(row["first_call_s"], 2)]
        table.rows.append([Cell(text) for text in texts])
    kernels = Table("Kernels that take most of the time", "For one call each.", KERNELS)
    for row in bench.kernels:
        texts = [row["of"], row["kernel"][:80], str(row["calls"]), number(row["ms"], 2), f"{row['share']:.0%}"]
        kernels.rows.append([Cell(text) for text in texts])
    text = markdown(table) + "\n" + markdown(kernels)
    for name, rows in (("bench_gpu", bench.rows), ("bench_gpu_kernels", bench.kernels)):
        write_csv(into / f"{name}.csv", pd.DataFrame(rows), "%.6g")
    with written(into / "bench_gpu.md") as aside:
        aside.write_text(text, encoding="utf-8")
    return text
