"""One scale for a volume, and numbers that fit the file."""

from pathlib import Path

import numpy as np
import pytest

from zoom.intensity import Encoding, Scale, find_scale
from zoom.scan import Extent
from zoom.store import Store


def scale_of(data: np.ndarray, folder: Path) -> Scale:
    store = Store(data.shape, folder)
    store.write(0, data)
    return find_scale(store, Extent(float(data.min()), float(data.max())))


@pytest.mark.parametrize("kind", ["whole", "real", "outlier"])
def test_scale_is_numpys_percentile_99_9_of_nonzero_values(tmp_path: Path, kind: str) -> None:
    data = np.random.default_rng(1).gamma(2, 200, (12, 40, 50)).astype(np.float32)
    if kind == "whole":
        data = np.rint(data)
    data[:, :20] = 0
    if kind == "outlier":
        data[5, 30, 30] = 1e9
    found = scale_of(data, tmp_path)
    assert found.floor == 0
    assert found.scale == pytest.approx(np.percentile(data[data > 0], 99.9, method="lower"), rel=1e-4)


def test_floor_is_the_lowest_negative_value(tmp_path: Path) -> None:
    data = np.linspace(-1000, 500, 4000, dtype=np.float32).reshape(4, 20, 50)
    found = scale_of(data, tmp_path)
    assert found.floor == -1000
    assert found.scale == pytest.approx(1500, rel=2e-3)
    assert found.normalise(data).min() == 0


def test_constant_volume_has_scale_1(tmp_path: Path) -> None:
    assert scale_of(np.zeros((3, 4, 5), np.float32), tmp_path) == Scale(0.0, 1.0)
    assert scale_of(np.full((3, 4, 5), -7, np.float32), tmp_path) == Scale(-7.0, 1.0)


def test_values_out_of_range_are_clipped_and_counted() -> None:
    form = Encoding(np.dtype(np.int16), 0.5, 10.0)
    stored, cut = form.encode(np.array([10.0, 10.6, 20000.0, -20000.0]))
    np.testing.assert_array_equal(stored, [0, 1, 32767, -32768])
    assert cut == 2
    np.testing.assert_array_equal(form.decode(stored)[:2], [10, 10.5])
