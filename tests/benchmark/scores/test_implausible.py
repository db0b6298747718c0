"""The rules for flags, applied to every published cell."""

import pandas as pd
import pytest

from benchmark.scores import implausible, published
from benchmark.scores.implausible import COLUMNS, flags


@pytest.fixture(scope="module")
def flagged_cells() -> set[tuple[str, str, str]]:
    return set(flags()[["cohort", "method", "metric"]].itertuples(index=False, name=None))


def test_flags_file_equals_the_rules():
    pd.testing.assert_frame_equal(published.read("flags"), flags()[COLUMNS].astype(str))


def test_every_flag_is_of_one_published_cell():
    rows = flags()
    assert not rows.duplicated(COLUMNS[:-1]).any()
    cells = published.read("scores").set_index(["table", "cohort", "method"]).index
    assert {key for key in rows[COLUMNS[:3]].itertuples(index=False, name=None) if key[0] != "6"} <= set(cells)


@pytest.mark.parametrize(
    "cell",
    [
        ("oasis", "ours", "psnr"),
        ("oasis", "baseline", "ssim"),
        ("atlas", "baseline", "ssim"),
        ("openneuro", "baseline", "ssim"),
        ("openneuro", "wdsr", "psnr"),
        ("brats_flair", "baseline", "psnr"),
        ("brats_t1", "wdsr", "lpips"),
        ("brats_t1", "ours", "psnr"),
        ("brats", "ddim 200 1", "psnr"),
    ],
)
def test_implausible_published_cell_is_flagged(flagged_cells, cell):
    assert cell in flagged_cells


POSSIBLE = [("atlas", "ours", "psnr"), ("oasis", "wdsr", "psnr"), ("brats_t2", "bicubic_ae", "ssim")]


@pytest.mark.parametrize("cell", POSSIBLE)
def test_plausible_published_cell_is_not_flagged(flagged_cells, cell):
    assert cell not in flagged_cells


def scores_row(**scores: float) -> dict:
    return {"table": "1", "cohort": "oasis", "method": "wdsr", "ssim": 0.9, "psnr": 28.0, "lpips": 0.2} | scores


@pytest.mark.parametrize(
    ("scores", "metrics"),
    [
        ({}, []),
        ({"psnr": 50.1, "ssim": 0.99}, ["psnr"]),
        ({"psnr": 31.0}, ["psnr"]),
        ({"psnr": 31.0, "ssim": 0.97}, []),
        ({"psnr": 30.5}, []),
        ({"lpips": 0.35}, ["lpips"]),
        ({"lpips": 0.35, "ssim": 0.7}, []),
        ({"method": "baseline", "ssim": 0.81, "psnr": 29.9}, ["ssim"]),
        ({"method": "baseline", "ssim": 0.89, "psnr": 21.9, "lpips": 0.31}, ["psnr", "lpips"]),
    ],
)
def test_each_rule_flags_its_metric(scores, metrics):
    ours = scores_row(method="ours", ssim=0.92, psnr=28.0, lpips=0.1)
    assert [metric for metric, _ in implausible._of_cell(scores_row(**scores), pd.DataFrame([ours]))] == metrics
