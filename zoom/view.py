"""The page ``--viewer`` writes: scan, plain interpolation and output as whole volumes, linked."""

from pathlib import Path

import numpy as np
from nibabel.orientations import inv_ornt_aff

from benchmark.print.viewer import Panel, eight_bit, quantised, refuse_too_large, viewer
from zoom.description import NOT_FOR_DIAGNOSIS
from zoom.intensity import Encoding, Scale
from zoom.output import stored_shape
from zoom.pictures import Field
from zoom.prepare import Prepared
from zoom.spline_volume import SplineVolume
from zoom.store import Store

NAMES = ("Scan", "Plain interpolation", "Output")


def check_size(prepared: Prepared) -> None:
    """``UserError`` if the volumes are too large for a browser, before any computation."""
    voxels = int(np.prod(prepared.scan.shape)) + 2 * int(np.prod(stored_shape(prepared.scan, prepared.grid)))
    refuse_too_large(voxels, prepared.scan.path, "leave out --viewer, or request fewer slices")


def volumes(prepared: Prepared, raw: Store, fine: Store, form: Encoding, scale: Scale) -> list[bytes]:
    """Scan, plain interpolation and output as 8-bit NIfTI. ``raw``: in the scan's units; ``fine``: stored numbers."""
    grid = prepared.grid
    fields = (
        Field(raw, grid.known, 1),
        Field(SplineVolume(raw, grid), grid.at, grid.factor),
        Field(fine, grid.at, grid.factor, form.decode),
    )
    affines = _affines(prepared)
    return [_packed(field, affine, scale) for field, affine in zip(fields, affines, strict=True)]


def _affines(prepared: Prepared) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Upright rows, columns, slices → mm: of the scan, and two of the finer grid."""
    scan, grid = prepared.scan, prepared.grid
    coarse = scan.affine @ inv_ornt_aff(scan.transform, scan.shape)
    fine = scan.affine @ grid.step(scan.axis, scan.flipped) @ inv_ornt_aff(scan.transform, stored_shape(scan, grid))
    return coarse, fine, fine


def _packed(field: Field, affine: np.ndarray, scale: Scale) -> bytes:
    slices, rows, columns = field.store.shape
    low, high = scale.floor, scale.floor + scale.scale
    data = np.empty((rows, columns, slices), np.uint8)
    for i in range(slices):
        data[:, :, i] = quantised(field.decode(field.store[i]), low, high)
    return eight_bit(data, affine, low, high)


def view(prepared: Prepared, packed: list[bytes], scale: Scale) -> str:
    """The page with the three volumes."""
    scan, names = Path(prepared.scan.path).name, prepared.names
    about = (
        f"{scan}, unchanged",
        "A cubic spline through the scan's slices, without their thickness",
        f"{names.image.name}, by {prepared.choice.key} ({prepared.choice.label})",
    )
    series = [f"Of {prepared.scan.volumes} volumes, the first."] if prepared.scan.volumes > 1 else []
    return viewer(
        f"{scan}: scan, plain interpolation and output",
        [NOT_FOR_DIAGNOSIS, *series],
        [Panel(name, f"{text}.", volume) for name, text, volume in zip(NAMES, about, packed, strict=True)],
        grey=f"black is {scale.floor:.4g} or less, white {scale.floor + scale.scale:.4g} or more",
        otherwise=f"{names.page.name} shows sections through the same volumes without WebGL.",
    )
