"""The page shows the facts, and is self-contained."""

import base64
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from zoom_scans import OBLIQUE, orientations, stored, thick

from zoom.choice import Choice
from zoom.mismatch import contrast, trained_on, warnings
from zoom.page import agreement
from zoom.pictures import Field, cuts, views, where
from zoom.scan import load, open_scan
from zoom.weight_files import WeightFile


def visible_text(page: str) -> str:
    """The visible text of the page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", re.sub(r"<(style|script).*?</\1>", "", page, flags=re.S)))


def test_page_is_self_contained_and_states_what_was_done(save: Callable, run: Callable, tmp_path: Path) -> None:
    run(save(name="my <scan>.nii.gz"), n=1)
    page = (tmp_path / "out.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!data:)|url\(|@import|https?://(?!www\.w3\.org)""", page)
    assert "my &lt;scan&gt;.nii.gz" in page
    seen = visible_text(page)
    for words in (
        "Not for diagnosis",
        "It adds no detail",
        "differs from the scan by at most 0 (0 %)",
        "axial (as scanned): slice 3 of 9, I 13.1 mm",
        "no correction was needed",
        "Not measured",
    ):
        assert words in seen
    assert page.count('<span class="place"') == 30  # five places of three views: pictures, and where they are
    assert page.count("plain interpolation") > 15
    first = re.search(r'src="data:image/png;base64,([^"]+)" alt="axial, scan"', page)
    assert first is not None
    assert Image.open(io.BytesIO(base64.b64decode(first[1]))).size[0] > 100


def test_page_of_a_trained_method_states_training_data_and_differences(
    save: Callable, run: Callable, tmp_path: Path, weights: Path
) -> None:
    run(save(name="patient_FLAIR.nii.gz"), n=1, weights=(str(weights),), consistency=False)
    seen = visible_text((tmp_path / "out.html").read_text())
    assert "The weights were trained on phantom T1 (cohort toy, fold 1)." in seen
    assert "Differences between this scan and the method's training data" in seen
    assert "a FLAIR scan; the weights were trained only on T1" in seen
    assert "The scan&#39;s slices are 4.96 mm apart, those of the training data 1.00 mm" in seen
    assert "Data consistency was switched off" in seen


@pytest.mark.parametrize("slices", [2, 9])
def test_slice_beyond_the_output_is_not_shown_as_a_difference(
    save: Callable, run: Callable, tmp_path: Path, slices: int
) -> None:
    data = np.full((20, 24, slices), 800, np.int16)
    data[4:, 4:] = 900  # so that a missing comparison of the last slice would be visible
    _, about = run(save(data), zoom=1.4)
    assert about["Zoom"]["LastSliceBeyond"] > 0
    page = (tmp_path / "out.html").read_text()
    assert 'The output, averaged back, minus the scan</h3>\n<p class="soft">No visible difference' in page


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("OASIS T1", "T1"),
        ("sub-01_acq-tse_T2w", "T2"),
        ("OpenNeuro ds004199 FLAIR", "FLAIR"),
        ("patient01-study2_T1w", "T1"),
        ("brats_t1ce BraTS", "T1 with contrast agent"),
        ("t2_flair", "FLAIR"),
        ("at10:30 st1ll", None),
        ("IXI002-Guys-0828-PD", "PD"),
    ],
)
def test_contrast_is_recognised_by_name(text: str, wanted: str | None) -> None:
    assert contrast(text) == wanted


def choice_with(**metadata: object) -> Choice:
    return Choice("ours", "ours", "ours", ("ldm",), {}, (WeightFile(Path("ldm"), ("ldm",), "0", metadata),))


def test_warnings_only_for_unlike_scans(save: Callable) -> None:
    scan = open_scan(save(affine=np.diag([0.9, 0.9, 1.1, 1.0]), name="x_T1w.nii.gz"))
    flat = np.full(64, 1 / 64)
    seen = {
        "subjects": 9,
        "plane": "axial",
        "frame": [256, 256],
        "spacing": [1.0, 1.0, 1.0],
        "histogram": flat.tolist(),
        "histogram_spread": 0.02,
    }
    own = choice_with(cohort="oasis", fold="1", trained_on=seen)
    cohorts = {"oasis": {"label": "OASIS T1"}}
    assert warnings(own, cohorts, scan, flat, coarsened=True) == []
    bright = np.zeros(64)
    bright[60] = 1
    (warning,) = warnings(own, cohorts, scan, bright, coarsened=True)
    assert "grey values" in warning
    (warning,) = warnings(own, cohorts, scan, flat, coarsened=False)
    assert "voxels of 0.90 mm in plane; in training, 4.00 mm" in warning
    assert "9 subjects; axial slices 1 mm apart" in " ".join(trained_on(own, cohorts))


def test_rectangular_voxels_are_warned_of_for_weights_of_any_slice_distance(save: Callable) -> None:
    flat = np.full(64, 1 / 64)
    seen = {"spacing": [1.0, 1.0, 1.0], "histogram": flat.tolist(), "histogram_spread": 0.02}
    for rows, wanted in ((0.9, 0), (1.9, 1)):
        scan = open_scan(save(affine=np.diag([0.9, rows, 4.0, 1.0])))
        own = replace(choice_with(trained_on=seen), file="slab")
        found = warnings(own, {}, scan, flat, coarsened=False)
        assert [sentence for sentence in found if "square voxels" in sentence] == found
        assert len(found) == wanted


def test_weights_without_training_metadata_are_reported(save: Callable) -> None:
    scan = open_scan(save())
    assert "It is unknown whether" in warnings(choice_with(), {}, scan, np.zeros(64), coarsened=True)[0]
    assert "do not state" in trained_on(choice_with(), {})[0]


def test_pictures_are_upright_for_every_stored_orientation(tmp_path: Path) -> None:
    """Superior is up in coronal and sagittal pictures, anterior in axial ones; the patient's right is on the left."""
    data = np.zeros((12, 16, 8), np.int16)
    data[9:, :, 6:] = 10  # right and up
    data[:, 12:, :2] = 20  # front and down
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    for orientation in list(orientations())[::7]:
        path = tmp_path / "scan.nii.gz"
        nib.save(nib.Nifti1Image(*stored(data, affine, orientation)), path)
        scan = open_scan(path)
        found = cuts(
            Field(load(scan, 0, tmp_path), np.arange(8.0), 1), views(scan.plane, scan.upright, scan.upright_spacing)
        )
        coronal, sagittal = found["coronal"][0], found["sagittal"][0]
        assert coronal[2, 2] == 10
        assert coronal[2, -3] == coronal[-3, 2] == 0
        assert sagittal[-3, -3] == 20
        assert sagittal[-3, 3] == 0
        assert np.isfinite(coronal).all()
    assert coronal.shape[0] / coronal.shape[1] == pytest.approx(40 / 24, rel=0.02)


def test_picture_is_nan_outside_the_output(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(thick(), OBLIQUE), path)
    scan = open_scan(path)
    wanted = views(scan.plane, scan.upright, scan.upright_spacing)
    field = Field(load(scan, 0, tmp_path), np.arange(9) / 2, 1)  # half as long as the scan
    picture = cuts(field, wanted)["coronal"][2]
    assert np.isnan(picture).any(axis=1).mean() == pytest.approx(0.5, abs=0.1)


def test_slice_numbers_and_millimetres_are_those_of_the_scan(tmp_path: Path) -> None:
    """For every stored orientation, a place's slice number is the file's and its millimetres are the same."""
    places = []
    for orientation in list(orientations())[::5]:
        path = tmp_path / "scan.nii.gz"
        nib.save(nib.Nifti1Image(*stored(thick(), OBLIQUE, orientation)), path)
        scan = open_scan(path)
        for view in views(scan.plane, scan.upright, scan.upright_spacing):
            number, of = map(int, re.findall(r"slice (\d+) of (\d+)", where(view, scan)[0])[0])
            axis = scan.shape.index(of)  # the three sides differ
            voxel = (np.array(scan.shape) - 1) / 2
            voxel[axis] = number - 1
            direction = ("sagittal", "coronal", "axial").index(view.plane)
            mm = float((scan.affine @ [*voxel, 1])[direction])
            assert where(view, scan)[0].endswith(f"{('RL', 'AP', 'SI')[direction][mm < 0]} {abs(mm):.1f} mm")
        places.append(where(view, scan)[2].split(", ")[1])
    assert len(set(places)) == 1


@pytest.mark.parametrize(
    ("alone", "added", "weights", "above", "words"),
    [
        (0.0, 0.0, [], 0, "no correction was needed"),
        (0.1, 381.0, ["w"], 12, "only restored the 12 voxels of the scan that are brighter than 645"),
        (50.0, 60.0, [], 0, "from the scan by 5 r.m.s.; the correction changed the output by 6"),
        (50.0, 60.0, ["w"], 12, "6 r.m.s., and restored the 12 voxels"),
    ],
)
def test_sentence_about_the_correction(alone: float, added: float, weights: list, above: int, words: str) -> None:
    volume = {
        "GreyScale": [0.0, 645.0],
        "MethodAlone": {"Largest": alone, "RMS": alone / 10},
        "Added": {"Largest": added, "RMS": added / 10},
    }
    zoom = {"DataConsistency": True, "Tolerance": 0.6, "Weights": weights, "Volumes": [volume]}
    assert words in agreement(zoom, above)
    assert ".." not in agreement(zoom, above)
    assert agreement(zoom | {"DataConsistency": False}, above) == ""
