"""Which claims are tested, on which samples, and how they are printed."""

import numpy as np
import pandas as pd
import pytest

from benchmark.figures.dominance import heat_map
from benchmark.plan import pairs
from benchmark.print.style import save
from benchmark.scores.aggregate import read_scores
from benchmark.scores.comparisons import compare_methods, samples, significance_table

KINDS = {"ours": "method", "baseline": "method", "copy": "control", "linear": "control", "truth": "oracle"}


def test_every_method_against_ours_and_against_linear_once():
    assert pairs(KINDS, "ours") == [
        ("ours", "baseline"),
        ("ours", "copy"),
        ("ours", "linear"),
        ("baseline", "linear"),
        ("copy", "linear"),
    ]
    assert pairs({"ours": "method", "truth": "oracle"}, "ours") == []


def test_samples_are_patients_of_every_fold_or_scored_slices(score_files):
    scores = read_scores(score_files)
    assert samples(scores, "patient").groupby("method").size().to_dict() == {"linear": 2, "ours": 4, "truth": 2}
    assert samples(scores, "slice").groupby("method").size().to_dict() == {"linear": 6, "ours": 12, "truth": 6}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Ours far better than linear, on eight patients with three removed slices each."""
    draw = np.random.default_rng(0)
    tables = []
    for method, ahead in (("ours", 1), ("linear", 0)):
        table = pd.DataFrame({"subject": np.repeat([f"p{i}" for i in range(8)], 3), "slice": np.tile([1, 2, 3], 8)})
        table = table.assign(cohort="toy", fold=0, method=method, removed=True, signal=True)
        noise = draw.normal(0, 0.01, (24, 6))
        for i, column in enumerate(("ssim", "psnr", "lpips", "ssim_region", "psnr_region", "lpips_region")):
            table[column] = 0.5 + (-ahead if "lpips" in column else ahead) * 0.2 + noise[:, i]
        tables.append(table)
    scores = pd.concat(tables, ignore_index=True)
    options = {"comparisons": 6, "seed": 1, "iterations": 50, "alpha": 0.05, "max_scores": 100}
    claims = [compare_methods(scores, a, b, **options) for a, b in (("ours", "linear"), ("linear", "ours"))]
    return pd.concat(claims, ignore_index=True).assign(cohort="toy")


def test_the_better_method_dominates_in_every_metric_and_the_other_in_none(frame):
    assert frame[frame["first"] == "ours"]["epsilon_min"].max() < 0.05
    assert frame[frame["first"] == "linear"]["epsilon_min"].min() > 0.95
    assert frame["confidence"].unique() == pytest.approx(1 - 0.05 / 6)
    assert frame.groupby("level")["n_ours"].first().to_dict() == {"patient": 8, "slice": 24}


def test_table_warns_of_small_samples_and_prints_both_verdicts(frame, labels):
    table = significance_table(frame, labels)
    first = table.rows[1]
    assert first[0].text == "SR with SI (ours) > linear & more"
    assert first[1].text.endswith("yes/yes")
    assert [bool(cell.note) for cell in first[1:]] == [True] * 3 + [False] * 3
    assert "WARNING" in table.notes[0]
    assert "0.9917" in table.caption


def test_heat_map_draws(frame, labels, tmp_path):
    figure, caption = heat_map(frame, labels)
    assert len(figure.axes[0].texts) == 12
    assert "phantom T1" in caption
    save(figure, tmp_path / "a.png", tmp_path / "a.pdf")
