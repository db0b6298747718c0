"""The files of models/methods and models/networks by name."""

import importlib
from types import ModuleType
from typing import Literal


def imported(folder: Literal["methods", "networks"], name: str) -> ModuleType:
    """The module ``models/{folder}/{name}.py``. ``ValueError`` for an unknown name.

    ``ModuleNotFoundError``: the file imports a package that is not installed.
    """
    module = f"models.{folder}.{name}"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ValueError(f"no {folder.removesuffix('s')} file models/{folder}/{name}.py") from error
