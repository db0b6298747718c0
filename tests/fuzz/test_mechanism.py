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
from fuzz import assert_valid_or_refused

from benchmark.errors import UserError

FILE = Path("scan.nii")


@pytest.fixture(autouse=True)
def separate_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "COUNTS", fuzz.defaultdict(fuzz.Counter))
    monkeypatch.setattr(fuzz, "MEMORY", 256 << 20)


def refuse_with(message: str) -> Callable[[], None]:
    def call() -> None:
        raise UserError(message)

    return call


def hide_a_memory_error() -> None:
    try:
        np.empty(10**12)
    except MemoryError as error:
        raise UserError(f"{FILE}: not an image") from error


def print_a_traceback() -> None:
    subprocess.run([sys.executable, "-c", "1 / 0"], check=False)


def test_valid_and_refused_inputs_are_counted() -> None:
    assert assert_valid_or_refused("x", lambda: 3, FILE) == ""
    assert assert_valid_or_refused("x", refuse_with(f"{FILE}: no"), FILE) == f"{FILE}: no"
    assert fuzz.COUNTS["x"] == {"valid": 1, "refused": 1}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: sys.exit(2), "SystemExit"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL"),
        (lambda: np.ones(3 << 24), "0.4 GB of memory"),
        (lambda: np.empty(10**12), "asked for more than 4 GB"),
        (hide_a_memory_error, "asked for more than 4 GB"),
        (print_a_traceback, "a traceback"),
        (refuse_with("no"), "names none of"),
    ],
)
def test_faults_are_reported_and_counted(call: Callable[[], object], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        assert_valid_or_refused("x", call, FILE)
    assert fuzz.COUNTS["x"] == {"failed": 1}


def test_input_that_takes_too_long_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "SECONDS", 1)
    with pytest.raises(AssertionError, match="over 4 s"):
        assert_valid_or_refused("x", lambda: time.sleep(60), FILE)
    with pytest.raises(AssertionError, match=r"over 4 s|ended without a word"):  # over a second of a processor
        assert_valid_or_refused("x", lambda: any(repeat(False)), FILE)


def test_file_left_after_a_refusal_is_reported(tmp_path: Path) -> None:
    def call() -> None:
        (tmp_path / "half").touch()
        raise UserError(f"{FILE}: no")

    with pytest.raises(AssertionError, match=r"left behind.*half"):
        assert_valid_or_refused("x", call, FILE, output_folder=tmp_path)
