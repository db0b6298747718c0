"""All checks before voxels are computed."""

import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import UserError
from benchmark.files import text_of
from zoom.choice import FACTOR, Choice, choose
from zoom.consistency import thin
from zoom.dataset import described
from zoom.geometry import Grid, met, zoom_factor
from zoom.labels import Labels, open_labels
from zoom.metadata import gradients, sidecars, stated
from zoom.names import Names, names, resolution
from zoom.output import dropped
from zoom.request import Request
from zoom.scan import SLAB, OpenScan, open_scan
from zoom.thickness import Thickness, thickness
from zoom.tiles import Layout
from zoom.units import amount

if TYPE_CHECKING:
    pass

#: Bytes, measured (tests/zoom/test_limits.py): of the program; for a voxel of a slab that is read, in
#: addition to how it is stored; for a voxel of an output slice; for each pair of an output slice and a scan's slice.
PROGRAM = 200 << 20
PER_READ, PER_VOXEL, PER_PAIR = 20, 48, 48


@dataclass(frozen=True)
class Prepared:
    """A request with its opened scan (header only) and its weights.

    ``stated``: content of the scan's sidecars; ``unread``: sentences about unreadable sidecars; ``texts``: files that
    are written next to the output, by path.
    """

    request: Request
    scan: OpenScan
    grid: Grid
    names: Names
    choice: Choice
    thickness: Thickness
    stated: Mapping[str, Any] = field(default_factory=dict)
    unread: Sequence[str] = ()
    labels: Labels | None = None
    texts: Mapping[Path, str] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        """Every file that is made."""
        return [*self.names.all(bool(self.request.uncertainty), self.request.viewer), *self.texts]

    @property
    def frame(self) -> tuple[int, int]:
        """Rows and columns of an output slice."""
        return self.grid.frame(*self.scan.upright[1:])

    @property
    def warnings(self) -> list[str]:
        """Sentences about unusual values in the scan's files, and about missing networks."""
        sentences = [
            *self.scan.opened.warnings,
            *self.scan.skewed,
            *self.thickness.warnings,
            *dropped(self.scan),
            *self.unread,
        ]
        return sentences if self.choice.passed_over is None else [*sentences, self.choice.passed_over]

    @property
    def thin(self) -> bool:
        """Whether the output has the scan's slices at their positions: they are at most as thick as output slices."""
        return thin(self.grid, self.thickness.profile, self.thickness.slices)

    @property
    def coarsened(self) -> bool:
        """Whether the networks, made for ×4, see the scan at a quarter of its resolution: in-plane zoom is off."""
        return self.choice.factor == FACTOR and self.grid.factor == 1

    @property
    def seen(self) -> tuple[int, int, int]:
        """Shape (S, h, w) of the method's input."""
        count, rows, columns = self.scan.upright
        return (count, -(-rows // FACTOR), -(-columns // FACTOR)) if self.coarsened else (count, rows, columns)

    @property
    def layout(self) -> Layout:
        """The tiles of the method's input."""
        return Layout(*self.seen[1:], self.choice.side, fill=not self.choice.any_size)

    def disk(self) -> int:
        """Bytes of disk space: temporary files, and at most the outputs."""
        fine = self.grid.count * self.frame[0] * self.frame[1] * 4
        scan = math.prod(self.scan.upright) * 4
        copies = 3 if self.request.uncertainty else 1
        return copies * fine + 5 * scan + fine * self.scan.volumes * (2 if self.request.uncertainty else 1)


def place(request: Request) -> Names:
    """The output files of a request."""
    label = resolution(request.n, request.zoom, request.spacing, request.in_plane)
    return names(request.scan, request.output, label, request.labels)


def prepare(request: Request, config: Mapping[str, Any]) -> Prepared:
    """Opens the scan's header, computes the grid and the names, and finds the weights. Raises ``UserError``."""
    scan = open_scan(request.scan, request.axis, request.orientation)
    apart = float(scan.spacing[scan.axis])
    zoom = zoom_factor(n=request.n, zoom=request.zoom, spacing=request.spacing, apart=apart, path=scan.path)
    slices = scan.shape[scan.axis]
    grid = Grid(slices, met(zoom, slices), request.in_plane)
    thick = thickness(scan, request.thickness, request.profile, apart / grid.zoom)
    outputs = place(request)
    described(outputs)
    _keep_inputs(request, scan, outputs.all(bool(request.uncertainty), request.viewer))
    texts = gradients(Path(request.scan), outputs) if scan.volumes > 1 else {}
    if not request.overwrite:
        alike = {path for path, text in texts.items() if path.is_file() and text_of(path) == text}
        for path in (*outputs.all(bool(request.uncertainty), request.viewer), *(texts.keys() - alike)):
            if path.exists():
                raise UserError(f"{path}: exists already; allow --overwrite, or give another name")
    choice = choose(
        config,
        request.method,
        request.weights,
        in_plane=request.in_plane,
        tile=request.tile,
        memory=request.memory,
    )
    labels = open_labels(request.labels, scan, request.orientation) if request.labels else None
    prepared = Prepared(request, scan, grid, outputs, choice, thick, *stated(Path(request.scan)), labels, texts)
    _memory(prepared)
    _room(prepared)
    return prepared


def _keep_inputs(request: Request, scan: OpenScan, outputs: Sequence[Path]) -> None:
    """Refuses outputs that would replace a file of the scan or of the labels, also if ``overwrite`` is allowed."""
    images = [Path(request.scan), *([request.labels] if request.labels else [])]
    inputs = [scan.opened.data.path, *images, *(file for image in images for file in sidecars(image))]
    for path in outputs:
        if path.exists() and any(one.exists() and os.path.samefile(one, path) for one in inputs):
            raise UserError(
                f"{path}: the output would replace this file, which belongs to the input; give another name"
            )


def _memory(prepared: Prepared) -> None:
    """Refuses scans that cannot fit into the allowed memory, before memory is used.

    ``probe.plan`` measures the method's further needs.
    """
    import psutil

    scan, grid, layout, allowed = prepared.scan, prepared.grid, prepared.layout, prepared.request.memory
    slab = scan.shape[0] * scan.shape[1] * max(1, SLAB // (scan.shape[0] * scan.shape[1] * 4))
    tile = math.prod(layout.tile()) * (prepared.choice.factor or grid.factor) ** 2
    needs = {
        "many slices": scan.upright[0] * grid.count * PER_PAIR,
        "large slices": max(
            slab * (scan.image.get_data_dtype().itemsize + PER_READ), PER_VOXEL * math.prod(prepared.frame)
        ),
        "large tiles": 2 * 4 * tile,
    }
    needed = max(psutil.Process().memory_info().rss, PROGRAM) + sum(needs.values())
    if needed > allowed * 1e9:
        most = max(needs, key=needs.__getitem__)
        raise UserError(
            f"{scan.path}: needs {needed / 1e9:.3g} GB of memory at least, for its {most}, and {allowed:g} GB are "
            "allowed (memory); allow more, make fewer slices, crop the scan or use smaller tiles"
        )


def _room(prepared: Prepared) -> None:
    """Refuses a folder that cannot be written, or a disk without enough space."""
    folder = prepared.names.image.parent
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise UserError(f"{folder}: cannot be written to; give another output folder")
    free, needed = shutil.disk_usage(existing).free, prepared.disk()
    if free < needed:
        raise UserError(
            f"{folder}: the disk is too full: {amount(needed)} needed for work files, {amount(free)} free; "
            "make room or write elsewhere"
        )
