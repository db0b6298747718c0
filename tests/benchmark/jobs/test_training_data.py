"""The grey values of training data, and their distance to a scan's grey values."""

import numpy as np
import pytest

from benchmark.jobs.training_data import distance, histogram


def test_histogram_sums_to_one_and_distance_is_in_grey_levels():
    dark, bright = histogram(np.array([0, 0.1, 0.1])), histogram(np.array([0.9, 2.0]))
    assert dark.sum() == bright.sum() == 1
    assert bright[-1] == 0.5
    assert distance(dark, dark) == 0
    assert distance(dark, bright) == pytest.approx(0.85, abs=0.03)
