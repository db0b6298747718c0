"""What every script does around its work: log to its file, say what it did, fail in one line."""

import io
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmark import progress
from benchmark.cluster import gpu_places
from benchmark.cluster import site as cluster
from benchmark.errors import UserError, redacted


@contextmanager
def job(snakemake: Any) -> Iterator[Callable[[str], None]]:
    """Runs a script's body: everything it prints goes to the rule's log; what it ``say``s, to the terminal too.

    A ``UserError`` or ``ValueError`` is one line naming the rule, what it was making and the log, and exit
    code 1; a fault of ours keeps its traceback in the log. Standard output and error are redirected as file
    descriptors, so that child processes and progress bars are caught as well.
    """
    terminal = os.dup(2)
    screen = logging.StreamHandler(os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8"))
    screen.setLevel(logging.WARNING)
    logging.getLogger("benchmark").addHandler(screen)  # a dataset's terms, retries: what a person should see at once
    # one of several processes of a training writes on
    mode = "a" if "LOCAL_RANK" in os.environ else "w"
    log = open(str(snakemake.log), mode, buffering=1, encoding="utf-8")  # noqa: SIM115 (open to the end of the process)
    for stream in (1, 2):
        os.dup2(log.fileno(), stream)
    for printed in (sys.stdout, sys.stderr):  # whatever the locale: × and − are what we write
        if isinstance(printed, io.TextIOWrapper):
            printed.reconfigure(encoding="utf-8", errors="backslashreplace")

    def say(text: str) -> None:
        print(text, flush=True)
        os.write(terminal, f"{snakemake.rule}: {text}\n".encode())

    # what PyTorch compiles is found again by later jobs; it writes atomically, so that several may share the folder
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", os.path.abspath(f"{snakemake.config['results']}/compiled"))
    try:
        resources, share = snakemake.resources, snakemake.config["compute"]["jobs_per_gpu"]
        gpu_places.claim(resources.get("gpu", 0), share=share, megabytes=resources.get("gpu_mb", 0), say=say)
        print(cluster.whereabouts(), flush=True)
        with progress.shown_on(screen.stream):
            yield say
    except Exception as error:
        print(redacted(traceback.format_exc()), file=sys.stderr, flush=True)  # libraries quote addresses in errors
        line = redacted(error if isinstance(error, UserError | ValueError) else f"{type(error).__name__}: {error}")
        made = ", ".join(f"{key}={value}" for key, value in dict(snakemake.wildcards).items())
        os.write(terminal, f"ERROR in rule {snakemake.rule} ({made}): {line} [log: {snakemake.log}]\n".encode())
        sys.exit(1)
