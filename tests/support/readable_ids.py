"""Readable names of parametrized tests: ``n=1, in_plane=4`` instead of ``zoom_arguments1``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

LONGEST = 60
"""Characters of a name; the rest of a longer value is left out."""


def readable(value: Any) -> str | None:
    """One line for a value of a test's parameter; None for a value that pytest names itself."""
    text = _text(value)
    if text is None:
        return None
    line = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value if "\n" in value or len(value) > LONGEST else None
    if isinstance(value, bytes):
        return value.decode("latin-1") if len(value) > LONGEST or b"\n" in value else None
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_part(part)}" for key, part in value.items()) or "nothing"
    if isinstance(value, np.ndarray):
        return f"array of {'×'.join(map(str, value.shape))}" if value.size > LONGEST else str(value.tolist())
    if isinstance(value, list | tuple):
        return ", ".join(map(_part, value)) or "nothing"
    return None


def _part(value: Any) -> str:
    text = _text(value)
    if isinstance(value, Mapping | list | tuple):
        return f"({text})"
    if text is not None:
        return text
    plain = isinstance(value, str | int | float | bytes | slice | Path | np.generic | None)
    return str(value) if plain else getattr(value, "__name__", type(value).__name__)  # never an address in memory
