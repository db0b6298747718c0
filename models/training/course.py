"""Where a training stands in its schedule, and how far each step takes it: one place that ends every training.

A schedule has a number of steps. Without a time limit each step is one step of the schedule. With one, a step counts
for more whenever the time that is left would not hold the steps that are left, so that rates, warm-ups and everything
else that depends on the schedule come to their end with the time: what is saved is a finished, shorter training.
"""

import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

UNTIMED = 5
"""First steps of a process, which choose kernels and compile: their time says nothing about the next ones."""
WINDOW = 50
"""Steps whose median time is taken for the time of the next ones."""


class Course:
    """``at`` (0 … ``steps``): position in the schedule; ``done``: steps taken; ``over``: whether it has ended."""

    def __init__(self, steps: int, limit: float | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        """``limit``: seconds for all steps, from now and with those before an interruption; or None."""
        self.steps, self.limit, self._clock = steps, limit, clock
        self.at, self.done, self.spent = 0, 0, 0.0
        self._started = clock()
        self._times: deque[float] = deque(maxlen=WINDOW + 1)
        self._untimed, self._carried = UNTIMED, 0.0

    @property
    def over(self) -> bool:
        return self.at >= self.steps

    @property
    def seconds(self) -> float:
        """Spent on the training, in earlier processes too."""
        return self.spent + self._clock() - self._started

    def stride(self) -> int:
        """To be called after every step: how many steps of the schedule it counts for; 1 without a limit."""
        if self.limit is None:
            return 1
        left, remain = self.limit - self.seconds, self.steps - self.at
        if left <= 0:
            return remain
        if self._untimed:
            self._untimed -= 1
            return 1
        self._times.append(self._clock())
        if len(self._times) < 2:
            return 1
        pace = median(later - earlier for earlier, later in pairwise(self._times))  # a pause is no pace
        exact = self._carried + remain * pace / left
        whole = min(max(int(exact), 1), remain)
        self._carried = max(exact - whole, 0.0) if exact > 1 else 0.0
        return whole

    def advance(self, stride: int) -> None:
        """One step taken, ``stride`` of the schedule."""
        self.at, self.done = self.at + stride, self.done + 1

    def end(self) -> None:
        """Ends the training here, wherever the schedule stands."""
        self.at = self.steps

    def state(self) -> dict[str, Any]:
        return {"at": self.at, "done": self.done, "spent": self.seconds}

    def resume(self, state: dict[str, Any]) -> None:
        """Takes back what ``state`` gave: steps and seconds go on from there."""
        self.at, self.done, self.spent = state["at"], state["done"], state["spent"]
