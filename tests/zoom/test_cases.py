"""Scans from public problem reports: each gives the right position and numbers, or is refused with one line."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from odd_scans import afni, analyze, nifti, patched, two_forms, wrong_checksum
from zoom_scans import OBLIQUE, refused, thick

from models.methods.quartet import Method
from zoom import run as zoom_run
from zoom.scan import OpenScan

NAN = float("nan")


def displacement(scan: Path, output: nib.Nifti1Image, form: str, step: np.ndarray) -> float:
    """Largest distance (mm) between a corner of the output by its own affine and by the scan's."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(output.shape[:3]) - 1)
    off = getattr(nib.load(scan), f"get_{form}")() @ step - getattr(output, f"get_{form}")()
    return float(np.linalg.norm(corners @ off[:3, :3].T + off[:3, 3], axis=1).max())


def grid_step(about: dict) -> np.ndarray:
    step = np.eye(4)
    step[about["Zoom"]["SliceAxis"], about["Zoom"]["SliceAxis"]] = 0.5
    return step


@pytest.mark.parametrize("axes_permuted", [False, True])
def test_sform_and_qform_both_place_the_output_at_the_scans_position(
    run: Callable, tmp_path: Path, axes_permuted: bool
) -> None:
    scan = two_forms(tmp_path / "scan.nii.gz", axes_permuted=axes_permuted)
    found, about = run(scan, n=1)
    for form in ("sform", "qform"):
        assert displacement(scan, found, form, grid_step(about)) < 1e-3
    assert "disagree" in about["Zoom"]["ScanWarnings"][0]
    assert "disagree" in (tmp_path / "out.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("axes_permuted", [False, True])
def test_itk_reads_the_output_at_the_scans_position(run: Callable, tmp_path: Path, axes_permuted: bool) -> None:
    sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed: ITK's reading is not compared")
    scan = two_forms(tmp_path / "scan.nii.gz", axes_permuted=axes_permuted)
    _, about = run(scan, n=1)
    axis = about["Zoom"]["SliceAxis"]
    before, after = sitk.ReadImage(str(scan)), sitk.ReadImage(str(tmp_path / "out.nii.gz"))
    for corner in np.ndindex(2, 2, 2):
        old = [float(c * (n - 1)) for c, n in zip(corner, before.GetSize(), strict=True)]
        new = [2 * value if i == axis else value for i, value in enumerate(old)]
        places = [
            np.array(image.TransformContinuousIndexToPhysicalPoint(at)) for image, at in ((before, old), (after, new))
        ]
        assert np.linalg.norm(places[0] - places[1]) < 1e-3


@pytest.mark.parametrize(
    "fields",
    [
        {"quatern": (0.6, 0.8, 0.0006)},
        {"codes": (0, 1), "quatern": (NAN,) * 3},
        {"codes": (0, 1), "qoffset": (NAN,) * 3},
        {"codes": (1, 0), "srow": (NAN,) * 12},
    ],
)
def test_valid_affine_is_used_where_the_other_is_broken(run: Callable, tmp_path: Path, fields: dict) -> None:
    found, about = run(patched(tmp_path / "scan.nii", **fields), n=1)
    np.testing.assert_allclose(found.affine, nifti().get_qform() @ grid_step(about), atol=1e-3)
    assert np.isfinite(found.get_qform()).all()


@pytest.mark.parametrize(("unit", "scale"), [(3, 1000.0), (1, 0.001)])
def test_scans_in_metres_or_micrometres_give_millimetres(
    run: Callable, tmp_path: Path, unit: int, scale: float
) -> None:
    image = nifti(affine=np.diag([scale, scale, scale, 1.0]) @ OBLIQUE)
    found, about = run(patched(tmp_path / "scan.nii", image, xyzt_units=unit), spacing=2.0)
    assert found.header.get_xyzt_units()[0] == "mm"
    assert about["Zoom"]["ScanSpacing"][2] == pytest.approx(4.959, abs=1e-3)
    assert found.header.get_zooms()[2] == pytest.approx(2.0, abs=1e-4)


def test_wrong_gzip_checksum_is_refused(config: dict, tmp_path: Path) -> None:
    scan = wrong_checksum(tmp_path / "scan.nii.gz")
    assert "get it again" in refused(config, scan, tmp_path / "out.nii.gz")


@pytest.mark.parametrize("fill", [-(2**31), -np.finfo(np.float32).max])
def test_fill_value_is_refused_by_name(config: dict, tmp_path: Path, fill: float) -> None:
    data = thick().astype(np.float32 if abs(fill) > 1e30 else np.int32)
    data[:3] = fill
    nib.save(nifti(data), tmp_path / "scan.nii.gz")
    assert "a fill value" in refused(config, tmp_path / "scan.nii.gz", tmp_path / "out.nii.gz")


@pytest.mark.parametrize(
    "name", ["scan_dseg.nii.gz", "BraTS_00001_seg.nii.gz", "sub-1_label-L_mask.nii.gz", "seg.nii.gz", "scan.nii"]
)
def test_label_map_as_scan_is_refused(config: dict, tmp_path: Path, name: str) -> None:
    image = nifti(np.rint(thick() / 500).astype(np.int16))
    if name == "scan.nii":
        image.header["intent_code"] = 1002
    nib.save(image, tmp_path / name)
    assert "a label map" in refused(config, tmp_path / name, tmp_path / "out.nii.gz")


def test_afni_extension_is_dropped_and_reported(run: Callable, tmp_path: Path) -> None:
    found, about = run(afni(tmp_path / "scan.nii.gz"), n=1)
    assert len(found.header.extensions) == 0
    assert "left out of the output: AFNI" in about["Zoom"]["ScanWarnings"][0]


@pytest.mark.parametrize("kind", [np.int32, np.uint32, np.int64])
def test_integers_beyond_float32_precision_are_reported_with_their_error(
    run: Callable, tmp_path: Path, kind: type
) -> None:
    data = thick().astype(kind) * 14_001 + 7
    nib.save(nib.Nifti1Image(data, OBLIQUE, dtype=kind), tmp_path / "scan.nii.gz")
    found, about = run(tmp_path / "scan.nii.gz", n=1)
    off = np.abs(np.asarray(found.dataobj)[..., ::2].astype(float) - data).max()
    said = about["Zoom"]["Volumes"][0]["AveragedBack"]["Largest"]
    assert 0 < off <= said == 4
    assert "rounded by up to 4" in about["Zoom"]["ScanWarnings"][0]
    assert run(nifti_of(tmp_path, (thick().astype(kind) * 6_001)), n=1)[1]["Zoom"]["ScanWarnings"] == []


def nifti_of(folder: Path, data: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(data, OBLIQUE, dtype=data.dtype), folder / "small.nii.gz")
    return folder / "small.nii.gz"


@pytest.mark.parametrize(("orient", "plane"), [(2, "sagittal"), (1, "coronal"), (0, "axial")])
def test_analyze_orientation_follows_the_orient_byte_or_the_option(
    run: Callable, tmp_path: Path, orient: int, plane: str
) -> None:
    found, about = run(analyze(tmp_path / "scan.img", orient), n=1)
    assert about["Zoom"]["Plane"] == plane
    assert (int(found.header["sform_code"]), int(found.header["qform_code"])) == (2, 2)
    assert "orient byte" in about["Zoom"]["ScanWarnings"][0] or orient == 0
    found, about = run(tmp_path / "scan.img", n=1, orientation="ASL")
    assert about["Zoom"]["Plane"] == "sagittal"
    assert nib.aff2axcodes(found.affine) == ("A", "S", "L")
    assert about["Zoom"]["ScanWarnings"] == []


@pytest.mark.parametrize("name", ["OUT.NII.GZ", "OUT.NII", "OUT.MGZ"])
def test_output_suffix_in_capitals_is_accepted(run: Callable, save: Callable, tmp_path: Path, name: str) -> None:
    found, _ = run(save(), name, n=1)
    assert (tmp_path / name).is_file()
    assert (tmp_path / name).with_name(name.split(".")[0] + ".json").is_file()
    np.testing.assert_array_equal(np.asarray(found.dataobj)[..., ::2], thick())


def test_json_report_has_no_nan(run: Callable, save: Callable, tmp_path: Path) -> None:
    run(save(), n=1)
    json.loads((tmp_path / "out.json").read_text(encoding="utf-8"), parse_constant=lambda word: pytest.fail(word))


def test_scan_replaced_during_the_run_does_not_change_the_result(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, other = tmp_path / "scan.nii.gz", tmp_path / "other.nii.gz"
    nib.save(nifti(), scan)
    nib.save(nifti(thick(seed=9)), other)
    digest, survey = hashlib.sha256(scan.read_bytes()).hexdigest(), zoom_run.survey

    def surveyed(scan_opened: OpenScan) -> list:
        if other.exists():
            os.replace(other, scan)
        return survey(scan_opened)

    monkeypatch.setattr(zoom_run, "survey", surveyed)
    found, about = run(scan, n=1)
    np.testing.assert_array_equal(np.asarray(found.dataobj)[..., ::2], thick())
    assert about["Zoom"]["SourceSHA256"] == digest != hashlib.sha256(scan.read_bytes()).hexdigest()


def test_nan_from_a_network_is_refused(
    config: dict, save: Callable, tmp_path: Path, quartets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = Method.stream

    def broken(self: Method, *args: object) -> Iterator[np.ndarray]:
        for block in restore(self, *args):
            yield np.where(block > 0.9, np.nan, block)

    monkeypatch.setattr(Method, "stream", broken)
    weights = (str(quartets / "quartet_full.safetensors"),)
    assert "NaN or infinite" in refused(config, save(), tmp_path / "out.nii.gz", weights=weights)
