"""Several groups at the same time, each in a process; groups that do not end in time are killed and reported as cut
off."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from board import CUT, FAILED, SKIPPED, Board, Outcome
from setting import Check

WORKER = Path(__file__).with_name("worker.py")
MARK = "@@ "
MARGIN = 8.0
"""Seconds before the end at which what still runs is killed."""


class Crew:
    """Runs groups on ``board``. ``until``: ``time.time()`` at the end; ``arguments``: of ``worker.py``."""

    def __init__(self, board: Board, folder: Path, until: float, arguments: Sequence[str]) -> None:
        self.board, self.folder, self.until = board, folder, until
        self.arguments = list(arguments)
        self.writing = threading.Lock()

    def run(self, groups: dict[str, list[Check]], at_once: int) -> None:
        """All groups, ``at_once`` processes at a time."""
        with ThreadPoolExecutor(at_once) as threads:
            for future in [threads.submit(self.group, name, checks) for name, checks in groups.items()]:
                future.result()

    def group(self, name: str, checks: list[Check]) -> None:
        """Runs one group to its end or to the end of the time."""
        waiting = [check.name for check in checks]
        running, began = "", time.time()
        log = self.folder / f"{name}.log"
        if time.time() < self.until - MARGIN:
            with open(log, "w") as errors:
                process = subprocess.Popen(
                    [
                        sys.executable,
                        "-u",
                        str(WORKER),
                        name,
                        "--folder",
                        str(self.folder / name),
                        *self.arguments,
                        "--until",
                        str(self.until - MARGIN),
                    ],
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    start_new_session=True,
                )
                alarm = threading.Timer(self.until - MARGIN - time.time(), _kill, [process])
                alarm.start()
                assert process.stdout is not None
                for line in process.stdout:
                    if not line.startswith(MARK):
                        continue
                    event = json.loads(line.removeprefix(MARK))
                    if "begins" in event:
                        running, began = event["begins"], time.time()
                        continue
                    running = ""
                    waiting.remove(event["check"])
                    self.add(Outcome(**event))
                code = process.wait()
                alarm.cancel()
                _kill(process)  # files that it may have left
            if waiting and time.time() < self.until - MARGIN:
                broken = running or waiting[0]
                waiting.remove(broken)
                detail = f"the process ended with {code}"
                self.add(Outcome(broken, FAILED, time.time() - began, detail, self.end(name)))
            elif running:
                waiting.remove(running)
                self.add(Outcome(running, CUT, time.time() - began, "the time is over", self.end(name, 15)))
        for check in waiting:
            self.add(Outcome(check, SKIPPED, 0.0, "not begun"))

    def end(self, name: str, lines: int = 40) -> str:
        """The last lines of a group's logs."""
        logs = [self.folder / f"{name}.log", *(self.folder / name).glob("*.log")]
        return "\n".join(line for log in logs for line in log.read_text(errors="replace").splitlines()[-lines:])

    def add(self, outcome: Outcome) -> None:
        """One outcome at a time, from any thread."""
        with self.writing:
            self.board.add(outcome)


def _kill(process: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
