"""A folder of DICOM files in: each series is converted by the real dcm2niix and zoomed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from zoom_scans import thick

from zoom import dicom
from zoom.cli import main

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed (envs/dev.txt)")
from dicom_data import series  # noqa: E402


@pytest.fixture(autouse=True)
def config_without_profile(config: dict, set_command_config: Callable[[dict], None]) -> None:
    """The commands read ``config`` with the profile ``auto``."""
    del config["zoom"]["profile"]
    set_command_config(config)


def skip_without_dcm2niix() -> None:
    try:
        dicom.program()
    except dicom.UserError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("suffix", ["", ".dcm", ".IMA"])
def test_dicom_series_is_converted_and_zoomed(tmp_path: Path, capsys: pytest.CaptureFixture, suffix: str) -> None:
    skip_without_dcm2niix()
    series(tmp_path / "exam" / "series", thick(), suffix=suffix)
    out = tmp_path / "finer.nii.gz"
    assert main([str(tmp_path / "exam"), "--spacing", "2.5", "-o", str(out), "--method", "linear"]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    image = nib.load(out)
    assert image.shape == (24, 20, 17)
    assert image.header.get_zooms() == pytest.approx((0.9, 0.9, 2.5))
    about = json.loads((tmp_path / "finer.json").read_text())
    zoom = about["Zoom"]
    assert (zoom["SliceThickness"], zoom["Profile"]) == (4, "box")
    assert zoom["SliceThicknessFrom"].startswith("SliceThickness in exam_3_t2_tse.json")
    assert about["Sources"] == [str(tmp_path / "exam")]
    assert zoom["ConvertedFrom"]["By"].startswith("dcm2niix v1.")
    assert "converted to NIfTI with dcm2niix v1." in zoom["Methods"]["Text"]
    assert (about["EchoTime"], about["MagneticFieldStrength"]) == (0.09, 3)
    for path in tmp_path.glob("finer.*"):
        assert b"Doe" not in path.read_bytes()


def test_every_series_of_an_examination_is_zoomed_except_single_slices(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    skip_without_dcm2niix()
    series(tmp_path / "exam" / "a", thick(), 3, "t2_tse")
    series(tmp_path / "exam" / "b", thick(seed=4), 4, "flair")
    series(tmp_path / "exam" / "c", thick()[..., :1], 1, "localizer")
    words = [str(tmp_path / "exam"), "--n", "1", "--method", "linear", "-o"]
    assert main([*words, str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert [Path(line).name for line in said.out.splitlines()] == [
        "exam_3_t2_tse_zoom.nii.gz",
        "exam_4_flair_zoom.nii.gz",
    ]
    assert "exam_1_localizer is a single slice; left out" in said.err
    assert main([*words, str(tmp_path / "out.nii.gz")]) == 1
    assert "one file for 2 scans; give a folder" in capsys.readouterr().err


def test_series_with_a_missing_image_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    skip_without_dcm2niix()
    series(tmp_path / "exam" / "a", thick(), 3, "t2_tse")
    sorted((tmp_path / "exam" / "a").iterdir())[4].unlink()
    words = ["--n", "1", "--method", "linear", "-q", "-o"]
    assert main([str(tmp_path / "exam" / "a"), *words, str(tmp_path / "out.nii.gz")]) == 1
    assert "a_3_t2_tse: its slices are not evenly spaced" in capsys.readouterr().err
    series(tmp_path / "exam" / "b", thick(seed=4), 4, "flair")
    assert main([str(tmp_path / "exam"), *words, str(tmp_path / "out.nii.gz")]) == 0
    assert "exam_3_t2_tse: its slices are not evenly spaced" in capsys.readouterr().err
    assert "flair" in (tmp_path / "out.json").read_text()


def test_voxels_equal_those_of_the_dicom_files(tmp_path: Path) -> None:
    skip_without_dcm2niix()
    series(tmp_path / "exam", thick())
    assert main([str(tmp_path / "exam"), "--n", "0", "--profile", "point", "-o", str(tmp_path / "o.nii")]) == 0
    found = nib.as_closest_canonical(nib.load(tmp_path / "o.nii"))
    # DICOM: columns grow to the patient's left, rows to the back
    np.testing.assert_array_equal(np.asarray(found.dataobj), thick().swapaxes(0, 1)[::-1, ::-1])


def test_single_dicom_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    series(tmp_path / "exam", thick()[..., :2])
    one = min((tmp_path / "exam").iterdir())
    assert main([str(one), "--n", "1", "-o", str(tmp_path / "o.nii")]) == 1
    assert "a DICOM file, which is one slice; give the folder" in capsys.readouterr().err


def test_missing_dcm2niix_is_refused_with_the_install_command(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    series(tmp_path / "exam", thick()[..., :2])
    monkeypatch.setattr(dicom, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert main([str(tmp_path / "exam"), "--n", "1", "-o", str(tmp_path / "o.nii")]) == 1
    assert "pip install dcm2niix" in capsys.readouterr().err


def test_damaged_dicom_files_are_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    skip_without_dcm2niix()
    (tmp_path / "exam").mkdir()
    (tmp_path / "exam" / "IM1").write_bytes(bytes(128) + b"DICM" + bytes(100))
    assert main([str(tmp_path / "exam"), "--n", "1", "-o", str(tmp_path / "o.nii")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"mri-zoom: {tmp_path}/exam: dcm2niix makes no volume of its DICOM files (")
    assert said.count("\n") == 1


def test_folder_without_scans_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert main([str(tmp_path), "--n", "1", "-o", str(tmp_path / "o")]) == 1
    assert "no scan in it; give images" in capsys.readouterr().err
