"""Scores against the notes' reference values, against NumPy written out, and on the cases where metrics break."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from perceptual_distance import MeanAbsoluteDifference

from benchmark.errors import UserError
from benchmark.scores import metrics
from benchmark.scores.metrics import COLUMNS, DEFINITION, HIGHER_IS_BETTER, METRICS
from benchmark.scores.region import Region


def score(prediction: np.ndarray, truth: np.ndarray, perceptual, **options) -> pd.DataFrame:
    """``metrics.score`` with the region of non-zero voxels."""
    return metrics.score(prediction, truth, Region(truth != 0, "brain"), perceptual, **options)


ROW, COLUMN = np.mgrid[:256, :256]
WAVES = (0.5 + 0.5 * np.sin(ROW / 7) * np.cos(COLUMN / 11)).astype(np.float32)


@pytest.fixture(scope="module")
def lpips(trunks: dict[str, Path]):
    from models.perceptual import Perceptual

    return Perceptual(trunks["alex"])


def ssim_map(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Eq. 13 of Wang et al. 2004 with an 11×11 Gaussian window, σ = 1.5, reflected at the border, data range 1."""
    axis = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(axis, axis) / axis.sum() ** 2

    def local(x: np.ndarray) -> np.ndarray:
        padded = np.pad(x, 5, mode="symmetric")
        return np.einsum("hwij,ij->hw", np.lib.stride_tricks.sliding_window_view(padded, (11, 11)), window)

    mean_a, mean_b = local(a), local(b)
    var_a, var_b = local(a * a) - mean_a**2, local(b * b) - mean_b**2
    covariance = local(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    return ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))


def expected(prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """SSIM and PSNR of one slice, full frame and brain."""
    brain = truth != 0
    similarity, square = ssim_map(truth, prediction), (truth - prediction) ** 2
    with np.errstate(divide="ignore"):
        return {
            "ssim": similarity[5:-5, 5:-5].mean(),
            "ssim_region": similarity[brain].mean(),
            "psnr": -10 * np.log10(square.mean()),
            "psnr_region": -10 * np.log10(square[brain].mean()),
        }


def head(seed: int, slices: int = 1, size: int = 48) -> np.ndarray:
    """Noise inside an ellipse, zero around it."""
    noise = 0.05 + 0.95 * np.random.default_rng(seed).random((slices, size, size))
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    return noise * (x**2 / 0.6 + y**2 / 0.8 < 1)


CASES = {
    "random": (head(1)[0], head(2)[0]),
    "identical": (head(1)[0], head(1)[0]),
    "no background": (head(1)[0] + 0.01, head(2)[0] + 0.01),
    "constant": (np.full((48, 48), 0.25), np.full((48, 48), 0.75)),
    "prediction all background": (np.zeros((48, 48)), head(2)[0]),
    "shifted": (np.roll(head(2)[0], 1, axis=1), head(2)[0]),
    "brighter than the range": (2 * head(2)[0], head(2)[0]),
    "negative": (-head(1)[0], head(2)[0]),
    "a small bright square of truth": (head(1)[0], np.pad(np.ones((6, 6)), ((20, 22), (20, 22)))),
}


@pytest.mark.parametrize("case", CASES)
def test_ssim_and_psnr_equal_a_numpy_implementation(case: str) -> None:
    prediction, truth = CASES[case]
    row = score(prediction[None], truth[None], MeanAbsoluteDifference()).iloc[0]
    for column, value in expected(prediction, truth).items():
        assert row[column] == pytest.approx(value, rel=1e-9, abs=1e-12), column


def test_scores_equal_the_reference_values(lpips) -> None:
    truth, prediction = np.stack([WAVES, WAVES]), np.stack([np.roll(WAVES, 3, axis=1), WAVES / 2])
    scores = score(prediction, truth, lpips)
    np.testing.assert_allclose(scores["ssim"], [0.91828, 0.67375], atol=5e-6)
    np.testing.assert_allclose(scores["psnr"], [21.1757, 11.0570], atol=5e-5)
    np.testing.assert_allclose(scores["lpips"], [0.04194, 0.07539], atol=5e-6)


def test_truth_has_ssim_1_psnr_infinity_and_lpips_0(lpips) -> None:
    truth = head(3, slices=3, size=64).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score(truth.copy(), truth, lpips)
    assert scores["signal"].all()
    for suffix in ("", "_region"):
        assert (scores["ssim" + suffix] == 1).all()
        assert (scores["psnr" + suffix] == np.inf).all()
        assert (scores["lpips" + suffix] == 0).all()


def test_only_slices_without_signal_have_nan_scores() -> None:
    truth, prediction, distance = head(1, slices=4), head(2, slices=4), MeanAbsoluteDifference()
    truth[[0, 2]] = 0
    scores = score(prediction, truth, distance)
    assert list(scores.columns) == ["slice", "region", "share", "signal", *COLUMNS]
    assert scores["slice"].tolist() == [0, 1, 2, 3]
    assert scores["signal"].tolist() == [False, True, False, True]
    assert scores.loc[~scores["signal"], COLUMNS].isna().all(axis=None)
    assert scores.loc[scores["signal"], COLUMNS].notna().all(axis=None)
    assert distance.compared == 2  # LPIPS of an empty slice is not even computed


def test_empty_volume_has_no_scores() -> None:
    empty = np.zeros((3, 48, 48))
    scores = score(empty, empty, MeanAbsoluteDifference())
    assert not scores["signal"].any()
    assert scores[COLUMNS].isna().all(axis=None)


def test_one_wrong_voxel_lowers_every_score(lpips) -> None:
    truth = head(1, slices=2, size=64).astype(np.float32)
    prediction = truth.copy()
    prediction[1, 32, 32] = 1 - prediction[1, 32, 32]
    scores = score(prediction, truth, lpips)
    assert (scores.loc[0, ["ssim", "psnr", "lpips"]] == [1, np.inf, 0]).all()
    for column in COLUMNS:
        better = scores.loc[0, column] > scores.loc[1, column]
        assert better == HIGHER_IS_BETTER[column.removesuffix("_region")], column


def test_background_error_does_not_change_region_psnr(lpips) -> None:
    truth = head(1, size=128).astype(np.float32)
    prediction = truth.copy()
    prediction[:, :8, :8] = 0.5
    row = score(prediction, truth, lpips).iloc[0]
    assert np.isfinite(row["psnr"])
    assert row["psnr_region"] == np.inf
    assert row["ssim_region"] == pytest.approx(1)
    assert row["ssim_region"] > row["ssim"]
    assert row["lpips_region"] < row["lpips"]


def test_larger_background_improves_full_frame_scores_only() -> None:
    """Why the brain is scored apart: the same error counts less in a larger frame."""
    prediction, truth = head(1), head(2)
    wide = [np.pad(volume, ((0, 0), (24, 24), (24, 24))) for volume in (prediction, truth)]
    near, far = (score(*volumes, MeanAbsoluteDifference()).iloc[0] for volumes in ((prediction, truth), wide))
    assert far["ssim"] > near["ssim"] + 0.05
    assert far["psnr"] > near["psnr"] + 3
    assert far["psnr_region"] == pytest.approx(near["psnr_region"])
    assert far["ssim_region"] == pytest.approx(near["ssim_region"], abs=2e-3)


def test_shift_scale_or_flip_lowers_every_score(lpips) -> None:
    truth = np.repeat(head(1, slices=1, size=64), 4, axis=0) * np.linspace(0.4, 0.9, 4)[:, None, None]
    good = truth + 0.01 * (truth > 0)
    right = score(good, truth, lpips)[COLUMNS].mean()
    for wrong in (np.roll(good, 1, axis=0), 2 * good, np.roll(good, 4, axis=1), good[:, ::-1]):
        scores = score(wrong, truth, lpips)[COLUMNS].mean()
        for column in COLUMNS:
            worse = scores[column] < right[column]
            assert worse == HIGHER_IS_BETTER[column.removesuffix("_region")], column


def test_float32_scores_equal_float64_scores() -> None:
    prediction, truth = head(1, slices=2).astype(np.float32), head(2, slices=2).astype(np.float32)
    pd.testing.assert_frame_equal(
        score(prediction, truth, MeanAbsoluteDifference()),
        score(prediction.astype(float), truth.astype(float), MeanAbsoluteDifference()),
        check_exact=True,  # the computation is in double precision from the start
    )


def test_scores_are_read_from_csv_as_written(tmp_path: Path) -> None:
    truth, prediction = head(1, slices=3), head(2, slices=3)
    truth[0], prediction[2] = 0, truth[2]
    scores = score(prediction, truth, MeanAbsoluteDifference())
    scores.to_csv(tmp_path / "scores.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "scores.csv"), scores, check_exact=True)


@pytest.mark.parametrize(
    ("prediction", "truth", "says"),
    [
        (np.zeros((2, 48, 48)), np.zeros((3, 48, 48)), r"shape \(2, 48, 48\) and the truth \(3, 48, 48\)"),
        (np.zeros((48, 48)), np.zeros((48, 48)), "volumes"),
        (np.zeros((2, 10, 48)), np.zeros((2, 10, 48)), "more than 10×10"),
        (np.full((1, 48, 48), np.nan), np.zeros((1, 48, 48)), "restored volume holds NaN or infinity in 1 slices"),
        (np.zeros((1, 48, 48)), np.full((1, 48, 48), np.inf), "truth holds NaN"),
    ],
)
def test_volumes_that_cannot_be_scored_are_refused(prediction: np.ndarray, truth: np.ndarray, says: str) -> None:
    with pytest.raises(UserError, match=says):
        score(prediction, truth, MeanAbsoluteDifference())


def test_caption_states_the_definition_of_the_metrics() -> None:
    for fact in ("σ = 1.5", "population covariance", "data range 1", "AlexNet, version 0.1", "[−1, 1]", "left out"):
        assert fact in DEFINITION
    assert set(HIGHER_IS_BETTER) == set(METRICS)
