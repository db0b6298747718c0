"""The function behind the command and the rule: from a scan to a finer volume at the right position, with its page."""

import errno
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import progress
from benchmark.errors import UserError, out_of_memory
from benchmark.files import written_together
from benchmark.project import COMMAND
from benchmark.seeds import derive
from zoom import description, labels, view
from zoom.choice import Choice
from zoom.consistency import Correction, Projection
from zoom.dataset import register
from zoom.engine import Engine, Load, start
from zoom.facts import describe, plan
from zoom.gather import WARNING
from zoom.intensity import Encoding, Scale, encoding, find_scale
from zoom.libraries import needed
from zoom.output import Writer, header, opened, suffix_of
from zoom.page import page
from zoom.prepare import Prepared, prepare
from zoom.request import Request
from zoom.scan import FEW, Extent, load, rounding, survey
from zoom.spread import Spread
from zoom.store import Store, block_length, blocks
from zoom.tiles import Window, stream

#: Of |scan − output averaged back|, as a share of the grey scale, before numbers are rounded for the file.
TOLERANCE = 1e-5
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Say = Callable[[str], None]


@needed()
def zoom(
    request: Request,
    config: Mapping[str, Any],
    say: Say = print,
    *,
    dry_run: bool = False,
    quiet: bool = False,
    load: Load = Choice.load,
    warn: Say | None = None,
) -> dict[str, Any]:
    """Zooms one scan and returns its report (the content of the JSON file next to the output).

    ``config``: checked. It reads the blocks ``zoom``, ``methods``, ``networks``, ``sampling``, ``preprocess`` (its
    ``percentile``), ``cohorts`` (their labels, for the page), ``compute``, ``results`` and ``seed``. ``say`` gets lines
    about the progress. ``dry_run``: prints and returns the plan without outputs. ``quiet``: no progress bar (there is
    none on a log file either). ``load``: makes the networks. ``warn`` gets one line with the scan's name for each
    warning; default: ``say``. Raises ``UserError``, one line with the file's name; no partial outputs remain.
    """
    began = time.perf_counter()
    scan_name = request.scan.name if request.converted else request.scan

    def warn_of(sentence: str) -> None:
        (warn or say)(f"{WARNING}{scan_name}: {sentence}")

    with _disk(request.output), _memory(request.scan):
        prepared = prepare(request, config)
        if request.viewer:
            view.check_size(prepared)
        if dry_run:
            engine = start(prepared, config["compute"], load=load)
            say(describe(prepared, engine))
            for sentence in prepared.warnings:
                warn_of(sentence)
            return plan(prepared, engine)
    with _disk(prepared.names.image.parent), _memory(request.scan):
        extents = survey(prepared.scan)
        scaled = not suffix_of(prepared.names.image).lower().startswith(".mg")
        lost = rounding(prepared.scan, extents)
        warned = [*prepared.warnings, *_about_values(extents, lost)]
        for sentence in warned:
            warn_of(sentence)
        form = encoding(prepared.scan, extents, request.dtype, scaled)
        prepared.names.image.parent.mkdir(parents=True, exist_ok=True)
        job = Job(prepared, config, form, lost, say, quiet, load)
        names = prepared.names
        paths = prepared.files
        # The inner stack closes the images; after that either all files get their names, or no file does.
        with written_together(paths) as asides, ExitStack() as stack:
            aside = dict(zip(paths, asides, strict=True))
            outputs = {"image": stack.enter_context(_image(prepared, form, names.image, aside[names.image]))}
            if request.uncertainty:
                plain = Encoding(np.dtype(np.float32), 1.0, 0.0)
                outputs["spread"] = stack.enter_context(_image(prepared, plain, names.spread, aside[names.spread]))
            for volume, extent in enumerate(extents):
                job.volume(volume, extent, outputs)
            if prepared.labels and names.labels:
                labels.write(prepared.labels, prepared.scan, prepared.grid, aside[names.labels], names.labels)
            link = register(names)
            seconds = time.perf_counter() - began
            about = description.sidecar(
                prepared, job.engine, form, job.results, config, job.pictures, warned, seconds, link
            )
            for path, text in _texts(prepared, job, about, link).items():
                aside[path].write_text(text, encoding="utf-8", errors="backslashreplace")  # names that are no UTF-8
    for sentence in about["Zoom"]["Warnings"]:
        warn_of(sentence)
    say(f"{prepared.names.image}: done in {about['Zoom']['Seconds']:.0f} s; page: {prepared.names.page}")
    return about


def _about_values(extents: Sequence[Extent], lost: float) -> Iterator[str]:
    """Warnings about a scan's values: rounding by ``lost``, and few different values."""
    if lost:
        yield f"Its values need more digits than single precision has, so they are rounded by up to {lost:g}."
    if (values := max(extent.different for extent in extents)) <= FEW:
        yield (
            f"A sample of its voxels has only {values} different values, as label maps do, and values between "
            "labels have no meaning. If it is a label map, zoom its scan and give the map with --labels."
        )


def _texts(prepared: Prepared, job: "Job", about: Mapping[str, Any], link: str) -> dict[Path, str]:
    """The text files next to the images: sidecars, page, viewer, and what belongs to the scan's modality."""
    names = prepared.names
    texts = {names.sidecar: _json(about), names.page: page(prepared, about, job.pictures), **prepared.texts}
    if prepared.request.uncertainty:
        texts[names.spread_sidecar] = _json(description.spread_sidecar(about))
    if names.labels_sidecar:
        texts[names.labels_sidecar] = _json(description.labels_sidecar(about, prepared, link))
    if prepared.request.viewer:
        texts[names.view] = view.view(prepared, job.volumes, job.pictures.scale)
    return texts


class Job:
    """The work on one scan: volume after volume, sample after sample, slice after slice.

    ``lost``: rounding by single precision, in the scan's units; ``engine``, ``pictures`` and ``volumes`` (for the
    viewer) are made with the first volume.
    """

    engine: Engine
    pictures: description.Pictures
    volumes: list[bytes]

    def __init__(
        self,
        prepared: Prepared,
        config: Mapping[str, Any],
        form: Encoding,
        lost: float,
        say: Say,
        quiet: bool,
        load: Load,
    ) -> None:
        self.prepared, self.config, self.form, self.lost, self.say = prepared, config, form, lost, say
        self.quiet, self.load = quiet, load
        self.folder = prepared.names.image.parent
        self.results: list[dict[str, Any]] = []

    def volume(self, number: int, extent: Extent, outputs: Mapping[str, Writer]) -> None:
        """Zooms one volume and appends it to the outputs."""
        request, scan, grid = self.prepared.request, self.prepared.scan, self.prepared.grid
        raw = load(scan, number, self.folder)
        scale = find_scale(raw, extent, self.config["preprocess"]["percentile"])
        # Networks see the grey scale clipped, as in their training; methods without training need no clipping.
        top = 1.0 if self.prepared.choice.networks else max(1.0, (extent.high - scale.floor) / scale.scale)
        seen = shown(self.prepared, raw, scale, top, self.folder)
        if number == 0:
            self.engine = start(self.prepared, self.config["compute"], self._tile(seen), load=self.load)
            self.say(describe(self.prepared, self.engine))
        fine = Store((grid.count, *self.prepared.frame), self.folder)
        spread = Spread(fine.shape, self.folder) if request.uncertainty else None
        if number == 0:
            self.pictures = description.Pictures(self.prepared, raw, scale)
        for sample in range(max(1, request.uncertainty)):
            with self._progress(number, sample, len(fine)) as tick:
                self._restore(seen, fine, top, (number, sample), tick)
                projection = Projection(
                    raw,
                    fine,
                    scale,
                    grid,
                    self.engine.mixing,
                    top,
                    profile=self.prepared.thickness.profile,
                    thickness=self.prepared.thickness.slices,
                    folder=self.folder,
                )
                watched = {"watch": self.pictures.method_alone} if (number, sample) == (0, 0) else {}
                correction = projection.correct(request.consistency, self._tolerance(scale), **watched)
            if spread:
                spread.add(fine)
            if sample == 0:
                self._keep(number, fine, scale, projection, correction, outputs)
        if spread:
            spread.finish(scale.scale)
            outputs["spread"].append(spread.deviation)
            self.results[-1]["spread"] = spread.summary()
            if number == 0:
                self.pictures.deviation(spread.deviation)

    def _restore(
        self, seen: Store, fine: Store, top: float, draw: tuple[int, int], tick: Callable[[int], None]
    ) -> None:
        """The method over all slices: ``seen`` → ``fine``, in which 1 is again the end of the grey scale."""
        from models.streaming import ahead

        engine, grid = self.engine, self.prepared.grid
        start = 0
        rows, columns = self.prepared.frame
        restored = stream(
            lambda tile: engine.build(derive(self.config["seed"], "zoom", *draw, tile)),
            seen,
            grid.known,
            grid.at,
            side=self.prepared.layout.side,
            fill=self.prepared.layout.fill,
            tick=tick,
        )
        for block in ahead(restored):  # a block is written while the next block is made
            if not np.isfinite(block).all():
                name, key = self.prepared.scan.path, self.prepared.choice.key
                raise UserError(
                    f"{name}: method {key} made voxels that are NaN or infinite; use another method or other weights"
                )
            fine.write(start, block[:, :rows, :columns] * np.float32(top))
            start += len(block)

    def _keep(
        self,
        number: int,
        fine: Store,
        scale: Scale,
        projection: Projection,
        correction: Correction,
        outputs: Mapping[str, Writer],
    ) -> None:
        """Rounds the first sample for the file, measures it again, writes it and makes its pictures."""
        cut = encode(fine, scale, self.form)
        after, after_rms = projection.measure(lambda stored: scale.normalise(self.form.decode(stored)))
        outputs["image"].append(fine)
        self.results.append(
            {
                "scale": scale,
                "correction": correction,
                "after": max(after * scale.scale, self.lost),
                "after_rms": after_rms * scale.scale,
                "cut": cut,
            }
        )
        if number == 0:
            self.pictures.result(fine, self.form, projection.back)
            if self.prepared.request.viewer:
                self.volumes = view.volumes(self.prepared, self.pictures.raw, fine, self.form, scale)

    def _tile(self, seen: Store) -> np.ndarray:
        """Two tiles from the middle of the method's input."""
        layout = self.prepared.layout
        corners = layout.corners()
        window = Window(seen, corners[len(corners) // 2], layout.tile())
        return window[[len(seen) // 2 - 1, len(seen) // 2]]

    def _tolerance(self, scale: Scale) -> float:
        """The tolerance of the averages before rounding: a tenth of the rounding, or the least relevant difference."""
        rounding = 0.0 if self.form.dtype.kind == "f" else abs(self.form.slope) / scale.scale
        return max(TOLERANCE, 0.1 * rounding)

    @contextmanager
    def _progress(self, number: int, sample: int, slices: int) -> Iterator[Callable[[int], None]]:
        """A bar with the time left; in a log file, a line now and then once the work takes long."""
        parts = [Path(self.prepared.scan.path).name]
        if self.prepared.scan.volumes > 1:
            parts.append(f"volume {number + 1}/{self.prepared.scan.volumes}")
        if self.prepared.request.uncertainty:
            parts.append(f"sample {sample + 1}/{self.prepared.request.uncertainty}")
        total = slices * self.engine.plan.tiles
        with progress.bar(", ".join(parts), total, "slice", hidden=self.quiet, patient=True) as bar:
            yield lambda count: bar.update(count)


def shown(prepared: Prepared, raw: Store, scale: Scale, top: float, folder: Path) -> Store:
    """The method's input: 0 … ``top`` as [0, 1], clipped; at a quarter of the resolution if networks for ×4 must
    restore the scan's own resolution (in-plane 1). Sides that are not multiples of four are padded by mirroring; the
    output is cropped to the scan's field of view.
    """
    seen = Store(prepared.seen, folder)
    for start_, stop in blocks(len(raw), block_length(raw.shape[1] * raw.shape[2] * 4)):
        values = (scale.normalise(raw[start_:stop]) / np.float32(top)).clip(0, 1)
        seen.write(start_, coarsen(values) if prepared.coarsened else values)
    return seen


def coarsen(values: np.ndarray) -> np.ndarray:
    """÷4 in plane as in the networks' training: antialiased bilinear; (B, H, W) → (B, ⌈H/4⌉, ⌈W/4⌉)."""
    import torch

    from models.interpolation import FACTOR, degrade

    padded = np.pad(values, [(0, 0), *((0, -side % FACTOR) for side in values.shape[1:])], mode="symmetric")
    return degrade(torch.from_numpy(padded)[:, None])[:, 0].clamp(0, 1).numpy()


def encode(fine: Store, scale: Scale, form: Encoding) -> int:
    """x → stored numbers, in place; how many did not fit."""
    cut = 0
    for start_, stop in blocks(len(fine), block_length(fine.shape[1] * fine.shape[2] * 8)):
        stored, off = form.encode(fine[start_:stop] * np.float32(scale.scale) + np.float32(scale.floor))
        fine.write(start_, stored)
        cut += off
    return cut


def _json(about: Mapping[str, Any]) -> str:
    return json.dumps(about, indent=2, allow_nan=False) + "\n"


@contextmanager
def _image(prepared: Prepared, form: Encoding, path: Path, aside: Path) -> Iterator[Writer]:
    text = f"{COMMAND} {prepared.choice.key} of {Path(prepared.scan.path).name}"
    image = header(prepared.scan, prepared.grid, form, suffix_of(path), description=text)
    with opened(aside, image, prepared.scan, path.name) as writer:
        yield writer


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Turns a full disk into one line; partial files are already removed."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise UserError(f"{error.filename or folder}: {error.strerror or error}") from error
        raise UserError(
            f"{folder}: the disk is full; nothing was written; free space or choose another folder"
        ) from error


@contextmanager
def _memory(scan: Path) -> Iterator[None]:
    """Turns full memory, of the machine or of a GPU, into one line; partial files are already removed."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        full = out_of_memory(error)
        if full is None:
            raise
        raise UserError(
            f"{scan}: {full} is full; nothing was written; close other programs, allow less (--memory), or use another "
            "--device"
        ) from error
