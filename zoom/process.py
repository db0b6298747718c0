"""The process of a command: its memory, its signals, and the one line in which it refuses."""

import ctypes
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from benchmark.errors import UserError, one_line


def set_up_memory() -> None:
    """Makes large blocks of memory quick to get, and returned to the system when they are freed (Linux, glibc).

    Huge pages hold what networks keep of a large slice: page faults were a third of their time. PyTorch reads the
    variable once, when it is imported.

    Left to itself, glibc keeps freed blocks under 32 MB, and slices that are held for long, lying between them, make
    the process grow. Networks allocate smaller blocks all the time: returning those below 4 MB costs a third of the
    time.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(-3, 4 << 20)  # M_MMAP_THRESHOLD


def run(command: str, work: Callable[[], int]) -> int:
    """Runs the ``work`` of a command and returns its exit code: of the work, 1 for what a user can put right, 130 where
    a signal stopped it; each said in one line.
    """
    readable()
    set_up_memory()
    before = _interruptible()
    try:
        return work()
    except UserError as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # of the system: a name that is too long, say
        print(f"{command}: {one_line(error.filename or 'files')}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"{command}: interrupted; {str(stop) or 'nothing was written'}", file=sys.stderr)
        return 130
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def readable() -> None:
    """Lets a terminal of any locale show what it can, and the rest by its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _interruptible() -> dict[signal.Signals, Any]:
    """Lets every signal that ends a process by default act as Ctrl-C does, so that files that were begun are removed.

    Returns the handlers from before. A signal that the caller ignores stays ignored: ``nohup mri-zoom`` outlives its
    terminal. Windows has SIGTERM alone.
    """
    names = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
    numbers = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, _interrupt)
    return before


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
