"""BIDS in, valid BIDS derivatives out."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bids_data import dataset, issues, save
from zoom_scans import refused, thick

from zoom.dataset import register
from zoom.metadata import carried, skull_stripped, stated
from zoom.names import find_bids, names, relative_name, resolution
from zoom.request import request
from zoom.run import zoom


@pytest.fixture
def zoomed(config: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Zooms a scan into a folder and returns its report."""

    def call(scan: Path, folder: Path, **given: Any) -> dict[str, Any]:
        return zoom(request(config, scan, folder, **{"n": 1, **given}), config, lambda line: None)

    return call


def test_derivatives_pass_the_official_validator(tmp_path: Path, zoomed: Callable, weights: Path) -> None:
    """Two source datasets into one folder, a series, in-plane zoom and a map of the spread."""
    out = tmp_path / "derivatives" / "zoom"
    first = dataset(tmp_path / "raw", Authors=["A. One"], License="CC0")
    other = dataset(tmp_path / "other", ("09",))
    for scan in (first[0], first[-1], *[scan for scan in first + other if "bold" in scan.name]):
        zoomed(scan, out)
    zoomed(first[1], out, in_plane=4, method="spline")
    zoomed(first[1], out, weights=(str(weights),), uncertainty=2)
    assert len(list(out.rglob("*.nii.gz"))) == 7
    assert issues(out) == []
    (out / ".bidsignore").unlink()
    assert {(severity, code) for severity, code, *_ in issues(out)} == {("error", "ALL_FILENAME_RULES_HAVE_ISSUES")}


@pytest.mark.parametrize(
    ("resolution_arguments", "label"),
    [
        ({"n": 4}, "5x"),
        ({"n": 0}, "1x"),
        ({"zoom": 2.5}, "2p5x"),
        ({"spacing": 1.0}, "1mm"),
        ({"spacing": 0.75, "in_plane": 4}, "0p75mm4x4"),
    ],
)
def test_resolution_label_is_derived_from_the_request(resolution_arguments: dict, label: str) -> None:
    assert (
        resolution(
            *(resolution_arguments.get(key) for key in ("n", "zoom", "spacing")),
            resolution_arguments.get("in_plane", 1),
        )
        == label
    )


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("sub-1_T1w", "sub-1_res-5x_desc-zoom_T1w"),
        ("sub-1_task-rest_space-MNI_res-2_desc-preproc_bold", "sub-1_task-rest_space-MNI_res-5x_desc-zoom_bold"),
        ("sub-1_space-T1w_den-32k_T1w", "sub-1_space-T1w_res-5x_den-32k_desc-zoom_T1w"),
    ],
)
def test_entities_are_in_the_order_of_the_specification(name: str, wanted: str) -> None:
    assert relative_name(Path(f"x/sub-1/anat/{name}.nii.gz"), "5x") == Path(f"sub-1/anat/{wanted}.nii.gz")


def test_metadata_still_valid_is_copied_to_the_output(tmp_path: Path, zoomed: Callable) -> None:
    scans = {scan.name: scan for scan in dataset(tmp_path / "raw")}
    about = zoomed(scans["sub-01_ses-a_T1w.nii.gz"], tmp_path / "out")
    wanted = {"RepetitionTime": 2.3, "EchoTime": 0.003, "MagneticFieldStrength": 3, "Manufacturer": "Siemens"}
    assert {key: about.get(key) for key in wanted} == wanted
    assert about["SpacingBetweenSlices"] == 1.5
    assert not {"SliceThickness", "PatientName"} & about.keys()
    assert (about["Zoom"]["SliceThickness"], about["Zoom"]["SliceThicknessFrom"]) == (2.7, "SliceThickness in T1w.json")
    assert about["Resolution"] == "Slices 1.5 mm apart: 1 new slice in each gap; in plane as the source"
    series = zoomed(scans["sub-01_ses-a_task-rest_bold.nii.gz"], tmp_path / "out")
    assert (series["TaskName"], series["RepetitionTime"]) == ("rest", 2.0)
    assert "SliceTiming" not in series


def test_metadata_no_longer_valid_is_left_out() -> None:
    said = {
        "EchoTime": 0.03,
        "EffectiveEchoSpacing": 0.0005,
        "PatientPosition": "HFS",
        "PatientBirthDate": "19700101",
        "SeriesInstanceUID": "1.2.3",
        "IntendedFor": "bids::sub-1/func/x.nii.gz",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "SpatialReference": {"VolumeReference": "bids::sub-1/anat/x.nii.gz"},
        "Odd": [1.0, {"value": float("nan")}],
        "SliceEncodingDirection": "k",
    }
    kept = carried(said, 1, "raw")
    assert kept == {
        "EchoTime": 0.03,
        "EffectiveEchoSpacing": 0.0005,
        "PatientPosition": "HFS",
        "SpatialReference": {"VolumeReference": "bids:raw:sub-1/anat/x.nii.gz"},
    }
    assert "EffectiveEchoSpacing" not in carried(said, 4, "raw")


@pytest.mark.parametrize(
    ("said", "wanted"), [({}, False), ({"SkullStripped": True}, True), ({"SkullStripped": 1}, False)]
)
def test_skull_stripped_is_true_only_if_the_sidecar_says_true(said: dict, wanted: bool) -> None:
    found, why = skull_stripped(said)
    assert found is wanted
    assert why.startswith("the scan's sidecar" if wanted else "not stated")


def test_unreadable_sidecar_is_reported(tmp_path: Path) -> None:
    scan = tmp_path / "scan.nii.gz"
    save(scan, thick())
    (tmp_path / "scan.json").write_text('{"EchoTime": ')
    said, lost = stated(scan)
    assert said == {}
    assert lost == ["scan.json cannot be read as JSON, so its content was not copied."]


def test_each_source_dataset_has_a_separate_link(tmp_path: Path, zoomed: Callable) -> None:
    out = tmp_path / "out"
    roots = [tmp_path / "a" / "raw", tmp_path / "b" / "raw", tmp_path / "my data!"]
    sources = []
    for number, root in enumerate(roots, 1):
        scan = dataset(root, (f"{number}",), Authors=[f"Author {number}"], License=f"L{min(number, 2)}")[0]
        sources += [(zoomed(scan, out)["Sources"][0], scan), (zoomed(scan, out, n=2)["Sources"][0], scan)]
    about = json.loads((out / "dataset_description.json").read_text())
    assert list(about["DatasetLinks"]) == ["raw", "raw2", "mydata"]
    for uri, scan in sources:
        _, link, path = uri.split(":")
        assert (out / about["DatasetLinks"][link] / path).resolve() == scan.resolve()
    assert [one["URL"] for one in about["SourceDatasets"]] == list(about["DatasetLinks"].values())
    assert about["Authors"] == ["Author 1", "Author 2", "Author 3"]
    assert about["License"] == "L1; raw2: L2; mydata: L2"


def test_concurrent_registration_keeps_all_links(tmp_path: Path) -> None:
    scans = [tmp_path / f"{i}" / "raw" / "sub-1" / "anat" / "sub-1_T1w.nii.gz" for i in range(12)]
    found = [names(scan, tmp_path / "out", "2x") for scan in scans]
    with ThreadPoolExecutor(12) as pool:
        links = list(pool.map(register, found))
    about = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert len(set(links)) == 12
    for link, scan in zip(links, scans, strict=True):
        bids = find_bids(scan)
        assert bids is not None
        assert (tmp_path / "out" / about["DatasetLinks"][link]).resolve() == bids.root


def test_bval_and_bvec_files_are_copied(tmp_path: Path, zoomed: Callable, config: dict) -> None:
    dataset(tmp_path / "raw", License="CC0")
    scan = tmp_path / "raw/sub-01/dwi/sub-01_dwi.nii.gz"
    save(scan, np.stack([thick(), thick(seed=4)], axis=3))
    (tmp_path / "raw/dwi.bval").write_text("0 1000\n")
    scan.with_name("sub-01_dwi.bvec").write_text("0 1\n0 0\n0 0\n")
    for n in (1, 2):  # they share the files
        zoomed(scan, tmp_path / "out", n=n)
    made = tmp_path / "out/sub-01/dwi/sub-01_dwi.bval"
    assert made.read_text() == "0 1000\n"
    assert made.with_suffix(".bvec").read_text() == "0 1\n0 0\n0 0\n"
    assert issues(tmp_path / "out") == []
    (tmp_path / "out.bval").write_text("mine")
    assert "out.bval: exists already" in refused(config, scan, tmp_path / "out.nii.gz")


def test_existing_readme_bidsignore_and_description_are_kept(tmp_path: Path, zoomed: Callable) -> None:
    scan = dataset(tmp_path / "raw")[0]
    out = tmp_path / "out"
    out.mkdir()
    (out / "README").write_text("mine")
    (out / ".bidsignore").write_text("*.log")
    (out / "dataset_description.json").write_text('{"Name": "mine", "DatasetType": "derivative", "Funding": ["x"]}')
    zoomed(scan, out)
    assert (out / "README").read_text() == "mine"
    assert not (out / "README.md").exists()
    assert (out / ".bidsignore").read_text() == "*.log\n*.html\n"
    about = json.loads((out / "dataset_description.json").read_text())
    assert (about["Name"], about["Funding"], about["DatasetLinks"]) == ("mine", ["x"], {"raw": "../raw"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"Name": "x"}', "a raw BIDS dataset"),
        ('{"DatasetType": "raw"}', "a raw BIDS dataset"),
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"DatasetType": "derivative", "DatasetLinks": []}', "DatasetLinks must be an object"),
    ],
)
def test_output_folder_that_is_no_derivatives_dataset_is_refused(
    tmp_path: Path, config: dict, text: str, said: str
) -> None:
    scan = dataset(tmp_path / "raw")[0]
    out = tmp_path / "out"
    out.mkdir()
    (out / "dataset_description.json").write_text(text)
    assert said in refused(config, scan, out)


def test_broken_source_description_is_refused_before_anything_is_written(tmp_path: Path, config: dict) -> None:
    scan = dataset(tmp_path / "raw")[0]
    (tmp_path / "raw" / "dataset_description.json").write_text("{")
    said = refused(config, scan, tmp_path / "out")
    assert "raw/dataset_description.json: not JSON" in said


def test_raw_dataset_as_output_is_refused(tmp_path: Path, config: dict, zoomed: Callable) -> None:
    scan = dataset(tmp_path / "raw")[0]
    assert "a raw BIDS dataset" in refused(config, scan, tmp_path / "raw")
    (tmp_path / "raw" / "dataset_description.json").write_text('{"Name": "d", "DatasetType": "derivative"}')
    about = zoomed(scan, tmp_path / "raw")
    assert about["Sources"] == [str(scan)]
    assert json.loads((tmp_path / "raw" / "dataset_description.json").read_text()).keys() == {"Name", "DatasetType"}
