"""Scans in every orientation and format become upright volumes at the right position; other files are refused by
name."""

import gzip
import itertools
import time

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform

from benchmark.errors import UserError
from benchmark.volume import UPRIGHT, plane, read, read_scan, to_upright, write

ALL_CODES = [
    "".join(codes)
    for axes in itertools.permutations(("RL", "AP", "SI"))
    for codes in itertools.product(*axes)
]  # fmt: skip


def scan_in(codes: str, folder, data=None):
    """The same small head, stored with the axes ``codes``."""
    if data is None:
        data = np.random.default_rng(0).integers(1, 1000, (5, 6, 7)).astype(np.int16)
    affine = np.array([[2, 0, 0, -4], [0, 3, 0, 5], [0, 0, 4, 1], [0, 0, 0, 1.0]])
    transform = ornt_transform(io_orientation(affine), axcodes2ornt(tuple(codes)))
    moved = nib.apply_orientation(data, transform)
    path = folder / f"{codes}.nii.gz"
    nib.save(nib.Nifti1Image(moved, affine @ inv_ornt_aff(transform, data.shape)), path)
    return path


@pytest.mark.parametrize("codes", ALL_CODES)
@pytest.mark.parametrize("wanted", sorted(UPRIGHT))
def test_every_stored_orientation_gives_the_same_upright_slices(codes, wanted, tmp_path):
    reference = read_scan(scan_in("RAS", tmp_path))
    scan = read_scan(scan_in(codes, tmp_path))
    data, affine = to_upright(scan.data, scan.affine, wanted)
    expected, expected_affine = to_upright(reference.data, reference.affine, wanted)
    np.testing.assert_array_equal(data, expected)
    np.testing.assert_allclose(affine, expected_affine)
    assert nib.aff2axcodes(affine) == UPRIGHT[wanted]


@pytest.mark.parametrize(
    ("wanted", "top", "left", "first"),
    [("axial", "A", "R", "I"), ("coronal", "S", "R", "P"), ("sagittal", "S", "P", "L")],
)
def test_picture_has_the_radiological_directions(wanted, top, left, first, tmp_path):
    """The brightest voxels lie on the patient's side that must be at the top, at the left, and in the first slice."""
    for side, index in ((top, (0, None, None)), (left, (None, 0, None)), (first, (None, None, 0))):
        data = np.ones((5, 6, 7), np.int16)  # stored as RAS
        edge = {"R": (-1,), "L": (0,), "A": (slice(None), -1), "P": (slice(None), 0), "S": (..., -1), "I": (..., 0)}
        data[edge[side]] = 9
        scan = read_scan(scan_in("RAS", tmp_path, data))
        upright, _ = to_upright(scan.data, scan.affine, wanted)
        bright = np.ones(upright.shape)
        bright[tuple(slice(None) if at is None else at for at in index)] = 9
        np.testing.assert_array_equal(upright, bright)


def test_volume_of_two_slices_is_read_in_double_precision(tmp_path):
    data = np.arange(60, dtype=np.int16).reshape(5, 6, 2)
    scan = read_scan(scan_in("RAS", tmp_path, data))
    np.testing.assert_array_equal(scan.data, data)
    assert scan.data.dtype == np.float64


def test_plane_of_a_stored_axis(tmp_path):
    scan = read_scan(scan_in("ASL", tmp_path))
    assert [plane(scan, axis) for axis in range(3)] == ["coronal", "axial", "sagittal"]
    assert plane(scan, "axial") == "axial"


def test_big_endian_analyze_with_a_fourth_axis_is_read(tmp_path):
    data = np.arange(4 * 5 * 6, dtype=">i2").reshape(4, 5, 6, 1)
    header = nib.AnalyzeHeader(endianness=">")
    header.set_data_dtype(">i2")
    header.set_data_shape(data.shape)
    header.set_zooms((1, 2, 3, 0))
    nib.AnalyzeImage(data, None, header).to_filename(tmp_path / "a.img")
    scan = read_scan(tmp_path / "a.img", orientation="ASL")
    assert scan.codes == ("A", "S", "L")
    assert scan.spacing == (1, 2, 3)
    np.testing.assert_array_equal(scan.data, data[..., 0])
    centre = scan.affine @ [*((np.array([4, 5, 6]) - 1) / 2), 1]
    np.testing.assert_allclose(centre, [0, 0, 0, 1], atol=1e-12)


def invalid_volume(kind: str):
    good = np.random.default_rng(0).random((4, 5, 6)).astype(np.float32)
    match kind:
        case "NaN":
            good[1, 1, 1] = np.nan
        case "every voxel is 3":
            good[:] = 3
        case "4-D":
            good = np.stack([good, good], axis=-1)
        case "single slice":
            good = good[:, :, :1]
        case "complex":
            good = good.astype(np.complex64)
    return good


@pytest.mark.parametrize("kind", ["NaN", "every voxel is 3", "4-D", "single slice", "complex"])
def test_invalid_volume_is_refused_with_its_file(kind, tmp_path):
    path = tmp_path / "bad.nii.gz"
    nib.save(nib.Nifti1Image(invalid_volume(kind), np.eye(4)), path)
    with pytest.raises(UserError, match=kind) as caught:
        read_scan(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("slope", "inter"), [(1, 0), (0.37, 12.5)])
def test_fill_value_is_refused_whatever_the_slope(slope, inter, tmp_path):
    stored = np.random.default_rng(0).integers(0, 2000, (6, 6, 6)).astype(np.int16)
    stored[:2] = np.iinfo(np.int16).min
    header = nib.Nifti1Image(stored, np.eye(4)).header
    header["scl_slope"], header["scl_inter"], header["vox_offset"] = slope, inter, 352
    (tmp_path / "a.nii").write_bytes(header.binaryblock + bytes(4) + stored.tobytes(order="F"))
    with pytest.raises(UserError, match=r"72 voxels hold .* a fill value"):
        read_scan(tmp_path / "a.nii")


@pytest.mark.parametrize("content", [b"", b"no image at all", None])
def test_file_that_is_no_image_is_refused(content, tmp_path):
    path = tmp_path / "bad.nii.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"bad.nii.gz: (not an image|no such file)"):
        read_scan(path)


def test_truncated_gzip_is_refused(tmp_path):
    path = scan_in("RAS", tmp_path, np.random.default_rng(0).integers(0, 999, (40, 40, 40)).astype(np.int16))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match="damaged or cut short"):
        read_scan(path)


def test_volume_is_read_as_written(tmp_path):
    volume = np.random.default_rng(0).random((3, 4, 5), dtype=np.float32)
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    write(tmp_path / "deep" / "v.nii.gz", volume, affine)
    back, back_affine = read(tmp_path / "deep" / "v.nii.gz")
    np.testing.assert_array_equal(back, volume)
    np.testing.assert_array_equal(back_affine, affine)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["v.nii.gz"]


def test_written_volume_is_gzip_with_reproducible_bytes(tmp_path, monkeypatch):
    volume = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
    write(tmp_path / "one.nii.gz", volume, np.eye(4))
    monkeypatch.setattr(time, "time", lambda: 1.0)
    write(tmp_path / "other.nii.gz", volume, np.eye(4))
    whole = (tmp_path / "one.nii.gz").read_bytes()
    assert whole == (tmp_path / "other.nii.gz").read_bytes()
    stored = nib.Nifti1Image.from_bytes(gzip.decompress(whole))
    np.testing.assert_array_equal(stored.get_fdata(), volume.transpose(1, 2, 0))
    assert stored.header.get_xyzt_units()[0] == "mm"
    np.testing.assert_array_equal(read(tmp_path / "one.nii.gz")[0], volume)
