"""One scale for a volume, and numbers that fit the file."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from odd_scans import patched

from benchmark.errors import UserError
from zoom.intensity import Encoding, Scale, encoding, find_scale
from zoom.scan import Extent, open_scan, rounding, survey
from zoom.store import Store


def scale_of(data: np.ndarray, folder: Path) -> Scale:
    store = Store(data.shape, folder)
    store.write(0, data)
    return find_scale(store, Extent(float(data.min()), float(data.max())))


@pytest.mark.parametrize("kind", ["whole", "real", "outlier"])
def test_scale_is_numpys_percentile_99_9_of_nonzero_values(tmp_path: Path, kind: str) -> None:
    data = np.random.default_rng(1).gamma(2, 200, (12, 40, 50)).astype(np.float32)
    if kind == "whole":
        data = np.rint(data)
    data[:, :20] = 0
    if kind == "outlier":
        data[5, 30, 30] = 1e9
    found = scale_of(data, tmp_path)
    assert found.floor == 0
    assert found.scale == pytest.approx(np.percentile(data[data > 0], 99.9, method="lower"), rel=1e-4)


def test_floor_is_the_lowest_negative_value(tmp_path: Path) -> None:
    data = np.linspace(-1000, 500, 4000, dtype=np.float32).reshape(4, 20, 50)
    found = scale_of(data, tmp_path)
    assert found.floor == -1000
    assert found.scale == pytest.approx(1500, rel=2e-3)
    assert found.normalise(data).min() == 0


def test_constant_volume_has_scale_1(tmp_path: Path) -> None:
    assert scale_of(np.zeros((3, 4, 5), np.float32), tmp_path) == Scale(0.0, 1.0)
    assert scale_of(np.full((3, 4, 5), -7, np.float32), tmp_path) == Scale(-7.0, 1.0)


def test_values_out_of_range_are_clipped_and_counted() -> None:
    form = Encoding(np.dtype(np.int16), 0.5, 10.0)
    stored, cut = form.encode(np.array([10.0, 10.6, 20000.0, -20000.0]))
    np.testing.assert_array_equal(stored, [0, 1, 32767, -32768])
    assert cut == 2
    np.testing.assert_array_equal(form.decode(stored)[:2], [10, 10.5])
    assert cut == 2


def test_whole_numbers_beyond_int32_are_stored_as_float32(tmp_path: Path) -> None:
    for largest, wanted in ((20_000, np.int16), (40_000, np.int32), (2_000_000_000, np.float32)):
        data = np.linspace(0, largest, 60).astype(np.uint32).reshape(3, 4, 5)
        nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "scan.nii")
        form = encoding(open_scan(tmp_path / "scan.nii"), [Extent(0, largest)], "auto", True)
        assert form == Encoding(np.dtype(wanted), 1.0, 0.0)


@pytest.mark.parametrize(
    ("low", "high", "wanted"), [(0, 20_000, np.int16), (0, 30_000, np.int32), (-20_000, -1_000, np.int16)]
)
def test_numbers_keep_the_slope_and_need_room_for_half_the_range(
    tmp_path: Path, low: int, high: int, wanted: type
) -> None:
    """Stored numbers from low to high, with a margin of half of the range on both sides: −10,000 to 30,000 fit int16,
    −15,000 to 45,000 do not; the values are a hundredth, minus 5."""
    data = np.linspace(low, high, 60).round().astype(np.int16).reshape(3, 4, 5)
    scan = open_scan(patched(tmp_path / "scan.nii", nib.Nifti1Image(data, np.eye(4)), scale=(0.01, -5.0)))
    form = encoding(scan, survey(scan), "auto", True)
    assert (form.dtype, form.slope, form.intercept) == (np.dtype(wanted), pytest.approx(0.01), -5)
    stored, cut = form.encode(np.float32(0.01) * data - 5)
    np.testing.assert_array_equal(stored, data)
    assert cut == 0


def test_int16_of_values_far_from_zero_spans_their_range_and_margin(tmp_path: Path) -> None:
    data = np.linspace(1000, 1100, 60, dtype=np.float32).reshape(3, 4, 5)
    nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "scan.nii")
    form = encoding(open_scan(tmp_path / "scan.nii"), [Extent(1000, 1100)], "int16", True)
    values = np.linspace(950, 1150, 1000)  # half of the range below and above
    stored, cut = form.encode(values)
    assert (form.dtype, cut) == (np.dtype(np.int16), 0)
    assert np.abs(form.decode(stored) - values).max() < 200 / 60_000
    assert form.encode(np.array([900.0, 1200.0]))[1] == 2


def test_clipped_int32_does_not_wrap_around() -> None:
    stored, cut = Encoding(np.dtype(np.int32), 1.0, 0.0).encode(np.array([5e9, -5e9]))
    np.testing.assert_array_equal(stored.astype(np.float32).astype(np.int32), [2**31 - 128, -(2**31)])
    assert cut == 2


def test_zero_stays_zero_in_int16(tmp_path: Path) -> None:
    data = np.linspace(0, 1e-3, 60, dtype=np.float32).reshape(3, 4, 5)
    nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "scan.nii")
    form = encoding(open_scan(tmp_path / "scan.nii"), [Extent(0, 1e-3)], "int16", True)
    stored, cut = form.encode(data)
    assert (form.decode(stored)[data == 0] == 0).all()
    assert np.abs(form.decode(stored) - data).max() < 1e-3 / 20_000
    assert cut == 0


@pytest.mark.parametrize(
    ("offset", "said"), [(0, ""), (1000, ""), (1e8, "which needs more digits than single precision")]
)
def test_values_that_single_precision_cannot_tell_apart_are_refused(tmp_path: Path, offset: float, said: str) -> None:
    data = np.linspace(offset, offset + 100, 60).reshape(3, 4, 5)
    nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "scan.nii")
    scan = open_scan(tmp_path / "scan.nii")
    if said:
        with pytest.raises(UserError, match=said):
            rounding(scan, survey(scan))
    else:
        assert rounding(scan, survey(scan)) < 0.01


def test_range_that_single_precision_cannot_hold_is_refused(tmp_path: Path) -> None:
    data = np.linspace(-2.5e38, 2.5e38, 60, dtype=np.float32).reshape(3, 4, 5)
    nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "scan.nii")
    with pytest.raises(UserError, match="divide the scan by its largest"):
        survey(open_scan(tmp_path / "scan.nii"))


@pytest.mark.parametrize(("values", "wanted"), [(2, 2), (16, 16), (17, 17)])
def test_few_different_values_are_counted(tmp_path: Path, values: int, wanted: int) -> None:
    data = (np.arange(60 * 70 * 30) % values).astype(np.float32).reshape(60, 70, 30)
    nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "scan.nii")
    assert survey(open_scan(tmp_path / "scan.nii"))[0].different == wanted
