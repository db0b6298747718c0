"""What a fuzz test has to notice is noticed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

import fuzz
import numpy as np
import pytest
from fuzz import tried

from benchmark.errors import UserError

FILE = Path("scan.nii")


@pytest.fixture(autouse=True)
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "COUNTS", fuzz.defaultdict(fuzz.Counter))
    monkeypatch.setattr(fuzz, "MEMORY", 256 << 20)


def refuse(message: str) -> Callable[[], None]:
    def call() -> None:
        raise UserError(message)

    return call


def hidden() -> None:
    try:
        np.empty(10**12)
    except MemoryError as error:
        raise UserError(f"{FILE}: not an image") from error


def thread() -> None:
    subprocess.run([sys.executable, "-c", "1 / 0"], check=False)


def test_what_is_right() -> None:
    assert tried("x", lambda: 3, FILE) == ""
    assert tried("x", refuse(f"{FILE}: no"), FILE) == f"{FILE}: no"
    assert fuzz.COUNTS["x"] == {"valid": 1, "refused": 1}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: sys.exit(2), "SystemExit"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL"),
        (lambda: np.ones(3 << 24), "0.4 GB of memory"),
        (lambda: np.empty(10**12), "asked for more than 4 GB"),
        (hidden, "asked for more than 4 GB"),
        (thread, "a traceback"),
        (refuse("no"), "names none of"),
    ],
)
def test_what_is_not(call: Callable[[], object], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        tried("x", call, FILE)
    assert fuzz.COUNTS["x"] == {"failed": 1}


def test_what_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "SECONDS", 1)
    with pytest.raises(AssertionError, match="over 4 s"):
        tried("x", lambda: time.sleep(60), FILE)
    with pytest.raises(AssertionError, match=r"over 4 s|ended without a word"):  # over a second of a processor
        tried("x", lambda: any(repeat(False)), FILE)


def test_what_is_left_behind(tmp_path: Path) -> None:
    def call() -> None:
        (tmp_path / "half").touch()
        raise UserError(f"{FILE}: no")

    with pytest.raises(AssertionError, match=r"left behind.*half"):
        tried("x", call, FILE, left=tmp_path)
