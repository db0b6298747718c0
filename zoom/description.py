"""The description of a zoom: the JSON file and the page next to the output."""

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.project import COMMAND, release
from zoom import mismatch, pictures, probe
from zoom.dataset import source
from zoom.engine import Engine
from zoom.facts import extent_of, facts
from zoom.intensity import Encoding, Scale
from zoom.metadata import carried, skull_stripped, stated
from zoom.methods import methods
from zoom.names import find_bids
from zoom.pictures import MIDDLE, Field, cuts
from zoom.prepare import Prepared
from zoom.spline_volume import SplineVolume
from zoom.store import Store, block_length, blocks

BINS = 128
NOT_FOR_DIAGNOSIS = "Not for diagnosis. The values between the scan's slices were computed, not measured."


class Pictures:
    """The page's pictures of the first volume, made while the volume is on disk."""

    def __init__(self, prepared: Prepared, raw: Store, scale: Scale) -> None:
        self.scale = scale
        self.clipped = bool(prepared.choice.networks)
        scan = prepared.scan
        self.views = pictures.views(scan.plane, scan.upright, scan.upright_spacing)
        self.grid = prepared.grid
        beyond = self.grid.beyond and prepared.thin
        # a last slice beyond the output is not compared
        self.met = self.grid.known[:-1] if beyond else self.grid.known
        self.raw = raw
        self.where = {view.plane: pictures.where(view, scan) for view in self.views}
        self.scan = Field(raw, self.grid.known, 1)
        self.before = cuts(self.scan, self.views)
        self.plain = cuts(Field(SplineVolume(raw, self.grid), self.grid.at, self.grid.factor), self.views)
        self.after: dict[str, list[np.ndarray]] = {}
        self.alone: dict[str, list[np.ndarray]] = {}
        self.off: dict[str, list[np.ndarray]] = {}
        self.spread: dict[str, list[np.ndarray]] = {}
        self.counts, self.above = self._counts(raw)
        self.counts_after = np.zeros(BINS)

    def method_alone(self, back: Store) -> None:
        """``back`` (S, H, W): the method's output averaged back, before the correction."""
        top = self.scale.floor + self.scale.scale if self.clipped else np.inf
        self.alone = self._difference(back, top)

    def result(self, fine: Store, form: Encoding, back: Store) -> None:
        """``fine``: the output's stored numbers; ``back``: their average at the scan's resolution."""
        field = Field(fine, self.grid.at, self.grid.factor, form.decode)
        self.after = cuts(field, self.views)
        self.off = self._difference(back)
        self.counts_after, _ = self._counts(fine, form.decode)

    def deviation(self, spread: Store) -> None:
        """``spread``: standard deviation over samples, in the scan's units."""
        self.spread = cuts(Field(spread, self.grid.at, self.grid.factor), self.views)

    def _difference(self, back: Store, top: float = np.inf) -> dict[str, list[np.ndarray]]:
        """Averaged back minus the scan (clipped at ``top``), in the scan's units, in the middle of every view."""
        units = Field(back, self.met, 1, lambda x: x * self.scale.scale + self.scale.floor)
        planes = cuts(units, self.views, [MIDDLE])
        return {plane: [planes[plane][0] - np.minimum(self.before[plane][MIDDLE], top)] for plane in planes}

    def _counts(self, store: Store, decode: pictures.Decode = lambda values: values) -> tuple[np.ndarray, int]:
        """Histogram of the non-zero voxels over 0 … 1.25 of the grey scale, and the voxels above 1."""
        counts, above = np.zeros(BINS), 0
        for start, stop in blocks(len(store), block_length(store.shape[1] * store.shape[2] * 8)):
            values = self.scale.normalise(decode(store[start:stop]))
            counts += np.histogram(values[values > 0], BINS, (0, 1.25))[0]
            above += int(np.count_nonzero(values > 1))
        return counts, above

    def histogram(self) -> np.ndarray:
        """The scan's histogram in the form stored with weights (``benchmark.jobs.training_data``)."""
        from benchmark.jobs import training_data

        edges = (np.arange(BINS) + 0.5) / BINS * 1.25
        heights = np.histogram(edges.clip(0, 1 - 1e-9), training_data.BINS, (0, 1), weights=self.counts)[0]
        return heights / max(heights.sum(), 1)


def sidecar(
    prepared: Prepared,
    engine: Engine,
    form: Encoding,
    results: list[dict[str, Any]],
    config: Mapping[str, Any],
    pictured: Pictures,
    warned: list[str],
    seconds: float,
    link: str,
) -> dict[str, Any]:
    """The JSON next to the output: sources, method, and difference to the scan.

    ``link``: of the scan's dataset in the outputs' (``zoom.dataset.register``).
    """
    request, scan, grid, choice = prepared.request, prepared.scan, prepared.grid, prepared.choice
    zoom = facts(prepared, engine) | {
        "DrawsAtRandom": engine.random,
        "Seed": config["seed"],
        "HalfPrecision": engine.half,
        "DataType": str(form.dtype),
        "Volumes": [_volume(result) for result in results],
        "Tolerance": tolerance(form, results),
        "ScanWarnings": warned,
        "TrainedOn": mismatch.trained_on(choice, config["cohorts"]),
        "Warnings": mismatch.warnings(
            choice, config["cohorts"], scan, pictured.histogram(), coarsened=prepared.coarsened
        ),
        "SourceSHA256": scan.opened.source.sha256(),
        "Seconds": round(seconds, 1),
        "PeakMemory": probe.peak("cpu"),
    }
    if request.uncertainty:
        zoom["Spread"] = prepared.names.spread.name
    if prepared.labels and prepared.names.labels:
        zoom["Labels"] = {
            "File": prepared.names.labels.name,
            "Source": str(prepared.labels.path),
            "SourceSHA256": prepared.labels.sha256,
        }
    made_of = request.converted
    if made_of:
        zoom["ConvertedFrom"] = {"Folder": str(made_of.folder), "By": made_of.by}
    known, why = skull_stripped(prepared.stated)
    if link:
        zoom["SkullStrippedFrom"] = why
    zoom["Methods"] = methods(prepared, zoom)
    return {
        **carried(prepared.stated, grid.factor, link),
        "Description": f"{Path(scan.path).name} zoomed by {choice.key}. {NOT_FOR_DIAGNOSIS}",
        "Sources": [source(prepared.names, made_of.folder if made_of else request.scan, link)],
        "GeneratedBy": [{"Name": COMMAND, "Version": release(), "Python": platform.python_version()}],
        "SpacingBetweenSlices": zoom["Spacing"][scan.axis],
        "Resolution": f"Slices {zoom['Spacing'][scan.axis]:.4g} mm apart: {extent_of(grid)}; in plane "
        + (f"{grid.factor} × {grid.factor} voxels for each of the source's" if grid.factor != 1 else "as the source"),
        **({"SkullStripped": known} if link else {}),
        "Zoom": zoom,
    }


def spread_sidecar(about: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON next to the map of the spread; ``about``: the JSON of the output."""
    samples = about["Zoom"]["Volumes"][0]["Spread"]["Samples"]
    text = f"Standard deviation of {samples} results that differ in their random numbers. {about['Description']}"
    return {**{key: value for key, value in about.items() if key != "Zoom"}, "Description": text}


def labels_sidecar(about: Mapping[str, Any], prepared: Prepared, link: str) -> dict[str, Any]:
    """The JSON next to the labels: their source, and that each voxel has the nearest voxel's label."""
    path = Path(about["Zoom"]["Labels"]["Source"])
    own, names = find_bids(path), prepared.names
    within = bool(link and own and names.bids and own.root.resolve() == names.bids.root.resolve())
    image = {"SpatialReference": f"bids::{names.image.relative_to(names.root).as_posix()}"} if names.root else {}
    return {
        **carried(stated(path)[0], prepared.grid.factor, link if within else ""),
        "Description": f"Labels of {path.name} on the grid of {names.image.name}: each voxel has the label of the "
        "nearest voxel. Between the slices of the scan there are no drawn labels.",
        "Sources": [f"bids:{link}:{own.path.as_posix()}" if within and own else str(path)],
        "GeneratedBy": about["GeneratedBy"],
        "Resolution": about["Resolution"],
        **image,
    }


def tolerance(form: Encoding, results: list[dict[str, Any]]) -> float:
    """Largest difference allowed after averaging back, in the scan's units: the rounding of the file and, before the
    rounding, a tenth of this rounding or 1e-5 of the grey scale.
    """
    scale = max(result["scale"].scale for result in results)
    if form.dtype.kind == "f":
        return 2e-5 * scale
    return max(0.6 * abs(form.slope), 0.5 * abs(form.slope) + 2e-5 * scale)


def _volume(result: Mapping[str, Any]) -> dict[str, Any]:
    """One volume's numbers, in the scan's units."""
    scale, correction = result["scale"], result["correction"]
    entries = {
        "GreyScale": [scale.floor, scale.floor + scale.scale],
        "MethodAlone": {"Largest": correction.before * scale.scale, "RMS": correction.before_rms * scale.scale},
        "Added": {"Largest": correction.largest * scale.scale, "RMS": correction.rms * scale.scale},
        "AveragedBack": {"Largest": result["after"], "RMS": result["after_rms"]},
        "Rounds": correction.sweeps,
        "CutToFitTheFile": result["cut"],
    }
    return entries | ({"Spread": result["spread"]} if "spread" in result else {})
