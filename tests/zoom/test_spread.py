"""The spread of samples is the sample standard deviation, voxel by voxel."""

from pathlib import Path

import numpy as np
import pytest

from zoom.spread import Spread
from zoom.store import Store


@pytest.mark.parametrize("count", [2, 3, 7])
def test_spread_is_numpys_sample_standard_deviation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr("zoom.spread.block_length", lambda size: 2)  # three blocks
    samples = np.random.default_rng(0).normal(0.5, 0.1, (count, 5, 6, 7)).astype(np.float32)
    spread = Spread((5, 6, 7), tmp_path)
    for sample in samples:
        store = Store((5, 6, 7), tmp_path)
        store.write(0, sample)
        spread.add(store)
    spread.finish(200.0)
    wanted = 200 * samples.astype(np.float64).std(axis=0, ddof=1)
    np.testing.assert_allclose(spread.deviation[:], wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(spread.mean[:], samples.mean(axis=0), rtol=1e-5)
    assert spread.summary() == pytest.approx(
        {"Samples": count, "Mean": wanted.mean(), "Largest": wanted.max()}, rel=1e-4
    )
