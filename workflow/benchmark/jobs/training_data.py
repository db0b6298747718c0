"""The training data of a network in few numbers, stored with its weights, so that unfamiliar scans can be
recognised."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from benchmark import volume
from benchmark.volume import PLANE_OF_CODE

BINS = 64


def summary(paths: Sequence[str | Path]) -> dict[str, Any]:
    """Of the training volumes: ``subjects`` (number), ``plane``, ``frame`` (H, W), ``spacing`` (slices, rows,
    columns; median, mm), ``histogram`` of the non-zero voxels (shares in ``BINS`` bins over [0, 1]) and
    ``histogram_spread``, the largest distance between one volume's histogram and this histogram.
    """
    histograms, spacings, codes, frame = [], [], "", (0, 0)
    for path in paths:
        data, affine = volume.read(path)
        histograms.append(histogram(data))
        spacings.append(np.linalg.norm(affine[:3, :3], axis=0)[[2, 0, 1]])
        codes, frame = nib.aff2axcodes(affine)[2], data.shape[1:]
    mean = np.mean(histograms, axis=0)
    return {
        "subjects": len(histograms),
        "plane": PLANE_OF_CODE[codes],
        "frame": [int(side) for side in frame],
        "spacing": [round(float(mm), 4) for mm in np.median(spacings, axis=0)],
        "histogram": [round(float(share), 6) for share in mean],
        "histogram_spread": round(max(distance(one, mean) for one in histograms), 6),
    }


def histogram(values: np.ndarray) -> np.ndarray:
    """Shares (BINS,) of the non-zero voxels; ``values`` scaled so that 1 is the volume's 99.9th percentile."""
    counts = np.histogram(np.clip(values[values > 0], 0, 1), BINS, (0, 1))[0]
    return counts / max(counts.sum(), 1)


def distance(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> float:
    """Earth mover's distance of two histograms, in units of the grey scale: 0 for equal histograms, 1 for black and
    white."""
    return float(np.abs(np.cumsum(np.asarray(first) - np.asarray(second))).mean())
