"""The contest: every method on every patient of a cohort, with networks that never saw the patient, for several gap
widths."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmark import volume
from benchmark.cohort.protocol import Removal, read_removal
from benchmark.files import subject_of
from benchmark.scores.metrics import score
from benchmark.scores.region import region

if TYPE_CHECKING:
    from benchmark.jobs.restoration import Restoration

REMOVED = "removed"


def thinned(slices: int, n: int, gaps: int | None) -> Removal:
    """Keeps every (n + 1)-th of ``slices`` and removes the others: n new slices in each gap.

    Slices after the last gap are kept.

    ``gaps``: remove the slices of at most this many gaps, evenly spaced over the volume. A method still sees only
    every (n + 1)-th slice of the whole volume; ``thinned(slices, n, None).known`` lists these.
    """
    ends = np.arange(0, slices - n - 1, n + 1)
    if gaps is not None and gaps < len(ends):
        # unique: of almost all gaps, two places can round to the same gap
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, gaps + 2)[1:-1].round().astype(int))]
    return Removal(slices, (ends[:, None] + 1 + np.arange(n)).ravel())


def settings(slices: int, removal: Removal, new: Sequence[int], gaps: int | None) -> dict[str, tuple[Removal, Any]]:
    """The removal and the wanted positions by setting: the 10 % protocol, and ``n2``, ``n4`` … for ``new``."""
    by_name: dict[str, tuple[Removal, Any]] = {REMOVED: (removal, removal.removed)}
    for n in new:
        by_name[f"n{n}"] = (thinned(slices, n, None), thinned(slices, n, gaps).removed)
    return by_name


def contest(
    restoration: "Restoration",
    truths: Sequence[str],
    removals: Sequence[str],
    *,
    new: Sequence[int],
    gaps: int | None,
    perceptual: Any,
    second_opinion: Any,
) -> pd.DataFrame:
    """Slice scores of one method and fold: a row for each patient, setting and wanted slice.

    Columns: subject, setting, the columns of ``benchmark.scores.metrics.score``, ``seconds`` (per wanted slice, mean
    over the setting) and ``lpips_vgg``: LPIPS with VGG16's features, for every fourth slice of the 10 % protocol.
    ``second_opinion``: the LPIPS with VGG16's features, because a method that was trained with the metric's own
    features needs a second metric.
    """
    from benchmark.jobs.restoration import inputs

    tables = []
    for truth_path, removal_path in zip(truths, removals, strict=True):
        truth, affine = volume.read(truth_path)
        inside = region(truth, affine)
        subject = subject_of(truth_path)
        restorer = restoration.build(subject)
        for setting, (removal, positions) in settings(len(truth), read_removal(removal_path), new, gaps).items():
            slices, known = inputs(restorer, truth, removal)
            start = time.perf_counter()
            restored = restorer.restore(slices, known, positions)
            seconds = (time.perf_counter() - start) / len(positions)
            table = score(restored, truth[positions], inside.of(positions), perceptual)
            table = table.assign(slice=positions, seconds=seconds, lpips_vgg=np.nan)
            rows = np.flatnonzero(table["signal"])[::4] if setting == REMOVED else np.array([], dtype=int)
            if len(rows):
                numbers = positions[rows]
                distances, _ = second_opinion.distances(restored[rows], truth[numbers], inside.mask[numbers])
                table.loc[rows, "lpips_vgg"] = distances
            table.insert(0, "subject", subject)
            table.insert(1, "setting", setting)
            tables.append(table)
    return pd.concat(tables, ignore_index=True)
