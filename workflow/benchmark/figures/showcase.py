"""The first picture of the report: a removed slice of a real scan at full size, by method, next to the truth."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from benchmark.figures.between import detail_box, mark_box
from benchmark.figures.detail import removed_slice
from benchmark.figures.scene import Scene
from benchmark.print.style import ERROR_MAP, content, grid, picture, row_name, two_lines, white
from benchmark.scores.metrics import METRICS, psnr
from benchmark.scores.score_table import DIGITS, NAMES


def draw(scene: Scene) -> tuple[Figure, str]:
    """A column for the input, each method and the truth. Rows: the slice, its box with the most detail, the error."""
    index = removed_slice(scene.detail, scene.subject, scene.spec["region"])
    truth, coarse = scene.truth[index], scene.low([index])[0]
    restored = {method: scene.restored(method)[index] for method in scene.methods}
    size = f"{coarse.shape[0]}×{coarse.shape[1]}"
    by = truth.shape[0] // coarse.shape[0]
    images = {f"input resolution:\n{size}": coarse.repeat(by, 0).repeat(by, 1)}
    images |= {two_lines(scene.labels[method]): image for method, image in restored.items()}
    images[f"truth:\n{truth.shape[0]}×{truth.shape[1]}"] = truth

    rows, columns = crop = content([truth[None]])
    box = detail_box(truth[None], *upper_box(rows, columns))
    errors = {two_lines(scene.labels[method]): np.abs(image - truth) for method, image in restored.items()}
    figure = panels(images, errors, truth, crop, box)
    caption = (
        f"A real scan at {truth.shape[0]}×{truth.shape[1]} pixels: a slice that was removed, restored from the slices "
        f"around it, which every method sees at {size}. Left: the removed slice at that resolution, which no "
        "method sees. Boxed: the square in the upper half in which the truth has the most detail. Below: the absolute "
        f"error and, under it, the PSNR of this slice. {_means(scene)}{scene.judge}"
        + scene.where(f"slice {index}: the removed slice with the most gradient energy")
    )
    return figure, caption


def panels(
    images: Mapping[str, np.ndarray],
    errors: Mapping[str, np.ndarray],
    truth: np.ndarray,
    crop: tuple[slice, slice],
    box: tuple[slice, slice],
    what: str = "slice",
) -> Figure:
    """A column for each image (H, W), by name. Rows: the image (``what``), its box enlarged, and its error, if any.

    The last image, the truth, has no error: the colour bar is in its place.
    """
    worst = max(float(np.percentile(np.stack(list(errors.values())), 99.5)), 1e-3)
    figure, axes = grid(3, len(images), truth[crop].shape, labels=0.2, margin=0.9)
    for axis, name in zip(axes[:, 0], (what, "the box, enlarged", "error"), strict=True):
        row_name(axis, name, 10)
    for (whole, enlarged, error), (name, image) in zip(axes.T, images.items(), strict=True):
        picture(whole, image[crop], white(truth))
        whole.set_title(name)
        mark_box(whole, box, (crop[0].start, crop[1].start))
        picture(enlarged, image[box], white(truth))
        if name in errors:
            shown = picture(error, errors[name][crop], worst, cmap=ERROR_MAP)
            error.set_xlabel(f"PSNR {psnr(image, truth):.2f} dB")
        else:
            picture(error, None)
    scale = figure.colorbar(shown, cax=axes[2, -1].inset_axes((0.06, 0.06, 0.07, 0.88)), extend="max")
    scale.ax.grid(False)
    scale.set_label("absolute error\n(grey: 0 to 1)")
    return figure


def upper_box(rows: slice, columns: slice) -> tuple[int, tuple[slice, slice]]:
    """The side of the box, and where its middle may be: the box is in the upper half (brain, not neck), its middle in
    the middle half from left to right."""
    height, width = rows.stop - rows.start, columns.stop - columns.start
    side = min(height, width) // 4
    upper = slice(rows.start + side // 2, rows.start + max(height - side, side) // 2 + 1)
    return side, (upper, slice(columns.start + width // 4, columns.stop - width // 4))


def _means(scene: Scene) -> str:
    """Mean scores over all removed slices of the scan."""
    scores = scene.scores[scene.scores["removed"] & scene.scores["signal"]]
    means = scores.groupby("method")[list(METRICS)].mean()
    parts = [
        f"{scene.labels[method]} " + " / ".join(f"{means.loc[method, metric]:.{DIGITS[metric]}f}" for metric in METRICS)
        for method in scene.methods
    ]
    names = " / ".join(NAMES[metric] for metric in METRICS)
    return (
        f"Means over the {scores['slice'].nunique()} removed slices of this one scan, without a spread ({names}): "
        f"{'; '.join(parts)}. "
    )
