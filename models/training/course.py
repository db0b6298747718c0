"""Position of a training in its schedule, and the stride of each step: this file alone decides when a training ends.

A schedule has a number of steps. Without a time limit, each training step is one step of the schedule. With a time
limit, a training step counts as several steps of the schedule if the remaining time is too short for the remaining
steps. So learning rates, warm-ups and all else that depends on the schedule are complete at the end of the time: the
saved result is a finished, shorter training.
"""

import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

UNTIMED = 5
"""First steps of a process, which choose kernels and compile: their time does not predict the time of later steps."""
WINDOW = 50
"""The median time of this many last steps predicts the time of the next steps."""


class Course:
    """``at`` (0 … ``steps``): position in the schedule; ``done``: steps taken; ``over``: whether it has ended."""

    def __init__(self, steps: int, limit: float | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        """``limit``: seconds for all steps, including those before an interruption; or None."""
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
        """Seconds spent on the training, including earlier processes."""
        return self.spent + self._clock() - self._started

    def stride(self) -> int:
        """Call this after every step.

        Returns how many steps of the schedule the next step counts for; 1 without a limit.
        """
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
        pace = median(later - earlier for earlier, later in pairwise(self._times))  # not across a pause
        exact = self._carried + remain * pace / left
        whole = min(max(int(exact), 1), remain)
        self._carried = max(exact - whole, 0.0) if exact > 1 else 0.0
        return whole

    def advance(self, stride: int) -> None:
        """Counts one training step, ``stride`` steps of the schedule."""
        self.at, self.done = self.at + stride, self.done + 1

    def end(self) -> None:
        """Ends the training now, at any position in the schedule."""
        self.at = self.steps

    def state(self) -> dict[str, Any]:
        return {"at": self.at, "done": self.done, "spent": self.seconds}

    def resume(self, state: dict[str, Any]) -> None:
        """Restores the result of ``state``: steps and seconds continue from there."""
        self.at, self.done, self.spent = state["at"], state["done"], state["spent"]
