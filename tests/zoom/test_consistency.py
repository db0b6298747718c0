"""Averaged back, the output is the scan."""

from pathlib import Path

import numpy as np
import pytest

from models.interpolation import cubic_spline, linear, nearest, printed_eq12
from models.method import method
from models.networks.quartet import build
from zoom.consistency import FWHM, Projection, averaging, block_mean, magnify, sharpen, thin
from zoom.geometry import Grid
from zoom.intensity import Scale
from zoom.store import Store
from zoom.thickness import PROFILES

ZOOMS = [1.0, 2.0, 5.0, 1.3, 2.4]


def store_with(data: np.ndarray, folder: Path) -> Store:
    store = Store(data.shape, folder)
    store.write(0, data)
    return store


@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("thickness", [0.1, 0.7, 1.0, 1.2, 2.0])
def test_averaging_rows_are_nonnegative_and_sum_to_one(zoom: float, profile: str, thickness: float) -> None:
    grid = Grid(7, zoom, 1)
    found = averaging(grid, profile, thickness)
    assert found.min() >= 0
    sums = found.sum(axis=1)
    if grid.beyond and thin(grid, profile, thickness):
        assert sums[-1] == 0
        sums[-1] = 1
    np.testing.assert_allclose(sums, 1)


def test_point_profile_takes_the_slice_at_the_position() -> None:
    np.testing.assert_array_equal(averaging(Grid(4, 3.0, 1), "point", 1.0), np.eye(10)[::3])
    row = averaging(Grid(4, 2.5, 1), "point", 1.0)[1]  # position 1 is half-way between 0.8 and 1.2
    np.testing.assert_allclose(row[2:4], 0.5)


def test_slice_as_thick_as_the_outputs_spacing_is_a_point() -> None:
    for profile in PROFILES:
        np.testing.assert_array_equal(averaging(Grid(4, 3.0, 1), profile, 1 / 3), np.eye(10)[::3])


def test_box_profile_averages_over_the_thickness() -> None:
    np.testing.assert_allclose(averaging(Grid(4, 2.0, 1), "box", 1.0)[1, 1:4], [0.25, 0.5, 0.25])
    np.testing.assert_allclose(averaging(Grid(5, 5.0, 1), "box", 1.0)[2, 8:13], 0.2)
    np.testing.assert_allclose(averaging(Grid(5, 5.0, 1), "box", 0.6)[2, 8:13], [0, 1 / 3, 1 / 3, 1 / 3, 0], atol=1e-12)


def test_gaussian_profile_has_half_height_at_half_the_thickness() -> None:
    row = averaging(Grid(9, 10.0, 1), "gaussian", 0.8)[4]
    assert row[36] / row[40] == pytest.approx(0.5)
    spread = np.sqrt((row * (np.arange(81) - 40) ** 2).sum()) / 10
    assert spread == pytest.approx(0.8 / FWHM, rel=0.02)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("zoom", [2.0, 5.0])
def test_averaging_keeps_a_linear_ramp_up_to_the_ends(zoom: float, profile: str) -> None:
    grid = Grid(7, zoom, 1)
    np.testing.assert_allclose(averaging(grid, profile, 1.2) @ grid.at, grid.known, atol=1e-6)


@pytest.mark.parametrize("size", [(2, 3), (9, 14)])
def test_sharpened_then_magnified_slice_averages_back_to_itself(size: tuple[int, int]) -> None:
    one = np.random.default_rng(1).normal(size=size)
    fine = magnify(sharpen(one, 4).astype(np.float32)[None], 4)
    np.testing.assert_allclose(block_mean(fine, 4)[0], one, atol=1e-5)


@pytest.mark.parametrize("weights", [linear, cubic_spline, nearest, printed_eq12])
@pytest.mark.parametrize("factor", [1, 4])
@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize("profile", PROFILES)
def test_correction_makes_any_output_average_back_to_the_scan(
    tmp_path: Path, weights, factor: int, zoom: float, profile: str
) -> None:
    draw = np.random.default_rng(2)
    scan = draw.uniform(0.2, 1.4, (7, 6, 5)) * 100
    scan[2, 1:4, 2:] = 0  # black next to bright, where smooth corrections undershoot
    grid = Grid(7, zoom, factor)
    made = draw.uniform(0, 1, (len(grid.at), *grid.frame(6, 5)))
    fine, raw = store_with(made, tmp_path), store_with(scan, tmp_path)
    mixing = weights(grid.known, grid.at)
    projection = Projection(
        raw, fine, Scale(0.0, 100.0), grid, mixing, 1.0, profile=profile, thickness=1.0, folder=tmp_path
    )
    report = projection.correct(True, 1e-4)

    result = fine[:]
    assert result.min() >= 0
    back = np.tensordot(averaging(grid, profile, 1.0), block_mean(result, factor), axes=1)
    off = np.abs(back - scan / 100)[projection.bound]
    assert report.after == pytest.approx(off.max(), abs=1e-5)
    assert report.before > 0.3
    if profile == "point" and (zoom >= 2 or zoom == 1):
        assert off.max() < 1e-4
    elif zoom >= 2 and profile == "box":
        assert off.max() < 0.02
    else:  # noise in thick slices, or on a grid hardly finer than theirs, cannot always be matched by values above zero
        assert np.sqrt((off**2).mean()) < 0.25 * report.before_rms


@pytest.mark.parametrize("factor", [1, 4])
@pytest.mark.parametrize("zoom", [1.0, 2.4, 5.0])
@pytest.mark.parametrize(("profile", "thickness"), [("point", 0.0), ("box", 0.4), ("box", 1.0), ("gaussian", 1.0)])
def test_background_between_black_voxels_is_exactly_zero(
    tmp_path: Path, factor: int, zoom: float, profile: str, thickness: float
) -> None:
    draw = np.random.default_rng(3)
    scan = draw.uniform(20, 140, (7, 6, 5))
    scan[:, :2] = 0  # outside of the head
    scan[:4, 2, 2] = 0  # black up to the fourth slice
    grid = Grid(7, zoom, factor)
    fine = store_with(draw.uniform(0, 1, (len(grid.at), *grid.frame(6, 5))), tmp_path)
    Projection(
        store_with(scan, tmp_path),
        fine,
        Scale(0.0, 100.0),
        grid,
        linear(grid.known, grid.at),
        1.0,
        profile=profile,
        thickness=thickness,
        folder=tmp_path,
    ).correct(True, 1e-4)
    result = fine[:]
    assert (result[:, : 2 * factor] == 0).all()
    assert (result[grid.at <= 1.7, 2 * factor : 3 * factor, 2 * factor : 3 * factor] == 0).all()
    assert result[grid.at >= 5, 2 * factor : 3 * factor, 2 * factor : 3 * factor].max() > 0


def test_without_consistency_only_clipped_values_are_restored(tmp_path: Path) -> None:
    scan = np.full((3, 4, 4), 50.0)
    scan[1, 2, 2] = 180
    grid = Grid(3, 2.0, 1)
    made = np.full((5, 4, 4), 0.25)
    fine, raw = store_with(made, tmp_path), store_with(scan, tmp_path)
    mixing = linear(grid.known, grid.at)
    projection = Projection(
        raw, fine, Scale(0.0, 100.0), grid, mixing, 1.0, profile="point", thickness=1.0, folder=tmp_path
    )
    report = projection.correct(False, 1e-4)
    wanted = made.copy()
    wanted[1:4, 2, 2] += np.array([0.4, 0.8, 0.4])
    np.testing.assert_allclose(fine[:], wanted, atol=1e-6)
    assert report.before == pytest.approx(0.75)  # the scan as the method saw it, clipped at 1
    assert report.before_rms == pytest.approx(np.sqrt((47 * 0.25**2 + 0.75**2) / 48))
    assert report.largest == pytest.approx(0.8)
    assert report.rms == pytest.approx(np.sqrt((0.4**2 + 0.8**2 + 0.4**2) / 80))  # of the correction, five slices
    assert report.sweeps == 0


def test_correction_of_known_slices_is_interpolated_between_them(tmp_path: Path) -> None:
    grid = Grid(4, 4.0, 1)
    fine, raw = store_with(np.full((13, 2, 2), 0.5), tmp_path), store_with(np.full((4, 2, 2), 80.0), tmp_path)
    mixing = linear(grid.known, grid.at)
    projection = Projection(
        raw, fine, Scale(0.0, 100.0), grid, mixing, 1.0, profile="point", thickness=1.0, folder=tmp_path
    )
    projection.correct(True, 1e-4)
    np.testing.assert_allclose(fine[:], 0.8, atol=1e-6)


@pytest.mark.parametrize(("name", "keeps"), [("quartet", True), ("spline", True), ("eq12", False)])
def test_corrections_use_the_methods_weights_if_those_interpolate(tmp_path: Path, name: str, keeps: bool) -> None:
    grid = Grid(40, 4.0, 1)
    networks = {"quartet": build(blocks=1, width=8, expansion=2, factor=1).eval()} if name == "quartet" else None
    mixing = method(name, networks).weights(grid.known, grid.at)
    fine, raw = store_with(np.zeros((len(grid.at), 2, 2)), tmp_path), store_with(np.ones((40, 2, 2)), tmp_path)
    projection = Projection(
        raw, fine, Scale(0.0, 1.0), grid, mixing, 1.0, profile="point", thickness=1.0, folder=tmp_path
    )
    assert (projection.mixing is mixing) == keeps
