"""The thickness of the scan's slices, and their profile.

A slice of a 2-D acquisition is not the volume at its position but the mean of the volume around it, weighted by the
slice profile: ``gaussian`` (the thickness is the full width at half maximum), ``box`` (the plain mean over the
thickness) or ``point`` (thin: the volume at its position).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import UserError
from benchmark.files import json_of
from zoom.metadata import sidecars
from zoom.scan import OpenScan

PROFILES = ("gaussian", "box", "point")
AUTO = "auto"
#: Slices further apart than this many in-plane voxels come from a 2-D acquisition.
ANISOTROPIC = 1.5
#: Share of the spacing; with thicker slices, values between two slices cannot be separated.
THICKEST = 2.0
#: Share of the output's spacing: a slice of at most this thickness is as thin as the output's slices.
THIN = 1 + 1e-3


@dataclass(frozen=True)
class Thickness:
    """``mm``: thickness of a slice; ``spacing``: distance of the slices, mm; ``profile``: one of ``PROFILES``.

    ``source``, ``profile_source``: the sources of the two, as text; ``warnings``: sentences for the page.
    """

    mm: float
    spacing: float
    profile: str
    source: str
    profile_source: str
    warnings: tuple[str, ...] = ()

    @property
    def slices(self) -> float:
        """The thickness in units of the spacing."""
        return self.mm / self.spacing


def thickness(scan: OpenScan, requested: float | str, profile: str, spacing: float) -> Thickness:
    """The thickness of ``scan``'s slices and their profile.

    ``requested``: mm, or ``auto``: of the BIDS sidecar; else the spacing. ``profile``: one of ``PROFILES``, or
    ``auto``: ``point`` if a slice is at most as thick as the output's ``spacing`` (mm) or the voxels are nearly
    isotropic, else ``box``. Raises ``UserError``: a thickness that is not a positive number or more than ``THICKEST``
    of the spacing, an unreadable sidecar.
    """
    apart, rows, columns = scan.upright_spacing
    thick_axis = apart > ANISOTROPIC * max(rows, columns)
    warned: list[str] = []
    if requested != AUTO:
        mm, source = _number(requested, scan.path), "as given"
        if mm > THICKEST * apart:
            raise UserError(
                f"{scan.path}: thickness = {mm:g} mm; its slices are {apart:g} mm apart: give at most "
                f"{THICKEST * apart:g}"
            )
    else:
        mm, source = apart, "the spacing of its slices, as in a 2-D acquisition"
        if not thick_axis:
            source = "the size of its voxels"
        elif stated := _stated(Path(scan.path)):
            value, file, more = stated
            warned = [_unlike(file, more, apart)] if _unlike(file, more, apart) else []
            if value > THICKEST * apart:
                warned.append(
                    f"{file.name} says that slices are {value:g} mm thick; they are {apart:.4g} mm apart, so the file "
                    "describes other slices. It was not used."
                )
            else:
                mm, source = value, f"SliceThickness in {file.name}"
    if profile != AUTO:
        return Thickness(mm, apart, profile, source, "as given", tuple(warned))
    if mm <= THIN * spacing:
        shape, why = "point", "a slice is at most as thick as the output's"
    elif requested == AUTO and not thick_axis:
        shape, why = "point", "its voxels are nearly isotropic"
    else:
        # Measured in docs/zoom.md: a wrong box loses 1 to 3 dB, a wrong Gaussian 4 to 7.
        shape, why = "box", "usual for slices that are thicker than the output's, and the safest choice if it is wrong"
    return Thickness(mm, apart, shape, source, why, tuple(warned))


def _number(requested: float | str, path: str) -> float:
    try:
        mm = float(requested)
    except ValueError as error:
        raise UserError(f"{path}: thickness = '{requested}'; give millimetres, or {AUTO}") from error
    if not (mm > 0 and np.isfinite(mm)):
        raise UserError(f"{path}: thickness = {mm:g} mm; give a positive number, or {AUTO}")
    return mm


def _unlike(file: Path, stated: Mapping[str, Any], apart: float) -> str:
    """A sentence if ``SpacingBetweenSlices`` differs from the spacing of the scan's affine."""
    spacing = number_in(stated, "SpacingBetweenSlices")
    if spacing is None or abs(abs(spacing) - apart) < 0.01 * apart:
        return ""
    return (
        f"{file.name} says that slices are {abs(spacing):g} mm apart; by the scan's affine, which was used, they are "
        f"{apart:.4g} mm apart."
    )


def number_in(stated: Any, key: str) -> float | None:
    """The finite number of a sidecar's ``key``, or None."""
    value = stated.get(key) if isinstance(stated, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        return None
    return float(value)


def _stated(scan: Path) -> tuple[float, Path, dict[str, Any]] | None:
    """``SliceThickness`` (mm), its file and the file's content: the scan's sidecar, or in a BIDS dataset the nearest
    sidecar that applies (the inheritance principle).
    """
    for file in reversed(sidecars(scan)):
        content = json_of(file)
        mm = number_in(content, "SliceThickness")
        if mm is not None and mm > 0:
            return mm, file, content
    return None
