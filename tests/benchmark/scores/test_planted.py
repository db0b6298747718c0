"""A planted error must show in the tables as it would in a real study."""

import numpy as np
import pandas as pd
import pytest
from perceptual_distance import MeanAbsoluteDifference

from benchmark.datasets.phantom import phantom
from benchmark.scores.aggregate import cells
from benchmark.scores.metrics import METRICS, score
from benchmark.scores.region import Region


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    volume = np.moveaxis(phantom((40, 44, 26), "T1", 1), 2, 0)
    return (volume / volume.max()).astype(np.float32)


@pytest.fixture(scope="module")
def volumes(truth) -> dict[str, np.ndarray]:
    """Two methods: one with a small error everywhere in the head, one with a larger error."""
    noise = np.random.default_rng(0).normal(size=truth.shape).astype(np.float32) * (truth > 0)
    return {"good": (truth + 0.02 * noise).clip(0, 1), "worse": (truth + 0.1 * noise).clip(0, 1)}


def score_cells(truth: np.ndarray, volumes: dict[str, np.ndarray]) -> pd.DataFrame:
    sheets = []
    for method, volume in volumes.items():
        rows = score(volume, truth, Region(truth > 0, "brain"), MeanAbsoluteDifference())
        rows = rows.assign(cohort="toy", method=method, fold=0, subject="p1", removed=rows["slice"] % 4 == 2)
        sheets.append(rows)
    return cells(pd.concat(sheets, ignore_index=True)).loc["toy"]


def test_swapped_volumes_give_swapped_rows(truth, volumes):
    right = score_cells(truth, volumes)
    wrong = score_cells(truth, {"good": volumes["worse"], "worse": volumes["good"]})
    assert right.loc["good", "psnr"] > right.loc["worse", "psnr"] + 10
    pd.testing.assert_series_equal(right.loc["good"], wrong.loc["worse"], check_names=False)
    pd.testing.assert_series_equal(right.loc["worse"], wrong.loc["good"], check_names=False)


@pytest.mark.parametrize("plant", [lambda v: np.roll(v, 1, axis=0), lambda v: 2 * v], ids=["shifted", "doubled"])
def test_shifted_or_doubled_volume_is_worse_in_every_metric(truth, volumes, plant):
    right = score_cells(truth, {"good": volumes["good"]}).loc["good"]
    wrong = score_cells(truth, {"good": plant(volumes["good"])}).loc["good"]
    assert wrong["psnr"] < right["psnr"] - 10
    assert wrong["ssim"] < right["ssim"] - 0.05
    assert wrong["lpips"] > 2 * right["lpips"]


def test_truth_is_perfect_until_one_voxel_is_wrong(truth):
    perfect = score_cells(truth, {"truth": truth}).loc["truth"]
    assert [perfect[m] for m in METRICS] == [1, np.inf, 0]
    off = truth.copy()
    off[10, 20, 20] += 0.5  # slice 10 is scored
    spoiled = score_cells(truth, {"truth": off}).loc["truth"]
    assert spoiled["ssim"] < 1
    assert spoiled["lpips"] > 0


def test_only_removed_slices_are_scored(truth, volumes):
    spoiled = volumes["good"].copy()
    spoiled[1::2] = 0
    pd.testing.assert_frame_equal(score_cells(truth, {"good": spoiled}), score_cells(truth, {"good": volumes["good"]}))
