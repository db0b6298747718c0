"""The phantom dataset: reproducible files with one anatomy in three contrasts."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from benchmark.datasets import reader
from benchmark.datasets.phantom import phantom
from benchmark.datasets.toy import scan
from benchmark.errors import UserError
from benchmark.files import sha256


def test_same_seed_gives_the_same_bytes_and_other_options_other_files(tmp_path: Path) -> None:
    first = reader("toy", tmp_path / "a").fetch(["toy01", "toy02"])
    again = reader("toy", tmp_path / "b").fetch(["toy01"])
    assert sha256(first["toy01"]) == sha256(again["toy01"])
    assert sha256(first["toy01"]) != sha256(first["toy02"])
    other = reader("toy", tmp_path / "a", seed=1).fetch(["toy01"])
    assert other["toy01"] != first["toy01"]
    assert sha256(other["toy01"]) != sha256(first["toy01"])


def test_subjects_are_numbered_and_invalid_options_refused(tmp_path: Path) -> None:
    assert reader("toy", tmp_path, count=2).subjects() == ["toy01", "toy02"]
    with pytest.raises(UserError, match="no subject toy03"):
        reader("toy", tmp_path, count=2).fetch(["toy03"])
    with pytest.raises(UserError, match="three numbers"):
        reader("toy", tmp_path, shape=[48, 48])


def test_three_contrasts_show_one_anatomy() -> None:
    t1, t2, flair = (phantom((48, 56, 40), modality, 3) for modality in ("T1", "T2", "FLAIR"))
    brain = (t1 > 0) & (t2 > 0) & (flair > 0)
    assert 0.15 < brain.mean() < 0.5
    assert all(volume[0].max() == volume[:, :, -1].max() == 0 for volume in (t1, t2, flair))
    core = brain[12:36, 14:42, 10:30]
    assert np.corrcoef(t1[12:36, 14:42, 10:30][core], t2[12:36, 14:42, 10:30][core])[0, 1] < -0.8
    ventricles = t2[20:28, 24:32, 18:28] > 0.8
    assert ventricles.any()
    assert flair[20:28, 24:32, 18:28][ventricles].mean() < 0.3


def test_lesion_is_left_and_cerebellum_is_low_and_posterior() -> None:
    x, y, z = np.nonzero(phantom((48, 56, 40), "FLAIR", 3) > 0.85)
    lesion = (z > 18) & (np.abs(y - 28) < 14) & (np.abs(x - 23.5) > 5) & (np.abs(x - 23.5) < 16)
    assert lesion.any()
    assert x[lesion].mean() < 20
    low = phantom((48, 56, 40), "T1", 3)[:, :, 4:8]
    assert (low[:, :28] > 0).sum() > 1.5 * (low[:, 28:] > 0).sum()


@pytest.mark.parametrize("codes", ["RAS", "ASL", "LPS", "PIR"])
def test_stored_axes_agree_with_the_affine(codes: str) -> None:
    shape, spacing = (40, 44, 36), (1.0, 1.1, 1.3)
    image = scan(shape, spacing, codes, "T1", 5)
    assert image.shape == shape
    assert nib.aff2axcodes(image.affine) == tuple(codes)
    np.testing.assert_allclose(nib.affines.voxel_sizes(image.affine), spacing)
    upright = nib.as_closest_canonical(image)
    expected = np.round(phantom(upright.shape, "T1", 5) * 1000)
    np.testing.assert_array_equal(np.asarray(upright.dataobj), expected)
