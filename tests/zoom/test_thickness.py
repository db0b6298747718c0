"""The assumed thickness of a slice, and its source."""

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from zoom_scans import thick

from benchmark.errors import UserError
from zoom.scan import open_scan
from zoom.thickness import Thickness, thickness

CLINICAL = np.diag([1.0, 1.0, 5.0, 1.0])
ISOTROPIC = np.diag([1.0, 1.0, 1.2, 1.0])


def thickness_of(path: Path, wanted: float | str = "auto", profile: str = "auto", spacing: float = 1.0) -> Thickness:
    return thickness(open_scan(path, 2), wanted, profile, spacing)


def save(path: Path, affine: np.ndarray = CLINICAL, **sidecar: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(thick(), affine), path)
    if sidecar:
        path.with_name(path.name.removesuffix(".nii.gz") + ".json").write_text(json.dumps(sidecar), encoding="utf-8")
    return path


def test_without_a_sidecar_thickness_is_the_slice_spacing(tmp_path: Path) -> None:
    answer = thickness_of(save(tmp_path / "scan.nii.gz"))
    assert (answer.mm, answer.profile, answer.slices) == (5.0, "box", 1.0)
    assert "2-D" in answer.source


def test_thickness_is_read_from_the_sidecar(tmp_path: Path) -> None:
    answer = thickness_of(save(tmp_path / "scan.nii.gz", SliceThickness=4, SpacingBetweenSlices=5))
    assert (answer.mm, answer.profile, answer.source) == (4.0, "box", "SliceThickness in scan.json")
    assert answer.warnings == ()


@pytest.mark.parametrize("sidecar", [{"SliceThickness": 1}, {"SliceThickness": 0.9}])
def test_thin_slices_with_gaps_are_points(tmp_path: Path, sidecar: dict) -> None:
    assert thickness_of(save(tmp_path / "scan.nii.gz", **sidecar)).profile == "point"


def test_nearly_isotropic_voxels_are_points(tmp_path: Path) -> None:
    answer = thickness_of(save(tmp_path / "scan.nii.gz", ISOTROPIC), spacing=0.6)
    assert (round(answer.mm, 6), answer.profile) == (1.2, "point")
    assert thickness_of(save(tmp_path / "scan.nii.gz", ISOTROPIC), 1.2, spacing=0.6).profile == "box"


def test_sidecar_of_a_scan_with_nearly_isotropic_voxels_is_not_used(tmp_path: Path) -> None:
    answer = thickness_of(save(tmp_path / "scan.nii.gz", ISOTROPIC, SliceThickness=2), spacing=0.6)
    assert (round(answer.mm, 6), answer.source) == (1.2, "the size of its voxels")


@pytest.mark.parametrize("stated", [0, -4, "4", True, None, [4]])
def test_thickness_that_is_no_positive_number_is_not_used(tmp_path: Path, stated: object) -> None:
    assert thickness_of(save(tmp_path / "scan.nii.gz", SliceThickness=stated)).mm == 5


@pytest.mark.parametrize(("stated", "used"), [(10, 10), (10.01, 5)])
def test_stated_thickness_of_up_to_twice_the_spacing_is_used(tmp_path: Path, stated: float, used: float) -> None:
    answer = thickness_of(save(tmp_path / "scan.nii.gz", SliceThickness=stated))
    assert answer.mm == used
    assert bool(answer.warnings) == (used != stated)


def test_given_thickness_overrides_the_sidecar(tmp_path: Path) -> None:
    answer = thickness_of(save(tmp_path / "scan.nii.gz", SliceThickness=4), 3.0, "box")
    assert (answer.mm, answer.profile, answer.source, answer.profile_source) == (
        3.0,
        "box",
        "as given",
        "as given",
    )
    assert thickness_of(tmp_path / "scan.nii.gz", "3.5").mm == 3.5


@pytest.mark.parametrize("where", ["T2w.json", "sub-01/sub-01_T2w.json", "sub-01/anat/sub-01_acq-tse_T2w.json"])
def test_bids_sidecars_are_inherited(tmp_path: Path, where: str) -> None:
    scan = save(tmp_path / "sub-01/anat/sub-01_acq-tse_run-1_T2w.nii.gz")
    (tmp_path / "sub-01/anat/sub-01_acq-other_T2w.json").write_text('{"SliceThickness": 2}', encoding="utf-8")
    (tmp_path / "T1w.json").write_text('{"SliceThickness": 2.5}', encoding="utf-8")
    (tmp_path / where).write_text('{"SliceThickness": 4.5}', encoding="utf-8")
    answer = thickness_of(scan)
    assert (answer.mm, answer.source) == (4.5, f"SliceThickness in {Path(where).name}")
    save(scan, SliceThickness=3)
    assert thickness_of(scan).mm == 3


def test_sidecar_that_contradicts_the_scan_gives_a_warning(tmp_path: Path) -> None:
    answer = thickness_of(save(tmp_path / "scan.nii.gz", SliceThickness=4, SpacingBetweenSlices=4.4))
    assert answer.mm == 4
    assert "4.4 mm apart" in answer.warnings[0]
    answer = thickness_of(save(tmp_path / "scan.nii.gz", SliceThickness=40))
    assert answer.mm == 5
    assert "40 mm thick" in answer.warnings[0]


@pytest.mark.parametrize("wanted", [0, -1, float("nan"), float("inf"), "thick", 10.1])
def test_impossible_thickness_is_refused(tmp_path: Path, wanted: float | str) -> None:
    with pytest.raises(UserError, match=r"scan.nii.gz: thickness = "):
        thickness_of(save(tmp_path / "scan.nii.gz"), wanted)


def test_broken_sidecar_is_refused_unless_thickness_is_given(tmp_path: Path) -> None:
    scan = save(tmp_path / "scan.nii.gz", SliceThickness=4)
    (tmp_path / "scan.json").write_bytes(b"{ \xff")
    with pytest.raises(UserError, match=r"scan.json: its text is not UTF-8"):
        thickness_of(scan)
    assert thickness_of(scan, 5.0).mm == 5


def test_page_and_json_state_thickness_and_whether_known_slices_are_unchanged(
    config: dict, run: Callable, tmp_path: Path
) -> None:
    config["zoom"].pop("profile")
    scan = save(tmp_path / "scan.nii.gz", SliceThickness=4)
    image, about = run(scan, spacing=1.0, method="spline", profile="auto")
    answer = about["Zoom"]
    assert (answer["SliceThickness"], answer["Profile"], answer["KnownSlicesShown"]) == (
        4.0,
        "box",
        False,
    )
    assert answer["Volumes"][0]["AveragedBack"]["RMS"] < 1
    known, shown = np.asarray(nib.load(scan).dataobj), np.asarray(image.dataobj)[..., ::5]
    assert np.abs(shown - known).max() > 30
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "4 mm thick (SliceThickness in scan.json)" in page
    assert "<b>not</b> equal to the scan's slice" in page
    _, about = run(scan, spacing=1.0, method="spline", thickness=1.0, profile="auto")
    assert about["Zoom"]["KnownSlicesShown"]
    assert "slices of the scan unchanged" in (tmp_path / "out.html").read_text(encoding="utf-8")
