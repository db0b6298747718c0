"""How good is it on scans like mine? A scan with fewer slices is made of one with thin slices, zoomed, and scored.

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

from benchmark.config import load_config, meant
from benchmark.errors import UserError
from benchmark.files import written
from benchmark.scores.metrics import COLUMNS, Distance, score
from benchmark.scores.region import region
from benchmark.volume import plane, read_scan, to_upright
from zoom import rivals
from zoom.geometry import slice_axis
from zoom.pictures import Field
from zoom.process import run
from zoom.request import request
from zoom.run import zoom
from zoom.side_by_side import save
from zoom.thickness import PROFILES
from zoom.thinned import centres, thinned

NEAR = 1e-6  # slices: the output's slices lie on the truth's


def shrunk(data: np.ndarray, affine: np.ndarray, shrink: int) -> tuple[np.ndarray, np.ndarray]:
    """The truth (H, W, S) with blocks of ``shrink`` × ``shrink`` voxels averaged in plane, and its affine."""
    rows, columns = (side // shrink * shrink for side in data.shape[:2])
    blocks = data[:rows, :columns].reshape(rows // shrink, shrink, columns // shrink, shrink, -1)
    step = np.diag([shrink, shrink, 1.0, 1.0])
    step[:2, 3] = (shrink - 1) / 2
    return blocks.mean(axis=(1, 3)), affine @ step


def scored(slices: int, places: np.ndarray, profile: str) -> np.ndarray:
    """The slices of the truth that are scored: between the scan's first and last, and not those that were kept."""
    index = np.arange(slices)
    index = index[(index >= places[0]) & (index <= places[-1])]
    return index[~np.isin(index, places)] if profile == "point" else index


def at_places(volume: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Slices (S, H, W) of ``volume`` (H, W, S') at ``where``: as they are, or by a quintic spline between them."""
    from scipy.interpolate import make_interp_spline

    whole = np.rint(where)
    if np.abs(where - whole).max() < NEAR:
        return np.moveaxis(volume[..., whole.astype(int)], 2, 0)
    rows = (np.moveaxis(row, 1, 0).astype(np.float64) for row in volume)
    count = np.arange(volume.shape[2])
    return np.stack([make_interp_spline(count, row, k=5, axis=0)(where).astype(np.float32) for row in rows], axis=1)


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
    """Mean scores against the thin truth, a row a method (SSIM, PSNR in dB, LPIPS; full frame, then head or brain).

    ``methods``: arguments of ``request`` by name; the scan's thickness and profile are passed as they are, unless a
    method names its own. Slices are those of ``axis`` (none: the thickest). With ``in_plane`` 4 the scan's voxels are
    means of 4 × 4 of the truth's as well, and ``n`` may be 0. Both volumes are brought to [0, 1] by the truth's 99.9th
    percentile and clipped. Where n is odd and slices are thick, the output's slices lie half-way between the truth's,
    and are brought to these by a quintic spline. ``pictures``: a folder for pictures across the slices. ``programs``:
    those of other people, by name (``rivals`` of the config), with their logs in the folder ``logs``. Raises
    ``UserError`` where fewer than two slices are left, and what ``rivals.run`` raises.
    """
    found = read_scan(scan)
    chosen = slice_axis(axis, found.spacing, found.codes, str(scan))
    upright = plane(found, chosen)
    truth, affine = shrunk(*to_upright(found.data, found.affine, upright), shrink)
    height, width = (side // in_plane * in_plane for side in truth.shape[:2])
    truth, count = truth[:height, :width], truth.shape[2]
    most, least = (count - 2 if profile == "point" else count // 2 - 1), int(in_plane == 1)
    if not least <= n <= most:
        raise UserError(f"{scan}: n = {n}; with profile {profile} of its {count} slices, give {least} to {most}")
    image = thinned(*shrunk(truth, affine, in_plane), n, profile)
    places = centres(count, n, profile)
    scale = np.percentile(truth[truth > 0], config["preprocess"]["percentile"])
    index = scored(count, places, profile if n else "box")
    thin = float(found.spacing[chosen])
    inside = region(np.moveaxis(truth / scale, 2, 0).clip(0, 1), affine)
    makers = {name: partial(_ours, name, given) for name, given in methods.items()}
    makers |= {name: partial(_theirs, name, rival, logs) for name, rival in (programs or {}).items()}
    rows, shown = [], {"scan": _field(np.asanyarray(image.dataobj), scale, 0)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.nii.gz"
        nib.save(image, path)
        thickness = thin * (1 if profile == "point" else n + 1)
        made = Made(path, n, in_plane, profile, thickness, thin, upright, affine, (height, width), index, places[0])
        for name, make in makers.items():
            zoomed, begins, step = make(made, config)
            shown[name] = _field(zoomed, scale, n, in_plane, first=(begins - places[0]) / (n + 1), step=step)
            slices, true = at_places(zoomed, (index - begins) / step), np.moveaxis(truth[..., index], 2, 0)
            pair = (slices / scale).clip(0, 1), (true / scale).clip(0, 1)
            scores = score(*pair, inside.of(index), perceptual)
            rows.append({"scan": scan.name, "n": n, "slices_are": profile, "method": name})
            rows[-1] |= {"in_plane": in_plane, "slices": int(scores["signal"].sum())}
            rows[-1] |= scores[COLUMNS].mean().to_dict()
    if pictures:
        shown["truth"] = _field(truth, scale, n, in_plane, first=-places[0] / (n + 1))
        spacing = np.linalg.norm(image.affine[:3, :3], axis=0)[[2, 0, 1]]
        stem = f"{scan.name.split('.')[0]}_{profile}{n + 1}" + ("_in-plane" if in_plane > 1 else "")
        save(pictures, stem, upright, tuple(spacing), shown)
    return pd.DataFrame(rows)


def _field(
    volume: np.ndarray, scale: float, n: int, factor: int = 1, *, first: float = 0.0, step: float = 1.0
) -> Field:
    """A volume (H, W, S) to be shown: its slices lie ``step`` / (n + 1) of the scan's apart, from ``first`` on."""
    slices = np.moveaxis(volume, 2, 0) / scale
    return Field(slices, first + np.arange(len(slices)) * step / (n + 1), factor)


@dataclass(frozen=True)
class Made:
    """A scan made of a truth (H, W, S), and where the truth lies.

    ``path``: of the scan; ``thickness``: of its slices, mm; ``thin``: between the slices of the truth, mm; ``plane``,
    ``affine``, ``shape`` (H, W): of the truth; ``index``: its slices that are scored; ``first``: where the first slice
    of the scan lies, in slices of the truth.
    """

    path: Path
    n: int
    in_plane: int
    profile: str
    thickness: float
    thin: float
    plane: str
    affine: np.ndarray
    shape: tuple[int, int]
    index: np.ndarray
    first: float


Finer = tuple[np.ndarray, float, float]
"""A volume (H, W, S'); where its first slice lies, and how far apart its slices are, in slices of the truth."""


def _ours(name: str, given: Mapping[str, Any], made: Made, config: Mapping[str, Any]) -> Finer:
    """What zoom makes of the scan, with the arguments ``given`` of a request."""
    output = made.path.with_name(f"{name}.nii.gz")
    wish = {"thickness": made.thickness, "profile": made.profile, "in_plane": made.in_plane} | dict(given)
    zoom(request(config, made.path, output, n=made.n, axis=2, **wish), config, lambda line: None)
    return np.asanyarray(nib.load(output).dataobj), made.first, 1.0  # type: ignore[attr-defined]


def _theirs(name: str, rival: Mapping[str, Any], logs: Path | None, made: Made, config: Mapping[str, Any]) -> Finer:
    """What the program of other people makes of the scan; what the program prints goes to a file in ``logs``."""
    from models.weights import device

    if made.in_plane != 1:
        raise UserError(f"rivals.{name}: programs of others are compared at in-plane 1 alone")
    folder = made.path.with_name(f"{name}.folder")
    folder.mkdir()
    voxel = float(np.linalg.norm(made.affine[:3, :2], axis=0).min())
    gpu = 0 if device(config["compute"]["device"]) == "cuda" else -1
    spacing, threads = made.thin * (made.n + 1), config["compute"]["threads"]
    task = rivals.Task(made.path, folder, made.n, spacing, made.thickness, voxel, made.profile, threads, gpu)
    output = rivals.run(name, rival, task, config["data"], (logs or folder) / f"{name}.log")
    return rivals.read(name, output, made.plane, made.affine, made.shape, made.index)


def _perceptual(trunk: Path) -> Distance:
    """LPIPS with the features that the study's scores use."""
    from models.perceptual import Perceptual

    if not trunk.exists():
        raise UserError(f"{trunk}: no such file (features for LPIPS); `snakemake --cores 1 {trunk}` makes it")
    return Perceptual(trunk, net="alex")


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    found = argparse.ArgumentParser(prog="python -m zoom.truth", description=__doc__)
    add = found.add_argument
    add("scans", nargs="+", type=Path, help="with slices as thin as they come")
    add("--n", nargs="+", type=int, default=[1], help="new slices in each gap: the made scan's are n + 1 apart")
    add(
        "--profiles", nargs="+", choices=PROFILES, default=["point"], help="thin slices (point), or thick ones of n + 1"
    )
    add("--methods", nargs="+", default=["linear", "spline"], help="of the config")
    add("--rivals", nargs="+", default=[], metavar="NAME", help="programs of others: keys of `rivals` in the config")
    add("--weights", nargs="+", default=[], help="for those with networks, as of the command zoom")
    add("--read-as", choices=PROFILES, help="profile for the methods, other than that with which the scan was made")
    add("--axis", help="slice axis, as of the command zoom")
    add("--tile", type=int, help="as of the command zoom")
    add("--shrink", type=int, default=1, help="average blocks of so many voxels in plane first")
    add("--in-plane", type=int, choices=(1, 4), default=1, help="4: four times coarser in plane; n may be 0")
    add(
        "--pictures", type=Path, help="a folder for pictures of the planes across the slices, methods next to the truth"
    )
    add("--config", help="on top of config/config.yaml")
    add("-o", "--output", required=True, type=Path, help="a TSV")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; prints the means over scans, and writes a row for each scan, n, profile and method."""
    given = parser().parse_args(arguments)
    return run("zoom.truth", lambda: _scored(given))


def _scored(given: argparse.Namespace) -> int:
    config = load_config(given.config)
    perceptual = _perceptual(Path(config["data"]) / "trunks" / "alex.safetensors")
    methods = {name: {"method": name} | ({"profile": given.read_as} if given.read_as else {}) for name in given.methods}
    for name, wish in methods.items():
        if config["methods"].get(name, {}).get("networks"):
            wish |= {"weights": tuple(given.weights), "tile": given.tile}
    for name in given.rivals:
        if name not in config["rivals"] or name in methods:
            raise UserError(f"--rivals: '{name}' is no key of rivals in the config{meant(name, config['rivals'])}")
    programs = {name: config["rivals"][name] for name in given.rivals}
    axis = int(given.axis) if given.axis and given.axis.isdecimal() else given.axis
    tables: list[pd.DataFrame] = []
    try:
        for n, profile, scan in product(given.n, given.profiles, given.scans):
            wishes = {"profile": profile, "axis": axis, "shrink": given.shrink, "in_plane": given.in_plane}
            wishes |= {"pictures": given.pictures, "programs": programs, "logs": given.output.parent}
            tables.append(measure(scan, n, methods, config, perceptual, **wishes))
            table = pd.concat(tables, ignore_index=True)
            with written(given.output) as aside:  # as far as it has come
                table.to_csv(aside, sep="\t", index=False, float_format="%.5f")
            print(f"{scan}: n = {n}, {profile} slices scored", file=sys.stderr)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{given.output} holds what was scored" if tables else "") from None
    means = table.groupby(["n", "slices_are", "method"], sort=False)[COLUMNS].mean()
    print(means.round(4).to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main())
