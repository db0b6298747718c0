"""The packages that networks need, and the message if one is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from benchmark.errors import UserError

LIBRARIES = ("torch", "safetensors")
MISSING = (
    "networks run on PyTorch, which is not installed: install this project with its networks "
    "(pip install '.[networks]' in a clone), or add them (pip install torch safetensors)"
)


def installed() -> bool:
    """Whether the packages that every network needs are installed."""
    return all(find_spec(name) for name in LIBRARIES)


@contextmanager
def needed() -> Iterator[None]:
    """Turns the failed import of a package into a ``UserError`` that names the package."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(
            f"the package {error.name}, which this method needs, is not installed: pip install '.[study]' in a clone, "
            f"or pip install {error.name}"
        ) from error
