"""The page next to the output: one self-contained HTML file with sections, the comparison with the scan, and facts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from zoom.description import NOT_FOR_DIAGNOSIS, Pictures
from zoom.facts import extent_of
from zoom.methods import PROFILES
from zoom.pictures import MIDDLE, PLACES, coloured, grey, icon
from zoom.prepare import Prepared
from zoom.units import duration

STOPS = ("scan", "plain interpolation", "output")  # of the slider under the pictures
LEAST = 0.01  # differences are shown on ± this share of the grey scale, or more if they are larger
SEEN = 0.001  # smaller shares are not shown


def rendered(template: str, **values: Any) -> str:
    """A page of this folder's templates."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(**values)


def page(prepared: Prepared, about: Mapping[str, Any], pictured: Pictures) -> str:
    """The page for ``about`` (the sidecar) and the pictures of the first volume."""
    scan, grid, zoom = prepared.scan, prepared.grid, about["Zoom"]
    scale = pictured.scale
    low, high = scale.floor, scale.floor + scale.scale
    views = [
        {
            "plane": view.plane,
            "stops": [
                [grey(picture, low, high) for picture in three]
                for three in zip(
                    pictured.before[view.plane], pictured.plain[view.plane], pictured.after[view.plane], strict=True
                )
            ],
            "where": pictured.where[view.plane],
        }
        for view in pictured.views
    ]
    across = next(view.plane for view in pictured.views if view.plane != scan.plane)
    return rendered(
        "page.html",
        icon=icon(pictured.after[across][MIDDLE], low, high),
        name=Path(scan.path).name,
        output=prepared.names.image.name,
        output_json=prepared.names.sidecar.name,
        diagnosis=NOT_FOR_DIAGNOSIS,
        zoom=zoom,
        about=about,
        finer=extent_of(grid),
        first=zoom["Volumes"][0],
        units="the scan's units",
        percent=lambda value: _percent(value / scale.scale),
        views=views,
        stops=STOPS,
        places=[
            f"position {i + 1} of {len(PLACES)}: "
            + "; ".join(f"{plane} {texts[i]}" for plane, texts in pictured.where.items())
            for i in range(len(PLACES))
        ],
        middle=MIDDLE,
        viewer=prepared.names.view.name if prepared.request.viewer else "",
        agreement=agreement(zoom, pictured.above),
        alone=_differences(pictured.alone, scale.scale),
        off=_differences(pictured.off, scale.scale),
        spread=_spread(pictured.spread),
        spread_name=prepared.names.spread.name,
        histogram=_histogram(pictured),
        above=pictured.above,
        profile=PROFILES[zoom["Profile"]],
        duration=duration(zoom["Seconds"]),
        memory=zoom["PeakMemory"] / 1e9,
    )


def agreement(zoom: Mapping[str, Any], above: int) -> str:
    """One sentence on the effect of the correction on the method's result, if there was a correction.

    ``above``: voxels of the scan that are brighter than the networks' input range.
    """
    if not zoom["DataConsistency"]:
        return ""
    first, tolerance = zoom["Volumes"][0], zoom["Tolerance"]
    alone, added = first["MethodAlone"], first["Added"]
    end = first["GreyScale"][1]
    brighter = f"the {above} voxels of the scan that are brighter than {end:.4g}, which are clipped for networks"
    if alone["Largest"] > tolerance:
        back = f", and restored {brighter}" if zoom["Weights"] and above else ""
        return (
            f"Before this correction the averaged result of the method differed from the scan by {alone['RMS']:.3g} "
            f"r.m.s.; the correction changed the output by {added['RMS']:.3g} r.m.s.{f'{back}.' if back else ''}"
        )
    if zoom["Weights"] and above and added["Largest"] > tolerance:
        return (
            f"The averaged result of the method agreed with the scan already; the correction only restored {brighter}."
        )
    return "The averaged result of the method agreed with the scan within the tolerance, so no correction was needed."


def _differences(planes: Mapping[str, list[np.ndarray]], scale: float) -> dict[str, Any]:
    """Coloured differences of the three planes on one symmetric scale; empty if there is no visible difference."""
    largest = max(float(np.nanmax(np.abs(pictures[0]))) for pictures in planes.values())
    if largest < SEEN * scale:
        return {"end": 0.0, "pictures": {}}
    end = max(LEAST * scale, largest)
    return {
        "end": end,
        "pictures": {plane: coloured(pictures[0], -end, end, "RdBu_r") for plane, pictures in planes.items()},
    }


def _spread(planes: Mapping[str, list[np.ndarray]]) -> dict[str, Any] | None:
    """The spread of the samples in the three planes, brightest where the result is least certain."""
    if not planes:
        return None
    values = np.concatenate([picture[np.isfinite(picture)] for pictures in planes.values() for picture in pictures])
    end = max(float(np.percentile(values, 99.9)), 1e-9)
    return {
        "end": end,
        "pictures": {
            plane: [coloured(picture, 0, end, "inferno") for picture in pictures] for plane, pictures in planes.items()
        },
    }


def _histogram(pictured: Pictures) -> dict[str, Any]:
    """Two lines for an SVG of 600 × 180: shares of the non-zero voxels, logarithmic."""
    lines = {}
    for name, counts in (("before", pictured.counts), ("after", pictured.counts_after)):
        shares = np.log10(np.maximum(counts / max(counts.sum(), 1), 1e-6)) / 6 + 1  # 1e-6 … 1 → 0 … 1
        xs = (np.arange(len(shares)) + 0.5) / len(shares) * 600
        lines[name] = " ".join(f"{x:.1f},{180 - 170 * y:.1f}" for x, y in zip(xs, shares, strict=True))
    scale = pictured.scale
    ticks = [
        (share / 1.25 * 600, f"{scale.floor + share * scale.scale:.4g}") for share in (0, 0.25, 0.5, 0.75, 1.0, 1.25)
    ]
    levels = [(180 - 170 * (1 - power / 6), "1" if power == 0 else f"1e−{power}") for power in (0, 2, 4)]
    return {**lines, "ticks": ticks, "levels": levels}


def _percent(share: float) -> str:
    """A share of the grey scale as text; invisible shares get no digits."""
    if 0 < share < 1e-5:
        return "under 0.001 %"
    return f"{100 * share:.0f} %" if share > 0.1 else f"{100 * share:.2g} %"
