"""The tested claims, their samples, and their print."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from benchmark.figures.dominance import COLOURS, heat_map
from benchmark.plan.study import pairs
from benchmark.print.style import FULL, PAGE, save
from benchmark.scores.aggregate import read_scores
from benchmark.scores.comparisons import compare_methods, samples, significance_table
from benchmark.scores.metrics import COLUMNS
from benchmark.scores.significance import CLEARLY, NOT_SHOWN, TOO_FEW

KINDS = {"ours": "method", "baseline": "method", "copy": "control", "linear": "control", "truth": "oracle"}


def test_pairs_compare_each_method_with_ours_and_linear_once():
    assert pairs(KINDS, "ours") == [
        ("ours", "baseline"),
        ("ours", "copy"),
        ("ours", "linear"),
        ("baseline", "linear"),
        ("copy", "linear"),
    ]
    assert ("ours_no_edsr", "baseline") in pairs(KINDS | {"ours_no_edsr": "method"}, "ours")
    assert pairs({"ours": "method", "truth": "oracle"}, "ours") == []


def test_patient_or_slice_of_several_folds_is_one_sample(score_files):
    scores = read_scores(score_files)
    assert samples(scores, "patient").groupby("method").size().to_dict() == {"linear": 2, "ours": 2, "truth": 2}
    assert samples(scores, "slice").groupby("method").size().to_dict() == {"linear": 6, "ours": 6, "truth": 6}


def test_sample_is_the_mean_over_folds(score_files):
    scores = read_scores(score_files)
    ours = scores[(scores["method"] == "ours") & (scores["subject"] == "p1") & (scores["slice"] == 5)]
    assert len(ours) == 2
    found = samples(scores, "slice").set_index(["method", "subject", "slice"]).loc[("ours", "p1", 5)]
    assert found["psnr"] == pytest.approx(ours["psnr"].sum() / 2)
    assert found["lpips"] == pytest.approx(ours["lpips"].sum() / 2)


def claims(count: int) -> pd.DataFrame:
    """Ours far better than linear on ``count`` patients with three removed slices each, in two folds."""
    draw = np.random.default_rng(0)
    tables = []
    for method, fold, ahead in (("ours", 1, 1), ("ours", 2, 1), ("linear", 0, 0)):
        table = pd.DataFrame({"subject": np.repeat([f"p{i:02d}" for i in range(count)], 3), "slice": 1})
        table["slice"] = np.tile([1, 2, 3], count)
        table = table.assign(cohort="toy", fold=fold, method=method, removed=True, signal=True)
        noise = draw.normal(0, 0.01, (3 * count, len(COLUMNS)))
        for i, column in enumerate(COLUMNS):
            table[column] = 0.5 + (-ahead if "lpips" in column else ahead) * 0.2 + noise[:, i]
        tables.append(table)
    scores = pd.concat(tables, ignore_index=True)
    options = {"comparisons": 6, "seed": 1, "iterations": 50, "alpha": 0.05, "max_scores": 100}
    found = [compare_methods(scores, a, b, **options) for a, b in (("ours", "linear"), ("linear", "ours"))]
    return pd.concat(found, ignore_index=True).assign(cohort="toy")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return claims(24)


@pytest.fixture(scope="module")
def few_patients() -> pd.DataFrame:
    return claims(8)


def test_better_method_is_shown_in_every_metric_and_the_other_in_none(frame):
    assert set(frame.loc[frame["first"] == "ours", "verdict"]) == {CLEARLY}
    assert set(frame.loc[frame["first"] == "linear", "verdict"]) == {NOT_SHOWN}
    assert frame.loc[frame["first"] == "ours", "gain"].to_numpy() == pytest.approx(0.2, abs=0.01)
    assert frame["confidence"].unique() == pytest.approx(1 - 0.05 / 6)
    assert frame.loc[frame["first"] == "ours", "level"].tolist() == ["patient"] * 3 + ["slice"] * 3
    assert frame.groupby("level")["n_ours"].first().to_dict() == {"patient": 24, "slice": 72}  # folds add no samples


def test_eight_patients_give_no_verdict_at_either_level(few_patients):
    assert set(few_patients["verdict"]) == {TOO_FEW}
    assert set(few_patients["patients"]) == {8}
    assert few_patients["gain_low"].isna().all()
    assert (few_patients.loc[few_patients["level"] == "slice", "n_ours"] == 24).all()


def test_table_prints_the_verdict_or_that_patients_are_too_few(frame, few_patients, labels):
    table = significance_table(frame, labels)
    assert table.rows[0] == "phantom T1: 24 test patients"
    first, second = table.rows[1], table.rows[2]
    assert first[0].text == "SR with SI (ours) > linear & more"
    assert first[1].text.startswith("+0.2")
    assert "[+0.1" in first[1].text or "[+0.2" in first[1].text
    assert first[2].text.endswith(CLEARLY)
    assert [cell.bold for cell in first[2:4]] == [True, True]
    assert second[2].text.endswith(NOT_SHOWN)
    assert not any(cell.bold for cell in second)
    assert "0.99167" in table.caption
    assert "contest" not in table.caption
    sparse = significance_table(few_patients, labels)
    assert sparse.rows[1][2].text == "–"
    assert sparse.rows[1][3].text.startswith("(")
    assert not any(cell.bold for row in sparse.rows if not isinstance(row, str) for cell in row)
    assert "(here 8)" in sparse.caption
    assert "contest" in sparse.caption


def test_methods_scored_on_different_patients_are_refused(score_files):
    scores = read_scores(score_files)
    scores = scores[~((scores["method"] == "linear") & (scores["subject"] == "p2"))]
    with pytest.raises(ValueError, match="not scored on the same"):
        compare_methods(scores, "ours", "linear", comparisons=1, seed=1)


def test_heat_map_has_the_colour_of_each_verdict(frame, few_patients, labels, tmp_path):
    for table, expected in ((frame, {COLOURS[CLEARLY], COLOURS[NOT_SHOWN]}), (few_patients, {COLOURS[TOO_FEW]})):
        figure, caption = heat_map(table, labels)
        axis = figure.axes[0]
        assert len(axis.texts) == 12
        figure.canvas.draw()  # colours of the mesh are set by then
        assert {to_hex(colour).upper() for colour in axis.collections[0].get_facecolor()} == expected
        assert "phantom T1" in caption
        save(figure, tmp_path / "a.png", tmp_path / "a.pdf")
    assert "no verdict" in caption


def test_heat_map_of_six_cohorts_fits_a_page(frame, labels):
    names = [f"toy{number}" for number in range(6)]
    labels["cohorts"] |= {name: {"label": name} for name in names}
    figure, _ = heat_map(pd.concat([frame.assign(cohort=name) for name in names]), labels)
    width, height = figure.get_size_inches()
    assert width <= FULL
    assert height <= PAGE
    assert [axis.get_title() for axis in figure.axes if axis.get_visible()] == names
