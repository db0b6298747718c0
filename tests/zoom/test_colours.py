"""The colour maps of the pictures."""

import numpy as np
import pytest
from matplotlib import colormaps

from zoom.colours import MAPS, colour


@pytest.mark.parametrize("name", MAPS)
def test_colours_differ_from_matplotlibs_by_at_most_5_levels(name: str) -> None:
    shares = np.linspace(0, 1, 256)[None]
    assert np.abs(colour(shares, name) - colormaps[name](shares)).max() < 5 / 255
    assert np.abs(colour(shares, name) - colormaps[name](shares))[:, [0, -1]].max() < 1 / 255
