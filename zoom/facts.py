"""Facts about a zoom before it runs: the plan of a dry run, and the first part of the description."""

from typing import Any

import numpy as np

from zoom.geometry import Grid
from zoom.output import stored_shape
from zoom.prepare import Engine, Prepared, seconds

PROVENANCE = ("cohort", "fold", "steps", "revision", "config", "seed")


def facts(prepared: Prepared, engine: Engine) -> dict[str, Any]:
    """Method and weights, grid and slices, as JSON names them."""
    request, scan, grid, choice = prepared.request, prepared.scan, prepared.grid, prepared.choice
    affine = scan.affine @ grid.step(scan.axis, scan.flipped)
    whole = abs(grid.zoom - round(grid.zoom)) < 1e-6
    return {
        "Method": choice.key,
        "MethodLabel": choice.label,
        "MethodOptions": dict(choice.options),
        "Weights": [
            {
                "File": str(weights.path),
                "Networks": list(weights.networks),
                "SHA256": weights.sha256,
                **{key: weights.metadata[key] for key in PROVENANCE if key in weights.metadata},
            }
            for weights in choice.weights
        ],
        "NewSlicesPerGap": round(grid.zoom) - 1 if whole else None,
        "SlicesPerScanSlice": grid.zoom,
        "InPlaneFactor": grid.factor,
        "SliceAxis": scan.axis,
        "Plane": scan.plane,
        "ScanShape": list(scan.shape),
        "ScanSpacing": scan.spacing.round(6).tolist(),
        "Shape": list(stored_shape(scan, grid)),
        "Spacing": np.linalg.norm(affine[:3, :3], axis=0).round(6).tolist(),
        "LastSliceBeyond": round(grid.beyond * float(scan.spacing[scan.axis]), 6),
        "SliceThickness": prepared.thickness.mm,
        "SliceThicknessFrom": prepared.thickness.source,
        "Profile": prepared.thickness.profile,
        "ProfileFrom": prepared.thickness.profile_source,
        "KnownSlicesShown": prepared.thin,
        "DataConsistency": request.consistency,
        "Device": engine.device,
        "Tiles": engine.plan.tiles,
        "TileShape": list(prepared.layout.tile()),
    }


def plan(prepared: Prepared, engine: Engine) -> dict[str, Any]:
    """The result of a dry run, as JSON: paths, ``facts``, bytes of memory and disk, seconds, warnings."""
    request = prepared.request
    return {
        "Scan": str(request.scan),
        "Outputs": [str(path) for path in prepared.files],
        **facts(prepared, engine),
        "VolumeCount": prepared.scan.volumes,
        "SlicesAtOnce": engine.plan.chunk,
        "MemoryBytes": engine.plan.memory,
        "DiskBytes": prepared.disk(),
        "Seconds": round(seconds(prepared, engine) * max(1, request.uncertainty), 1),
        "Warnings": prepared.warnings,
    }


def extent_of(grid: Grid) -> str:
    """The number of new slices as text."""
    new = round(grid.zoom) - 1
    if abs(grid.zoom - new - 1) >= 1e-6:
        return f"{grid.zoom:.4g} slices for each slice of the scan"
    return f"{new or 'no'} new slice{'' if new == 1 else 's'} in each gap"
