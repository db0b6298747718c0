"""The common part of readers: their names, options, and scans that the header excludes."""

import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from benchmark.datasets import names, reader
from benchmark.errors import UserError

WORKFLOW = Path(__file__).parents[3] / "workflow"


def scan(path: Path, shape: tuple[int, ...], spacing: tuple[float, ...] = (1, 1, 1)) -> Path:
    image = nib.Nifti1Image(np.zeros(shape, np.int16), np.diag([*spacing[:3], 1]))
    image.header.set_zooms(spacing[: len(shape)] + (1,) * (len(shape) - len(spacing)))
    nib.save(image, path)
    return path


def test_reader_names_include_bids_sample_and_toy() -> None:
    assert {"bids", "sample", "toy"} <= set(names())


def test_unknown_reader_or_option_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no dataset reader 'bidz'; there are .*bids.*toy"):
        reader("bidz", tmp_path)
    with pytest.raises(UserError, match=r"dataset toy: no option cuont; there are codes, count, .*thickest"):
        reader("toy", tmp_path, cuont=3)
    with pytest.raises(UserError, match="modality PD is not among T1, T2, FLAIR"):
        reader("toy", tmp_path, modality="PD")
    with pytest.raises(UserError, match=r"local: /nowhere/at/all does not exist"):
        reader("bids", tmp_path, local="/nowhere/at/all")


def test_thick_odd_and_multi_volume_scans_are_refused_by_header(tmp_path: Path) -> None:
    toy = reader("toy", tmp_path, slices=12)
    assert toy.refuse(scan(tmp_path / "good.nii.gz", (10, 12, 14))) is None
    assert toy.refuse(scan(tmp_path / "axis.nii.gz", (10, 12, 14, 1))) is None
    assert "thick: voxels of 4 mm" in str(toy.refuse(scan(tmp_path / "thick.nii.gz", (10, 12, 14), (1, 1, 4))))
    assert "no axis of 12 slices" in str(toy.refuse(scan(tmp_path / "odd.nii.gz", (10, 13, 14))))
    assert "not one volume" in str(toy.refuse(scan(tmp_path / "many.nii.gz", (10, 12, 14, 3))))
    lenient = reader("toy", tmp_path, thickest=None)
    assert lenient.refuse(tmp_path / "thick.nii.gz") is None


def test_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(b"<html>404</html>")
    with pytest.raises(UserError, match=r"bad\.nii\.gz: a web page, not the file itself"):
        reader("toy", tmp_path).refuse(bad)
    bad.write_bytes(b"no image")
    with pytest.raises(UserError, match=r"bad\.nii\.gz: not an image"):
        reader("toy", tmp_path).refuse(bad)


def test_slice_thickness_is_read_from_the_affine(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((8, 8, 8), np.int16), np.diag([1.0, 1.0, 5.0, 1.0]))
    image.set_qform(None, 0)
    image.header["pixdim"][1:4] = 1  # left by a script: the sform is used
    nib.save(image, tmp_path / "scan.nii.gz")
    assert "voxels of 5 mm" in str(reader("sample", tmp_path).refuse(tmp_path / "scan.nii.gz"))


AS_NOBODY = """
import logging, os, sys
from benchmark.datasets import reader
logging.basicConfig(level=logging.WARNING)
dataset = reader(sys.argv[1], sys.argv[2] + "/data", local=sys.argv[2])
dataset.subjects()  # imports everything: the other user may not read Python's own files
os.setuid(65534)
print(dataset.subjects())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("name", ["bids", "oasis_trt"])
def test_folder_that_cannot_be_read_is_named(readable_folder: Path, name: str) -> None:
    for subject in ("sub-01", "sub-02"):
        path = readable_folder / "in" / subject / "anat" / f"{subject}_T1w.nii.gz"
        path.parent.mkdir(parents=True)
        path.touch()
    (readable_folder / "in" / "sub-02").chmod(0o700)
    command = [sys.executable, "-c", AS_NOBODY, name, str(readable_folder / "in")]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(WORKFLOW)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("01") == 1
    assert "02" not in done.stdout
    assert f"{readable_folder}/in/sub-02: cannot be read (Permission denied), so no scan in it is used" in done.stderr
