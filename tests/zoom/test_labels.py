"""Labels on the output's grid: each voxel has the nearest voxel's label."""

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from bids_data import dataset, issues
from bids_data import save as save_bids
from zoom_scans import OBLIQUE, canonical, orientations, refused, stored, thick

from zoom.request import request
from zoom.run import zoom


def random_labels(shape: tuple[int, int, int] = (20, 24, 9)) -> np.ndarray:
    """Three regions of many labels."""
    return np.random.default_rng(0).integers(0, 4, shape).astype(np.uint8) * 7


def test_each_voxel_has_the_label_of_the_nearest_voxel(save: Callable, run: Callable, tmp_path: Path) -> None:
    scan, labels = save(), save(random_labels(), name="seg.nii.gz")
    image, about = run(scan, n=2, labels=labels)
    found = nib.load(tmp_path / "out_labels.nii.gz")
    np.testing.assert_allclose(found.affine, image.affine)
    assert found.shape == image.shape
    assert (found.get_data_dtype(), int(found.header["intent_code"])) == (np.uint8, 1002)
    data = np.asarray(found.dataobj)
    np.testing.assert_array_equal(data[..., ::3], random_labels())
    np.testing.assert_array_equal(data[..., 1::3], random_labels()[..., :-1])
    np.testing.assert_array_equal(data[..., 2::3], random_labels()[..., 1:])
    assert about["Zoom"]["Labels"]["File"] == "out_labels.nii.gz"
    said = json.loads((tmp_path / "out_labels.json").read_text())
    assert said["Sources"] == [str(labels)]


@pytest.mark.parametrize("zoom_arguments", [{"n": 1}, {"zoom": 2.4}])
def test_result_does_not_depend_on_stored_orientations(
    save: Callable, run: Callable, tmp_path: Path, zoom_arguments: dict
) -> None:
    wanted = None
    data = random_labels((9, 10, 6))
    for orientation in list(orientations())[::11]:
        scan = save(*stored(thick((9, 10, 6)), OBLIQUE, orientation))
        for other in (orientation, next(orientations())):  # labels and scan may be stored with different axes
            labels = save(*stored(data, OBLIQUE, other), name="seg.nii.gz")
            image, _ = run(scan, method="linear", labels=labels, **zoom_arguments)
            found = nib.load(tmp_path / "out_labels.nii.gz")
            np.testing.assert_allclose(found.affine, image.affine)
            volume, _ = canonical(found)
            wanted = volume if wanted is None else wanted
            np.testing.assert_array_equal(volume, wanted)
    assert set(np.unique(wanted)) == set(np.unique(data))


def test_in_plane_4_repeats_each_label_sixteen_times(save: Callable, run: Callable, tmp_path: Path) -> None:
    run(save(), n=0, in_plane=4, method="spline", labels=save(random_labels(), name="seg.nii.gz"))
    data = np.asarray(nib.load(tmp_path / "out_labels.nii.gz").dataobj)
    np.testing.assert_array_equal(data, random_labels().repeat(4, 0).repeat(4, 1))


@pytest.mark.parametrize("suffix", [".mgz", ".nii", ".mgh"])
def test_labels_are_written_in_every_format(save: Callable, run: Callable, tmp_path: Path, suffix: str) -> None:
    data = random_labels().astype(np.int32) * 5000
    image, _ = run(save(), f"out{suffix}", n=1, labels=save(data, name="seg.nii.gz"))
    found = nib.load(tmp_path / f"out_labels{suffix}")
    np.testing.assert_allclose(found.affine, image.affine, atol=1e-4)
    np.testing.assert_array_equal(np.asarray(found.dataobj)[..., ::2], data)


def test_series_gets_one_volume_of_labels(save: Callable, run: Callable, tmp_path: Path) -> None:
    series = np.stack([thick(), thick(seed=4)], axis=3)
    run(save(series), n=1, labels=save(random_labels()[..., None].astype(np.float32), name="seg.nii.gz"))
    assert nib.load(tmp_path / "out_labels.nii.gz").shape == (20, 24, 17)


#: A twentieth larger along the first axis, around its middle: corners are 9.5 · 0.05 voxels of that axis apart.
LARGER = OBLIQUE @ np.array([[1.05, 0, 0, -9.5 * 0.05], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
SIDES = np.linalg.norm(OBLIQUE[:3, :3], axis=0)
SHIFTED = OBLIQUE + np.array([[0, 0, 0, 0.6]] + [[0] * 4] * 3)


@pytest.mark.parametrize(
    ("data", "affine", "said"),
    [
        (random_labels((20, 24, 8)), OBLIQUE, "not on the grid of"),
        (random_labels(), SHIFTED, "corners up to 0.6"),
        (random_labels(), LARGER, f"corners up to {9.5 * 0.05 * SIDES[0] / SIDES.min():.3g} voxels apart"),
        (random_labels() + 0.5, OBLIQUE, "not whole numbers"),
        (np.full((20, 24, 9), 2.0**40), OBLIQUE, "beyond 32 bits"),
        (np.stack([random_labels()] * 2, axis=3), OBLIQUE, "give one volume of labels"),
    ],
)
def test_labels_of_another_grid_or_type_are_refused(
    save: Callable, config: dict, tmp_path: Path, data: np.ndarray, affine: np.ndarray, said: str
) -> None:
    labels = save(data, affine, name="seg.nii.gz")
    message = refused(config, save(), tmp_path / "out.nii.gz", labels=labels)
    assert message.startswith(f"{labels}: ")
    assert said in message


def test_existing_labels_are_not_overwritten(save: Callable, config: dict, tmp_path: Path) -> None:
    labels = save(random_labels(), name="seg.nii.gz")
    (tmp_path / "out_labels.nii.gz").write_bytes(b"mine")
    assert "out_labels.nii.gz: exists already" in refused(config, save(), tmp_path / "out.nii.gz", labels=labels)


def test_bids_labels_are_valid_derivatives(config: dict, tmp_path: Path) -> None:
    scan = dataset(tmp_path / "raw", License="CC0")[0]
    labels = (
        tmp_path
        / "raw/derivatives/lesions"
        / scan.relative_to(tmp_path / "raw").with_name("sub-01_ses-a_label-lesion_mask.nii.gz")
    )
    save_bids(labels, random_labels())
    (tmp_path / "raw/derivatives/lesions/label-lesion_mask.json").write_text('{"Type": "Lesion"}')
    out = tmp_path / "out"
    for one, name in ((labels, "sub-01_ses-a_res-2x_label-lesion_desc-zoom_mask"), (tmp_path / "seg.nii.gz", "")):
        save_bids(tmp_path / "seg.nii.gz", random_labels())
        about = zoom(request(config, scan, out, n=1, labels=one, overwrite=True), config, lambda line: None)
        name = name or "sub-01_ses-a_res-2x_desc-zoom_dseg"
        assert about["Zoom"]["Labels"]["File"] == f"{name}.nii.gz"
    said = json.loads((out / "sub-01/ses-a/anat/sub-01_ses-a_res-2x_label-lesion_desc-zoom_mask.json").read_text())
    assert said["Type"] == "Lesion"
    assert issues(out) == []
