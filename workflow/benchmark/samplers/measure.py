"""Measurements for table 6 (samplers) and section 3.7 (time and memory for n new slices)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmark import volume
from benchmark.cohort.protocol import Removal, read_removal
from benchmark.files import read_csv, subject_of
from benchmark.jobs.timing import Stopwatch, hardware
from benchmark.scores.metrics import METRICS, score
from benchmark.scores.region import region

if TYPE_CHECKING:
    from benchmark.jobs.restoration import Restoration


def sampler_scores(
    restoration: "Restoration", truths: Sequence[str], removals: Sequence[str], perceptual: Any, repeats: int
) -> pd.DataFrame:
    """One setting of the sampler: a row for each patient and repeat; only the first repeat is scored.

    Only the removed slices are restored, and only their neighbours are sampled. The noise of a slice depends only on
    its position, so the result is the same as for the whole volume. Columns: subject, slices (of the volume), sampled,
    seconds (of sampling), seconds_per_slice, peak_mb, hardware, and the mean SSIM, PSNR and LPIPS over the removed
    slices with signal.
    """
    from benchmark.jobs.restoration import inputs

    rows: list[dict[str, Any]] = []
    for truth_path, removal_path in zip(truths, removals, strict=True):
        truth, affine = volume.read(truth_path)
        removal = read_removal(removal_path)
        inside = region(truth, affine).of(removal.removed)
        watch = Stopwatch(restoration.build(subject_of(truth_path)))
        slices, known = inputs(watch.restorer, truth, removal)
        if not rows:
            watch.warm_up(slices, known)
        for repeat in range(repeats):
            run = watch.run(slices, known, removal.removed)
            row: dict[str, Any] = {"subject": subject_of(truth_path), "slices": len(truth), "sampled": run.sampled}
            row |= {"seconds": run.sampling_seconds, "seconds_per_slice": run.sampling_seconds / run.sampled}
            row |= {"peak_mb": run.peak_mb, "hardware": hardware(watch.device)}
            scores: Any = {}
            if repeat == 0:
                scores = score(run.volume, truth[removal.removed], inside, perceptual)[list(METRICS)].mean()
            rows.append(row | {metric: scores.get(metric, np.nan) for metric in METRICS})
    return pd.DataFrame(rows)


def read_measured(paths: Sequence[str]) -> pd.DataFrame:
    """Sheets of ``sampler_scores`` as one table; η is text, '' for a solver without η."""
    measured = pd.concat([read_csv(path) for path in paths], ignore_index=True)
    return measured.assign(eta=measured["eta"].fillna(""))


def counted(measured: pd.DataFrame) -> str:
    """The number of scans in sheets of ``sampler_scores``, for a caption; the cohorts of BraTS have the same patients,
    so patients of several cohorts cannot be added up. Not all are test scans: a cohort without them has scans held out
    in fold 1."""
    scans = len(measured[["cohort", "subject"]].drop_duplicates())
    return f"{scans} scan{'s' if scans > 1 else ''}"


def efficiency(
    restoration: "Restoration", truth_path: str, ns: Sequence[int], repeats: int, slices: int | None = None
) -> pd.DataFrame:
    """Time and memory of n new slices in every gap of one volume; no slice is removed and no result is kept.

    ``slices``: use only this many slices from the middle of the volume. n ascends, so that constant memory is seen as
    flat also on a CPU, where only the peak since the start can be read. Columns: n, slices_in, slices_out,
    sampling_seconds, seconds (total), peak_mb, hardware.
    """
    from benchmark.jobs.restoration import inputs

    truth, _ = volume.read(truth_path)
    if slices:
        first = max(0, (len(truth) - slices) // 2)
        truth = truth[first : first + slices]
    watch = Stopwatch(restoration.build(subject_of(truth_path)))
    low, known = inputs(watch.restorer, truth, Removal(len(truth), np.array([], dtype=int)))
    watch.warm_up(low, known)
    rows = []
    for n in sorted(ns):
        at = np.linspace(known[0], known[-1], (len(known) - 1) * (n + 1) + 1)
        for _ in range(repeats):
            run = watch.run(low, known, at, keep=False)
            row = {"n": n, "slices_in": len(known), "slices_out": len(at), "sampling_seconds": run.sampling_seconds}
            rows.append(row | {"seconds": run.seconds, "peak_mb": run.peak_mb, "hardware": hardware(watch.device)})
    return pd.DataFrame(rows)
