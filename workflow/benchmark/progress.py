"""Progress of a job: a bar on a terminal, a line at intervals in a log file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

from tqdm import tqdm

PAUSE = 30.0
"""Seconds between two lines in a log file."""
_LINE = "{desc}: {percentage:3.0f}% {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
_STREAM: ContextVar[TextIO | None] = ContextVar("stream", default=None)


@contextmanager
def shown_on(stream: TextIO) -> Iterator[None]:
    """Bars that begin inside are drawn on ``stream``: the terminal, where standard error is a rule's log."""
    token = _STREAM.set(stream)
    try:
        yield
    finally:
        _STREAM.reset(token)


def bar(
    title: str,
    total: float | None,
    unit: str,
    *,
    begun: float = 0,
    scaled: bool = False,
    hidden: bool = False,
    patient: bool = False,
    logged: bool = False,
) -> tqdm:
    """A bar of ``total`` units (None: unknown), ``begun`` done, on ``shown_on``'s stream or standard error.

    ``scaled``: units come in thousands and millions. ``hidden``: show nothing; ``patient``: in a log file, nothing
    about work that ends within ``PAUSE``; ``logged``: always on standard error, which is a rule's log. Use it in a
    ``with`` block and call its ``update``.
    """
    if hidden:
        return tqdm(disable=True)
    stream = (None if logged else _STREAM.get()) or sys.stderr
    look: dict[str, Any] = {"desc": title, "total": total, "unit": unit, "initial": begun, "unit_scale": scaled}
    if stream.isatty():
        return tqdm(**look, file=stream, mininterval=0.5, dynamic_ncols=True)
    wait = PAUSE if patient else 0.0
    return _Lines(**look, file=stream, mininterval=PAUSE, maxinterval=PAUSE, bar_format=_LINE, delay=wait)


class _Lines(tqdm):
    """What ``tqdm`` measures, as lines: a log file with carriage returns cannot be read."""

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        text = str(self) if msg is None else msg
        if text:
            print(text, file=self.fp, flush=True)
        return False

    def close(self) -> None:
        if not self.disable:
            if self.last_print_t >= self.start_t + self.delay:
                self.display()
            self.leave = False  # `tqdm` would add an empty line
        super().close()
