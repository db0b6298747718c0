"""One file for each way to draw. A file draws the study's data from a ``Scene`` or a diagram from a ``Setting``."""

import importlib

from matplotlib.figure import Figure

from benchmark.figures.scene import Scene
from benchmark.figures.setting import Setting


def draw(source: Scene | Setting) -> tuple[Figure, str]:
    """Draws the figure with the ``draw`` of its line in the config; returns the figure and its caption."""
    return importlib.import_module(f"benchmark.figures.{source.spec['draw']}").draw(source)
