"""One line of the bench: the task, its calls, and its counted work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmark.bench.race import Call, race


@dataclass(frozen=True)
class Race:
    """``each``: number of units per call; ``flop``: counted for a call of ``fast`` (0: not counted); ``options``: of
    ``race``.
    """

    part: str
    unit: str
    fast: Call
    plain: Call | None
    each: int = 1
    flop: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)

    def measure(self, rate: float) -> dict[str, Any]:
        """The row in numbers, times in ms per unit. ``rate``: FLOP/s of matrix products."""
        raced = race(self.fast, self.plain, **self.options)
        limit = 1000 * self.flop / rate / self.each if self.flop else float("nan")
        fast = 1000 * raced.fast / self.each
        return {
            "part": self.part,
            "unit": self.unit,
            "fast_ms": fast,
            "plain_ms": 1000 * raced.plain / self.each,
            "ratio": raced.ratio,
            "limit_ms": limit,
            "of_limit": limit / fast,
            "fast_mb": raced.fast_mb,
            "plain_mb": raced.plain_mb,
        }
