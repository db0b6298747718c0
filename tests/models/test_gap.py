"""The numbers that describe a gap to the network Slab; the shipped weights were trained with these."""

import numpy as np
import pytest

from models.gap import DESCRIPTION, gap_description


@pytest.mark.parametrize(
    ("kind", "thickness", "spacing", "wanted"),
    [
        ("box", 0.8, 4.0, (0.8, 1, 0, 2 / 3)),  # two octaves of three
        ("gaussian", 1.2, 8.0, (1.2, 0, 1, 1)),
        ("gaussian", 1.2, 20.0, (1.2, 0, 1, 1)),  # no further than in training
        ("point", 1.0, 2.0, (0, 0, 0, 1 / 3)),
        ("box", 1.0, 0.5, (1, 1, 0, 0)),
    ],
)
def test_description_is_thickness_profile_octaves_of_spacing_and_existing_slices(
    kind: str, thickness: float, spacing: float, wanted: tuple[float, ...]
) -> None:
    exists = np.array([0, 0, 1, 1, 1, 1, 1, 0], bool)
    found = gap_description(kind, thickness, spacing, exists)
    assert found.dtype == np.float32
    assert found.shape == (DESCRIPTION,)
    np.testing.assert_allclose(found, [*wanted, 0, 0, 1, 1, 1, 1, 1, 0], rtol=1e-6)
