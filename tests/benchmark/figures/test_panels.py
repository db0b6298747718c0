"""Each panel and line of a figure shows the slices and values of the method that it names."""

import re
from pathlib import Path

import numpy as np
import pytest
from figure_scenes import LABELS, SPEC, scene
from matplotlib.axes import Axes

from benchmark import volume
from benchmark.figures import draw
from benchmark.figures.between import detail_box
from benchmark.figures.detail import known_slice, read_detail
from benchmark.figures.gaps import gap
from benchmark.figures.scores import FAINT
from benchmark.print.style import colours, content


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
    high, wide = (int(value()) for value in (rows[0, 0].patches[0].get_height, rows[0, 0].patches[0].get_width))
    box, (top, left) = detail_box(truth, high), content([truth])
    assert high == wide
    assert rows[0, 0].patches[0].get_xy() == (box[1].start - left.start - 0.5, box[0].start - top.start - 0.5)
    for row in (1, 3):
        np.testing.assert_array_equal(rows[row, 0].images[0].get_array(), truth[0][box])
        np.testing.assert_array_equal(rows[row, 3].images[0].get_array(), truth[1][box])
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
