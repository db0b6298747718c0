"""Scans with odd headers, damaged or cut short, are zoomed rightly or refused in one line."""

import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from fuzz import assert_valid_or_refused, fuzz
from header_edits import AFFINE, DATA, Edited, edited
from hypothesis import given

from benchmark.config import load_config
from zoom.request import request
from zoom.run import zoom
from zoom.scan import open_scan, survey


@pytest.fixture(scope="session")
def config() -> dict[str, Any]:
    found = load_config()
    found["compute"] |= {"device": "cpu", "threads": 1}
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path


@fuzz(examples=120)
@given(scan=edited())
def test_edited_scan_is_opened_or_refused(scan: Edited, folder: Path) -> None:
    path = scan.write(folder)
    assert_valid_or_refused("image, read", lambda: survey(open_scan(path)), path, path.with_suffix(".hdr"))


@fuzz(examples=10)
@given(scan=edited())
def test_edited_scan_is_zoomed_correctly_or_refused(scan: Edited, folder: Path, config: dict[str, Any]) -> None:
    path, out = scan.write(folder), folder / "out"

    def call() -> None:
        wanted = request(config, path, out / "o.nii", n=1, method="linear", profile="point")
        zoom(wanted, config, lambda line: None)
        assert_known_slices_are_correct(scan, path, out / "o.nii")

    assert_valid_or_refused("image, zoomed", call, path, path.with_suffix(".hdr"), output_folder=out)
    shutil.rmtree(out)
    out.mkdir()


def assert_known_slices_are_correct(scan: Edited, path: Path, output: Path) -> None:
    """The known slices are the scan's, at their positions: as before the edits if no edit concerns the numbers, else as
    nibabel reads the edited scan.
    """
    made: Any = nib.load(output)
    scanned: Any = DATA if scan.numbers_known else np.asanyarray(nib.load(path).dataobj).astype(np.float64)
    axis = int(np.argmax(np.array(made.shape[:3]) != np.array(scanned.shape[:3])))
    known = np.asanyarray(made.dataobj)[(slice(None),) * axis + (slice(None, None, 2),)]
    assert np.isfinite(known).all()
    np.testing.assert_allclose(np.squeeze(known), np.squeeze(scanned), atol=1e-4 * np.abs(scanned).max())
    if scan.place_known:
        np.testing.assert_allclose(made.affine @ np.diag([1, 1, 2, 1.0]), AFFINE, atol=1e-4)
