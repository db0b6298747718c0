"""ATLAS in its true layout: an encrypted tar, from a server and from the user."""

import hashlib
import logging
import subprocess
from pathlib import Path

import nibabel as nib
import pytest

from benchmark.acquire.openssl import open_encrypted
from benchmark.datasets import atlas, reader
from benchmark.datasets.layouts import ATLAS, write_atlas
from benchmark.errors import UserError


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("releases")
    write_atlas(folder / "R2.0", 3, release="R2.0", digest="sha256", password="open sesame")
    write_atlas(folder / "R1.1", 2, password="open sesame")
    return folder


@pytest.fixture
def atlas_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_PASSWORD", "open sesame")


def digest(releases: Path) -> str:
    return hashlib.sha256((releases / "R2.0" / "ATLAS_R2.0_encrypted.tar.gz").read_bytes()).hexdigest()


def test_release_2_is_downloaded_decrypted_and_only_chosen_images_extracted(
    serve_folder, server, releases: Path, tmp_path: Path, atlas_password: None, caplog: pytest.LogCaptureFixture
) -> None:
    server.drops = [30_000]
    dataset = reader("atlas", tmp_path, url=serve_folder(releases), sha256=digest(releases), release="R2.0")
    with caplog.at_level(logging.DEBUG):
        assert dataset.subjects() == ["sub-r001s001", "sub-r001s002", "sub-r001s003"]
        path = dataset.fetch(["sub-r001s002"])["sub-r001s002"]
    assert nib.load(path).shape == ATLAS[0]
    assert [span for _, span in server.asked] == ["", "bytes=30000-"]
    files = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {
        "ATLAS_R2.0_encrypted.tar.gz",
        "ATLAS_R2.0_encrypted.tar.gz.members.json",
        "sub-r001s002_ses-1_space-MNI152NLin2009aSym_T1w.nii.gz",
    }  # and no decrypted archive
    assert "sesame" not in caplog.text


def test_release_1_gives_first_visits(serve_folder, releases: Path, tmp_path: Path, atlas_password: None) -> None:
    dataset = reader("atlas", tmp_path, url=serve_folder(releases))  # the default: the article cites Liew et al. 2018
    assert dataset.subjects() == ["031769", "031770"]
    path = dataset.fetch(["031770"])["031770"]
    assert path.parent.name == "t01"
    assert nib.load(path).shape == ATLAS[0]


def test_missing_password_is_refused_with_instructions(
    server, releases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ATLAS_PASSWORD", raising=False)
    dataset = reader("atlas", tmp_path, url=server.url, release="R2.0")
    with pytest.raises(UserError) as error:
        dataset.subjects()
    assert str(error.value) == dataset.missing()
    assert all(word in str(error.value) for word in ("atlas", atlas.FORM, "ATLAS_PASSWORD", "local:", str(tmp_path)))
    assert not server.asked
    for local in (releases / "R2.0", releases / "R2.0" / "ATLAS_R2.0_encrypted.tar.gz"):
        dataset = reader("atlas", tmp_path, local=local, release="R2.0")
        assert "encrypted: set the variable ATLAS_PASSWORD" in str(dataset.missing())
        with pytest.raises(UserError, match="set the variable ATLAS_PASSWORD"):
            dataset.subjects()


def test_wrong_password_is_refused_without_printing_it(
    releases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_PASSWORD", "close sesame")
    with pytest.raises(UserError, match="the password is wrong") as error:
        reader("atlas", tmp_path, local=releases / "R2.0", release="R2.0").subjects()
    assert "sesame" not in str(error.value)


def test_decryption_starts_no_process(
    releases: Path, tmp_path: Path, atlas_password: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    assert reader("atlas", tmp_path, local=releases / "R2.0", release="R2.0").subjects()


def test_download_with_a_flipped_byte_is_refused(
    serve_folder, server, releases: Path, tmp_path: Path, atlas_password: None
) -> None:
    url = serve_folder(releases)
    server.flips = {f"/{release}/ATLAS_{release}_encrypted.tar.gz" for release in ("R2.0", "R1.1")}
    with pytest.raises(UserError, match=r"ATLAS_R2\.0_encrypted\.tar\.gz\.wrong: its SHA-256 is"):
        reader("atlas", tmp_path / "a", url=url, sha256=digest(releases), release="R2.0").subjects()
    with pytest.raises(UserError, match=r"damaged .*renamed to .*\.wrong"):  # without a known hash, the content decides
        reader("atlas", tmp_path / "b", url=url, release="R1.1").subjects()


def test_pinned_hash_of_the_release_is_required(
    serve_folder, releases: Path, tmp_path: Path, atlas_password: None
) -> None:
    with pytest.raises(UserError, match="not b9cdf26486e7dd32"):
        reader("atlas", tmp_path, url=serve_folder(releases), release="R2.0").subjects()


def test_folder_decrypted_by_the_user_is_read_in_place(releases: Path, tmp_path: Path, atlas_password: None) -> None:
    dataset = reader("atlas", tmp_path / "a", local=releases / "R2.0", release="R2.0")
    dataset.fetch(dataset.subjects())
    (files,) = (tmp_path / "a").glob("files-*")
    tree = reader("atlas", tmp_path / "b", local=files / "ATLAS_2", release="R2.0")
    assert tree.missing() is None
    assert tree.fetch(["sub-r001s003"])["sub-r001s003"].is_relative_to(tmp_path / "a")


def test_archive_in_the_data_folder_is_read(releases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATLAS_PASSWORD", raising=False)
    archive = tmp_path / "ATLAS_R2.0_encrypted.tar.gz"
    archive.write_bytes((releases / "R2.0" / archive.name).read_bytes())
    assert "encrypted: set the variable" in str(reader("atlas", tmp_path, release="R2.0").missing())
    with open_encrypted(archive, "open sesame") as plain:
        (tmp_path / "ATLAS_R2.0.tar.gz").write_bytes(plain.read())
    archive.unlink()
    dataset = reader("atlas", tmp_path, release="R2.0")
    assert dataset.missing() is None
    assert len(dataset.subjects()) == 3


def test_unknown_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no release R3; there are R1\.1, R2\.0"):
        reader("atlas", tmp_path, release="R3")
