"""Scan → truth: upright slices, one scale for the whole volume, zero-padded to a square (article, section 3.2).

Every step is written to a JSON sidecar, so that ``undo`` restores a volume to the scan's grid and units.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmark import volume
from benchmark.errors import UserError
from benchmark.files import reading_result, sha256, written


@dataclass(frozen=True)
class Sidecar:
    """The steps applied to a scan, in order.

    ``scale``: scanner units per 1.0 (a list with a value for each slice with ``scaling: slice``); ``floor`` is
    subtracted first (0 except with ``slice``). ``clipped``: number of voxels outside [0, 1] before clipping, the only
    loss at ``shrink`` 1. ``pad``: zeros added before and after rows and columns. ``shrink``: block averaged in plane.
    """

    source: str
    sha256: str
    source_shape: list[int]
    source_affine: list[list[float]]
    source_codes: list[str]
    plane: str
    scaling: str
    percentile: float
    floor: float | list[float]
    scale: float | list[float]
    clipped: int
    pad: list[list[int]]
    shrink: int
    size: int


def _scale_volume(data: np.ndarray, percentile: float) -> tuple[float, float]:
    voxels = data.ravel(order="K")  # in memory order: any other order takes three times as long
    return 0.0, float(np.percentile(voxels[voxels != 0], percentile, overwrite_input=True))


def _scale_slices(data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each slice by its own minimum and maximum, as the authors' code does: breaks consistency between slices."""
    low, high = data.min(axis=(0, 1)), data.max(axis=(0, 1))
    return low, np.where(high > low, high - low, 1.0)


def preprocess(
    path: str | Path,
    *,
    axis: int | str,
    size: int,
    shrink: int = 1,
    scaling: str = "volume",
    percentile: float = 99.9,
    orientation: str | None = None,
    slices: int | None = None,
) -> tuple[np.ndarray, np.ndarray, Sidecar]:
    """Truth volume (S, size, size) float32 in [0, 1], its affine for (H, W, S), and the sidecar.

    ``axis``: slice axis as stored (0–2), or ``sagittal``, ``coronal``, ``axial``. ``size``: side of the frame, a
    multiple of 4. ``shrink``: average blocks of this many voxels in plane (for small runs). ``slices``: the number of
    slices that the cohort must have. Raises ``UserError`` with the file's name if a rule is broken.
    """
    scan = volume.read_scan(path, orientation)
    plane = volume.plane(scan, axis)
    data, affine = volume.to_upright(scan.data, scan.affine, plane)
    if slices is not None and data.shape[2] != slices:
        raise UserError(
            f"{path}: {data.shape[2]} {plane} slices, but the cohort has {slices}; set the cohort's axis or slices"
        )
    frame = size * shrink
    if max(data.shape[:2]) > frame:
        raise UserError(
            f"{path}: slices of {data.shape[0]}×{data.shape[1]} do not fit the frame of {frame}×{frame}; "
            f"set preprocess.size to {-(-max(data.shape[:2]) // (32 * shrink)) * 32} or more (slices are not cropped)"
        )
    floor, scale = _scale_volume(data, percentile) if scaling == "volume" else _scale_slices(data)
    if np.min(scale) <= 0:
        raise UserError(f"{path}: its {percentile}th percentile is not positive; give a scan with positive signal")
    pad = [[(frame - n) // 2, frame - n - (frame - n) // 2] for n in data.shape[:2]]
    framed = np.zeros((data.shape[2], frame, frame), dtype=np.float32)
    inner = framed[:, pad[0][0] : frame - pad[0][1], pad[1][0] : frame - pad[1][1]]
    inner[:] = np.moveaxis((data - floor if np.any(floor) else data) / scale, 2, 0)
    clipped = int(np.count_nonzero(inner < 0) + np.count_nonzero(inner > 1))
    np.clip(framed, 0, 1, out=framed)
    if shrink > 1:
        blocks = framed.reshape(-1, size, shrink, size, shrink)
        framed = blocks.mean(axis=(2, 4), dtype=np.float64).astype(np.float32)
    sidecar = Sidecar(
        source=str(path),
        sha256=sha256(path),
        source_shape=list(scan.data.shape),
        source_affine=scan.affine.tolist(),
        source_codes=list(scan.codes),
        plane=plane,
        scaling=scaling,
        percentile=percentile,
        floor=np.asarray(floor).tolist(),
        scale=np.asarray(scale).tolist(),
        clipped=clipped,
        pad=pad,
        shrink=shrink,
        size=size,
    )
    return framed, frame_affine(affine, pad, shrink), sidecar


def frame_affine(affine: np.ndarray, pad: Sequence[Sequence[int]], shrink: int) -> np.ndarray:
    """Affine of the framed volume: the origin moves out by the padding, then to the centre of the first block."""
    step = np.diag([shrink, shrink, 1.0, 1.0])
    step[:2, 3] = [(shrink - 1) / 2 - pad[0][0], (shrink - 1) / 2 - pad[1][0]]
    return affine @ step


def undo(truth: np.ndarray, sidecar: Sidecar) -> tuple[np.ndarray, np.ndarray]:
    """Restores a volume (S, size, size) to the scan's grid, axes and units: data as stored (float64) and its affine.

    Exact except for clipped voxels if ``shrink`` is 1; a shrunk volume has blocks. Only tests call this function: it
    proves that the sidecar holds all needed values.
    """
    data = np.moveaxis(truth.astype(np.float64), 0, 2).repeat(sidecar.shrink, 0).repeat(sidecar.shrink, 1)
    (top, bottom), (left, right) = sidecar.pad
    data = data[top : data.shape[0] - bottom, left : data.shape[1] - right]
    data = data * np.asarray(sidecar.scale) + np.asarray(sidecar.floor)
    source = np.asarray(sidecar.source_affine)
    _, affine = volume.to_upright(np.empty(sidecar.source_shape, dtype=np.int8), source, sidecar.plane)
    return volume.from_upright(data, affine, tuple(sidecar.source_codes))


def write_sidecar(path: str | Path, sidecar: Sidecar) -> None:
    """Writes the sidecar as JSON."""
    with written(path) as aside:
        aside.write_text(json.dumps(asdict(sidecar), indent=2) + "\n", encoding="utf-8")


def read_sidecar(path: str | Path) -> Sidecar:
    """Reads a sidecar."""
    with reading_result(path):
        return Sidecar(**json.loads(Path(path).read_text(encoding="utf-8")))
