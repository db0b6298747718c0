"""The slices in figures, the measurements on these slices, and a test that every figure can be drawn."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from figure_scenes import LABELS, SPEC, Linear, scene
from matplotlib.axes import Axes

from benchmark import volume
from benchmark.config import load_config
from benchmark.errors import UserError
from benchmark.figures import draw
from benchmark.figures.between import detail_box, detail_share, gradient
from benchmark.figures.detail import (
    adjacent_pair,
    detail_sheet,
    gradient_energy,
    known_slice,
    patient,
    read_detail,
    removed_slice,
)
from benchmark.figures.gaps import Gap, gap, restore_gap
from benchmark.figures.overview import overview
from benchmark.figures.scores import FAINT
from benchmark.print.style import FULL, PAGE, colours, content, grid, save, white
from benchmark.scores.aggregate import read_scores


@pytest.mark.parametrize(
    ("spec", "methods"),
    [
        ({"draw": "scores"}, list(LABELS)),
        ({"draw": "between", "n": 6}, ["ours", "baseline"]),
        ({"draw": "sequence", "n": 6}, ["ours"]),
        ({"draw": "sequence", "n": 10}, ["ours"]),
        ({"draw": "source"}, []),
        ({"draw": "compare", "n": 2}, list(LABELS)),
        ({"draw": "sharpened"}, ["baseline", "ours"]),
        ({"draw": "showcase"}, ["linear", "ours"]),
    ],
)
def test_every_kind_of_figure_fits_a_page_and_has_a_caption(cohort, tmp_path, spec, methods):
    from PIL import Image

    figure, caption = draw(scene(cohort, spec, methods, stand_in=True, same=["fig05", "fig06"]))
    for words in ("phantom T1 (frames of 32×32 pixels)", "test patient p1", "figures 5, 6", "stands in"):
        assert words in caption
    assert ("fold 1 of 2" in caption) == bool(methods)  # no network made the input
    assert ("was never scanned" in caption) == (spec["draw"] in ("between", "sequence", "compare"))
    save(figure, tmp_path / "a.png", tmp_path / "a.pdf")
    assert min((tmp_path / f"a.{suffix}").stat().st_size for suffix in ("png", "pdf")) > 5000
    width, height = (pixels / 200 * 25.4 for pixels in Image.open(tmp_path / "a.png").size)
    assert width < 196
    assert height < 246


def test_errors_have_a_scale(cohort):
    figure, _ = draw(scene(cohort, {"draw": "showcase"}, ["linear", "ours"]))
    assert any("absolute error" in axis.get_ylabel() for axis in figure.findobj(Axes))


def test_grid_of_many_rows_fits_a_page():
    figure, _ = grid(9, 4, (256, 200), labels=0.2, margin=1.0)
    assert figure.get_size_inches()[1] <= PAGE + 1e-9
    assert figure.get_size_inches()[0] < FULL


def test_figure_drawn_twice_has_equal_bytes(cohort, tmp_path):
    for name in ("a", "b"):
        figure, _ = draw(scene(cohort, {"draw": "compare", "n": 2}, ["linear"]))
        save(figure, tmp_path / f"{name}.png", tmp_path / f"{name}.pdf")
    assert [len({(tmp_path / f"{name}.{s}").read_bytes() for name in "ab"}) for s in ("png", "pdf")] == [1, 1]


def test_figure_shows_scores_of_its_fold_only(cohort):
    assert set(scene(cohort, {"draw": "scores"}, [], fold=2).scores["method"]) == {"linear"}
    assert set(read_scores(cohort["scores"])["method"]) == set(LABELS)


@pytest.mark.parametrize(
    ("alike", "unlike", "words"),
    [
        (True, [], "differ only in where slices"),
        (False, ["Tiny (a)", "EDSR"], "Only one of the two has: Tiny (a), EDSR"),
        (False, [], ""),
    ],
)
def test_caption_states_how_the_compared_pair_differs(cohort, alike, unlike, words):
    shown = scene(cohort, {"draw": "between"}, ["ours", "baseline"], alike=alike, unlike=unlike)
    assert words in shown.confound
    assert bool(words) == bool(shown.confound)
    assert scene(cohort, {"draw": "between"}, ["ours"]).confound == ""


def test_named_methods_are_coloured_and_others_grey(cohort):
    figure, caption = draw(scene(cohort, {"draw": "scores"}, list(LABELS)))
    right = figure.axes[1]
    grey = [line for line in right.lines if line.get_color() == FAINT]
    assert len(grey) == 1
    assert "in grey, without names: a name that is long enough for two lines." in caption
    assert LABELS["linear"] not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_compare_figure_has_true_ends_input_and_a_row_per_method(cohort):
    figure, caption = draw(scene(cohort, {"draw": "compare", "n": 2}, list(LABELS)))
    titles = [axis.get_title() for axis in figure.axes]
    assert len(titles) == 4 * (1 + len(LABELS))
    assert titles[1:3] == [f"slice {place}, 8×8" for place in (10, 11)]
    assert titles[5:7] == ["1/3", "2/3"]
    assert "a factor of 3" in caption


def test_regions_are_ordered_by_detail_and_apart():
    energy = [0, 1, 9, 8, 7, 1, 1, 1, 5, 1, 1, 3, 1, 1, 1, 0]
    sheet = pd.DataFrame({"subject": "p", "slice": range(16), "removed": [i in (2, 4, 8, 11) for i in range(16)]})
    sheet["detail"] = energy
    assert [known_slice(sheet, "p", region) for region in (1, 2)] == [3, 1]
    assert [adjacent_pair(sheet, "p", region) for region in (1, 2)] == [2, 4]
    assert [removed_slice(sheet, "p", region) for region in (1, 2, 3)] == [2, 4, 8]
    assert [removed_slice(sheet, "p", region) for region in (4, 5)] == [11, 2]  # all shown: the first again
    sheet["removed"] = [i in (4, 5) for i in range(16)]
    assert [removed_slice(sheet, "p", region) for region in (1, 2, 3)] == [4, 5, 4]  # none is far: the next best
    assert [patient(pd.DataFrame({"subject": ["b", "a"]}), i) for i in (1, 2, 3)] == ["b", "a", "b"]


def test_gradient_energy_of_a_ramp_is_its_squared_slope():
    ramp = np.tile(np.arange(8.0), (1, 8, 1))
    np.testing.assert_allclose(gradient_energy(np.concatenate([ramp, 2 * ramp, 0 * ramp])), [1, 4, 0])


def test_figures_show_only_permitted_patients(cohort):
    sheet = detail_sheet(cohort["volumes"], cohort["removals"], ["p2"])
    assert set(sheet["subject"]) == {"p2"}
    with pytest.raises(UserError, match="may be pictured"):
        detail_sheet(cohort["volumes"], cohort["removals"], [])


def test_showcase_shows_a_removed_slice_with_its_scores(cohort):
    figure, caption = draw(scene(cohort, {"draw": "showcase"}, ["linear", "ours"]))
    place = removed_slice(read_detail(cohort["detail"]), "p1")
    assert f"slice {place}: the removed slice" in caption
    assert "8×8" in caption
    truth, made = (
        volume.read(Path(f) / "p1.nii.gz")[0][place] for f in (volumes_folder(cohort), cohort["restored"][2])
    )
    printed = [axis.get_xlabel() for axis in figure.axes if axis.get_xlabel()]
    assert printed[0] == f"PSNR {-10 * np.log10(np.mean((truth - made) ** 2)):.2f} dB"
    assert len(printed) == 2  # no number under the input and the truth
    assert "4 removed slices of this one scan, without a spread (SSIM / PSNR, dB / LPIPS): a name that" in caption
    assert "is long enough for two lines 0.7000 / 28.00" in caption
    assert "AlexNet's features, with which these methods were trained: ours." in caption


def test_gap_slices_are_at_the_positions_of_their_affine(cohort):
    asked = gap(SPEC | {"n": 2}, read_detail(cohort["detail"]))
    np.testing.assert_allclose(asked.positions, asked.left + np.array([0, 1 / 3, 2 / 3, 1]))
    image = nib.load(Path(cohort["gaps"][0]) / asked.file)
    assert image.shape == (32, 32, 4)
    np.testing.assert_allclose(image.affine @ [0, 0, 3, 1], [0, 0, 2 * asked.right, 1], atol=1e-6)


def test_gap_is_restored_from_every_slice(cohort, tmp_path):
    class Spy(Linear):
        def build(self, subject: str):
            restorer = super().build(subject)
            plain = restorer.restore
            restorer.restore = lambda slices, known, at: seen.extend(known) or plain(slices, known, at)
            return restorer

    seen: list[int] = []
    restore_gap(Spy(), Gap("p1", 9, 1), Path(cohort["volumes"][0]), tmp_path)
    assert seen == list(range(24))


def test_detail_box_is_where_the_truth_has_most_detail():
    left = np.full((64, 64), 0.5)
    left[40:56, 8:24] += np.sin(np.arange(16) * 1.5) * 0.4
    box = detail_box(np.stack([left, left]), 16)
    assert (abs(box[0].start - 40) <= 1, abs(box[1].start - 8) <= 1) == (True, True)
    elsewhere = detail_box(np.stack([left, left]), 16, (slice(20, 30), slice(30, 40)))
    assert 20 <= elsewhere[0].start + 8 <= 30
    assert 30 <= elsewhere[1].start + 8 <= 40


def test_detail_share_equals_hand_computed_values():
    """Ramps: their gradient is their slope. Slopes 1 and 3 are the truth (mean 2), 1 and 0.5 what a method made."""
    ramp = np.tile(np.arange(32.0), (32, 1))
    truth, made = np.stack([ramp, 3 * ramp]), np.stack([ramp, 0.5 * ramp])
    box = (slice(4, 20), slice(8, 24))
    np.testing.assert_allclose(gradient(truth)[:, *box].mean(axis=(1, 2)), [1, 3])
    np.testing.assert_allclose(detail_share(made, truth, box), [0.5, 0.25])
    assert np.isnan(detail_share(made, 0 * truth, box)).all()


def test_printed_detail_is_relative_to_the_true_ends(cohort):
    """A fault found by the audit: a method that also blurs its ends must not get 100 %."""
    figure, _ = draw(scene(cohort, {"draw": "between", "n": 6}, ["ours", "baseline"]))
    printed = [float(axis.get_xlabel().strip("detail %")) for axis in figure.axes if axis.get_xlabel()]
    assert len(printed) == 12  # under the new slices, and under no true end
    asked = gap(SPEC | {"n": 6}, read_detail(cohort["detail"]))
    truth = volume.read(cohort["volumes"][0])[0][[asked.left, asked.right]]
    made = volume.read(Path(cohort["gaps"][0]) / asked.file)[0]
    side = next(int(patch.get_width()) for patch in figure.axes[0].patches)
    box = detail_box(truth, side)
    by_hand = [np.hypot(*np.gradient(s.astype(float)))[box].mean() for s in (*made[1:-1], *truth)]
    np.testing.assert_allclose(printed[:6], 100 * np.array(by_hand[:-2]) / np.mean(by_hand[-2:]), atol=0.51)
    assert max(printed) < 90


def test_panels_are_cropped_to_their_content_and_share_a_grey_scale():
    image = np.zeros((2, 20, 30))
    image[0, 8:12, 10:13], image[1, 9, 20] = 1.0, 3.0
    assert content([image], margin=1) == (slice(7, 13), slice(9, 22))
    assert content([np.zeros((1, 4, 4))]) == (slice(None), slice(None))
    assert 1 < white(image) <= 3
    assert white(np.zeros(3)) == 1


def test_method_colour_is_the_same_in_every_figure():
    both = colours(["copy", "ours", "linear", "spline"])
    assert len(set(both.values())) == 4
    assert both["ours"] == colours(["ours"])["ours"]
    article = list(load_config()["study"]["methods"])
    assert len(set(colours(article).values())) == len(article)


def test_overview_has_a_panel_per_cohort_of_a_third_of_a_page(cohort):
    details, volumes = (
        dict.fromkeys(("a", "b"), cohort["detail"]),
        {"a": volumes_folder(cohort), "b": volumes_folder(cohort)},
    )
    figure, caption = overview(details, volumes, {"a": "axial", "b": "axial"})
    assert [axis.get_title() for axis in figure.axes] == [f"{n}: p1\naxial, slice 12 of 24" for n in "ab"]
    assert figure.get_size_inches()[0] == pytest.approx(FULL * 2 / 3)
    assert "one test patient" in caption


def volumes_folder(cohort: dict) -> str:
    return str(Path(cohort["volumes"][0]).parent)
