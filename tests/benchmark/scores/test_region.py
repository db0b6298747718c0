"""Head or brain, on phantoms of a real head's size: stripped, whole in noisy air, whole in air set to zero."""

import numpy as np
import pytest
from perceptual_distance import MeanAbsoluteDifference
from scipy import ndimage

from benchmark.datasets.phantom import phantom
from benchmark.scores import metrics
from benchmark.scores.region import LEAST_SHARE, heading, meaning, region

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
