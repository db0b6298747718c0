"""Hides packages from a Python that starts with this folder on its path: those named in NOT_INSTALLED."""

import os
import sys
from importlib.machinery import PathFinder

HIDDEN = frozenset(os.environ.get("NOT_INSTALLED", "").split())


class OthersOnly(PathFinder):
    """Python's own finder, which does not find the hidden packages."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in HIDDEN else super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = OthersOnly
