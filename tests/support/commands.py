"""The command mri-zoom, run for its one line."""

import contextlib
import io
from collections.abc import Sequence

from benchmark.errors import UserError
from zoom.cli import main


def command(words: Sequence[object]) -> None:
    """Runs the command in this process. ``UserError`` with the line in which it refuses; several lines fail."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
    lines = said.getvalue().splitlines()
    if code:
        refusals = [line for line in lines if line.startswith("mri-zoom: ")]
        assert code in (1, 2), code
        assert refusals == lines[-1:], lines
        raise UserError(lines[-1])
