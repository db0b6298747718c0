"""Removal of slices as in section 3.1, with this project's additions."""

import numpy as np
import pytest

from benchmark.cohort.protocol import draw_removed, read_removal, write_removal
from benchmark.errors import UserError


@pytest.mark.parametrize(("slices", "count"), [(160, 16), (189, 19), (155, 16), (22, 2)])
@pytest.mark.parametrize("seed", range(20))
def test_removed_slices_are_a_tenth_interior_and_not_adjacent(slices, count, seed):
    removal = draw_removed(slices, 0.1, seed, "oasis", "sub-01")
    assert len(removal.removed) == count
    assert removal.removed.min() > 0
    assert removal.removed.max() < slices - 1
    assert np.diff(removal.removed).min() > 1
    assert sorted([*removal.removed, *removal.known]) == list(range(slices))


def test_every_allowed_set_has_equal_probability():
    drawn = [tuple(draw_removed(7, 2 / 7, seed, "d", "s").removed) for seed in range(3000)]
    sets = {pair: drawn.count(pair) for pair in set(drawn)}
    assert sorted(sets) == [(1, 3), (1, 4), (1, 5), (2, 4), (2, 5), (3, 5)]
    assert max(abs(n - 500) for n in sets.values()) < 100


def test_draw_depends_on_dataset_subject_and_seed_only():
    first = draw_removed(155, 0.1, 1, "brats", "a").removed
    np.testing.assert_array_equal(first, draw_removed(155, 0.1, 1, "brats", "a").removed)
    assert not np.array_equal(first, draw_removed(155, 0.1, 1, "brats", "b").removed)
    assert not np.array_equal(first, draw_removed(155, 0.1, 1, "atlas", "a").removed)
    assert not np.array_equal(first, draw_removed(155, 0.1, 2, "brats", "a").removed)


def test_fractions_of_one_slice_and_of_every_second_slice_are_accepted():
    assert len(draw_removed(10, 0.1, 0, "d", "s").removed) == 1
    assert draw_removed(7, 3 / 7, 0, "d", "s").removed.tolist() == [1, 3, 5]


@pytest.mark.parametrize("fraction", [0.01, 0.6])
def test_impossible_fractions_are_refused(fraction):
    with pytest.raises(UserError, match=r"protocol\.remove"):
        draw_removed(10, fraction, 0, "d", "s")


def test_removal_is_read_as_written(tmp_path):
    removal = draw_removed(30, 0.1, 0, "d", "s")
    write_removal(tmp_path / "r.tsv", removal)
    back = read_removal(tmp_path / "r.tsv")
    assert back.slices == 30
    np.testing.assert_array_equal(back.removed, removal.removed)
