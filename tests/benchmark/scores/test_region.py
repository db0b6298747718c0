"""Head or brain, on phantoms of a real head's size: stripped, whole in noisy air, whole in air set to zero."""

import numpy as np
import pytest
from perceptual_distance import MeanAbsoluteDifference
from scipy import ndimage

from benchmark.datasets.phantom import phantom
from benchmark.scores import metrics
from benchmark.scores.region import LEAST_SHARE, Region, heading, meaning, region

MM = np.diag([3.4, 3.4, 3.4, 1.0])  # of a voxel: the phantom's brain then has 1.2 litres


@pytest.fixture(scope="module")
def brain() -> np.ndarray:
    """A stripped scan (S, H, W) with room for a head around it."""
    volume = np.moveaxis(phantom((46, 54, 44), "T1", 3), 2, 0)
    return np.pad((volume / volume.max()).astype(np.float32), 14)


@pytest.fixture(scope="module")
def solid(brain) -> np.ndarray:
    """The parts of the simulated head: the brain, two voxels of dark skull and three of bright skin."""
    return ndimage.binary_dilation(ndimage.binary_fill_holes(brain > 0), iterations=5)


@pytest.fixture(scope="module")
def head(brain, solid) -> np.ndarray:
    skull = ndimage.binary_dilation(ndimage.binary_fill_holes(brain > 0), iterations=2)
    return np.where(skull, np.maximum(brain, 0.03), np.where(solid, 0.9, 0)).astype(np.float32)


@pytest.fixture(scope="module")
def noisy(head) -> np.ndarray:
    """Rician noise in the air, up to a tenth of the range."""
    draw = np.random.default_rng(0)
    return np.hypot(head + draw.normal(0, 0.025, head.shape), draw.normal(0, 0.025, head.shape)).astype(np.float32)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_stripped_scan_is_a_brain_with_its_voxels_as_region(brain):
    found = region(brain, MM)
    assert found.kind == "brain"
    assert found.mask[brain > 0].mean() > 0.999
    assert not (found.mask & ~ndimage.binary_fill_holes(ndimage.binary_closing(brain > 0, iterations=3))).any()


def test_whole_head_is_a_head_with_noisy_or_zero_air(head, noisy, solid):
    for volume in (head, noisy):
        found = region(volume, MM)
        assert found.kind == "head"
        assert dice(found.mask, solid) > 0.97
        assert found.mask.mean() == pytest.approx(solid.mean(), rel=0.05)
    assert (noisy > 0).mean() == 1  # the brain by the criterion "the truth is not zero"


def test_slices_of_noisy_air_are_not_scored(noisy, solid):
    signal = region(noisy, MM).signal
    share = solid.mean(axis=(1, 2))
    assert not signal[share == 0].any()
    assert signal[share > 2 * LEAST_SHARE].all()
    assert not signal.all()


def test_slice_below_the_least_share_has_no_scores(noisy):
    inside = region(noisy, MM)
    table = metrics.score(noisy * 0.9, noisy, inside, MeanAbsoluteDifference())
    assert table["signal"].tolist() == (table["share"] >= LEAST_SHARE).tolist()
    assert table.loc[~table["signal"], metrics.COLUMNS].isna().all(axis=None)
    assert table.loc[table["signal"], metrics.COLUMNS].notna().all(axis=None)
    assert set(table["region"]) == {"head"}
    assert f"{LEAST_SHARE:.0%} of the frame" in metrics.DEFINITION


def test_voxel_size_distinguishes_a_brain_from_a_head_without_air(brain):
    """The same voxels at 5 mm are 3.8 litres: not a brain."""
    assert region(brain, np.diag([5.0, 5.0, 5.0, 1.0])).kind == "head"


def test_small_slab_of_noise_is_not_a_brain():
    """A thin slab of a head, of less than a brain's volume, fills its frame."""
    assert region(np.random.default_rng(0).random((4, 40, 40)).astype(np.float32), np.eye(4)).kind == "head"


def test_empty_volume_has_an_empty_region():
    found = region(np.zeros((5, 16, 16), np.float32), np.eye(4))
    assert not found.mask.any()
    assert not found.signal.any()


def test_captions_name_the_kinds_of_region():
    assert heading(["head", "brain", "head"]) == "brain or head"
    assert "skull-stripped" in meaning(["brain"])
    assert "skin" not in meaning(["brain"])
    assert "skin" in meaning(["head"])


def test_orientation_of_the_slices_does_not_decide(brain):
    """Axial slices, upright, have an affine whose determinant is negative."""
    assert region(brain, MM @ np.diag([-1.0, 1, 1, 1])).kind == "brain"


def cube(size: int = 20, frame: int = 40) -> np.ndarray:
    """Zeros (frame³) around a cube of ones: 4.1 litres if a voxel has 8 mm, 0.5 litres if 4 mm."""
    return np.pad(np.ones((size,) * 3, np.float32), (frame - size) // 2)


def test_tissue_is_brighter_than_half_of_otsus_threshold():
    """Otsu's threshold of voxels of 0.5 and 1 is 0.5, so 0.2 is air and 0.5 is tissue."""
    volume = cube()
    volume[:, 10:20] *= 0.5
    solid = volume > 0
    volume[10:30, 8:10, 10:30] = 0.2
    found = region(volume, np.diag([8.0, 8, 8, 1]))
    assert found.kind == "head"
    np.testing.assert_array_equal(found.mask, solid)


def test_head_of_a_single_value_is_its_own_region():
    found = region(cube(), np.diag([8.0, 8, 8, 1]))
    assert found.kind == "head"
    np.testing.assert_array_equal(found.mask, cube() > 0)


@pytest.mark.parametrize("axis", range(3))
def test_tunnel_is_filled_in_a_head_in_any_direction_and_in_a_brain_across_slices(axis):
    """A tunnel from the centre to a face is a hole of the planes that it crosses, and a bay of the other planes."""
    volume = cube()
    tunnel: list[slice | int] = [slice(19, 21)] * 3
    tunnel[axis] = slice(20, 30)
    volume[tuple(tunnel)] = 0
    head, brain = (region(volume, np.diag([mm, mm, mm, 1])) for mm in (8.0, 4.0))
    assert (head.kind, brain.kind) == ("head", "brain")
    np.testing.assert_array_equal(head.mask, cube() > 0)
    np.testing.assert_array_equal(brain.mask, cube() > 0 if axis == 0 else volume > 0)


def test_slice_is_scored_if_the_region_covers_one_percent_or_more():
    mask = np.zeros((3, 10, 20), bool)
    mask[0, 0, :2] = mask[1, 0, 0] = True
    assert Region(mask, "brain").signal.tolist() == [True, False, False]
