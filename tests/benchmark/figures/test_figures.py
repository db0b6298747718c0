"""The slices in figures, the measurements on these slices, and a test that every figure can be drawn."""

import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from benchmark import volume
from benchmark.cohort.protocol import Removal, write_removal
from benchmark.config import load_config
from benchmark.datasets.phantom import phantom
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
    write_detail,
)
from benchmark.figures.gaps import Gap, gap, restore_gap
from benchmark.figures.overview import overview
from benchmark.figures.scene import Scene
from benchmark.figures.scores import FAINT
from benchmark.print.style import FULL, PAGE, colours, content, grid, save, white
from benchmark.scores.aggregate import read_scores

LABELS = {"ours": "ours", "baseline": "baseline", "linear": "a name that is long enough for two lines"}


class Linear:
    """Replaces ``benchmark.jobs.restoration.Restoration`` by the linear control."""

    def build(self, subject: str):
        from models.method import method

        return method("linear")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> dict[str, list[str]]:
    """Two phantoms of 24 slices, four removed, with restored volumes, gaps and scores by three methods."""
    home = tmp_path_factory.mktemp("cohort")
    files: dict[str, list[str]] = {"volumes": [], "removals": [], "restored": [], "gaps": [], "scores": []}
    removal = Removal(24, np.array([5, 9, 12, 17]))
    for seed, subject in enumerate(("p1", "p2")):
        slices = np.moveaxis(phantom((32, 32, 24), "T1", seed), 2, 0)
        path = home / "volumes" / f"{subject}.nii.gz"
        volume.write(path, slices / slices.max(), np.diag([1.0, 1, 2, 1]))
        write_removal(home / f"{subject}.tsv", removal)
        files["volumes"].append(str(path))
        files["removals"].append(str(home / f"{subject}.tsv"))
    write_detail(home / "detail.tsv", detail_sheet(files["volumes"], files["removals"], ["p1", "p2"]))
    detail = read_detail(home / "detail.tsv")
    for i, method in enumerate(LABELS):
        for path in files["volumes"]:
            truth, affine = volume.read(path)
            volume.write(home / "restored" / method / Path(path).name, truth * (1 - 0.02 * i), affine)
        for n in (2, 6, 10):
            asked = gap(SPEC | {"n": n}, detail)
            restore_gap(Linear(), asked, home / "volumes" / f"{asked.subject}.nii.gz", home / "gaps" / method)
        files["restored"].append(str(home / "restored" / method))
        files["gaps"].append(str(home / "gaps" / method))
        scores = pd.DataFrame({"subject": "p1", "slice": range(24), "signal": True})
        scores["removed"] = scores["slice"].isin(removal.removed)
        scores = scores.assign(ssim=0.9 - 0.1 * i, psnr=30.0 - i, lpips=0.1 * i)
        target = home / "scores" / "toy" / f"fold{int(method != 'linear')}" / f"{method}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        scores.to_csv(target, index=False)
        files["scores"].append(str(target))
    return files | {"detail": str(home / "detail.tsv")}


SPEC = {"patient": 1, "region": 1, "n": 1}


def scene(cohort: dict, spec: dict, methods: list[str], **changes) -> Scene:
    """A scene of the phantoms: ``spec`` is a figure's line in the config."""
    about = {
        "figure": "fig05",
        "spec": SPEC | spec,
        "cohort": "phantom T1",
        "pair": ["ours", "baseline"],
        "alike": True,
        "unlike": [],
        "methods": methods,
        "coloured": methods[:2],
        "learned": ["ours"],
        "labels": LABELS,
        "fold": int(bool(methods)),
        "folds": 2,
        "stand_in": False,
        "same": ["fig05"],
    }
    return Scene(**about | changes, files=cohort)


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
    [(True, [], "differ only in where slices"), (False, ["edsr"], "only one has EDSR"), (False, [], "")],
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


@pytest.fixture
def levels(cohort, tmp_path) -> dict[str, float]:
    """The same gaps, with the brightness of each method: 1, 0.8 and 0.6."""
    asked = gap(SPEC | {"n": 2}, read_detail(cohort["detail"]))
    factors = dict(zip(LABELS, (1.0, 0.8, 0.6), strict=True))
    for method, factor in factors.items():
        slices, affine = volume.read(Path(cohort["gaps"][0]) / asked.file)
        volume.write(tmp_path / method / asked.file, slices * factor, affine)
    return factors


def brightness(axis: Axes) -> float:
    return float(np.asarray(axis.images[0].get_array()).mean())


def test_rows_of_compare_hold_the_slices_of_the_method_that_they_name(cohort, levels, tmp_path):
    made = scene(cohort | {"gaps": [str(tmp_path / m) for m in levels]}, {"draw": "compare", "n": 2}, list(LABELS))
    rows = np.reshape(draw(made)[0].axes, (1 + len(LABELS), 4))
    truth, place = volume.read(cohort["volumes"][0])[0], made.gap.left
    crop = content([truth[[place, place + 1]]])
    np.testing.assert_array_equal(rows[0, 0].images[0].get_array(), truth[place][crop])
    np.testing.assert_array_equal(rows[0, 3].images[0].get_array(), truth[place + 1][crop])
    for column, low in zip((1, 2), made.low([place, place + 1]), strict=True):
        np.testing.assert_array_equal(rows[0, column].images[0].get_array(), low.repeat(4, 0).repeat(4, 1)[crop])
    gaps = volume.read(Path(cohort["gaps"][0]) / made.gap.file)[0]
    for row, (method, factor) in zip(rows[1:], levels.items(), strict=True):
        assert row[0].get_ylabel().replace("\n", " ") == LABELS[method]
        for index, axis in enumerate(row):
            np.testing.assert_allclose(axis.images[0].get_array(), factor * gaps[index][crop], rtol=1e-6)


def test_rows_of_between_hold_the_slices_of_the_method_that_they_name(cohort, levels, tmp_path):
    files = cohort | {"gaps": [str(tmp_path / m) for m in levels]}
    figure, caption = draw(scene(files, {"draw": "between", "n": 2}, ["ours", "baseline"]))
    rows = np.reshape(figure.axes, (4, 4))
    assert [row[0].get_ylabel() for row in rows[::2]] == ["ours", "baseline"]
    assert [axis.get_title() for axis in rows[0]] == ["slice 10", "1/3", "2/3", "slice 11"]
    for column in (1, 2):
        assert brightness(rows[2, column]) == pytest.approx(0.8 * brightness(rows[0, column]), rel=1e-5)
    truth = volume.read(cohort["volumes"][0])[0][[10, 11]]
    for column, end in zip((0, 3), truth, strict=True):
        for row in (0, 2):
            np.testing.assert_array_equal(rows[row, column].images[0].get_array(), end[content([truth])])
    shares = [[float(axis.get_xlabel().strip("detail %")) for axis in row[1:3]] for row in rows[1::2]]
    np.testing.assert_allclose(shares[1], 0.8 * np.array(shares[0]), atol=1)
    means = re.search(r"Mean over the new slices: ours: (\d+)%; baseline: (\d+)%\.", caption)
    np.testing.assert_allclose([float(text) for text in means.groups()], np.mean(shares, axis=1), atol=1)


def test_panels_of_sharpened_are_the_known_slice_before_and_after_and_the_truth(cohort):
    figure, caption = draw(scene(cohort, {"draw": "sharpened"}, ["linear", "baseline"]))
    place = known_slice(read_detail(cohort["detail"]), "p1")
    assert f"slice {place}: the known slice" in caption
    truth = volume.read(cohort["volumes"][0])[0][place]
    rows = np.reshape(figure.axes, (2, 3))
    assert [axis.get_title() for axis in rows[0]] == ["before EDSR", "after EDSR", "truth"]
    box = detail_box(truth[None], int(rows[0, 0].patches[0].get_width()))
    for column, factor in enumerate((0.96, 0.98, 1.0)):  # the restored volumes of the fixture
        whole, enlarged = (axis.images[0].get_array() for axis in rows[:, column])
        np.testing.assert_allclose(whole, factor * truth[content([truth[None]])], rtol=1e-6)
        np.testing.assert_allclose(enlarged, factor * truth[box], rtol=1e-6)
        errors = [np.mean(((1 - factor) * part) ** 2) for part in (truth, truth[box])]
        printed = [f"PSNR {-10 * np.log10(error):.2f} dB" if error else "" for error in errors]
        assert [axis.get_xlabel() for axis in rows[:, column]] == printed


def test_panels_of_sequence_and_source_are_in_the_order_of_the_slices(cohort):
    truth = volume.read(cohort["volumes"][0])[0]
    made = scene(cohort, {"draw": "sequence", "n": 6}, ["baseline"])
    axes, gaps = draw(made)[0].axes, volume.read(Path(cohort["gaps"][1]) / made.gap.file)[0]
    crop, left = content([truth[[made.gap.left, made.gap.right]]]), made.gap.left
    assert [axis.get_title() for axis in axes] == [
        f"slice {left} (true)", *(f"{j}/7" for j in range(1, 7)), f"slice {left + 1} (true)",
    ]  # fmt: skip
    for axis, expected in zip(axes, (truth[left], *gaps[1:-1], truth[left + 1]), strict=True):
        np.testing.assert_array_equal(axis.images[0].get_array(), expected[crop])
    source = scene(cohort, {"draw": "source"}, [])
    for axis, place in zip(draw(source)[0].axes, range(left - 1, left + 3), strict=True):
        assert axis.get_title() == f"slice {place}"
        np.testing.assert_array_equal(axis.images[0].get_array(), source.low([place])[0])


def test_lines_of_scores_are_those_of_the_method_and_metric(cohort):
    """SSIM, PSNR and LPIPS of the fixture: 0.9, 30, 0; 0.8, 29, 0.1; 0.7, 28, 0.2."""
    figure, _ = draw(scene(cohort, {"draw": "scores"}, list(LABELS)))
    left, right = figure.axes[::2], figure.axes[1::2]
    for metric, (ours, baseline, linear) in enumerate(((0.9, 0.8, 0.7), (30, 29, 28), (0.0, 0.1, 0.2))):
        known = left[metric].lines[0].get_ydata()
        np.testing.assert_allclose(known[~np.isnan(known)], ours)
        assert np.flatnonzero(np.isnan(known)).tolist() == [5, 9, 12, 17]
        lines = {line.get_color(): line for line in right[metric].lines if len(line.get_xdata())}
        colour = colours(list(LABELS))
        for drawn, value in ((FAINT, linear), (colour["ours"], ours), (colour["baseline"], baseline)):
            np.testing.assert_allclose(lines[drawn].get_ydata(), value)
            assert list(lines[drawn].get_xdata()) == [5, 9, 12, 17]


def test_regions_are_ordered_by_detail_and_apart():
    energy = [0, 1, 9, 8, 7, 1, 1, 1, 5, 1, 1, 3, 1, 1, 1, 0]
    sheet = pd.DataFrame({"subject": "p", "slice": range(16), "removed": [i in (2, 4, 8, 11) for i in range(16)]})
    sheet["detail"] = energy
    assert [known_slice(sheet, "p", region) for region in (1, 2)] == [3, 1]
    assert [adjacent_pair(sheet, "p", region) for region in (1, 2)] == [2, 4]
    assert [removed_slice(sheet, "p", region) for region in (1, 2, 3)] == [2, 4, 8]
    assert removed_slice(sheet, "p", 6) in (2, 4, 8, 11)
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
