"""The bench at the article's size on a GPU: the seconds, the memory and the share of the limit that are aimed at."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmark.bench import plain, study
from benchmark.bench.learning import Learner
from benchmark.bench.limit import counted, matrix_rate
from benchmark.files import written
from benchmark.jobs.timing import hardware
from benchmark.print.typeset import Cell, Table, markdown, number

if TYPE_CHECKING:
    import torch

WAYS: dict[str, dict[str, Any]] = {
    "eager, float32": {},
    "eager, float16": {"half": True},
    "compiled, float16": {"half": True, "compiled": True},
}
COLUMNS = ["what", "how", "seconds", "aim, s", "limit, s", "of the limit", "plain / time", "peak memory, GB"]


@dataclass(frozen=True)
class Size:
    """``slices`` known ones of side ``side``, ``chunk`` at once; ``steps`` of DDIM; ``many``: n of the last row;
    ``trained``: training steps timed; ``matrix``: side of the matrices that give the limit.
    """

    slices: int = 155
    side: int = 256
    chunk: int = 16
    steps: int = 200
    many: int = 10
    trained: int = 20
    matrix: int = 8192


ARTICLE = Size()


def there() -> bool:
    """Whether there is a CUDA device."""
    import torch

    return torch.cuda.is_available()


def run(
    into: Path, say: Callable[[str], None], device: str = "cuda", name: str | None = None, size: Size = ARTICLE
) -> str:
    """Measures, writes ``into/bench_gpu.md`` and ``.csv`` and returns the Markdown. ``name``: of a smaller config."""
    import torch

    from models.fast import HALF

    on = torch.device(device)
    rate = matrix_rate(on, HALF, size.matrix)
    rows = []
    for row in _rows(study.config(name), on, size, rate):
        rows.append(row)
        say(f"{row['what']}, {row['how']}: {row['seconds']:.3g} s, {row['of_limit']:.0%} of the limit")
    caption = (
        f"{size.slices} slices {size.side}×{size.side}, {size.chunk} at once, random weights, decoded and sharpened; "
        "device waited for, after a run that warms up. Plain: diffusers' networks and DDIM, eager, float32, a chunk at "
        f"a time. Limit: counted FLOP over this device's rate of float16 matrix products ({rate / 1e12:.0f} TFLOP/s)."
    )
    table = Table(f"Bench at the article's size: {hardware(on)}", caption, COLUMNS)
    for row in rows:
        texts = [row["what"], row["how"], number(row["seconds"], 3), row["aim"], number(row["limit"], 3)]
        texts += [f"{row['of_limit']:.0%}", number(row["ratio"], 2), number(row["peak_gb"], 2)]
        table.rows.append([Cell(text) for text in texts])
    text = markdown(table)
    with written(into / "bench_gpu.csv") as aside:
        pd.DataFrame(rows).to_csv(aside, index=False, float_format="%.6g", lineterminator="\n")
    with written(into / "bench_gpu.md") as aside:
        aside.write_text(text)
    return text


def _rows(config: Mapping[str, Any], device: "torch.device", size: Size, rate: float) -> Iterator[dict[str, Any]]:
    import torch

    from models.method import method

    low = study.noise(size.slices, size.side // 4)
    one, chunk = torch.from_numpy(low[:1, None]).to(device), torch.from_numpy(low[:, None]).to(device)
    slow = study.networks(config, device, fast=False)
    latent, image = (
        torch.zeros(1, 3, *low.shape[1:], device=device),
        torch.zeros(1, 1, size.side, size.side, device=device),
    )
    step = counted(lambda: slow["ldm"](latent, torch.tensor(500, device=device), one))
    shown = counted(lambda: slow["vq"].decode(latent)) + counted(lambda: slow["edsr"](image))

    def plainly() -> None:
        for part in chunk.split(size.chunk):
            plain.restore(slow, part, size.steps)

    base, base_gb = _timed(plainly, device)
    ddim: dict[str, Any] = {"sampler": "ddim", "steps": size.steps, "eta": 1.0}
    few = config["samplers"]["named"]["fast"]
    first = f"DDIM, T = {size.steps}, n = 1"
    work = size.slices * size.steps * step + (2 * size.slices - 1) * shown
    yield _row(first, "plain", base, "", work / rate, 1.0, base_gb)
    for how, options in WAYS.items():
        networks = study.networks(config, device, fast=True)
        wishes: list[tuple[str, dict[str, Any], int, str]] = [
            (first, ddim, 1, "6.8"),
            ("`sampler: fast`, n = 1", few, 1, "1"),
            (f"`sampler: fast`, n = {size.many}", few, size.many, "4, in 5.82 GB"),
        ]
        for what, sampling, n, aim in wishes:
            restorer = method("ours", networks, chunk=size.chunk, device=device, **options, **sampling)
            known = np.arange(size.slices)
            at = np.linspace(0, size.slices - 1, (size.slices - 1) * (n + 1) + 1)
            seconds, peak = _timed(partial(_drained, restorer, low, known, at), device)
            work = size.slices * sampling["steps"] * step + len(at) * shown
            yield _row(what, how, seconds, aim, work / rate, base / seconds if n == 1 else float("nan"), peak)
    yield from _training(config, device, size, rate)


def _training(config: Mapping[str, Any], device: "torch.device", size: Size, rate: float) -> Iterator[dict[str, Any]]:
    """A step of the U-Net's training, plain and in the ways there are; aimed at 40 % of the limit."""
    ways: dict[str, dict[str, Any]] = {"plain": {"fast": False}, "bf16-mixed": {"precision": "bf16-mixed"}}
    ways["compiled, bf16-mixed"] = ways["bf16-mixed"] | {"compiled": True}
    base = work = float("nan")
    for how, options in ways.items():
        given: dict[str, Any] = {"fast": True, **options}
        learner = Learner("ldm", config, size.side, Path(), device.type, given.pop("fast"), **given)
        if how == "plain":
            work = counted(learner.step)

        def steps(learner: Learner = learner) -> None:
            for _ in range(size.trained):
                learner.step()

        seconds, peak = _timed(steps, device)
        seconds /= size.trained
        base = seconds if how == "plain" else base
        yield _row("training, U-Net: a step", how, seconds, "40% of the limit", work / rate, base / seconds, peak)


def _row(what: str, how: str, seconds: float, aim: str, limit: float, ratio: float, peak_gb: float) -> dict[str, Any]:
    row = {"what": what, "how": how, "seconds": seconds, "aim": aim, "limit": limit, "of_limit": limit / seconds}
    return row | {"ratio": ratio, "peak_gb": peak_gb}


def _drained(restorer: Any, low: np.ndarray, known: np.ndarray, at: np.ndarray) -> None:
    """A volume restored block by block, nothing kept."""
    for _ in restorer.stream(low, known, at):
        pass


def _timed(call: Callable[[], object], device: "torch.device") -> tuple[float, float]:
    """Seconds of the second call, and the peak of the device's memory during it in 10⁹ bytes (NaN on a CPU)."""
    import torch

    call()
    if device.type != "cuda":
        start = time.perf_counter()
        call()
        return time.perf_counter() - start, float("nan")
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    start = time.perf_counter()
    call()
    torch.cuda.synchronize(device)
    return time.perf_counter() - start, torch.cuda.max_memory_allocated(device) / 1e9
