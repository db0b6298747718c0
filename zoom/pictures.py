"""Pictures for the page: sections through volumes on disk, on one grid in millimetres, without interpolation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from benchmark.files import png_uri
from benchmark.volume import UPRIGHT
from zoom.colours import colour
from zoom.geometry import PLANES
from zoom.scan import OpenScan

LONGEST = 440  # pixels along the longest side of the field of view
PLACES = (0.3, 0.4, 0.5, 0.6, 0.7)  # of the field of view, for each plane
ICON = 160
MIDDLE = len(PLACES) // 2
OPPOSITE = dict(zip("RLAPSI", "LRPAIS", strict=True))

Decode = Callable[[np.ndarray], np.ndarray]


class Slices(Protocol):
    """Upright slices (S, H, W), read or computed one at a time."""

    shape: tuple[int, int, int]

    def __getitem__(self, index: int, /) -> np.ndarray:
        """One slice (H, W)."""


@dataclass(frozen=True)
class Field:
    """A volume and the positions of its voxels: ``at``: its slices, in slices of the scan; ``factor``: in plane."""

    store: Slices
    at: np.ndarray
    factor: int
    decode: Decode = lambda values: values

    def indices(self, axis: int, positions: np.ndarray) -> np.ndarray:
        """The nearest voxel to each position (scan voxels) along upright slices, rows or columns; −1 outside."""
        if axis == 0:
            step = self.at[1] - self.at[0] if len(self.at) > 1 else 1.0
            numbers = np.rint((positions - self.at[0]) / step).astype(int)
            count = len(self.at)
        else:
            numbers = np.floor((positions + 0.5) * self.factor).astype(int)
            count = self.store.shape[axis]
        return np.where((numbers < 0) | (numbers >= count), -1, numbers)


@dataclass(frozen=True)
class View:
    """One plane's pictures are ``rows`` × ``columns`` of positions (scan voxels) along upright axes ``axes``: down,
    across and through; ``places`` (P,): positions along the last.
    """

    plane: str
    axes: tuple[int, int, int]
    rows: np.ndarray
    columns: np.ndarray
    places: np.ndarray


def views(plane: str, shape: tuple[int, int, int], spacing: Sequence[float]) -> list[View]:
    """Axial, coronal and sagittal pictures of a volume whose slices are ``plane``; ``shape``, ``spacing``: S, H, W."""
    rows, columns, slices = UPRIGHT[plane]
    codes = (slices, rows, columns)
    extent = np.array(shape) * np.array(spacing)
    pixel = float(extent.max()) / LONGEST

    def along(code: str) -> tuple[int, np.ndarray]:
        axis = next(i for i, own in enumerate(codes) if own in (code, OPPOSITE[code]))
        count = max(2, round(extent[axis] / pixel))
        positions = (np.arange(count) + 0.5) / count * shape[axis] - 0.5
        return axis, positions if codes[axis] == code else positions[::-1]

    result = []
    for name in PLANES:
        (down, down_at), (across, across_at), (through, _) = (along(code) for code in UPRIGHT[name])
        places = np.rint(np.array(PLACES) * (shape[through] - 1))
        result.append(View(name, (down, across, through), down_at, across_at, places))
    return result


def where(view: View, scan: OpenScan) -> list[str]:
    """The name of each place of a view: its slice of the scan, counted from 1 as stored, and mm at its middle."""
    rows, columns, slices = scan.stored_axes
    axis = (slices, rows, columns)[view.axes[2]]
    count, direction = scan.shape[axis], PLANES[::-1].index(view.plane)
    texts = []
    for place in view.places.astype(int).tolist():
        voxel = (np.array(scan.shape) - 1) / 2
        voxel[axis] = count - 1 - place if scan.transform[axis, 1] < 0 else place
        mm = float((scan.affine[:3, :3] @ voxel + scan.affine[:3, 3])[direction])
        texts.append(
            f"slice {voxel[axis] + 1:.0f} of {count}, {('RL', 'AP', 'SI')[direction][mm < 0]} {abs(mm):.1f} mm"
        )
    return texts


def cuts(
    field: Field, views: Sequence[View], places: Sequence[int] = range(len(PLACES))
) -> dict[str, list[np.ndarray]]:
    """Pictures of every view at ``places`` (numbers in its list), float32, NaN outside the volume.

    Each needed slice is read once.
    """
    grids = {
        view.plane: (
            field.indices(view.axes[0], view.rows),
            field.indices(view.axes[1], view.columns),
            [int(i) for i in field.indices(view.axes[2], view.places)],
        )
        for view in views
    }
    used: set[int] = set()
    for view in views:
        down, across, through = grids[view.plane]
        along = view.axes.index(0)
        used |= {through[p] for p in places} if along == 2 else set((down, across)[along].tolist())
    empty = [np.full((len(view.rows), len(view.columns)), np.nan, np.float32) for view in views]
    pictures = {view.plane: [blank.copy() for _ in places] for view, blank in zip(views, empty, strict=True)}
    for i in sorted(used - {-1}):
        one = field.decode(field.store[i]).astype(np.float32)
        for view in views:
            _fill(pictures[view.plane], view, grids[view.plane], places, i, one)
    return pictures


def _fill(pictures: list[np.ndarray], view: View, grid: tuple, places: Sequence[int], i: int, one: np.ndarray) -> None:
    """Copies slice ``i`` into a view's pictures. (In plane, every position is inside.)"""
    down, across, through = grid
    for picture, place in zip(pictures, places, strict=True):
        if view.axes[2] == 0:
            if through[place] == i:
                picture[:] = (one if view.axes[0] == 1 else one.T)[np.ix_(down, across)]
            continue
        line = one[through[place]] if view.axes[2] == 1 else one[:, through[place]]
        if view.axes[0] == 0:
            picture[down == i] = line[across]
        else:
            picture[:, across == i] = line[down][:, None]


def grey(picture: np.ndarray, low: float, high: float) -> str:
    """A data URI of a grey PNG: ``low`` black, ``high`` white, outside the volume black."""
    shown = np.nan_to_num((picture - low) / (high - low)).clip(0, 1)
    return png_uri(Image.fromarray(np.rint(shown * 255).astype(np.uint8)))


def icon(picture: np.ndarray, low: float, high: float) -> str:
    """``grey``, at most ``ICON`` pixels wide and high: for lists of scans, and for the browser's tab."""
    shown = np.nan_to_num((picture - low) / (high - low)).clip(0, 1)
    image = Image.fromarray(np.rint(shown * 255).astype(np.uint8))
    image.thumbnail((ICON, ICON))
    return png_uri(image)


def coloured(picture: np.ndarray, low: float, high: float, colours: str) -> str:
    """A data URI of a PNG in ``colours``, of ``zoom.colours``; outside the volume transparent."""
    shown = colour(np.nan_to_num((picture - low) / (high - low)).clip(0, 1), colours)
    shown[np.isnan(picture), 3] = 0
    return png_uri(Image.fromarray(np.rint(shown * 255).astype(np.uint8)))
