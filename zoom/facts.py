"""Facts about a zoom before it runs: the plan as text and as JSON, and the first part of the description."""

from typing import Any

import numpy as np

from zoom.engine import Engine, seconds
from zoom.geometry import Grid
from zoom.output import stored_shape
from zoom.prepare import Prepared
from zoom.units import amount, duration

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


def describe(prepared: Prepared, engine: Engine) -> str:
    """The plan as lines: shape, spacing, memory, time."""
    scan, grid, choice, slice_ = prepared.scan, prepared.grid, prepared.choice, prepared.thickness
    shape = stored_shape(scan, grid)
    spacing = np.linalg.norm((scan.affine @ grid.step(scan.axis, scan.flipped))[:3, :3], axis=0)
    voxels = int(np.prod(shape)) * scan.volumes

    def text(values: Any, pattern: str = "{:g}") -> str:
        return " × ".join(pattern.format(value) for value in values)

    series = f"{scan.volumes} volumes of " if scan.volumes > 1 else ""
    samples = max(1, prepared.request.uncertainty)
    lines = [
        f"scan      {series}{text(scan.shape)} voxels of {text(scan.spacing, '{:.4g}')} mm, {scan.plane} slices "
        f"(axis {scan.axis})",
        f"slice     {slice_.mm:.4g} mm thick ({slice_.source}), profile {slice_.profile} ({slice_.profile_source})",
        f"output    {series}{text(shape)} voxels of {text(spacing, '{:.4g}')} mm: {prepared.names.image}",
        f"method    {choice.key} ({choice.label})"
        + "".join(f"\n          {w.path} [{', '.join(w.networks)}, sha256 {w.sha256[:12]}]" for w in choice.weights),
        f"memory    {amount(engine.plan.memory)} on {engine.device}, {engine.plan.chunk} slices at once"
        + (f", {engine.plan.tiles} tiles of {prepared.layout.tile()[0]}" if engine.plan.tiles > 1 else ""),
        f"disk      {amount(voxels * 2)} as int16 or {amount(voxels * 4)} as float32, before compression; "
        f"{amount(prepared.disk())} while working",
        f"time      about {duration(seconds(prepared, engine) * samples)}",
    ]
    if prepared.names.labels:
        lines.append(f"labels    {prepared.names.labels}")
    if not choice.networks and prepared.request.method is None and choice.passed_over is None:
        lines.append(f"hint      {choice.key} is not trained: no shipped weights have this in-plane factor")
    if grid.beyond:
        lines.append(
            f"note      the scan's last slice is {grid.beyond * scan.spacing[scan.axis]:.3g} mm beyond the output's "
            "last: the spacing does not divide the scan"
        )
    return "\n".join(lines)


def extent_of(grid: Grid) -> str:
    """The number of new slices as text."""
    new = round(grid.zoom) - 1
    if abs(grid.zoom - new - 1) >= 1e-6:
        return f"{grid.zoom:.4g} slices for each slice of the scan"
    return f"{new or 'no'} new slice{'' if new == 1 else 's'} in each gap"
