"""Profiles of thick slices, and the spline whose averages are the slices."""

import numpy as np
import pytest
from scipy.interpolate import make_interp_spline

from models.thickness import FWHM, PROFILES, Geometry, consistent_spline, profile


@pytest.mark.parametrize("kind", PROFILES)
def test_profile_has_sum_one_and_mean_zero(kind):
    offsets, weights = profile(kind, 1.2)
    assert weights.sum() == pytest.approx(1)
    assert weights @ offsets == pytest.approx(0, abs=1e-12)


def test_thickness_is_the_box_width_and_the_gaussian_full_width_at_half_maximum():
    offsets, weights = profile("box", 2.0)
    assert weights @ offsets**2 == pytest.approx(2.0**2 / 12, rel=0.01)
    offsets, weights = profile("gaussian", 2.0)
    assert np.interp(1.0, offsets, weights) == pytest.approx(weights.max() / 2, rel=0.01)
    assert weights @ offsets**2 == pytest.approx((2.0 / FWHM) ** 2, rel=0.03)


@pytest.mark.parametrize("thickness", [0.7, 1.0, 1.2])
@pytest.mark.parametrize("kind", ["gaussian", "box"])
def test_consistent_spline_averages_back_to_the_slices(kind, thickness):
    known = np.arange(9.0)
    slices = np.random.default_rng(0).random(9)
    offsets, weights = profile(kind, thickness)
    for i in range(2, 7):  # away from the ends, where the profile reaches over the scan
        around = known[i] + offsets
        assert weights @ consistent_spline(known, around, kind, thickness) @ slices == pytest.approx(slices[i])


def test_thin_slices_are_interpolated_by_the_plain_spline():
    known, at = np.array([0.0, 1.0, 2.5, 3.0, 4.0]), np.linspace(0, 4, 17)
    plain = make_interp_spline(known, np.eye(5), k=3)(at)
    np.testing.assert_allclose(consistent_spline(known, at, "point", 1.0), plain, atol=1e-12)


def test_two_slices_are_interpolated_linearly():
    np.testing.assert_allclose(consistent_spline(np.arange(2.0), np.array([0.25]), "point", 0), [[0.75, 0.25]])


@pytest.mark.parametrize("wrong", [{"profile": "bow"}, {"thickness": -1.0}, {"in_plane": 0.0}])
def test_invalid_geometry_is_refused(wrong):
    with pytest.raises(ValueError, match=r"profile|thickness"):
        Geometry(**wrong)
