"""Scans that cannot be zoomed are refused with one line and the file's name; no files remain."""

import errno
import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from zoom_scans import OBLIQUE, refused, thick

from zoom.request import request
from zoom.run import zoom
from zoom.store import Store


def image(data: np.ndarray, path: Path) -> Path:
    nib.save(nib.Nifti1Image(data, OBLIQUE), path)
    return path


def no_file(path: Path) -> Path:
    return path


def a_folder(path: Path) -> Path:
    path.mkdir()
    return path


def a_text(path: Path) -> Path:
    path.write_text("not a scan")
    return path


def cut_short(path: Path) -> Path:
    image(np.random.default_rng(0).integers(0, 900, (30, 30, 9)).astype(np.int16), path)
    path.write_bytes(path.read_bytes()[:9000])
    return path


def cut_short_plain(path: Path) -> Path:
    whole = gzip.decompress(image(thick(), path).read_bytes())
    path.unlink()
    path = path.with_suffix("")
    path.write_bytes(whole[:4000])
    return path


def with_nan(path: Path) -> Path:
    data = thick().astype(np.float32)
    data[3, 3, 3] = np.nan
    return image(data, path)


def colour(path: Path) -> Path:
    return image(np.zeros((4, 5, 6), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")]), path)


def no_affine(path: Path) -> Path:
    whole = bytearray(gzip.decompress(image(thick(), path).read_bytes()))
    whole[280:328] = bytes(48)  # srow_x, srow_y and srow_z
    path.write_bytes(gzip.compress(whole))
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (no_file, "no such file"),
        (a_folder, "a folder"),
        (a_text, "not an image"),
        (lambda path: image(np.ones((4, 5)), path), "2-D"),
        (lambda path: image(thick()[..., :1], path), "single slice"),
        (lambda path: image(np.ones((4, 5, 6, 2, 3), np.int16), path), "5-D"),
        (with_nan, "1 voxel is NaN or infinite"),
        (lambda path: image(np.zeros((4, 5, 6), np.int16), path), "every voxel is zero"),
        (lambda path: image(np.full((4, 5, 6), 7.0), path), "every voxel is 7.0"),
        (colour, "colour"),
        (lambda path: image(np.ones((4, 5, 6), np.complex64), path), "complex"),
        (cut_short, "damaged or cut short"),
        (cut_short_plain, "damaged or cut short"),
        (no_affine, "affine"),
    ],
)
def test_invalid_scan_is_refused_with_its_name(
    tmp_path: Path, config: dict, make: Callable[[Path], Path], said: str
) -> None:
    (tmp_path / "out").mkdir()
    scan = make(tmp_path / "scan.nii.gz")
    message = refused(config, scan, tmp_path / "out" / "out.nii.gz")
    assert said in message
    assert message.startswith(str(scan))


@pytest.mark.parametrize("made", ["image", "sidecar", "page"])
def test_existing_output_is_refused_without_overwrite(tmp_path: Path, config: dict, save: Callable, made: str) -> None:
    path = tmp_path / {"image": "out.nii.gz", "sidecar": "out.json", "page": "out.html"}[made]
    path.write_text("mine")
    assert refused(config, save(), tmp_path / "out.nii.gz").startswith(f"{path}: exists already")
    assert path.read_text() == "mine"
    zoom(request(config, save(), tmp_path / "out.nii.gz", n=1, overwrite=True), config, lambda line: None)
    assert path.read_bytes() != b"mine"


def test_scan_is_not_overwritten(config: dict, save: Callable) -> None:
    scan = save()
    assert "the scan itself" in refused(config, scan, scan, overwrite=True)


@pytest.mark.parametrize(("output", "named"), [("scan.nii", "scan.json"), ("out.nii.gz", "out_labels.nii.gz")])
def test_files_of_the_input_are_kept_also_with_overwrite(
    tmp_path: Path, config: dict, save: Callable, output: str, named: str
) -> None:
    scan, labels = save(), save((thick() > 500).astype(np.uint8), name="out_labels.nii.gz")
    (tmp_path / "scan.json").write_text('{"SliceThickness": 4}')
    message = refused(config, scan, tmp_path / output, overwrite=True, labels=labels)
    assert message.startswith(f"{tmp_path / named}: the output would replace this file")
    assert (tmp_path / "scan.json").read_text() == '{"SliceThickness": 4}'
    assert nib.load(labels).shape == thick().shape


def test_impossible_outputs_are_refused(tmp_path: Path, config: dict, save: Callable) -> None:
    for name in ("out.img", "out.png", "out.nrrd", "out.tar.gz", "out.txt", "out.nii.gx"):
        assert "end it in .nii.gz" in refused(config, save(), tmp_path / name)
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(config, save(), tmp_path / "file" / "out.nii.gz")
    assert "int16 without a slope" in refused(config, save(thick() / 7.0), tmp_path / "out.mgz", dtype="int16")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"method": "sharper"},
            "the wrong weights for method sharper, which needs edsr, ldm, vq; ldm, vq found",
        ),
        ({"method": "linear"}, "linear has no networks"),
        ({"method": "truth"}, "oracle"),
        ({"method": "our"}, "did you mean 'ours'"),
        ({"tile": 7}, "tile = 7; these networks need multiples of 2"),
    ],
)
def test_wrong_weights_or_methods_are_refused(
    tmp_path: Path, config: dict, save: Callable, weights: Path, given: dict, said: str
) -> None:
    assert said in refused(config, save(), tmp_path / "out.nii.gz", weights=(str(weights),), **given)


def test_missing_or_invalid_weights_are_refused(tmp_path: Path, config: dict, save: Callable, weights: Path) -> None:
    out = tmp_path / "out.nii.gz"
    assert "give their weights" in refused(config, save(), out, method="ours")
    assert "not trained" in refused(config, save(), out, method="ours", weights=("toy/2",))
    assert "no such file" in refused(config, save(), out, method="ours", weights=("gone.safetensors",))
    (tmp_path / "empty").mkdir()
    assert "no weights in it" in refused(config, save(), out, weights=(str(tmp_path / "empty"),))
    for name in ("w.safetensors", "w.ckpt"):
        (tmp_path / name).write_bytes(b"not weights at all" * 9)
        assert name in refused(config, save(), out, weights=(str(tmp_path / name),))
    half = tmp_path / "half"
    half.mkdir()
    shutil.copy(weights / "vq.safetensors", half)
    assert "no method of the config" in refused(config, save(), out, weights=(str(half),))


def test_uncertainty_without_random_numbers_or_with_one_sample_is_refused(
    tmp_path: Path, config: dict, save: Callable
) -> None:
    assert "uses no random numbers" in refused(config, save(), tmp_path / "out.nii.gz", uncertainty=3)
    assert "a spread needs 2" in refused(config, save(), tmp_path / "out.nii.gz", uncertainty=1)


def test_too_little_memory_is_refused(tmp_path: Path, config: dict, save: Callable) -> None:
    assert "GB of memory" in refused(config, save(), tmp_path / "out.nii.gz", memory=0.001)


def test_too_little_free_disk_space_is_refused(
    tmp_path: Path, config: dict, save: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = save()
    free = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    assert "the disk is too full" in refused(config, scan, tmp_path / "out.nii.gz")


def test_disk_that_fills_up_leaves_no_file(
    tmp_path: Path, config: dict, save: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, calls = save(), []

    def full(self: Store, start: int, block: np.ndarray) -> None:
        calls.append(start)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Store, "write", full)
    assert "the disk is full; nothing was written" in refused(config, scan, tmp_path / "out.nii.gz")
