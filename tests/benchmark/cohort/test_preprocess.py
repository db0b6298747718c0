"""Preprocessing keeps the position of every voxel in the world, and can be undone."""

import nibabel as nib
import numpy as np
import pytest

from benchmark.cohort.preprocess import preprocess, read_sidecar, undo, write_sidecar
from benchmark.errors import UserError


@pytest.fixture
def scan(tmp_path):
    """An oblique scan, 20×24×9, stored ASL, zero around the head."""
    data = np.zeros((20, 24, 9))
    data[3:-3, 4:-4, 1:-1] = np.random.default_rng(1).integers(50, 800, (14, 16, 7))
    turn = np.array([[0.05, 0.02, -1], [1, 0.01, 0.05], [-0.01, 1, 0.02]])
    affine = np.eye(4)
    affine[:3, :3] = turn * [0.9, 0.9, 4.0]
    affine[:3, 3] = [12, -30, 7]
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(data.astype(np.int16), affine), path)
    return path


@pytest.mark.parametrize("axis", [0, 1, 2, "sagittal", "coronal", "axial"])
def test_undo_restores_the_scan(scan, axis, tmp_path):
    volume, _, sidecar = preprocess(scan, axis=axis, size=32, percentile=100)
    assert volume.shape[1:] == (32, 32)
    assert volume.dtype == np.float32
    assert (volume.min(), volume.max()) == (0, 1)
    write_sidecar(tmp_path / "s.json", sidecar)
    data, affine = undo(volume, read_sidecar(tmp_path / "s.json"))
    stored = nib.load(scan)
    np.testing.assert_allclose(data, stored.get_fdata(), atol=1e-4)
    np.testing.assert_allclose(affine, stored.affine, atol=1e-5)


def test_undo_of_a_shrunk_volume_repeats_the_mean_of_each_block(scan):
    volume, _, sidecar = preprocess(scan, axis=2, size=16, shrink=2, percentile=100)
    data, affine = undo(volume, sidecar)
    stored = nib.load(scan)
    assert data.shape == stored.shape
    np.testing.assert_allclose(affine, stored.affine, atol=1e-5)
    means = stored.get_fdata().reshape(10, 2, 12, 2, 9).mean(axis=(1, 3))
    np.testing.assert_allclose(data, means.repeat(2, axis=0).repeat(2, axis=1), atol=1e-3)


def test_scan_as_large_as_the_frame_is_accepted(scan):
    assert preprocess(scan, axis=2, size=24)[0].shape == (9, 24, 24)


@pytest.mark.parametrize("shrink", [1, 2, 4])
def test_marked_block_keeps_its_world_position(scan, shrink):
    stored = nib.load(scan)
    data = np.zeros(stored.shape)
    data[8:12, 12:16, 4] = 100  # a block on the grid of blocks of 2 and 4
    data[9, 3, 2] = 1
    nib.save(nib.Nifti1Image(data, stored.affine), scan)
    volume, affine, _ = preprocess(scan, axis=2, size=32 // shrink * 4 if shrink > 1 else 32, shrink=shrink)
    weight = volume * (volume > 0.2)
    rows = np.moveaxis(np.indices(volume.shape), 0, -1)[..., [1, 2, 0]]
    centre = (rows * weight[..., None]).sum((0, 1, 2)) / weight.sum()
    np.testing.assert_allclose((affine @ [*centre, 1])[:3], (stored.affine @ [9.5, 13.5, 4, 1])[:3], atol=1e-4)


def test_scale_is_the_percentile_of_the_nonzero_voxels(scan):
    data = nib.load(scan).get_fdata()
    volume, _, sidecar = preprocess(scan, axis=2, size=32, percentile=90)
    assert sidecar.scale == pytest.approx(np.percentile(data[data != 0], 90))
    assert sidecar.clipped == (data > sidecar.scale).sum() > 0
    assert np.isclose(volume.sum(), np.minimum(data / sidecar.scale, 1).sum(), rtol=1e-5)


def test_scaling_by_slice_accepts_a_constant_slice(scan):
    volume, _, _ = preprocess(scan, axis=2, size=32, scaling="slice", percentile=99.9)
    peaks = volume.max(axis=(1, 2))
    assert peaks[0] == 0
    assert np.allclose(peaks[1:-1], 1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 16}, "do not fit the frame of 16×16; set preprocess.size to 32 or more"),
        ({"size": 32, "slices": 10}, "9 sagittal slices"),
    ],
)
def test_wrong_size_or_slice_count_is_refused_with_the_file(scan, wrong, message):
    with pytest.raises(UserError, match=message) as caught:
        preprocess(scan, axis=2, **wrong)
    assert str(scan) in str(caught.value)


def rewrite(scan, change):
    """Stores the changed data of the scan in double precision."""
    stored = nib.load(scan)
    data = change(stored.get_fdata())
    nib.save(nib.Nifti1Image(data, stored.affine), scan)
    return data


def test_voxels_below_zero_are_clipped_and_counted(scan):
    data = rewrite(scan, lambda data: np.where(np.arange(9) == 4, data - 20, data))
    volume, _, sidecar = preprocess(scan, axis=2, size=32, percentile=100)
    assert sidecar.clipped == (data < 0).sum() > 0
    assert volume.min() == 0
    assert volume.sum() == pytest.approx(np.maximum(data, 0).sum() / data.max(), rel=1e-5)


def test_scaling_by_slice_moves_the_least_value_of_each_slice_to_zero_and_can_be_undone(scan):
    """Slices with other offsets: each slice of the frame, without the padding, is (data − least) / (most − least)."""
    data = rewrite(scan, lambda data: data * np.linspace(1, 2, 9) + 10.0 * np.arange(1, 10))
    volume, _, sidecar = preprocess(scan, axis=2, size=32, scaling="slice")
    low, high = data.min(axis=(0, 1)), data.max(axis=(0, 1))
    expected = (data - low) / np.where(high > low, high - low, 1)
    assert sidecar.floor == pytest.approx(low[::-1])  # stored towards the left, upright towards the right
    assert volume.sum(axis=(1, 2)) == pytest.approx(expected.sum(axis=(0, 1))[::-1], rel=1e-5)
    np.testing.assert_allclose(undo(volume, sidecar)[0], data, atol=2e-4)


def test_scan_without_positive_signal_is_refused(scan):
    rewrite(scan, np.negative)
    with pytest.raises(UserError, match=r"scan.nii.gz: its 99.9th percentile is not positive"):
        preprocess(scan, axis=2, size=32)


def test_grid_of_a_plane_with_an_odd_margin_is_centred(scan):
    """Nine columns in a frame of 32: 11 before and 12 after; the origin moves by 11 columns."""
    stored, marked = nib.load(scan), np.zeros((20, 24, 9))
    marked[8, 13, 5] = 1000
    rewrite(scan, lambda data: data + marked)
    volume, affine, sidecar = preprocess(scan, axis="axial", size=32, percentile=100)
    assert sorted(map(tuple, sidecar.pad)) == [(6, 6), (11, 12)]
    occupied = [np.flatnonzero(volume.any(axis=axes)) for axes in ((0, 2), (0, 1))]
    assert sorted((int(one[0]), int(one[-1])) for one in occupied) == [(9, 22), (12, 18)]
    where = affine @ [*(np.argwhere(volume == 1)[0][[1, 2, 0]]), 1]
    np.testing.assert_allclose(where, stored.affine @ [8, 13, 5, 1], atol=1e-4)
