"""The example that the front page shows: thick slices from a thin scan, zoomed back, as one picture."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from zoom import example


def test_coronal_picture_is_upright_with_repeated_thick_slices() -> None:
    volume = np.zeros((4, 3, 2))
    volume[2, :, 1] = 1  # the upper of two slices
    cut = example.coronal(volume, 2, 6)
    assert cut.shape == (6, 3)
    assert cut[:3].min() == 1
    assert cut[3:].max() == 0


@pytest.mark.usefixtures("example_scan")
def test_example_writes_thick_scan_output_and_picture(tmp_path: Path) -> None:
    assert example.main([str(tmp_path / "out")]) == 0
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"thick.nii.gz", "zoomed.nii.gz", "zoomed.html", "zoomed.json", "zoom.png"} <= made
    thick = nib.load(tmp_path / "out" / "thick.nii.gz")
    assert thick.shape[2] == 6
    np.testing.assert_allclose(np.linalg.norm(thick.affine[:3, 2]), 5)
