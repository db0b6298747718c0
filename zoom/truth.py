"""How good is it on scans like mine? Slices are taken away, zoomed back, and scored against what was there.

``python -m zoom.truth SCAN … --n 1 3 --methods linear spline -o table.tsv``
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from benchmark.config import load_config
from benchmark.errors import UserError
from benchmark.files import written
from benchmark.scores.metrics import COLUMNS, Distance, score
from benchmark.volume import plane, read_scan, to_upright
from zoom.geometry import slice_axis
from zoom.request import request
from zoom.run import zoom


def thinned(data: np.ndarray, affine: np.ndarray, n: int, shrink: int) -> tuple[np.ndarray, nib.Nifti1Image]:
    """The truth (H, W, S), cut so that its last slice is kept, and the scan with n of every n + 1 slices taken away.

    ``shrink``: blocks of so many voxels are averaged in plane first, as ``preprocess.shrink`` does.
    """
    rows, columns, slices = data.shape
    last = (slices - 1) // (n + 1) * (n + 1)
    rows, columns = rows // shrink * shrink, columns // shrink * shrink
    truth = data[:rows, :columns, : last + 1].reshape(rows // shrink, shrink, columns // shrink, shrink, -1)
    truth = truth.mean(axis=(1, 3))
    step = np.diag([shrink, shrink, n + 1.0, 1.0])
    step[:2, 3] = (shrink - 1) / 2
    return truth, nib.Nifti1Image(truth[..., :: n + 1].astype(np.float32), affine @ step)


def measure(
    scan: Path,
    n: int,
    methods: Mapping[str, Mapping[str, Any]],
    config: Mapping[str, Any],
    perceptual: Distance,
    *,
    axis: int | str | None = None,
    shrink: int = 1,
) -> pd.DataFrame:
    """Mean scores of the slices taken away, a row a method (SSIM, PSNR in dB, LPIPS; full frame, then brain).

    ``methods``: arguments of ``request`` by name; slices are those of ``axis`` (none: the thickest). Both volumes are
    brought to [0, 1] by the truth's 99.9th percentile and clipped. Raises ``UserError`` where ``n`` leaves fewer than
    two slices.
    """
    found = read_scan(scan)
    chosen = slice_axis(axis, found.spacing, found.codes, str(scan))
    data, affine = to_upright(found.data, found.affine, plane(found, chosen))
    if not 1 <= n <= data.shape[2] - 2:
        raise UserError(
            f"{scan}: n = {n}; take 1 to {data.shape[2] - 2} slices away between two of its {data.shape[2]}"
        )
    truth, image = thinned(data, affine, n, shrink)
    scale = np.percentile(truth[truth > 0], config["preprocess"]["percentile"])
    taken = np.flatnonzero(np.arange(truth.shape[2]) % (n + 1))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "thinned.nii.gz"
        nib.save(image, path)
        for name, given in methods.items():
            output = Path(folder) / f"{name}.nii.gz"
            zoom(request(config, path, output, n=n, axis=2, **given), config, lambda line: None)
            zoomed = np.asanyarray(nib.load(output).dataobj)  # type: ignore[attr-defined]
            slices = [np.moveaxis(v[..., taken] / scale, 2, 0).clip(0, 1) for v in (zoomed, truth)]
            scores = score(slices[0], slices[1], perceptual)
            rows.append({"scan": scan.name, "n": n, "method": name, "slices": int(scores["signal"].sum())})
            rows[-1] |= scores.drop(columns=["slice", "signal"]).mean().to_dict()
    return pd.DataFrame(rows)


def _perceptual(trunk: Path) -> Distance:
    """LPIPS with the features that the study's scores use."""
    from models.perceptual import Perceptual

    if not trunk.exists():
        raise UserError(f"{trunk}: no such file (features for LPIPS); `snakemake --cores 1 {trunk}` makes it")
    return Perceptual(trunk, net="alex")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; prints the means over scans, and writes a row for each scan, n and method."""
    parser = argparse.ArgumentParser(prog="python -m zoom.truth", description=__doc__)
    parser.add_argument("scans", nargs="+", type=Path, help="with slices as thin as they come")
    parser.add_argument("--n", nargs="+", type=int, default=[1], help="slices taken away between two that are kept")
    parser.add_argument("--methods", nargs="+", default=["linear", "spline"], help="of the config")
    parser.add_argument("--weights", nargs="+", default=[], help="for those with networks, as of the command zoom")
    parser.add_argument("--axis", help="slice axis, as of the command zoom")
    parser.add_argument("--tile", type=int, help="as of the command zoom")
    parser.add_argument("--shrink", type=int, default=1, help="average blocks of so many voxels in plane first")
    parser.add_argument("--config", help="on top of config/config.yaml")
    parser.add_argument("-o", "--output", required=True, type=Path, help="a TSV")
    given = parser.parse_args(arguments)
    try:
        config = load_config(given.config)
        perceptual = _perceptual(Path(config["data"]) / "trunks" / "alex.safetensors")
        methods = {
            name: {"method": name, "weights": tuple(given.weights), "tile": given.tile}
            if config["methods"].get(name, {}).get("networks")
            else {"method": name}
            for name in given.methods
        }
        axis = int(given.axis) if given.axis and given.axis.isdigit() else given.axis
        tables = []
        for n, scan in product(given.n, given.scans):
            tables.append(measure(scan, n, methods, config, perceptual, axis=axis, shrink=given.shrink))
            table = pd.concat(tables, ignore_index=True)
            with written(given.output) as aside:  # as far as it has come
                table.to_csv(aside, sep="\t", index=False, float_format="%.5f")
            print(f"{scan}: n = {n} scored", file=sys.stderr)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    means = table.groupby(["n", "method"], sort=False)[COLUMNS].mean()
    print(means.round(4).to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main())
