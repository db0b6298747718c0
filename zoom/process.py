"""The process of a command: its memory, its signals, and its one line of error."""

import ctypes
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from benchmark.errors import UserError, one_line


def set_up_memory() -> None:
    """Makes large blocks of memory fast to allocate, and returns them to the system when they are freed (Linux, glibc).

    Huge pages hold the networks' data of a large slice: page faults were a third of their time. PyTorch reads the
    variable once, at its import.

    By default, glibc keeps freed blocks under 32 MB, and long-lived slices between these blocks make the process grow.
    Networks often allocate smaller blocks: returning blocks below 4 MB takes a third of the time.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(-3, 4 << 20)  # M_MMAP_THRESHOLD


def run(command: str, work: Callable[[], int]) -> int:
    """Runs the ``work`` of a command and returns its exit code.

    The code is that of the work, 1 for an error that a user can fix, or 130 if a signal stopped it. An error and a stop
    print one line.
    """
    readable()
    set_up_memory()
    before = _interruptible()
    try:
        return work()
    except UserError as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # from the system: for example, a name is too long
        print(f"{command}: {one_line(error.filename or 'files')}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"{command}: interrupted; {str(stop) or 'nothing was written'}", file=sys.stderr)
        return 130
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def readable() -> None:
    """Prints characters that the terminal's encoding lacks as their numbers."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _interruptible() -> dict[signal.Signals, Any]:
    """Lets every signal that ends a process act like Ctrl-C, so that unfinished files are removed.

    Returns the previous handlers. A signal that the caller ignores stays ignored: ``nohup mri-zoom`` continues after
    its terminal closes. Windows has only SIGTERM.
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
