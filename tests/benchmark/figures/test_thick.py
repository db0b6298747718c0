"""Thick slices are averages of thin slices, and restored slices are at the right positions."""

import numpy as np
import pytest

from benchmark.figures.thick import NAMES, THICK, plane, restored, thickened


def ramp(slices: int = 40) -> np.ndarray:
    """Slices (S, 16, 16) that grow brighter evenly: an average over a symmetric profile is the middle slice."""
    return np.tile(np.linspace(0.1, 0.9, slices, dtype=np.float32)[:, None, None], (1, 16, 16))


def test_thick_slice_is_the_gaussian_average_around_its_middle():
    thin = ramp()
    known, slices = thickened(thin)
    assert known.tolist() == [2, 7, 12, 17, 22, 27, 32, 37]
    np.testing.assert_allclose(slices[2:-2], thin[known][2:-2], atol=1e-4)
    spike = np.zeros((40, 4, 4))
    spike[17] = 1
    response = thickened(spike)[1][:, 0, 0]
    assert response.argmax() == 3
    # a Gaussian is at half its height at half its width: 2.5 slices away; five slices away, at a sixteenth
    assert response[2] / response[3] == pytest.approx(1 / 16, abs=0.005)
    assert THICK == 5


@pytest.mark.parametrize("name", NAMES)
def test_every_method_restores_a_ramp(name):
    thin = ramp()
    known, slices = thickened(thin)
    wanted = np.arange(known[2], known[-3])
    made = restored(name, slices, (wanted - known[0]) / THICK)
    error = np.abs(made - thin[wanted])  # the network is not exact at the border of the picture
    assert error.mean() < 0.01
    assert error.max() < 0.1


def test_plane_has_most_detail_within_the_middle_half():
    thin = ramp()
    thin[:, :, 9] += np.where(np.arange(40) % 2, 0.05, -0.05)[:, None]
    thin[:, :, 1] += np.where(np.arange(40) % 2, 0.4, -0.4)[:, None]  # outside of the middle half
    assert plane(thin) == 9
