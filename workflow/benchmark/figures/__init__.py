"""One file for each way to draw; each has ``draw(scene) -> (figure, caption)`` and names what it ``needs``."""

import importlib

from matplotlib.figure import Figure

from benchmark.figures.scene import Scene


def draw(scene: Scene) -> tuple[Figure, str]:
    """Draws the figure as its ``draw`` in the config says; returns it with its caption."""
    return importlib.import_module(f"benchmark.figures.{scene.spec['draw']}").draw(scene)
