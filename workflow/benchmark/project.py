"""This project: its name, version and revision, and the paths of its files."""

import subprocess
import tomllib
from functools import cache
from importlib import metadata
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from benchmark.errors import UserError

NAME = "zoom-benchmark"
COMMAND = "mri-zoom"
"""The command's name, as in pyproject.toml under ``project.scripts``."""
PACKAGE = Path(str(files("benchmark")))
INSTALLED = PACKAGE / "shipped"
"""In an installed package: the files that are outside the packages in a clone, under the same paths."""


@cache
def clone() -> Path | None:
    """The folder of the clone with this code; None for an installed package."""
    if INSTALLED.is_dir():
        return None
    return next((folder for folder in PACKAGE.parents if _about(folder).get("name") == NAME), None)


def _about(folder: Path) -> dict:
    """``project`` of a folder's pyproject.toml; empty if the file is missing."""
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
        return dict(tomllib.loads(text).get("project", {}))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}


def shipped(path: str) -> Path:
    """A file or folder of the project by its path in a clone, e.g. ``config/config.yaml``.

    An installed package has the folders that ``pyproject.toml`` names ``benchmark.shipped``. ``UserError``: a copy of a
    clone that is not complete.
    """
    if clone() is None and not INSTALLED.is_dir():
        raise UserError(f"{PACKAGE}: no folder above it has this project's pyproject.toml; copy the whole clone")
    return (clone() or INSTALLED) / path


def models() -> Path:
    """The folder of the package ``models``, without importing the package, which takes seconds."""
    spec = find_spec("models")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("models: this package is not installed next to the benchmark")
    return Path(spec.origin).parent


@cache
def version() -> str:
    """The project's version in pyproject.toml."""
    root = clone()
    return str(_about(root)["version"]) if root else metadata.version(NAME)


@cache
def commit() -> str:
    """Git revision of the clone with this code; empty outside a clone.

    A package that is installed inside another repository does not have that repository's revision.
    """
    root = clone()
    top = _git(root, "rev-parse", "--show-toplevel") if root else ""
    return _git(root, "describe", "--always", "--dirty") if root and top and root.samefile(top) else ""


def revision() -> str:
    """Identifies this code: the commit, or outside a git clone the version."""
    return commit() or version()


def release() -> str:
    """The version and, in a git clone, the commit: ``0.1.0+2f2f71e``."""
    return f"{version()}+{commit()}" if commit() else version()


def _git(folder: Path, *words: str) -> str:
    """Git's output; empty if git fails or is not installed."""
    try:
        return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""
