"""A scan's thick slices made thin, in a plane across the slices: by splines and by the network that ships with the
project."""

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter1d

from benchmark import project
from benchmark.figures.between import detail_box, gradient
from benchmark.figures.scene import Scene
from benchmark.figures.showcase import panels, upper_box
from benchmark.print.style import content, two_lines

THICK = 5  # thin slices per thick slice
AROUND = 32  # columns of each slice around the plane in the figure: the receptive field of the network
NAMES = {"spline": "cubic spline", "consistent": "spline that knows the thickness", "slab": "Slab (this project)"}


def draw(scene: Scene) -> tuple[Figure, str]:
    """A column for the thick slices, each method and the truth, in the plane across the slices with the most detail."""
    truth = scene.truth
    column = plane(truth)
    part = slice(max(0, column - AROUND), column + AROUND)
    known, slices = thickened(truth[:, :, part])
    positions = np.arange(known[0], known[-1] + 1)
    made = {name: restored(name, slices, (positions - known[0]) / THICK) for name in NAMES}
    thick_slices = slices[np.clip((positions - known[0] + THICK // 2) // THICK, 0, len(slices) - 1)]

    def across(volume: np.ndarray) -> np.ndarray:
        return volume[:, :, column - part.start].T

    true = across(truth[positions][:, :, part])
    images = {f"input: slices\n{THICK} times as thick": across(thick_slices)}
    images |= {two_lines(NAMES[name]): across(volume) for name, volume in made.items()}
    errors = {name: np.abs(image - true) for name, image in list(images.items())[1:]}
    images["truth"] = true
    crop = content([true[None]])
    figure = panels(images, errors, true, crop, detail_box(true[None], *upper_box(*crop)), "plane")
    caption = (
        f"Thick slices made thin: every {THICK}th slice of a real scan, as a scanner with slices {THICK} times as "
        f"thick would show it (Gaussian profile, width at half height {THICK} slices), and {THICK - 1} new slices in "
        "each gap. The plane is across the slices; its columns are slices. Cubic spline: through the slices as if "
        "they were thin. Spline that knows the thickness: its averages are the slices. Slab: the network shipped with "
        "the project, which uses the thickness; docs/weights.md lists the scans on which it was trained, and those on "
        "which the training was evaluated (one is csi3 of the sample scans). Boxed: the square in the upper half in "
        "which the truth has the most detail. Below: the absolute error and, under it, the PSNR of this plane. "
        + scene.where(f"column {column}: the plane in the middle half with the most gradient energy")
    )
    return figure, caption


def plane(truth: np.ndarray) -> int:
    """The column of the slices (S, H, W) whose plane across the slices has the most detail, within the middle half."""
    quarter = truth.shape[2] // 4
    detail = (gradient(np.moveaxis(truth, 2, 0)[quarter:-quarter]) ** 2).mean(axis=(1, 2))
    return quarter + int(detail.argmax())


def thickened(thin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (K,) of every ``THICK``-th thin slice (S, H, W), and the thick slices at these numbers, (K, H, W)."""
    from models.thickness import FWHM

    known = np.arange(THICK // 2, len(thin), THICK)
    averaged = gaussian_filter1d(thin.astype(np.float64), THICK / FWHM, axis=0, mode="nearest", truncate=3)
    return known, averaged[known].clip(0, 1).astype(np.float32)


def restored(name: str, slices: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Slices (S', H, W) at the positions ``at``, in units of the distance between thick slices."""
    from models import weights
    from models.method import method
    from models.thickness import Geometry, consistent_spline

    if name == "consistent":
        mixing = consistent_spline(np.arange(len(slices)), at, "gaussian", 1.0)
        return np.tensordot(mixing, slices, axes=1).clip(0, 1).astype(np.float32)
    shipped = project.models() / "weights" / f"{name}.safetensors"
    networks = {name: weights.load(shipped, "cpu")} if shipped.exists() else {}
    geometry = Geometry("gaussian", thickness=1.0, in_plane=THICK)
    restorer = method(name, networks, factor=1, chunk=8, geometry=geometry)
    return restorer.restore(slices, np.arange(len(slices)), at)
