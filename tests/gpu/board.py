"""The outcomes of the checks: one line at once, a file after each check, a table at the end."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

OK, FAILED, SKIPPED, CUT = "ok", "FAILED", "skipped", "CUT OFF"


@dataclass(frozen=True)
class Outcome:
    """One check. ``state``: of ``OK``, ``FAILED``, ``SKIPPED``, ``CUT``; ``detail``: one line; ``seconds``: it took."""

    check: str
    state: str
    seconds: float = 0.0
    detail: str = ""
    traceback: str = ""


class Board:
    """Collects outcomes.

    The file ``output`` (Markdown; next to it the same as ``.jsonl``) is complete after each outcome.
    """

    def __init__(self, output: Path, title: str, say: Callable[[str], None]) -> None:
        self.output, self.title, self.say = output, title, say
        self.began = time.monotonic()
        self.outcomes: list[Outcome] = []
        output.parent.mkdir(parents=True, exist_ok=True)

    def add(self, outcome: Outcome) -> None:
        """Prints the outcome, with its traceback if there is one, and writes the file again."""
        self.outcomes.append(outcome)
        clock = f"{time.monotonic() - self.began:5.0f} s"
        self.say(f"{clock}  {outcome.state:8} {outcome.check} ({outcome.seconds:.1f} s) {outcome.detail}")
        if outcome.traceback:
            self.say(outcome.traceback)
        self.output.write_text(self.table())
        lines = [json.dumps(asdict(one)) for one in self.outcomes]
        self.output.with_suffix(".jsonl").write_text("\n".join(lines) + "\n")

    def count(self, state: str) -> int:
        """Number of checks that ended in ``state``."""
        return sum(outcome.state == state for outcome in self.outcomes)

    def summary(self) -> str:
        """Numbers of checks by state, in one line."""
        return ", ".join(f"{self.count(state)} {state}" for state in (OK, FAILED, CUT, SKIPPED))

    def table(self) -> str:
        """All outcomes as Markdown, the worst first, and the tracebacks."""
        order = (FAILED, CUT, SKIPPED, OK)
        lines = [f"# {self.title}", "", self.summary(), "", "| check | state | seconds | detail |", "|---|---|---|---|"]
        for one in sorted(self.outcomes, key=lambda one: order.index(one.state)):
            lines.append(f"| {one.check} | {one.state} | {one.seconds:.1f} | {one.detail.replace('|', '/')} |")
        for one in self.outcomes:
            if one.traceback:
                lines += ["", f"## {one.check}", "", "```", one.traceback.rstrip(), "```"]
        return "\n".join(lines) + "\n"
