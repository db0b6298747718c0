"""Two ways to do the same work, timed alternately, so that their ratio is valid on a shared machine."""

import ctypes
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

Call = Callable[[], object]


@dataclass(frozen=True)
class Raced:
    """Seconds of a call (medians over the rounds), plain over fast (median of the rounds' ratios), and the peaks of
    memory in 10⁶ bytes, beyond the memory in use before (NaN if the system does not report it). All NaN without a plain
    call.
    """

    fast: float
    plain: float
    ratio: float
    fast_mb: float
    plain_mb: float


def race(fast: Call, plain: Call | None, *, budget: float = 6.0, rounds: int = 7, warm_up: bool = True) -> Raced:
    """Both calls alternately, up to ``rounds`` times or until ``budget`` seconds have passed, at least once."""
    calls = [fast] if plain is None else [fast, plain]
    peaks = [_peak_mb(call) for call in calls] if warm_up else [float("nan")] * len(calls)
    times: list[dict[int, float]] = []
    begun = time.perf_counter()
    while not times or (len(times) < rounds and time.perf_counter() - begun < budget):
        in_turn = list(enumerate(calls))[:: -1 if len(times) % 2 else 1]
        times.append({place: _seconds(call) for place, call in in_turn})
    seconds = [median(one[place] for one in times) for place in range(len(calls))]
    if plain is None:
        return Raced(seconds[0], float("nan"), float("nan"), peaks[0], float("nan"))
    return Raced(seconds[0], seconds[1], median(one[1] / one[0] for one in times), peaks[0], peaks[1])


def _seconds(call: Call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _peak_mb(call: Call) -> float:
    """Peak of the memory that a call adds to the process; also warms up."""
    reset, libc = Path("/proc/self/clear_refs"), ctypes.CDLL(None)
    if not reset.exists() or not hasattr(libc, "malloc_trim"):
        call()
        return float("nan")
    call()  # memory that the first call keeps does not count
    gc.collect()
    libc.malloc_trim(0)
    reset.write_text("5", encoding="utf-8")
    before = _status("VmRSS")
    call()
    return max(0, _status("VmHWM") - before) * 1024 / 1e6


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))
