"""``--viewer``: scan, plain interpolation and output as whole volumes on a separate page."""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from zoom_scans import OBLIQUE, orientations, refused, stored, thick

from benchmark.print import viewer
from zoom.cli import main


def embedded_volumes(page: Path, folder: Path) -> list[Any]:
    """The volumes inside a viewer's page."""
    found = []
    for number, text in enumerate(re.findall(r'class="volume">([^<]+)<', page.read_text(encoding="utf-8"))):
        path = folder / f"{number}.nii.gz"
        path.write_bytes(base64.b64decode(text))
        found.append(nib.load(path))
    return found


@pytest.mark.parametrize("orientation", list(orientations())[::17])
@pytest.mark.parametrize("zoom_arguments", [{"zoom": 2.4}, {"n": 1, "in_plane": 4}])
def test_embedded_volumes_have_the_position_and_values_of_scan_and_output(
    save: Callable, run: Callable, tmp_path: Path, orientation: np.ndarray, zoom_arguments: dict
) -> None:
    path = save(*stored(thick(), OBLIQUE, orientation))
    output, about = run(path, viewer=True, method="spline", **zoom_arguments)
    scan, plain, fine = embedded_volumes(tmp_path / "out_view.html", tmp_path)
    low, high = about["Zoom"]["Volumes"][0]["GreyScale"]
    for shown, real in ((scan, nib.load(path)), (fine, output)):
        shown, real = nib.as_closest_canonical(shown), nib.as_closest_canonical(real)
        np.testing.assert_allclose(shown.affine, real.affine, atol=1e-4)
        np.testing.assert_allclose(shown.get_fdata(), real.get_fdata().clip(low, high), atol=0.51 * (high - low) / 255)
    assert plain.shape == fine.shape
    np.testing.assert_array_equal(plain.affine, fine.affine)
    # the spline of thin slices that agrees with the scan is plain interpolation, except for values outside its range
    if "zoom" in zoom_arguments:
        assert np.abs(plain.get_fdata() - fine.get_fdata()).mean() < 0.01 * (high - low)


def test_viewer_option_writes_a_page_and_links_to_it(save: Callable, tmp_path: Path) -> None:
    scan = save()
    arguments = [str(scan), "--n", "1", "--method", "linear", "-o", str(tmp_path / "o.nii.gz")]
    assert main([*arguments, "--viewer"]) == 0
    assert 'href="o_view.html"' in (tmp_path / "o.html").read_text(encoding="utf-8")
    assert "scan.nii.gz: scan, plain interpolation and output" in (tmp_path / "o_view.html").read_text(encoding="utf-8")
    (tmp_path / "o.nii.gz").unlink()
    (tmp_path / "o.json").unlink()
    (tmp_path / "o.html").unlink()
    assert main([*arguments, "--viewer"]) == 1  # the viewer's page exists already
    assert main(arguments) == 0


def test_viewer_too_large_for_a_browser_is_refused(
    save: Callable, config: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer, "MOST", 10_000)
    message = refused(config, save(), tmp_path / "out" / "o.nii.gz", viewer=True, method="linear")
    assert "leave out --viewer" in message
