"""Every format, and headers that are kept except for changed values."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from zoom_scans import OBLIQUE, thick

SHIFTED = OBLIQUE + np.array([[0, 0, 0, 5.0], [0] * 4, [0] * 4, [0] * 4])


def test_sform_and_qform_keep_their_codes_and_positions(save: Callable, run: Callable) -> None:
    path = save()
    image = nib.load(path)
    image.set_sform(SHIFTED, 4)
    image.set_qform(OBLIQUE, 1)
    nib.save(image, path)
    found, _ = run(path, n=1)
    half = np.diag([1, 1, 0.5, 1])
    assert (int(found.header["sform_code"]), int(found.header["qform_code"])) == (4, 1)
    np.testing.assert_allclose(found.get_sform(), SHIFTED @ half, atol=1e-5)
    np.testing.assert_allclose(found.get_qform(), nib.load(path).get_qform() @ half, atol=1e-4)


@pytest.mark.parametrize("codes", [(0, 0), (0, 2), (3, 0), (1, 1)])
def test_affine_codes_are_kept_for_every_combination(save: Callable, run: Callable, codes: tuple[int, int]) -> None:
    path = save(affine=np.diag([2.0, 3.0, 5.0, 1.0]), sform_code=codes[0], qform_code=codes[1])
    found, _ = run(path, n=4, in_plane=4)
    assert (int(found.header["sform_code"]), int(found.header["qform_code"])) == codes
    np.testing.assert_allclose(found.header.get_zooms(), (0.5, 0.75, 1.0), atol=1e-6)
    wanted = nib.load(path).affine @ np.array(
        [[0.25, 0, 0, -0.375], [0, 0.25, 0, -0.375], [0, 0, 0.2, 0], [0, 0, 0, 1]]
    )
    np.testing.assert_allclose(found.affine, wanted, atol=1e-5)


def test_other_header_fields_and_extensions_are_kept(save: Callable, run: Callable) -> None:
    path = save(intent_name=b"mine", cal_max=900, slice_code=3, slice_duration=0.1, slice_end=8)
    image = nib.load(path)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"kept"))
    nib.save(image, path)
    header = run(path, n=1)[0].header
    assert bytes(header["intent_name"]).strip(b"\0") == b"mine"
    assert header["cal_max"] == 900
    assert header.get_xyzt_units() == ("mm", "unknown")
    assert [e.get_content().strip(b"\0") for e in header.extensions] == [b"kept"]
    # values about the scan's slices only
    assert (int(header["slice_code"]), float(header["slice_duration"]), int(header["slice_end"])) == (0, 0, 0)


@pytest.mark.parametrize("slope", [(0.25, 0.0), (3.0, -1024.0)])
def test_integers_keep_slope_and_intercept(save: Callable, run: Callable, slope: tuple[float, float]) -> None:
    path = save(name="scan.nii")
    whole = bytearray(path.read_bytes())
    whole[112:120] = np.array(slope, "<f4").tobytes()  # scl_slope and scl_inter: nibabel would choose its own
    path.write_bytes(whole)
    rescaled = nib.load(path)
    found, _ = run(path, n=1)
    assert found.get_data_dtype() == np.int16
    assert (found.dataobj.slope, found.dataobj.inter) == (rescaled.dataobj.slope, rescaled.dataobj.inter)
    np.testing.assert_array_equal(found.get_fdata()[..., ::2], rescaled.get_fdata())


@pytest.mark.parametrize(
    ("kind", "factor", "wanted"),
    [
        (np.uint8, 0.1, np.int16),
        (np.uint16, 1, np.int16),
        (np.uint16, 20, np.int32),
        (np.int32, 1, np.int16),
        (np.float32, 1, np.float32),
        (np.float64, 1, np.float32),
    ],
)
def test_automatic_dtype_holds_the_values(
    save: Callable, run: Callable, kind: type, factor: float, wanted: type
) -> None:
    data = (
        (thick().astype(float) * factor)
        .clip(0, np.iinfo(kind).max if np.issubdtype(kind, np.integer) else None)
        .astype(kind)
    )
    found, _ = run(save(data), n=1)
    assert found.get_data_dtype() == wanted
    np.testing.assert_allclose(found.get_fdata()[..., ::2], data, rtol=2e-6, atol=2e-3 if wanted is np.float32 else 0)


def test_requested_dtype_is_used(save: Callable, run: Callable) -> None:
    real = (thick() / 1000).astype(np.float32)
    found, about = run(save(real), n=1, dtype="int16")
    assert found.get_data_dtype() == np.int16
    assert np.abs(found.get_fdata()[..., ::2] - real).max() <= about["Zoom"]["Tolerance"] < 1e-4
    assert run(save(), n=1, dtype="float32")[0].get_data_dtype() == np.float32


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image, nib.Nifti1Pair], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("order", ["<", ">"])
def test_nifti_variants_and_byte_orders_are_kept(tmp_path: Path, run: Callable, kind: type, order: str) -> None:
    header = kind.header_class(endianness=order)
    image = kind(thick(), OBLIQUE, header)
    image.set_sform(OBLIQUE, 2)
    path = tmp_path / ("scan.img" if kind is nib.Nifti1Pair else "scan.nii")
    nib.save(image, path)
    found, _ = run(path, "out.nii", n=1)
    assert isinstance(found, nib.Nifti2Image if kind is nib.Nifti2Image else nib.Nifti1Image)
    if kind is not nib.Nifti1Pair:  # which becomes one file with another header
        assert found.header.endianness == order
    # stored as float32: in the scan's units, a known voxel is equal to the last digit of float32
    np.testing.assert_allclose(np.asarray(found.dataobj)[..., ::2], thick(), rtol=2.5e-7)
    np.testing.assert_allclose(found.affine, OBLIQUE @ np.diag([1, 1, 0.5, 1]), atol=1e-5)


@pytest.mark.parametrize("name", ["scan.mgz", "scan.mgh"])
@pytest.mark.parametrize("output", ["out.mgz", "out.mgh", "out.nii.gz"])
def test_mgh_input_gives_mgh_or_nifti_output(tmp_path: Path, run: Callable, name: str, output: str) -> None:
    nib.save(nib.MGHImage(thick().astype(np.int16), OBLIQUE), tmp_path / name)
    found, _ = run(tmp_path / name, output, n=1)
    np.testing.assert_array_equal(np.asarray(found.dataobj)[..., ::2], thick())
    np.testing.assert_allclose(found.affine, OBLIQUE @ np.diag([1, 1, 0.5, 1]), atol=1e-4)


def test_mgh_series_is_zoomed(tmp_path: Path, run: Callable) -> None:
    series = np.stack([thick(), thick(seed=4)], axis=3)
    nib.save(nib.MGHImage(series, OBLIQUE), tmp_path / "scan.mgz")
    found, _ = run(tmp_path / "scan.mgz", "out.mgz", n=1)
    np.testing.assert_array_equal(np.asarray(found.dataobj)[:, :, ::2], series)


@pytest.mark.parametrize("kind", [nib.AnalyzeImage, nib.Spm99AnalyzeImage], ids=lambda kind: kind.__name__)
def test_analyze_input_gives_nifti_output(tmp_path: Path, run: Callable, kind: type) -> None:
    path = tmp_path / "scan.img"
    nib.save(kind(thick(), np.diag([-1.0, 1.2, 4.0, 1.0])), path)
    found, _ = run(path, n=1)
    scan = nib.load(path)
    np.testing.assert_array_equal(np.asarray(found.dataobj)[..., ::2], thick())
    np.testing.assert_allclose(found.affine, scan.affine @ np.diag([1, 1, 0.5, 1]), atol=1e-5)
    assert found.header.get_xyzt_units()[0] == "mm"
