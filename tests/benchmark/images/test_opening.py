"""Opening of scans: the meaning of the header, and refused files."""

import gzip
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from odd_scans import analyze, nifti, patched, two_forms, wrong_checksum
from zoom_scans import OBLIQUE, thick

from benchmark.errors import UserError
from benchmark.images.opening import open_image
from benchmark.volume import read_scan

NAN = float("nan")
GRID = (20, 24, 9)
EXPECTED_AFFINE = nifti().get_qform()


def refusal_of(path: Path) -> str:
    with pytest.raises(UserError) as raised:
        read_scan(path)
    message = str(raised.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize(
    ("header_fields", "said"),
    [
        ({"dim": (3, 19, 24, 9, 1, 1, 1, 1)}, "the file holds 432 more"),
        ({"dim": (3, 20, 24, 8, 1, 1, 1, 1)}, "the file holds 960 more"),
        ({"dim": (3, 21, 24, 9, 1, 1, 1, 1)}, "damaged or cut short"),
        ({"dim": (3, -20, 24, 9, 1, 1, 1, 1)}, "dimension"),
        ({"datatype": 512, "bitpix": 8}, "uint16 voxels, but 8 bits per voxel instead of 16"),
        ({"datatype": 16}, "float32 voxels, but 16 bits"),
        ({"vox_offset": float("inf")}, "not an image"),
        ({"srow": (*OBLIQUE[:2].ravel(), 0, 0, 3e38, 0)}, "3e+38 mm"),
        ({"srow": (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 500, 0)}, "voxels of 1 × 1 × 500 mm"),
        ({"srow": (0.001, 0, 0, 0, 0, 0.001, 0, 0, 0, 0, 0.005, 0)}, "0.01 to 100 mm"),
        ({"srow": (1, 0, 0, 2e4, 0, 1, 0, 0, 0, 0, 5, 0)}, "its centre is 20 m from the scanner's"),
        ({"xyzt_units": 3}, "(or the unit it names)"),
    ],
)
def test_header_that_contradicts_the_file_is_refused(
    tmp_path: Path, header_fields: dict, said: str, suffix: str
) -> None:
    path = patched(tmp_path / "scan.nii", **header_fields)
    if suffix == ".nii.gz":
        path = tmp_path / "scan.nii.gz"
        path.write_bytes(gzip.compress((tmp_path / "scan.nii").read_bytes()))
    message = refusal_of(path)
    assert said in message or (suffix == ".nii.gz" and "damaged or cut short" in message)


@pytest.mark.parametrize(("unit", "scale"), [(3, 1000.0), (1, 0.001), (2, 1.0), (0, 1.0)])
def test_affine_is_converted_to_millimetres(tmp_path: Path, unit: int, scale: float) -> None:
    image = nifti(affine=np.diag([scale, scale, scale, 1.0]) @ OBLIQUE)
    scan = read_scan(patched(tmp_path / "scan.nii", image, xyzt_units=unit))
    np.testing.assert_allclose(scan.affine, EXPECTED_AFFINE, atol=1e-3)


@pytest.mark.parametrize(
    "header_fields",
    [
        {"quatern": (0.6, 0.8, 0.0006)},  # too long by 4e-7; the sform is used
        {"codes": (0, 1), "quatern": (NAN,) * 3},
        {"codes": (0, 1), "qoffset": (NAN,) * 3},
        {"quatern": (NAN,) * 3},
        {"quatern": (9.0, 0.8, 0.0006)},
        {"codes": (1, 0), "srow": (NAN,) * 12},
        {"srow": (NAN,) * 12},
        {"srow": (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)},
        {"pixdim": (1, -1, -1, -1, 0, 0, 0, 0), "codes": (0, 1)},
        {"pixdim": (1, 0, 0, 0, 0, 0, 0, 0)},
    ],
)
def test_valid_affine_is_used_where_the_other_is_broken(tmp_path: Path, header_fields: dict) -> None:
    opened = open_image(patched(tmp_path / "scan.nii", **header_fields))
    np.testing.assert_allclose(opened.affine, EXPECTED_AFFINE, atol=1e-3)


def test_quaternion_longer_than_1_is_normalised(tmp_path: Path) -> None:
    path = patched(tmp_path / "scan.nii", codes=(1, 0), quatern=(0.6, 0.8, 0.0008))
    # the third axis runs the other way: the scan's qfac is −1
    turn = read_scan(path).affine[:3, :3] / np.linalg.norm(read_scan(path).affine[:3, :3], axis=0)
    np.testing.assert_allclose(
        turn, [[-0.28, 0.96, -0.00096], [0.96, 0.28, -0.00128], [0.00096, 0.00128, 1]], atol=2e-3
    )


@pytest.mark.parametrize("axes_permuted", [False, True])
def test_disagreeing_sform_and_qform_are_both_kept_with_a_warning(tmp_path: Path, axes_permuted: bool) -> None:
    path = two_forms(tmp_path / "scan.nii.gz", axes_permuted=axes_permuted)
    opened, image = open_image(path), nib.load(path)
    assert "disagree" in opened.warnings[0]
    np.testing.assert_allclose(opened.affine, image.get_sform(), atol=1e-4)
    np.testing.assert_allclose(opened.qform.affine, image.get_qform(), atol=1e-4)
    assert open_image(patched(tmp_path / "same.nii")).warnings == ()


def test_distance_of_sform_and_qform_is_that_of_the_farthest_corner(tmp_path: Path) -> None:
    image = nifti()
    sform = image.get_qform() @ np.diag([1.02, 0.97, 1.01, 1])
    sform[:3, 3] += [-2, 3, 1]
    image.set_sform(sform, 2)
    nib.save(image, tmp_path / "scan.nii")
    corners = np.array([[i, j, k, 1] for i in (0, 19) for j in (0, 23) for k in (0, 8)]).T
    farthest = np.linalg.norm((sform - nib.load(tmp_path / "scan.nii").get_qform()) @ corners, axis=0).max()
    assert f"disagree by up to {farthest:.3g} mm" in open_image(tmp_path / "scan.nii").warnings[0]


def test_position_of_an_analyze_file_is_that_of_its_mat_file(tmp_path: Path) -> None:
    """SPM's .mat has the affine that the header cannot hold; without it only the voxel size remains."""
    nib.save(nib.Spm2AnalyzeImage(thick().astype(np.int16), OBLIQUE), tmp_path / "scan.img")
    opened = open_image(tmp_path / "scan.img")
    np.testing.assert_allclose(opened.affine, OBLIQUE, atol=1e-4)
    assert opened.warnings == ()
    (tmp_path / "scan.mat").unlink()
    assert not np.allclose(open_image(tmp_path / "scan.img").affine, OBLIQUE, atol=0.1)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("more", "accepted"), [(39, True), (40, False), (4000, False)])
def test_less_than_a_row_of_voxels_after_the_last_is_ignored(
    tmp_path: Path, packed: bool, more: int, accepted: bool
) -> None:
    """A row has 20 voxels of two bytes."""
    raw = nifti().to_bytes() + bytes(more)
    path = tmp_path / ("scan.nii.gz" if packed else "scan.nii")
    path.write_bytes(gzip.compress(raw) if packed else raw)
    if accepted:
        np.testing.assert_array_equal(read_scan(path).data, thick())
    else:
        assert f"the file holds {more} more" in refusal_of(path)


@pytest.mark.parametrize(("large", "refused"), [(10_000, True), (1_000_000, False)])
def test_large_volume_in_a_small_file_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: int, refused: bool
) -> None:
    monkeypatch.setattr("benchmark.images.opening.LARGE", large)
    data = np.zeros((100, 100, 40), np.int16)
    data[50, 50, 20] = 1  # 800 kB of voxels in about 1 kB
    nib.save(nifti(data), tmp_path / "scan.nii.gz")
    if refused:
        assert "nearly all are equal" in refusal_of(tmp_path / "scan.nii.gz")
    else:
        assert read_scan(tmp_path / "scan.nii.gz").data.sum() == 1
    data[:] = np.random.default_rng(0).integers(0, 1000, data.shape)  # 800 kB of voxels in more than 400 kB
    nib.save(nifti(data), tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(read_scan(tmp_path / "scan.nii.gz").data, data)


def test_wrong_gzip_checksum_is_refused(tmp_path: Path) -> None:
    assert "get it again" in refusal_of(wrong_checksum(tmp_path / "scan.nii.gz"))


def test_bytes_after_gzip_data_are_ignored_and_members_joined(tmp_path: Path) -> None:
    raw = nifti().to_bytes()
    (tmp_path / "scan.nii.gz").write_bytes(gzip.compress(raw) + b"something else")
    np.testing.assert_array_equal(read_scan(tmp_path / "scan.nii.gz").data, thick())
    (tmp_path / "parts.nii.gz").write_bytes(
        b"".join(gzip.compress(raw[i : i + 3000]) for i in range(0, len(raw), 3000))
    )
    np.testing.assert_array_equal(read_scan(tmp_path / "parts.nii.gz").data, thick())


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize(
    ("orient", "codes"), [(0, "LAS"), (1, "LSA"), (2, "ASL"), (3, "LPS"), (4, "LIA"), (5, "AIL"), (9, "LAS")]
)
def test_analyze_orientation_follows_the_orient_byte_or_the_option(
    tmp_path: Path, orient: int, codes: str, text: bool
) -> None:
    opened = open_image(analyze(tmp_path / "scan.img", orient, text=text))
    assert "".join(nib.aff2axcodes(opened.affine)) == codes
    assert "--orientation" in opened.warnings[0]
    opened = open_image(tmp_path / "scan.hdr", "RAS")
    assert "".join(nib.aff2axcodes(opened.affine)) == "RAS"
    assert opened.warnings == ()
    np.testing.assert_allclose(opened.spacing, (1, 1, 4))


@pytest.mark.parametrize("codes", ["RA", "RAR", "XYZ", "RASS", "ral"])
def test_invalid_orientation_is_refused(tmp_path: Path, codes: str) -> None:
    with pytest.raises(UserError, match=f"orientation '{codes}'"):
        open_image(patched(tmp_path / "scan.nii"), codes)


@pytest.mark.parametrize("fill", [-(2**31), -np.finfo(np.float32).max, np.finfo(np.float32).max, -(2**15)])
def test_fill_values_are_refused_with_their_count(tmp_path: Path, fill: float) -> None:
    data = thick().astype(np.float32 if abs(fill) > 1e30 else np.int32 if abs(fill) > 2**20 else np.int16)
    data[:3] = fill
    nib.save(nifti(data), tmp_path / "scan.nii.gz")
    said = refusal_of(tmp_path / "scan.nii.gz")
    assert f"648 voxels hold {float(fill):g}, a fill value; all others lie within" in said  # 3 planes of 24 × 9


def test_values_up_to_the_limit_of_the_dtype_are_accepted(tmp_path: Path) -> None:
    data = np.linspace(-(2**15), 2**15 - 1, np.prod(GRID)).reshape(GRID).astype(np.int16)
    nib.save(nifti(data), tmp_path / "scan.nii.gz")
    assert read_scan(tmp_path / "scan.nii.gz").data.min() == -(2**15)


def test_lowest_value_of_the_dtype_near_other_values_is_accepted(tmp_path: Path) -> None:
    data = np.linspace(-20_000, 20_000, np.prod(GRID)).reshape(GRID).astype(np.int16)
    data[0, 0, 0] = -(2**15)
    nib.save(nifti(data), tmp_path / "scan.nii.gz")
    assert read_scan(tmp_path / "scan.nii.gz").data.min() == -(2**15)


def test_hash_is_of_the_opened_file_even_if_replaced_later(tmp_path: Path) -> None:
    import hashlib

    path = patched(tmp_path / "scan.nii")
    wanted = hashlib.sha256(path.read_bytes()).hexdigest()
    opened = open_image(path)
    other = patched(tmp_path / "other.nii", nifti(thick(seed=9)))
    os.replace(other, path)
    assert opened.source.sha256() == wanted
    np.testing.assert_array_equal(np.asarray(opened.image.dataobj), thick())


def test_file_changed_while_read_is_refused(tmp_path: Path) -> None:
    path = patched(tmp_path / "scan.nii")
    opened = open_image(path)
    with open(path, "r+b") as file:
        file.write(b"other")
    os.utime(path, (1, 1))
    with pytest.raises(UserError, match="was changed while it was read"):
        opened.source.sha256()


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.mgz", "scan.img"])
def test_fifo_is_refused(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match="not a regular file"):
        open_image(tmp_path / name)


@pytest.mark.parametrize("change", [(0, 19), (2, 8)])
def test_mgh_file_of_wrong_length_is_refused(tmp_path: Path, change: tuple[int, int]) -> None:
    nib.save(nib.MGHImage(thick(), OBLIQUE), tmp_path / "scan.mgh")
    np.testing.assert_array_equal(read_scan(tmp_path / "scan.mgh").data, thick())
    raw = bytearray((tmp_path / "scan.mgh").read_bytes())
    raw[4 + 4 * change[0] : 8 + 4 * change[0]] = change[1].to_bytes(4, "big")
    (tmp_path / "scan.mgh").write_bytes(raw)
    assert "header or file is wrong" in refusal_of(tmp_path / "scan.mgh")


def test_mgh_file_with_tags_is_read(tmp_path: Path) -> None:
    nib.save(nib.MGHImage(thick(), OBLIQUE), tmp_path / "scan.mgh")
    tag = (3).to_bytes(4, "big") + (400).to_bytes(8, "big") + b"mri_convert".ljust(400, b"\0")
    with open(tmp_path / "scan.mgh", "ab") as file:
        file.write(tag)
    assert read_scan(tmp_path / "scan.mgh").data.shape == GRID


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.mgz"])
def test_git_lfs_pointers_and_web_pages_are_refused_by_kind(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n")
    assert "a git-lfs pointer, not the file itself" in refusal_of(path)
    path.write_bytes(b"<!doctype html><title>Sign in</title>" + bytes(400))
    assert "a web page, not the file itself" in refusal_of(path)
