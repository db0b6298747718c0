"""Fuzz tests of functions that read input: the criterion of each test, and their common seed.

``FUZZ=20`` tries 20 times as many inputs; ``FUZZ_SEED=123`` repeats the inputs of a run, whose seed pytest prints.
"""

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, seed, settings

from benchmark.errors import LONGEST, UserError, one_line

SECONDS = 20
"""An input may take this long of a processor, and ``CLOCK`` times that by the clock, where others compute as well."""
CLOCK = 4
MEMORY = 2 << 30
"""Bytes an input may take."""
ADDRESSES = 4 << 30
"""Bytes an input may ask for, used or not."""
FULL = ("can't allocate", "unable to allocate", "cannot allocate")

COUNTS: dict[str, Counter[str]] = defaultdict(Counter)
"""Number of valid, refused and failed inputs by kind of input."""


def chosen_seed() -> int:
    """``FUZZ_SEED``, else a number of the commit: each commit tries other inputs, and a commit always the same."""
    if given := os.environ.get("FUZZ_SEED"):
        return int(given)
    words = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=8", "HEAD"]
    found = subprocess.run(words, capture_output=True, text=True).stdout.strip()
    return int(found or "0", 16)


SEED = chosen_seed()
MORE = float(os.environ.get("FUZZ", "1"))


def fuzz(examples: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates a hypothesis test that tries ``examples`` inputs in CI, chosen by ``SEED``."""
    chosen = settings(
        max_examples=max(1, round(examples * MORE)),
        deadline=None,  # `assert_valid_or_refused` limits the time
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )

    def decorated(test: Callable[..., Any]) -> Callable[..., Any]:
        return seed(SEED)(chosen(test))

    return decorated


def assert_valid_or_refused(
    kind_of_input: str, call: Callable[[], object], *names: str | Path, output_folder: Path | None = None
) -> str:
    """Runs ``call`` in a separate process.

    Either ``call`` returns, or it raises a ``UserError`` of one line that contains one of ``names`` and leaves no new
    file in ``output_folder``; within ``SECONDS`` and ``MEMORY``. Otherwise ``AssertionError``.

    Returns the line, empty if ``call`` returned. ``kind_of_input``: the name under which the input is counted.
    """
    before = _listing(output_folder)
    found = _forked(call)
    kind, message = found["kind"], str(found.get("message", ""))
    fault = ""
    if kind not in ("valid", "refused"):
        fault = f"{kind}: {message}"
    elif found["memory"] > MEMORY:
        fault = f"{found['memory'] / 1e9:.1f} GB of memory"
    elif kind == "refused" and len(message.splitlines()) != 1:
        fault = f"not one line: {message!r}"
    elif kind == "refused" and len(message) > LONGEST + 100:
        fault = f"{len(message)} characters: {message!r}"
    elif kind == "refused" and not any(one_line(one)[:200] in message for one in names):
        fault = f"names none of {', '.join(map(str, names))}: {message!r}"
    elif "Traceback (most recent" in found["said"]:
        fault = f"a traceback: {found['said']}"
    elif kind == "refused" and (more := _listing(output_folder) - before):
        fault = f"left behind: {sorted(more)}"
    COUNTS[kind_of_input]["failed" if fault else kind] += 1
    if fault:
        raise AssertionError(f"{fault}\n{found['said'][-2000:]}")
    return message


def _listing(folder: Path | None) -> set[str]:
    return {str(path) for path in folder.rglob("*")} if folder else set()


def _forked(call: Callable[[], object]) -> dict[str, Any]:
    """The outcome of ``call``: kind, message, memory (bytes), and its output."""
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _child(call, writing, said.fileno())
        os.close(writing)
        answer = b""
        try:
            while part := _part(reading, began + CLOCK * SECONDS - time.monotonic()):
                answer += part
            found: dict[str, Any] = json.loads(answer) if answer else {"kind": "ended without a word"}
        except TimeoutError:
            found = {"kind": f"over {CLOCK * SECONDS:g} s"}
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # and what it started
        os.close(reading)
        status = os.waitpid(child, 0)[1]
        if not answer and os.WIFSIGNALED(status):
            found["message"] = signal.Signals(os.WTERMSIG(status)).name
        said.seek(0)
        return {"memory": 0} | found | {"said": said.read().decode(errors="replace")}


def _part(descriptor: int, seconds: float) -> bytes:
    if not select.select([descriptor], [], [], max(0.0, seconds))[0]:
        raise TimeoutError
    return os.read(descriptor, 1 << 16)


def _child(call: Callable[[], object], writing: int, said: int) -> None:
    """Never returns."""
    try:
        os.setpgid(0, 0)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.stdout = sys.stderr = os.fdopen(2, "w", errors="backslashreplace")
        limit = _size() + ADDRESSES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        before = _peak()
        answer = _answer(call)
        sys.stderr.flush()
        os.write(writing, json.dumps(answer | {"memory": _peak() - before}).encode())
    finally:
        os._exit(0)


def _answer(call: Callable[[], object]) -> dict[str, str]:
    try:
        call()
    except BaseException as error:
        chain = _chain(error)
        if any(isinstance(one, MemoryError) or any(word in str(one).lower() for word in FULL) for one in chain):
            return {"kind": f"asked for more than {ADDRESSES >> 30} GB", "message": "".join(_last(error))}
        if isinstance(error, UserError):
            return {"kind": "refused", "message": str(error)}
        return {"kind": type(error).__name__, "message": "".join(_last(error))}
    return {"kind": "valid"}


def _last(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-4000:]


def _chain(error: BaseException | None) -> list[BaseException]:
    """An error and its causes."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _peak() -> int:
    """Most bytes that this process and those it waited for had in use, of the system's own count."""
    return 1024 * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _size() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
