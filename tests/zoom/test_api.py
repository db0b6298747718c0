"""``from mri_zoom import zoom``: the command's own function, for images in memory."""

import inspect
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from zoom_scans import thick

import mri_zoom
from mri_zoom import UserError, zoom
from zoom.cli import main, parser

DOCS = Path(__file__).parents[2] / "docs" / "zoom.md"
SPLINE: dict[str, Any] = {"method": "spline", "threads": 1}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, to check that no files remain."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def zoomed_by_command(scan: Path, out: Path, *words: str) -> nib.Nifti1Image:
    assert main([str(scan), "-o", str(out), "--method", "spline", "--threads", "1", *words]) == 0
    return nib.load(out)


def assert_equal_images(found: nib.Nifti1Image, wanted: nib.Nifti1Image) -> None:
    assert (np.asanyarray(found.dataobj) == np.asanyarray(wanted.dataobj)).all()
    assert found.get_data_dtype() == wanted.get_data_dtype()
    assert (found.affine == wanted.affine).all()
    assert found.header.get_zooms() == wanted.header.get_zooms()


@pytest.mark.parametrize("kind", ["path", "text", "file's image", "image in memory"])
def test_result_equals_the_commands_output(save: Callable, tmp_path: Path, temporary: Path, kind: str) -> None:
    path = save()
    loaded = nib.load(path)
    scan = {
        "path": path,
        "text": str(path),
        "file's image": loaded,
        "image in memory": nib.Nifti1Image(np.asanyarray(loaded.dataobj), loaded.affine, loaded.header),
    }[kind]
    finer = zoom(scan, spacing=1.0, **SPLINE)
    assert_equal_images(finer, zoomed_by_command(path, tmp_path / "out.nii.gz", "--spacing", "1"))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["out.html", "out.json", "out.nii.gz", "scan.nii.gz", "temporary"]
    )
    assert list(temporary.iterdir()) == []


def test_sidecar_is_used_for_the_images_file_and_not_for_a_changed_image(save: Callable, tmp_path: Path) -> None:
    path = save()
    path.with_name("scan.json").write_text(json.dumps({"SliceThickness": 2.0}))
    said: list[str] = []
    image = nib.load(path)
    zoom(image, n=2, say=said.append, **SPLINE)
    changed = nib.Nifti1Image(np.asanyarray(image.dataobj) + 1, image.affine, image.header)
    zoom(changed, n=2, say=said.append, **SPLINE)
    moved = nib.load(path)
    moved.affine[0, 3] += 1
    zoom(moved, n=2, say=said.append, **SPLINE)
    thicknesses = [re.search(r"slice +(\S+) mm thick", line) for line in said if "mm thick" in line]
    assert [match[1] == "2" for match in thicknesses if match] == [True, False, False]


def test_input_image_is_not_modified(save: Callable) -> None:
    image = nib.Nifti1Image(thick(), np.diag([1, 1, 4, 1]))
    header, data = image.header.binaryblock, image.get_fdata().copy()
    zoom(image, n=1, **SPLINE)
    assert image.header.binaryblock == header
    assert (image.get_fdata() == data).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_known_slices_are_kept_for_every_input_dtype(dtype: type) -> None:
    data = np.clip(thick(), 0, 255).astype(dtype)
    finer = zoom(nib.Nifti1Image(data, np.diag([1.0, 1, 4, 1])), n=1, dtype="float32", profile="point", **SPLINE)
    assert finer.get_data_dtype() == np.float32
    assert np.abs(finer.get_fdata()[..., ::2] - data).max() < 1e-3


def test_mgh_returns_mgh_and_analyze_returns_nifti() -> None:
    data, affine = thick().astype(np.float32), np.diag([1.0, 1, 4, 1])
    assert isinstance(zoom(nib.MGHImage(data, affine), n=1, **SPLINE), nib.MGHImage)
    assert isinstance(zoom(nib.Spm99AnalyzeImage(data, affine), n=1, **SPLINE), nib.Nifti1Image)


def test_output_folder_gets_image_page_and_json(save: Callable, tmp_path: Path) -> None:
    finer = zoom(save(), n=np.int64(2), output=tmp_path / "out", **SPLINE)
    assert {"scan_zoom.nii.gz", "scan_zoom.html", "scan_zoom.json"} <= {p.name for p in (tmp_path / "out").iterdir()}
    assert_equal_images(finer, nib.load(tmp_path / "out" / "scan_zoom.nii.gz"))
    with pytest.raises(UserError, match="exists already"):
        zoom(save(), n=2, output=tmp_path / "out", **SPLINE)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "give one of n, zoom and spacing, not none"),
        ({"n": 1, "spacing": 1.0}, "not n and spacing"),
        ({"n": 1, "method": "splin"}, "did you mean 'spline'"),
        ({"n": 1, "in_plane": 3}, "in_plane = 3; give 1 or 4"),
        ({"zoom": 0.5}, "the output cannot be coarser"),
        ({"n": 1, "seed": -1}, "seed"),
        ({"n": 1, "threads": 0}, "threads"),
        ({"n": 1, "memory": "much"}, "memory = 'much'; give a number"),
        ({"n": 1, "uncertainty": 3}, "uncertainty: writes a file"),
        ({"n": 1, "viewer": True}, "viewer: writes a file"),
        ({"n": 1, "output": "out.nii.gz"}, "save it first"),
        ({"n": 1, "config": "gone.yaml"}, "gone.yaml"),
        ({"n": 1, "weights": "gone.safetensors"}, "gone.safetensors"),
        ({"spacing": "2"}, "spacing = '2'; give a number"),
    ],
)
def test_invalid_arguments_are_refused_in_one_line(given: dict, said: str, temporary: Path) -> None:
    with pytest.raises(UserError, match=re.escape(said)) as raised:
        zoom(nib.Nifti1Image(thick(), np.diag([1, 1, 4, 1])), **given)
    assert "\n" not in str(raised.value)
    assert str(temporary) not in str(raised.value)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("scan", [np.zeros((3, 3, 3)), None, 7])
def test_scan_that_is_neither_image_nor_path_is_refused(scan: Any) -> None:
    with pytest.raises(UserError, match="give an image of nibabel or the path of a file"):
        zoom(scan, n=1)


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a folder; give one file"):
        zoom(tmp_path, n=1)


def test_warnings_are_those_of_python() -> None:
    labels = nib.Nifti1Image((thick() > 500).astype(np.int16), np.diag([1, 1, 4, 1]))
    with pytest.warns(
        UserWarning, match="^image: A sample of its voxels has only 2 different values, as label maps do"
    ) as caught:
        zoom(labels, n=1, **SPLINE)
    assert [one.filename for one in caught if "label maps" in str(one.message)] == [__file__]


def test_arguments_are_the_commands_options() -> None:
    elsewhere = {"help", "version", "participant_label", "suffix", "dry_run", "json", "quiet", "print_completion"}
    options = {action.dest for action in parser()._actions} - elsewhere
    here = set(inspect.signature(zoom).parameters) - {"say"}
    assert {name.replace("no_consistency", "consistency") for name in options} == here


def test_import_prints_nothing_and_gives_the_version() -> None:
    done = subprocess.run([sys.executable, "-c", "import mri_zoom; print(mri_zoom.__version__)"], capture_output=True)
    assert done.stdout.decode().strip() == mri_zoom.__version__
    assert done.stderr == b""


def test_python_example_in_the_docs_runs(save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.M | re.S)
    save(name="scan.nii.gz")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, str(DOCS), "exec"), {})
    assert (tmp_path / "finer.nii.gz").exists()
