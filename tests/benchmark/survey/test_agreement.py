"""Fleiss' kappa against the worked example of textbooks."""

import numpy as np
import pytest

from benchmark.survey.agreement import fleiss_kappa

# Ten subjects, fourteen raters, five categories: Fleiss (1971), as worked out in encyclopedias; kappa 0.210.
TEXTBOOK = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def test_kappa_equals_the_textbook_example():
    assert fleiss_kappa(np.array(TEXTBOOK)) == pytest.approx(0.2099, abs=1e-4)


def test_kappa_is_1_for_full_agreement_and_minus_1_for_none():
    assert fleiss_kappa(np.array([[4, 0], [0, 4], [4, 0]])) == 1
    assert fleiss_kappa(np.array([[1, 1], [1, 1]])) == pytest.approx(-1)
    assert np.isnan(fleiss_kappa(np.array([[3, 0], [3, 0]])))


def test_kappa_of_one_item_equals_the_hand_computed_value():
    """Two raters for each of two levels: agreement 1/3, by chance 1/2."""
    assert fleiss_kappa(np.array([[2, 2]])) == pytest.approx(-1 / 3)


@pytest.mark.parametrize("counts", [[[1, 0], [0, 1]], [[2, 1], [1, 1]], [1, 2], [[-1, 4], [2, 1]], np.zeros((0, 4))])
def test_invalid_counts_are_refused(counts):
    with pytest.raises(ValueError, match=r"counts must|needs the same number"):
        fleiss_kappa(np.array(counts))
