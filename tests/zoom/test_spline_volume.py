"""Plain interpolation is the method ``spline`` with thin slices, one slice at a time."""

from pathlib import Path

import numpy as np
import pytest
from zoom_scans import thick

from models.method import method
from zoom.geometry import Grid
from zoom.spline_volume import SplineVolume
from zoom.store import Store


@pytest.mark.parametrize(
    ("slices", "zoom", "factor"), [(9, 3.0, 1), (9, 2.4, 1), (3, 2.0, 1), (2, 2.0, 1), (9, 2.0, 4)]
)
def test_plain_interpolation_equals_the_spline_method_for_thin_slices(
    tmp_path: Path, slices: int, zoom: float, factor: int
) -> None:
    data = np.moveaxis(thick(), 2, 0)[:slices].astype(np.float32)
    store = Store(data.shape, tmp_path)
    store.write(0, data)
    grid = Grid(slices, zoom, factor)
    plain = SplineVolume(store, grid)
    found = np.stack([plain[i] for i in range(len(plain))])
    low, high = -5000.0, 10000.0  # wide enough that the method clips nothing
    wanted = method("spline", factor=factor).restore((data - low) / (high - low), grid.known, grid.at)
    assert found.shape == plain.shape == wanted.shape
    np.testing.assert_allclose(found, wanted * (high - low) + low, atol=2500 / 256)


def test_known_slice_is_unchanged(tmp_path: Path) -> None:
    data = np.moveaxis(thick(), 2, 0).astype(np.float32)
    store = Store(data.shape, tmp_path)
    store.write(0, data)
    plain = SplineVolume(store, Grid(9, 4.0, 1))
    np.testing.assert_allclose(plain[8], data[2], atol=0.5)
