"""OASIS-TRT-20 in Mindboggle's layout and as a BIDS folder: from a server, from an archive, from a folder."""

import hashlib
from pathlib import Path

import nibabel as nib
import pytest

from benchmark.datasets import oasis_trt, reader
from benchmark.datasets.layouts import OASIS, write_oasis_trt
from benchmark.errors import UserError

SUBJECTS = ["OASIS-TRT-20-01", "OASIS-TRT-20-02", "OASIS-TRT-20-03"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_oasis_trt(tmp_path_factory.mktemp("mindboggle"), 3)


def test_skull_stripped_scans_are_downloaded_after_the_licence_is_accepted(
    serve_folder, server, archive: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"{serve_folder(archive.parent)}/{archive.name}"
    shy = reader("oasis_trt", tmp_path, url=url)
    with pytest.raises(UserError) as error:
        shy.subjects()
    assert str(error.value) == shy.missing()
    for word in ("oasis_trt", oasis_trt.TERMS, "accept_terms: true", "CC BY-NC-SA 3.0", "local:", str(tmp_path)):
        assert word in str(error.value)
    assert not server.asked
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    dataset = reader("oasis_trt", tmp_path, url=url, accept_terms=True, sha256=digest)
    assert dataset.subjects() == SUBJECTS
    paths = dataset.fetch(SUBJECTS[1:])
    assert {path.name for path in paths.values()} == {"t1weighted_brain.nii.gz"}
    assert nib.load(paths[SUBJECTS[2]]).shape == OASIS[0]
    assert "CC BY-NC-SA" in caplog.text
    assert not list(tmp_path.rglob("*labels*"))


def test_archive_with_a_wrong_hash_is_refused(serve_folder, archive: Path, tmp_path: Path) -> None:
    url = f"{serve_folder(archive.parent)}/{archive.name}"
    with pytest.raises(UserError, match="its SHA-256 is"):
        reader("oasis_trt", tmp_path, url=url, accept_terms=True, sha256="0" * 64).subjects()


def test_local_archive_or_folder_is_used_without_a_download(archive: Path, tmp_path: Path) -> None:
    packed = reader("oasis_trt", tmp_path / "a", local=archive)
    assert packed.missing() is None
    assert packed.subjects() == SUBJECTS
    packed.fetch(SUBJECTS)
    (files,) = (tmp_path / "a").glob("files-*")
    unpacked = reader("oasis_trt", tmp_path / "b", local=files / "OASIS-TRT-20_volumes")
    assert unpacked.fetch(SUBJECTS)[SUBJECTS[0]].is_relative_to(tmp_path / "a")


def test_bids_folder_of_the_same_scans_is_read(archive: Path, tmp_path: Path) -> None:
    scans = reader("oasis_trt", tmp_path / "a", local=archive).fetch(SUBJECTS)
    for number in (1, 2, 10):
        target = tmp_path / "bids" / f"sub-{number:02d}" / "anat" / f"sub-{number:02d}_T1w.nii.gz"
        target.parent.mkdir(parents=True)
        target.write_bytes(scans[SUBJECTS[0]].read_bytes())
    dataset = reader("oasis_trt", tmp_path / "b", local=tmp_path / "bids")
    assert dataset.subjects() == ["OASIS-TRT-20-01", "OASIS-TRT-20-02", "OASIS-TRT-20-10"]
    assert nib.load(dataset.fetch(dataset.subjects())["OASIS-TRT-20-10"]).shape == OASIS[0]


OTHERS = ["x/OASIS-TRT-20-1/t1weighted.nii.gz", "OASIS-TRT-20-1/t1weighted_brain.MNI152.nii.gz"]


@pytest.mark.parametrize("name", OTHERS)
def test_whole_heads_and_resampled_scans_are_left_out(name: str, tmp_path: Path) -> None:
    assert not reader("oasis_trt", tmp_path).choose(name)
