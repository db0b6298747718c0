"""How good is the zoom on scans like mine? Averages a scan with thin slices to fewer slices, zooms it, and scores it.

``python -m zoom.truth SCAN … --n 4 --profiles gaussian point --methods linear spline -o table.tsv``
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from benchmark.config import load_config
from benchmark.errors import UserError, meant
from benchmark.files import written
from benchmark.scores.metrics import COLUMNS, Distance, score
from benchmark.scores.region import region
from benchmark.volume import plane, read_scan, to_upright
from zoom import rivals
from zoom.geometry import slice_axis
from zoom.names import stem
from zoom.pictures import Field
from zoom.process import run
from zoom.request import request
from zoom.run import zoom
from zoom.side_by_side import save
from zoom.simulated import centres, simulated_scan
from zoom.thickness import PROFILES

NEAR = 1e-6  # slices: the output's slices coincide with the truth's


def shrunk(data: np.ndarray, affine: np.ndarray, shrink: int) -> tuple[np.ndarray, np.ndarray]:
    """The truth (H, W, S) with blocks of ``shrink`` × ``shrink`` voxels averaged in plane, and its affine."""
    rows, columns = (side // shrink * shrink for side in data.shape[:2])
    blocks = data[:rows, :columns].reshape(rows // shrink, shrink, columns // shrink, shrink, -1)
    step = np.diag([shrink, shrink, 1.0, 1.0])
    step[:2, 3] = (shrink - 1) / 2
    return blocks.mean(axis=(1, 3)), affine @ step


def scored(slices: int, places: np.ndarray, profile: str) -> np.ndarray:
    """The scored slices of the truth: between the scan's first and last slice, without kept slices."""
    index = np.arange(slices)
    index = index[(index >= places[0]) & (index <= places[-1])]
    return index[~np.isin(index, places)] if profile == "point" else index


def at_places(volume: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Slices (S, H, W) of ``volume`` (H, W, S') at ``where``: copied, or by a quintic spline between slices."""
    from scipy.interpolate import make_interp_spline

    whole = np.rint(where)
    if np.abs(where - whole).max() < NEAR:
        return np.moveaxis(volume[..., whole.astype(int)], 2, 0)
    rows = (np.moveaxis(row, 1, 0).astype(np.float64) for row in volume)
    count = np.arange(volume.shape[2])
    return np.stack([make_interp_spline(count, row, k=5, axis=0)(where).astype(np.float32) for row in rows], axis=1)


@dataclass(frozen=True)
class Truth:
    """A scan with thin slices: ``volume`` (H, W, S), ``affine``, the slices' ``plane`` and distance ``thin``, mm."""

    volume: np.ndarray
    affine: np.ndarray
    plane: str
    thin: float


def read_truth(scan: Path, n: int, profile: str, axis: int | str | None, shrink: int, in_plane: int) -> Truth:
    """The truth of ``measure``; ``UserError`` if ``n``, ``shrink`` or the scan's values do not fit."""
    original = read_scan(scan)
    chosen = slice_axis(axis, original.spacing, original.codes, str(scan))
    upright = plane(original, chosen)
    whole, affine = to_upright(original.data, original.affine, upright)
    largest = min(whole.shape[:2]) // in_plane
    if not 1 <= shrink <= largest:
        size = " × ".join(map(str, whole.shape[:2]))
        raise UserError(f"{scan}: shrink = {shrink}; give 1 to {largest} for its slices of {size} voxels")
    volume, affine = shrunk(whole, affine, shrink)
    height, width = (side // in_plane * in_plane for side in volume.shape[:2])
    volume, count = volume[:height, :width], volume.shape[2]
    most, least = (count - 2 if profile == "point" else count // 2 - 1), int(in_plane == 1)
    if not least <= n <= most:
        raise UserError(f"{scan}: n = {n}; with profile {profile} of its {count} slices, give {least} to {most}")
    if not volume.max(initial=0) > 0:
        raise UserError(f"{scan}: no voxel is above 0, so that there is no scale for the scores")
    return Truth(volume, affine, upright, float(original.spacing[chosen]))


def measure(
    scan: Path,
    n: int,
    methods: Mapping[str, Mapping[str, Any]],
    config: Mapping[str, Any],
    perceptual: Distance,
    *,
    profile: str = "point",
    axis: int | str | None = None,
    shrink: int = 1,
    in_plane: int = 1,
    pictures: Path | None = None,
    programs: Mapping[str, Mapping[str, Any]] | None = None,
    logs: Path | None = None,
) -> pd.DataFrame:
    """Mean scores against the thin truth, one row per method (SSIM, PSNR in dB, LPIPS; full frame, then head or brain).

    ``methods``: arguments of ``request`` by name; the scan's true thickness and profile are passed, unless a method
    sets them. Slices are those of ``axis`` (none: the thickest). The truth is the scan, with blocks of ``shrink`` ×
    ``shrink`` voxels averaged in plane. With ``in_plane`` 4 the scan's voxels are also means of 4 × 4 voxels of the
    truth, and ``n`` may be 0. Both volumes are scaled to [0, 1] by the truth's 99.9th percentile and clipped. If n is
    odd and slices are thick, the output's slices are half-way between the truth's, and a quintic
    spline resamples them. ``pictures``: a folder for pictures across the slices. ``programs``: programs of other
    authors by name (``rivals`` of the config), with their logs in the folder ``logs``. Raises ``UserError`` if fewer
    than two slices are left, if ``shrink`` is not a size of its blocks, if no voxel is above 0, or if a program fails.
    """
    truth = read_truth(scan, n, profile, axis, shrink, in_plane)
    volume, count = truth.volume, truth.volume.shape[2]
    image = simulated_scan(*shrunk(volume, truth.affine, in_plane), n, profile)
    places = centres(count, n, profile)
    scale = np.percentile(volume[volume > 0], config["preprocess"]["percentile"])
    index = scored(count, places, profile if n else "box")
    inside = region(np.moveaxis(volume / scale, 2, 0).clip(0, 1), truth.affine)
    makers = {name: partial(_ours, name, options) for name, options in methods.items()}
    makers |= {name: partial(_theirs, name, rival, logs) for name, rival in (programs or {}).items()}
    rows, shown = [], {"scan": _field(np.asanyarray(image.dataobj), scale, 0)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.nii.gz"
        nib.save(image, path)
        made = Made(path, n, in_plane, profile, truth, index, places[0])
        for name, make in makers.items():
            zoomed, begins, step = make(made, config)
            shown[name] = _field(zoomed, scale, n, in_plane, first=(begins - places[0]) / (n + 1), step=step)
            slices, true = at_places(zoomed, (index - begins) / step), np.moveaxis(volume[..., index], 2, 0)
            pair = (slices / scale).clip(0, 1), (true / scale).clip(0, 1)
            scores = score(*pair, inside.of(index), perceptual)
            rows.append({"scan": scan.name, "n": n, "slices_are": profile, "method": name})
            rows[-1] |= {"in_plane": in_plane, "slices": int(scores["signal"].sum())}
            rows[-1] |= scores[COLUMNS].mean().to_dict()
    if pictures:
        shown["truth"] = _field(volume, scale, n, in_plane, first=-places[0] / (n + 1))
        spacing = np.linalg.norm(image.affine[:3, :3], axis=0)[[2, 0, 1]]
        name = f"{stem(scan)}_{profile}{n + 1}" + ("_in-plane" if in_plane > 1 else "")
        save(pictures, name, truth.plane, tuple(spacing), shown)
    return pd.DataFrame(rows)


def _field(
    volume: np.ndarray, scale: float, n: int, factor: int = 1, *, first: float = 0.0, step: float = 1.0
) -> Field:
    """A volume (H, W, S) for pictures: slices ``step`` / (n + 1) of the scan's spacing apart, from ``first``."""
    slices = np.moveaxis(volume, 2, 0) / scale
    return Field(slices, first + np.arange(len(slices)) * step / (n + 1), factor)


@dataclass(frozen=True)
class Made:
    """A scan simulated from a truth.

    ``path``: of the scan; ``index``: the scored slices of the truth; ``first``: position of the scan's first slice, in
    slices of the truth.
    """

    path: Path
    n: int
    in_plane: int
    profile: str
    truth: Truth
    index: np.ndarray
    first: float

    @property
    def thickness(self) -> float:
        """Of the scan's slices, mm."""
        return self.truth.thin * (1 if self.profile == "point" else self.n + 1)


Finer = tuple[np.ndarray, float, float]
"""A volume (H, W, S'), the position of its first slice and the distance of its slices, in slices of the truth."""


def _ours(name: str, options: Mapping[str, Any], made: Made, config: Mapping[str, Any]) -> Finer:
    """The scan zoomed by a method, with the ``options`` of a request."""
    output = made.path.with_name(f"{name}.nii.gz")
    asked = {"thickness": made.thickness, "profile": made.profile, "in_plane": made.in_plane} | dict(options)
    zoom(request(config, made.path, output, n=made.n, axis=2, **asked), config, lambda line: None)
    return np.asanyarray(nib.load(output).dataobj), made.first, 1.0  # type: ignore[attr-defined]


def _theirs(name: str, rival: Mapping[str, Any], logs: Path | None, made: Made, config: Mapping[str, Any]) -> Finer:
    """The scan zoomed by another author's program; the program's output is logged to a file in ``logs``."""
    from models.auto import device

    if made.in_plane != 1:
        raise UserError(f"rivals.{name}: programs of other authors are compared only at in-plane 1")
    folder = made.path.with_name(f"{name}.folder")
    folder.mkdir()
    voxel = float(np.linalg.norm(made.truth.affine[:3, :2], axis=0).min())
    gpu = 0 if device(config["compute"]["device"]) == "cuda" else -1
    spacing, threads = made.truth.thin * (made.n + 1), config["compute"]["threads"]
    task = rivals.Task(made.path, folder, made.n, spacing, made.thickness, voxel, made.profile, threads, gpu)
    output = rivals.run(name, rival, task, config["data"], (logs or folder) / f"{name}.log")
    truth = made.truth
    return rivals.read(name, output, truth.plane, truth.affine, truth.volume.shape[:2], made.index)


def _perceptual(trunk: Path) -> Distance:
    """LPIPS with the features that the study's scores use."""
    from models.perceptual import Perceptual

    if not trunk.exists():
        raise UserError(f"{trunk}: no such file (features for LPIPS); `snakemake --cores 1 {trunk}` makes it")
    return Perceptual(trunk, net="alex")


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    command = argparse.ArgumentParser(prog="python -m zoom.truth", description=(__doc__ or "").replace("``", ""))
    add = command.add_argument
    add("scans", nargs="+", type=Path, help="scans with thin slices")
    add("--n", nargs="+", type=int, default=[1], help="new slices in each gap of the simulated scan")
    add(
        "--profiles", nargs="+", choices=PROFILES, default=["point"], help="thin slices (point), or thick ones of n + 1"
    )
    add("--methods", nargs="+", default=["linear", "spline"], help="methods of the config")
    add(
        "--rivals",
        nargs="+",
        default=[],
        metavar="NAME",
        help="programs of other authors: keys of `rivals` in the config",
    )
    add("--weights", nargs="+", default=[], help="for methods with networks, as for mri-zoom")
    add("--read-as", choices=PROFILES, help="profile that the methods assume, if it is not that of the simulated scan")
    add("--axis", help="slice axis, as for mri-zoom")
    add("--tile", type=int, help="as for mri-zoom")
    add("--shrink", type=int, default=1, help="first average square blocks of voxels with this side, in plane")
    add("--in-plane", type=int, choices=(1, 4), default=1, help="4: four times coarser in plane; n may be 0")
    add(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="write pictures of planes across the slices, methods next to the truth",
    )
    add("--config", help="a configuration that changes config/config.yaml")
    add("-o", "--output", required=True, type=Path, metavar="TABLE.tsv", help="the table to write")
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; prints the means over scans, and writes a row for each scan, n, profile and method."""
    options = parser().parse_args(arguments)
    return run("zoom.truth", lambda: _scored(options))


def _scored(options: argparse.Namespace) -> int:
    config = load_config(options.config)
    perceptual = _perceptual(Path(config["data"]) / "trunks" / "alex.safetensors")
    methods = {
        name: {"method": name} | ({"profile": options.read_as} if options.read_as else {}) for name in options.methods
    }
    for name, arguments in methods.items():
        if config["methods"].get(name, {}).get("networks"):
            arguments |= {"weights": tuple(options.weights), "tile": options.tile}
    for name in options.rivals:
        if name not in config["rivals"] or name in methods:
            raise UserError(f"--rivals: '{name}' is not a key of rivals in the config{meant(name, config['rivals'])}")
    stems = [stem(scan) for scan in options.scans]
    twice = next((name for name in stems if stems.count(name) > 1), None)
    if options.pictures and twice:
        raise UserError(f"--pictures: two scans are called {twice}; run the command once for each, with two folders")
    programs = {name: config["rivals"][name] for name in options.rivals}
    axis = int(options.axis) if options.axis and options.axis.isdecimal() else options.axis
    tables: list[pd.DataFrame] = []
    try:
        for n, profile, scan in product(options.n, options.profiles, options.scans):
            chosen = {"profile": profile, "axis": axis, "shrink": options.shrink, "in_plane": options.in_plane}
            chosen |= {"pictures": options.pictures, "programs": programs, "logs": options.output.parent}
            tables.append(measure(scan, n, methods, config, perceptual, **chosen))
            table = pd.concat(tables, ignore_index=True)
            with written(options.output) as aside:  # results so far
                table.to_csv(aside, sep="\t", index=False, float_format="%.5f")
            print(f"{scan}: n = {n}, {profile} slices scored", file=sys.stderr)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{options.output} holds the scores so far" if tables else "") from None
    means = table.groupby(["n", "slices_are", "method"], sort=False)[COLUMNS].mean()
    print(means.round(4).to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main())
