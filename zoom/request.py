"""A request: one scan and the settings of its zoom."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from zoom.dicom import Converted
from zoom.intensity import DTYPES
from zoom.thickness import AUTO, PROFILES

MOST_SAMPLES = 1000
LARGEST_TILE = 4096
#: Smallest and largest number for each setting of the process.
RANGES = {"threads": (1, 1024), "seed": (0, 2**63 - 1), "steps": (1, 1000)}


@dataclass(frozen=True)
class Request:
    """One scan to zoom, from the command or from a row of the sheet.

    Exactly one of ``n`` (new slices per gap), ``zoom`` (output slices for each slice of the scan) and ``spacing`` (mm).
    ``output``: a file or a folder; ``method`` None: the config's, or a method that can use ``weights``; ``in_plane``: 1
    or 4; ``axis``: of the slices, 0–2 or a plane; None: the thickest; ``orientation``: directions of the stored axes,
    e.g. ``ASL``, if the file does not state them; ``consistency``: whether the averaged result equals the scan;
    ``thickness``: of a slice, mm, or ``auto``; ``profile``: of the slice, or ``auto`` (``zoom.thickness``);
    ``uncertainty``: samples for the spread, 0 or at least 2; ``dtype``: auto, int16 or float32; ``memory``: GB in
    total; ``tile``: tile side in low-resolution pixels; default: the size the networks were trained on; ``viewer``:
    whether to write the page of whole volumes too; ``labels``: a label map on the scan's grid, to be resampled;
    ``converted``: the scan's DICOM files, if any.
    """

    scan: Path
    output: Path
    n: int | None = None
    zoom: float | None = None
    spacing: float | None = None
    method: str | None = None
    weights: tuple[str, ...] = ()
    in_plane: int = 1
    axis: int | str | None = None
    orientation: str | None = None
    consistency: bool = True
    thickness: float | str = AUTO
    profile: str = AUTO
    uncertainty: int = 0
    dtype: str = "auto"
    memory: float = 4.0
    tile: int | None = None
    overwrite: bool = False
    viewer: bool = False
    labels: Path | None = None
    converted: Converted | None = None

    def __post_init__(self) -> None:
        self._among("in_plane", self.in_plane, (1, 4))
        self._among("profile", self.profile, (AUTO, *PROFILES))
        self._among("dtype", self.dtype, DTYPES)
        for name in ("n", "zoom", "spacing"):
            self._number(name, -math.inf, math.inf)
        self._number("uncertainty", 0, MOST_SAMPLES, whole=True)
        if self.uncertainty == 1:
            raise UserError(f"{self.scan}: uncertainty = 1; a spread needs 2 samples or more (0: no spread)")
        self._number("tile", 1, LARGEST_TILE, whole=True)
        self._number("memory", 1e-6, 1e6)

    def _number(self, name: str, low: float, high: float, *, whole: bool = False) -> None:
        value = getattr(self, name)
        if value is None:
            return
        number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not number or not (low <= value <= high or math.isinf(low)):
            rule = f"a {'whole ' * whole}number" + ("" if math.isinf(low) else f" from {low:g} to {high:g}")
            raise UserError(f"{self.scan}: {name} = {value!r}; give {rule}")

    def _among(self, name: str, value: object, allowed: tuple[object, ...]) -> None:
        if value not in allowed:
            raise UserError(f"{self.scan}: {name} = {value}; give {' or '.join(map(str, allowed))}")


def request(config: Mapping[str, Any], scan: str | Path, output: str | Path, **arguments: Any) -> Request:
    """A request; missing arguments (or None) come from the config's ``zoom`` block."""
    known = {field.name for field in fields(Request)}
    defaults = {key: value for key, value in config["zoom"].items() if key in known and key != "method"}
    requested = {key: value for key, value in arguments.items() if value is not None}
    return Request(Path(scan), Path(output), **{**defaults, **requested})


def set_up(config: dict[str, Any], options: Mapping[str, Any]) -> None:
    """Copies device, threads, seed, steps and results from ``options`` (if not None) to the ``config``, in place.

    ``UserError`` with the option's name: a number out of range.
    """
    blocks = {"device": config["compute"], "threads": config["compute"], "steps": config["sampling"]}
    for name in ("device", "results", *RANGES):
        value = options.get(name)
        if value is None:
            continue
        low, high = RANGES.get(name, (0, 0))
        if name in RANGES and not low <= value <= high:
            raise UserError(f"--{name} {value}: give a whole number from {low} to {high}")
        blocks.get(name, config)[name] = value
