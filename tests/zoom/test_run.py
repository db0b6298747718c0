"""From a scan to a finer volume, at the right position and in the scan's units."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from zoom_scans import OBLIQUE, canonical, orientations, stored, thick, world

from benchmark.errors import UserError

THICKNESS = float(np.linalg.norm(OBLIQUE[:3, 2]))
REQUESTS = [{"n": 0}, {"n": 1}, {"n": 4}, {"zoom": 2.5}, {"spacing": THICKNESS / 3}]


@pytest.mark.parametrize("in_plane", [1, 4])
@pytest.mark.parametrize("zoom_arguments", REQUESTS)
@pytest.mark.parametrize("method", ["linear", "spline"])
def test_landmarks_keep_their_world_position(
    save: Callable, run: Callable, zoom_arguments: dict, in_plane: int, method: str
) -> None:
    marks = {500: (3, 4, 0), 600: (11, 7, 4), 700: (16, 20, 8)}  # slices that are also output slices for a zoom of 2.5
    data = np.zeros((20, 24, 9), np.int16)
    for value, mark in marks.items():
        data[mark] = value
    data[8:12, 15:18] = 40  # so that the marks do not fill the grey scale
    image, _ = run(save(data), method=method, in_plane=in_plane, **zoom_arguments)
    found = image.get_fdata().reshape(20, in_plane, 24, in_plane, -1).mean(axis=(1, 3))
    for value, mark in marks.items():
        (where,) = np.argwhere(np.abs(found - value) < 1)
        centre = [*(where[:2] * in_plane + (in_plane - 1) / 2), where[2]]
        np.testing.assert_allclose(world(image.affine, np.array(centre)), world(OBLIQUE, np.array(mark)), atol=1e-3)


@pytest.mark.parametrize("n", [0, 1, 10])
def test_output_has_n_new_slices_and_unchanged_known_slices(save: Callable, run: Callable, n: int) -> None:
    data = thick()
    image, about = run(save(data), n=n)
    assert image.shape == (20, 24, 8 * (n + 1) + 1)
    assert image.header.get_zooms()[2] == pytest.approx(THICKNESS / (n + 1), abs=1e-5)
    np.testing.assert_array_equal(np.asarray(image.dataobj)[..., :: n + 1], data)
    np.testing.assert_allclose(image.affine[:3, 3], OBLIQUE[:3, 3], atol=1e-5)
    assert about["Zoom"]["NewSlicesPerGap"] == n


@pytest.mark.parametrize(
    ("zoom_arguments", "in_plane"),
    [({"n": 2}, 1), ({"zoom": 2.4}, 1), ({"n": 1}, 4), ({"n": 2, "profile": "gaussian", "thickness": 5.5}, 1)],
)
def test_result_is_equal_for_all_48_orientations(
    save: Callable, run: Callable, zoom_arguments: dict, in_plane: int
) -> None:
    data = thick((9, 10, 6))
    wanted = None
    for orientation in orientations():
        path = save(*stored(data, OBLIQUE, orientation))
        found, affine = canonical(run(path, method="spline", in_plane=in_plane, **zoom_arguments)[0])
        wanted = (found, affine) if wanted is None else wanted
        np.testing.assert_array_equal(found, wanted[0])
        np.testing.assert_allclose(affine, wanted[1], atol=1e-4)


def test_network_result_is_equal_for_every_orientation(save: Callable, run: Callable, weights: Path) -> None:
    data = thick((18, 22, 5))
    results = []
    for orientation in list(orientations())[::17]:
        path = save(*stored(data, OBLIQUE, orientation))
        results.append(canonical(run(path, weights=(str(weights),), n=1)[0])[0])
    assert len(results) == 3
    for found in results[1:]:
        np.testing.assert_array_equal(found, results[0])


@pytest.mark.parametrize("shape", [(21, 23, 5), (40, 18, 4), (7, 70, 3)])
@pytest.mark.parametrize("in_plane", [1, 4])
def test_networks_accept_frames_of_any_size(
    save: Callable, run: Callable, weights: Path, shape: tuple, in_plane: int
) -> None:
    data = thick(shape)
    image, about = run(save(data), weights=(str(weights),), n=1, in_plane=in_plane)
    assert image.shape == (shape[0] * in_plane, shape[1] * in_plane, 2 * shape[2] - 1)
    assert about["Zoom"]["Method"] == "ours"
    back = image.get_fdata().reshape(shape[0], in_plane, shape[1], in_plane, -1).mean(axis=(1, 3))[..., ::2]
    assert np.abs(back - data).max() <= about["Zoom"]["Tolerance"]
    assert about["Zoom"]["Volumes"][0]["MethodAlone"]["Largest"] > 10  # untrained: the correction did the work


def test_values_above_the_grey_scale_are_restored_without_consistency(
    save: Callable, run: Callable, weights: Path
) -> None:
    data = thick()
    image, about = run(save(data), weights=(str(weights),), n=0, consistency=False)
    assert about["Zoom"]["DataConsistency"] is False
    place = np.unravel_index(data.argmax(), data.shape)
    end = about["Zoom"]["Volumes"][0]["GreyScale"][1]
    assert image.get_fdata()[place] >= 2500 - end  # values above the grey scale's end are restored
    assert about["Zoom"]["Volumes"][0]["AveragedBack"]["Largest"] > 10


@pytest.mark.parametrize("method", ["linear", "spline"])
def test_linear_and_spline_without_consistency_only_interpolate(save: Callable, run: Callable, method: str) -> None:
    data = thick().astype(np.float32)
    image, _ = run(save(data), method=method, n=1, consistency=False)
    found = image.get_fdata()
    np.testing.assert_allclose(found[..., ::2], data, atol=0.01)
    if method == "linear":
        np.testing.assert_allclose(found[..., 1::2], (data[..., 1:] + data[..., :-1]) / 2, atol=0.01)


def test_series_is_zoomed_volume_by_volume(save: Callable, run: Callable) -> None:
    series = np.stack([thick(), thick(seed=4) * 2, np.zeros((20, 24, 9), np.int16)], axis=3)
    path = save(series, name="series.nii.gz")
    image, about = run(path, n=1)
    assert image.shape == (20, 24, 17, 3)
    assert len(about["Zoom"]["Volumes"]) == 3
    page = Path(image.get_filename().replace(".nii.gz", ".html")).read_text(encoding="utf-8")
    assert "a series of 3 volumes. The pictures and numbers on this page are those of the first" in page
    np.testing.assert_array_equal(np.asarray(image.dataobj)[:, :, ::2], series)
    single, _ = run(save(series[..., 1]), n=1, output="single.nii.gz")
    np.testing.assert_array_equal(np.asarray(image.dataobj)[..., 1], np.asarray(single.dataobj))


def test_fourth_axis_of_length_1_is_kept(save: Callable, run: Callable) -> None:
    assert run(save(thick()[..., None]), n=1)[0].shape == (20, 24, 17, 1)


def test_negative_values_are_kept(save: Callable, run: Callable) -> None:
    data = thick() - np.int16(1000)
    image, about = run(save(data), n=1)
    np.testing.assert_array_equal(np.asarray(image.dataobj)[..., ::2], data)
    assert about["Zoom"]["Volumes"][0]["GreyScale"][0] == -1000


def test_spread_is_zero_at_known_slices_and_positive_between(
    save: Callable, run: Callable, weights: Path, tmp_path: Path
) -> None:
    image, about = run(save(), weights=(str(weights),), n=1, uncertainty=3)
    spread = nib.load(tmp_path / "out_spread.nii.gz")
    assert spread.shape == image.shape
    np.testing.assert_allclose(spread.affine, image.affine)
    found = spread.get_fdata()
    assert found[..., ::2].max() < 0.05
    assert found[..., 1::2].max() > 0.1
    assert about["Zoom"]["Volumes"][0]["Spread"]["Samples"] == 3
    assert "lower bound of the error" in (tmp_path / "out.html").read_text()


def test_same_seed_gives_the_same_bytes(save: Callable, run: Callable, weights: Path, tmp_path: Path) -> None:
    path = save()
    for name in ("a.nii.gz", "b.nii.gz"):
        run(path, weights=(str(weights),), n=1, output=name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real scan has many slabs and blocks; a scan of the tests would have one."""
    for module in ("scan", "output", "prepare"):
        monkeypatch.setattr(f"zoom.{module}.SLAB", 2000)
    for module in ("consistency", "description", "intensity", "run"):
        monkeypatch.setattr(f"zoom.{module}.block_length", lambda size, budget=0: 2)


def test_chunks_and_slabs_do_not_change_the_result(
    save: Callable, run: Callable, weights: Path, config: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = np.moveaxis(thick(), 2, 0)  # slices on the first axis: the hardest to stream
    path = save(data, OBLIQUE[:, [2, 0, 1, 3]])
    wanted = np.asarray(run(path, weights=(str(weights),), zoom=2.4)[0].dataobj)
    small_slabs(monkeypatch)
    config["compute"]["chunk"] = 3
    found = np.asarray(run(path, weights=(str(weights),), zoom=2.4)[0].dataobj)
    np.testing.assert_allclose(found, wanted, atol=1)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
@pytest.mark.parametrize("sign", [1, -1])
def test_slabs_do_not_change_the_result_on_any_stored_axis_and_direction(
    save: Callable, run: Callable, monkeypatch: pytest.MonkeyPatch, order: tuple[int, ...], sign: int
) -> None:
    path = save(*stored(thick((13, 17, 6)), OBLIQUE, np.array([[axis, sign] for axis in order], float)))
    wanted = np.asarray(run(path, method="spline", n=1)[0].dataobj)
    small_slabs(monkeypatch)
    np.testing.assert_array_equal(np.asarray(run(path, method="spline", n=1)[0].dataobj), wanted)


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (MemoryError("Unable to allocate 9 GiB"), "the memory is full"),
        (
            type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried to allocate"),
            "a GPU's memory is full",
        ),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried"), "the memory is full"),
    ],
)
def test_full_memory_is_one_line_and_leaves_no_file(
    save: Callable, run: Callable, monkeypatch: pytest.MonkeyPatch, error: Exception, full: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    scan = save(thick())
    monkeypatch.setattr("zoom.run.encode", fail)
    with pytest.raises(UserError, match=full):
        run(scan, n=1)
    assert [path.name for path in scan.parent.rglob("*") if path.is_file()] == [scan.name]
