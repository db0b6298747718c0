"""The frame of every script: logs to the rule's file, reports its result, fails with one line."""

import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmark import progress
from benchmark.cluster import gpu_places
from benchmark.cluster import site as cluster
from benchmark.errors import UserError, disk_full, out_of_memory, redacted


@contextmanager
def job(snakemake: Any) -> Iterator[Callable[[str], None]]:
    """Runs a script's body: everything that the script prints goes to the rule's log; lines by ``say`` go to the
    terminal too.

    An error becomes one line with the rule, its wildcards and the log, and exit code 1. The log has the traceback,
    except of a ``UserError``, which the user can fix. SIGTERM and SIGHUP end the body like an error, so temporary files
    are removed. Standard output and error are redirected as file descriptors, so that output of child processes and
    progress bars is logged too.
    """
    terminal = os.dup(2)
    screen = logging.StreamHandler(os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8"))
    screen.setLevel(logging.WARNING)
    logging.getLogger("benchmark").addHandler(screen)  # a dataset's terms, retries: for the user to see at once
    # The processes of a training over several GPUs share the log: all append, and only the first empties the file.
    if "LOCAL_RANK" not in os.environ:
        Path(str(snakemake.log)).write_bytes(b"")
    log = open(str(snakemake.log), "a", buffering=1, encoding="utf-8")  # noqa: SIM115 (open to the end of the process)
    for stream in (1, 2):
        os.dup2(log.fileno(), stream)
    for printed in (sys.stdout, sys.stderr):  # × and − must be written in every locale
        if isinstance(printed, io.TextIOWrapper):
            printed.reconfigure(encoding="utf-8", errors="backslashreplace")

    def say(text: str) -> None:
        print(text, flush=True)
        os.write(terminal, f"{snakemake.rule}: {text}\n".encode())

    # Later jobs reuse what PyTorch compiled. PyTorch writes atomically, so several jobs may share the folder.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", os.path.abspath(f"{snakemake.config['results']}/compiled"))
    try:
        resources, share = snakemake.resources, snakemake.config["compute"]["jobs_per_gpu"]
        gpu_places.claim(resources.get("gpu", 0), share=share, megabytes=resources.get("gpu_mb", 0), say=say)
        print(cluster.job_location(), flush=True)
        with progress.shown_on(screen.stream), _ended_by_signals():
            yield say
    except (Exception, _Ended) as error:
        line = redacted(_line(error))  # libraries quote addresses in errors
        made = ", ".join(f"{key}={value}" for key, value in dict(snakemake.wildcards).items())
        os.write(terminal, f"ERROR in rule {snakemake.rule} ({made}): {line} [log: {snakemake.log}]\n".encode())
        shown = line if isinstance(error, UserError) else redacted(traceback.format_exc())  # Snakemake prints the log
        with suppress(OSError):  # the log's disk may be full
            print(shown, file=sys.stderr, flush=True)
        sys.exit(1)


class _Ended(BaseException):
    """A signal ends the job; not an ``Exception``, which libraries may catch."""


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Raises ``_Ended`` at SIGTERM, and at SIGHUP unless the job ignores SIGHUP (``nohup``).

    Without a handler Python would end at once, and ``benchmark.files.written`` could not remove temporary files. A
    training replaces the handler of SIGTERM, in order to write a checkpoint.
    """

    def end(number: int, _: object) -> None:
        raise _Ended(signal.Signals(number).name)

    def end_softly(number: int, _: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, end)}
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, end_softly)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _line(error: BaseException) -> str:
    """One line for the terminal."""
    if isinstance(error, _Ended):
        return (
            f"ended by {error} (a time limit, scancel, preemption, kill or a closed terminal); start again with the "
            "same command"
        )
    if disk_full(error) and not (isinstance(error, OSError) and error.errno is None):  # else a sentence of this project
        where = getattr(error, "filename", None)
        return (
            f"{f'{where}: ' if where else ''}the disk is full or the quota is used up (folder of results, of data or "
            "of temporary files): make room, then start again with the same command"
        )
    if full := out_of_memory(error):
        return (
            f"{full} is full: lower the network's batch (networks.NAME.training) or compute.chunk, or run fewer jobs "
            "at a time (compute.jobs_per_gpu, --cores); a training resumes from its checkpoint"
        )
    return str(error) if isinstance(error, UserError | ValueError) else f"{type(error).__name__}: {error}"
