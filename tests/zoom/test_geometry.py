"""The positions of voxels."""

import numpy as np
import pytest

from benchmark.errors import UserError
from zoom.geometry import Grid, met, slice_axis, zoom_factor


@pytest.mark.parametrize(("n", "count"), [(0, 22), (1, 43), (10, 232)])
def test_n_new_slices_per_gap_keep_the_known_positions(n: int, count: int) -> None:
    grid = Grid(22, n + 1.0, 1)
    assert len(grid.at) == count == (22 - 1) * (n + 1) + 1
    # exactly: a known position must not change
    np.testing.assert_array_equal(grid.at[:: n + 1], np.arange(22))
    assert grid.beyond == 0


def test_fractional_zoom_is_not_rounded() -> None:
    assert met(2.4, 10) == 2.4
    assert met(2.0005, 22) == 2.0005


def test_fractional_zoom_ends_before_the_last_slice() -> None:
    grid = Grid(10, 2.4, 1)
    np.testing.assert_allclose(np.diff(grid.at), 1 / 2.4)
    assert grid.at[-1] == pytest.approx(21 / 2.4)
    assert grid.beyond == pytest.approx(9 - 21 / 2.4)


@pytest.mark.parametrize("zoom", [6.000001, 5.999999, 2.999995, 1.000003])
def test_header_rounding_error_does_not_lose_a_slice(zoom: float) -> None:
    assert met(zoom, 22) == pytest.approx(round(zoom), abs=1e-12)
    grid = Grid(22, met(zoom, 22), 1)
    assert len(grid.at) == 21 * round(zoom) + 1
    assert grid.at[-1] <= 21
    assert grid.beyond == 0


def test_last_position_is_not_beyond_the_scan():
    assert Grid(22, 2.9999999, 1).at[-1] == 21


@pytest.mark.parametrize("flipped", [False, True])
def test_step_keeps_the_field_of_view(flipped: bool) -> None:
    grid = Grid(5, 2.0, 4)
    step = grid.step(2, flipped)
    # outer corner of the first voxel: −½ in both grids
    np.testing.assert_allclose((step @ [-0.5, -0.5, 0, 1])[:2], -0.5)
    np.testing.assert_allclose((step @ [4 * 7 - 0.5, 4 * 9 - 0.5, 0, 1])[:2], [6.5, 8.5])
    np.testing.assert_allclose((step @ [0, 0, 8, 1])[2], 4)


def test_flipped_fractional_zoom_is_the_same_grid() -> None:
    grid = Grid(10, 2.4, 1)
    forward = grid.step(0, False)[0] @ np.array([np.arange(22), 0 * np.arange(22), 0 * np.arange(22), np.ones(22)])
    back = grid.step(0, True)[0] @ np.array([np.arange(22), 0 * np.arange(22), 0 * np.arange(22), np.ones(22)])
    np.testing.assert_allclose(forward, 9 - back[::-1])


def test_zoom_factor_from_n_zoom_or_spacing() -> None:
    common = {"apart": 5.0, "path": "scan"}
    assert zoom_factor(n=3, zoom=None, spacing=None, **common) == 4
    assert zoom_factor(n=None, zoom=2.5, spacing=None, **common) == 2.5
    assert zoom_factor(n=None, zoom=None, spacing=1.0, **common) == 5
    assert zoom_factor(n=None, zoom=1.0, spacing=None, **common) == 1
    assert zoom_factor(n=None, zoom=None, spacing=5.0004, **common) == 1  # coarser by a rounding error of the header


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "give one of n, zoom and spacing"),
        ({"n": 1, "zoom": 2.0}, "not n and zoom"),
        ({"n": -1}, "n = -1"),
        ({"zoom": 0.5}, "the output cannot be coarser"),
        ({"zoom": float("nan")}, "nan"),
        ({"spacing": 0.0}, "positive"),
        ({"spacing": 6.0}, "finer than the 6 mm wanted"),
    ],
)
def test_impossible_requests_are_refused(asked: dict, said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        zoom_factor(**{"n": None, "zoom": None, "spacing": None, **asked}, apart=5.0, path="my scan.nii")
    assert "my scan.nii" in str(raised.value)


def test_slice_axis_is_the_thickest_the_plane_or_the_given_index() -> None:
    codes = ("A", "S", "L")
    assert slice_axis(None, (1, 5, 1), codes, "") == 1
    assert slice_axis("sagittal", (1, 5, 1), codes, "") == 2
    assert [slice_axis(axis, (1, 5, 1), codes, "") for axis in range(3)] == [0, 1, 2]
    # a tie is broken by the plane, not by how the file is stored
    assert slice_axis(None, (1, 1, 1), codes, "") == 1
    assert slice_axis(None, (5, 1, 5.01), ("L", "I", "P"), "") == 2
    with pytest.raises(UserError, match="axis 'oblique'"):
        slice_axis("oblique", (1, 1, 1), codes, "")
    with pytest.raises(UserError, match="axis 3"):
        slice_axis(3, (1, 1, 1), codes, "")
