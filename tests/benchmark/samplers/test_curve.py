"""Few steps with the same quality: the criterion, and the chosen setting."""

import pandas as pd
import pytest

from benchmark.config import check
from benchmark.errors import UserError
from benchmark.plan import Plan
from benchmark.print.style import save
from benchmark.samplers import curve_figure
from benchmark.samplers.curve import curve_frame, curve_table, equal

SETTINGS = [  # sampler, T, η, noise, PSNR, LPIPS
    ("ddim", 200, "1", "independent", 30.0, 0.100),
    ("ddim", 50, "1", "independent", 30.2, 0.104),
    ("ddim", 20, "1", "independent", 30.4, 0.106),
    ("plms", 20, "", "independent", 29.95, 0.099),
    ("dpm++", 20, "", "independent", 29.95, 0.102),
    ("dpm++", 10, "", "independent", 29.8, 0.090),
    ("dpm++", 20, "", "shared", 30.0, 0.101),
]


@pytest.fixture
def measured() -> pd.DataFrame:
    rows = []
    for sampler, steps, eta, noise, psnr, lpips in SETTINGS:
        for subject, more in (("a", -1.0), ("b", 1.0)):
            row = {"cohort": "c", "sampler": sampler, "steps": steps, "eta": eta, "noise": noise, "subject": subject}
            row |= {"ssim": 0.8, "psnr": psnr + more, "lpips": lpips, "seconds_per_slice": steps / 1000}
            rows.append(row | {"hardware": "A", "slices": 9, "peak_mb": 1.0})
    return pd.DataFrame(rows)


def test_setting_with_the_fewest_evaluations_of_equal_quality_is_chosen(measured):
    frame = curve_frame(measured)
    fine = equal(frame)
    assert fine["evaluations"].tolist() == [20, 20, 21, 50, 200]
    assert fine.iloc[0][["sampler", "noise"]].tolist() == ["dpm++", "shared"]  # the better LPIPS of the two
    table = curve_table(frame, "cohort", "2 scans")
    assert "with the fewest evaluations: 20 (DPM-Solver++, T = 20, shared noise)" in table.caption
    assert [row[4].bold for row in table.rows] == [True, True, False, True, True, False, True]


def test_means_are_over_slices_then_patients_then_cohorts():
    """Cohort a: patients of 20 and 40 dB, the first measured three times; cohort b: one patient of 50 dB."""
    setting = {"sampler": "ddim", "steps": 200, "eta": "1", "noise": "independent", "ssim": 0.5, "lpips": 0.1}
    setting |= {"hardware": "A", "seconds_per_slice": 0.1}
    cells = [("a", "p", 10.0), ("a", "p", 20.0), ("a", "p", 30.0), ("a", "q", 40.0), ("b", "p", 50.0)]
    frame = curve_frame(pd.DataFrame([setting | {"cohort": c, "subject": s, "psnr": v} for c, s, v in cells]))
    assert frame["psnr"].tolist() == [pytest.approx(((20 + 40) / 2 + 50) / 2)]
    assert frame["psnr_difference"].tolist() == [0]


def test_values_are_below_their_headings(measured):
    table = curve_table(curve_frame(measured), "cohort", "2 scans")
    plms = dict(zip(table.columns, (cell.text for cell in table.rows[3]), strict=True))
    assert plms == {
        "sampler": "PLMS",
        "η": "",
        "noise": "independent",
        "T": "20",
        "evaluations": "21",  # one more than steps
        "SSIM": "0.8000",
        "PSNR, dB": "29.95",
        "LPIPS": "0.0990",
        "Δ PSNR": "−0.05",
        "Δ LPIPS": "−0.0010",
        "sampling, ms a slice": "20.0",
    }


def test_no_setting_is_chosen_without_the_reference(measured):
    frame = curve_frame(measured[measured["steps"] != 200])
    assert equal(frame).empty
    table = curve_table(frame, "cohort", "2 scans")
    assert "no setting is chosen" in table.caption
    assert "bold" not in table.caption  # nor columns without numbers
    assert not any("Δ" in column for column in table.columns)
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_figure_has_a_line_for_each_solver_and_noise(measured, tmp_path):
    figure = curve_figure.draw(curve_frame(measured))
    assert [len(axis.lines) for axis in figure.axes] == [4, 4]
    assert [len(axis.patches) for axis in figure.axes] == [1, 1]  # the band
    assert len(figure.axes) == 2
    save(figure, tmp_path / "a.png", tmp_path / "a.pdf")
    words = curve_figure.caption(curve_frame(measured), "cohort", "2 scans")
    assert "grey band is DDIM at T = 200" in words
    assert "bold" not in words


def test_figure_without_the_reference_has_no_band(measured):
    frame = curve_frame(measured[measured["steps"] != 200])
    assert [len(axis.patches) for axis in curve_figure.draw(frame).axes] == [0, 0]
    words = curve_figure.caption(frame, "cohort", "2 scans")
    assert "band" not in words
    assert "was not measured, so no setting is chosen" in words


def config(**change) -> dict:
    from configs import merged

    return merged(**change)


def test_named_sampler_is_replaced_by_its_options():
    named = {"quick": {"sampler": "dpm++", "steps": 7, "eta": 0.0}}
    mine = {"mine": {"label": "m", "class": "ours", "networks": ["vq", "ldm"], "options": {"sampler": "quick"}}}
    found = check(config(sampling={"sampler": "quick"}, samplers={"named": named}, methods=mine))
    assert (found["sampling"]["sampler"], found["sampling"]["steps"]) == ("dpm++", 7)
    assert found["methods"]["mine"]["options"] == named["quick"]
    assert check(found) == found
    with pytest.raises(UserError, match=r"sampling\.sampler: 'fats' is not defined; did you mean 'fast'"):
        check(config(sampling={"sampler": "fats"}))


def test_plan_has_a_line_for_each_solver_eta_and_noise():
    settings = [{"sampler": "ddim", "steps": [4, 8], "eta": [0, 1]}, {"sampler": "unipc", "steps": [4]}]
    plan = Plan(check(config(samplers={"curve": {"settings": settings, "noise": ["shared"]}})))
    assert plan.samplers.curve == {
        ("ddim", "0", "shared"): [4, 8],
        ("ddim", "1", "shared"): [4, 8],
        ("unipc", "none", "shared"): [4],
    }
