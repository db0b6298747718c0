"""Zooms a first scan and shows the result: ``mri-zoom-example FOLDER``.

Downloads a T1w scan with 1 mm voxels (BOLD5000 subject CSI3, CC0, defaced; not in the training of the shipped
networks), averages it to slices of 5 mm as in a 2-D acquisition, and zooms the result back to 1 mm. FOLDER then holds
thick.nii.gz, zoomed.nii.gz with its page and, where matplotlib is installed, zoom.png: thick slices, interpolation,
zoomed, truth.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import nibabel as nib
import numpy as np

from benchmark import project
from benchmark.config import load_config
from benchmark.datasets import reader
from benchmark.files import written
from benchmark.volume import read_scan, to_upright
from zoom.process import run
from zoom.request import request
from zoom.run import zoom
from zoom.simulated import simulated_scan

SUBJECT = "csi3"
THICK = 5  # mm, which is 5 slices of the truth
MADE = ("thick.nii.gz", "spline.*", "zoomed.*", "zoom.png")
PANELS = ("slices of 5 mm", "interpolated (cubic)", "zoomed", "truth (1 mm)")


def coronal(volume: np.ndarray, row: int, depth: int) -> np.ndarray:
    """One row of an upright axial volume (H, W, S) as a picture (depth, W), head up: slices stretched to ``depth``."""
    cut = volume[row].T[::-1]
    return cut[np.minimum(np.arange(depth) * len(cut) // depth, len(cut) - 1)]


def draw(volumes: Sequence[np.ndarray], path: Path) -> None:
    """The middle coronal plane of each volume (H, W, S), which share their rows, as a PNG with one row of panels."""
    from benchmark.print import style

    depth = max(volume.shape[2] for volume in volumes)
    truth = volumes[-1]
    high = float(np.percentile(truth[truth > 0], 99.9))
    cuts = [coronal(volume, truth.shape[0] // 2, depth) / high for volume in volumes]
    figure, axes = style.grid(1, len(cuts), cuts[0].shape)
    for axis, cut, name in zip(axes[0], cuts, PANELS, strict=True):
        style.picture(axis, cut, cmap="gray", interpolation="nearest")
        axis.set_title(name)
    with written(path) as aside:
        figure.savefig(aside, dpi=200)


def example(folder: Path) -> None:
    """Makes the files listed in the module's docstring. Raises ``UserError``: the scan cannot be downloaded."""
    config = load_config()
    data = Path(config["data"]) if project.clone() else folder
    (source,) = reader("sample", data / "sample").fetch([SUBJECT]).values()
    scan = read_scan(source)
    truth, affine = to_upright(scan.data, scan.affine, "axial")
    truth = truth[..., : truth.shape[2] // THICK * THICK]
    folder.mkdir(parents=True, exist_ok=True)
    thick = simulated_scan(truth.astype(np.float32), affine, THICK - 1, "box")
    with written(folder / "thick.nii.gz") as aside:
        nib.save(thick, aside)
    volumes = [np.asanyarray(thick.dataobj)]
    for name, what, options in (
        ("spline", "plain interpolation, for comparison", {"method": "spline", "profile": "point"}),
        ("zoomed", "the zoom", {}),
    ):
        print(f"{what}:", file=sys.stderr)
        output = folder / f"{name}.nii.gz"
        zoom(request(config, folder / "thick.nii.gz", output, n=THICK - 1, overwrite=True, **options), config)
        volumes.append(np.asanyarray(nib.load(output).dataobj))  # type: ignore[attr-defined]
    ends = (
        truth.shape[2] - volumes[-1].shape[2]
    ) // 2  # the output extends from the first slice's centre to the last's
    volumes[1:] = [np.pad(volume, ((0, 0), (0, 0), (ends, ends)), mode="edge") for volume in volumes[1:]]
    pictures = [folder / "zoomed.html"]
    if find_spec("matplotlib"):
        draw([*volumes, truth], folder / "zoom.png")
        pictures.append(folder / "zoom.png")
    print(f"look at {' and '.join(map(str, pictures))}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog=f"{project.COMMAND}-example", description=(__doc__ or "").replace("``", ""))
    parser.add_argument("folder", type=Path, help="folder for the files; made if missing")
    folder = parser.parse_args(arguments).folder

    def work() -> int:
        with _whole_or_nothing(folder):
            example(folder)
        return 0

    return run(f"{project.COMMAND}-example", work)


@contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[None]:
    """If the block fails or is stopped, removes the files that it made in ``folder`` (not the downloaded scan)."""

    def present() -> set[Path]:
        return {path for pattern in MADE for path in folder.glob(pattern)} | ({folder} if folder.exists() else set())

    before = present()
    try:
        yield
    except BaseException:
        for path in sorted(present() - before, reverse=True):  # a folder after its files
            if path != folder:
                path.unlink(missing_ok=True)
            elif not any(folder.iterdir()):
                folder.rmdir()
        raise


if __name__ == "__main__":
    sys.exit(main())
