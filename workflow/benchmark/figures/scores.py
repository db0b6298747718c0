"""Figures 5 and 6: scores along the slices of one patient."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from benchmark.figures.scene import Scene
from benchmark.print.style import WITHOUT_SI, colours, markers
from benchmark.scores.metrics import HIGHER_IS_BETTER, METRICS
from benchmark.scores.score_table import NAMES


def draw(scene: Scene) -> tuple[Figure, str]:
    """Left: known slices, super-resolved without interpolation, and removed ones by the pair. Right: those by all."""
    colour, marker = colours(list(scene.labels)), markers(list(scene.labels))
    figure, axes = plt.subplots(3, 2, figsize=(9, 6.2), sharex=True, sharey="row", layout="constrained")
    for row, metric in enumerate(METRICS):
        left, right = axes[row]
        first = _of(scene, scene.pair[0])
        kept = first[metric].where(~first["removed"]).to_numpy(copy=True)
        kept[np.isinf(kept)] = np.nan
        left.plot(first["slice"], kept, color=WITHOUT_SI, label="SR without SI", linewidth=0.9)
        for method in scene.methods:
            table = _of(scene, method)
            table = table[table["removed"] & table["signal"] & np.isfinite(table[metric])]
            style = {"color": colour[method], "marker": marker[method], "label": scene.labels[method]}
            if method in scene.pair:
                left.plot(table["slice"], table[metric], linestyle="none", **style)
            right.plot(table["slice"], table[metric], linewidth=0.5, alpha=0.9, **style)
        left.set_ylabel(NAMES[metric] + (" (higher is better)" if HIGHER_IS_BETTER[metric] else " (lower is better)"))
    axes[0, 0].set_title("known slices, and removed ones by method")
    axes[0, 1].set_title("removed slices by all methods")
    for axis in axes[-1]:
        axis.set_xlabel("slice")
    handles = {text: line for axis in axes[0] for line, text in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=4)
    names = " and ".join(scene.labels[method] for method in scene.pair)
    caption = (
        f"Scores of every slice against the truth. The line, “SR without SI”, is {scene.labels[scene.pair[0]]} at "
        "known slices; it is broken where slices were removed and restored between their neighbours: dots, by "
        f"{names} (left) and by all methods (right; infinite PSNR is not drawn). "
        + scene.where("removed slices as the protocol drew them")
    )
    return figure, caption


def _of(scene: Scene, method: str):
    return scene.scores[scene.scores["method"] == method].sort_values("slice")
