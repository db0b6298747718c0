"""What is asked for: one scan and how it is to be zoomed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from zoom.intensity import DTYPES
from zoom.thickness import AUTO, PROFILES


@dataclass(frozen=True)
class Request:
    """One scan to zoom; the command and a row of the sheet both become one.

    Exactly one of ``n`` (new slices a gap), ``zoom`` (output slices for each of the scan's) and ``spacing`` (mm).
    ``output``: a file or a folder; ``method`` None: the config's, or what ``weights`` serve; ``in_plane``: 1 or 4;
    ``axis``: of the slices, 0–2 or a plane; None: the thickest; ``orientation``: directions of the stored
    axes, e.g. ``ASL``, where the file does not say them; ``consistency``: whether the result averages back to
    the scan; ``thickness``: of a slice, mm, or ``auto``; ``profile``: with which it was measured, or ``auto``
    (``zoom.thickness``); ``uncertainty``: samples for the spread, 0 or at least 2; ``dtype``: auto, int16 or
    float32; ``memory``: GB in total; ``tile``: tile side in low-resolution pixels; default: the size the
    networks were trained on; ``viewer``: whether to write the page of whole volumes too.
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

    def __post_init__(self) -> None:
        self._among("in_plane", self.in_plane, (1, 4))
        self._among("profile", self.profile, (AUTO, *PROFILES))
        self._among("dtype", self.dtype, DTYPES)
        if self.uncertainty != 0 and self.uncertainty < 2:
            raise UserError(
                f"{self.scan}: uncertainty = {self.uncertainty}; a spread takes 2 samples or more (0: none)"
            )
        if not self.memory > 0:
            raise UserError(f"{self.scan}: memory = {self.memory} GB; give a positive number")

    def _among(self, name: str, value: object, allowed: tuple[object, ...]) -> None:
        if value not in allowed:
            raise UserError(f"{self.scan}: {name} = {value}; give {' or '.join(map(str, allowed))}")


def request(config: Mapping[str, Any], scan: str | Path, output: str | Path, **given: Any) -> Request:
    """A request with the config's ``zoom`` block for all that is not given (or is None)."""
    known = {field.name for field in fields(Request)}
    defaults = {key: value for key, value in config["zoom"].items() if key in known and key != "method"}
    wishes = {key: value for key, value in given.items() if value is not None}
    return Request(Path(scan), Path(output), **{**defaults, **wishes})
