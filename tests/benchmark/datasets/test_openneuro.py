"""ds004199 in its true layout: a BIDS tree and its manifest, file by file from a server."""

import csv
from pathlib import Path

import pytest

from benchmark.datasets import reader
from benchmark.datasets.layouts import write_openneuro
from benchmark.datasets.openneuro import MANIFEST
from benchmark.errors import UserError


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_openneuro(tmp_path_factory.mktemp("openneuro"), 5)


@pytest.fixture
def manifest(tree: Path) -> Path:
    return tree.parent / "manifest.tsv"


def test_only_chosen_files_are_downloaded(serve_folder, server, tree: Path, manifest: Path, tmp_path: Path) -> None:
    dataset = reader("openneuro", tmp_path, url=serve_folder(tree), manifest=manifest)
    assert dataset.missing() is None
    assert dataset.subjects() == [f"sub-{i:05d}" for i in range(1, 6)]
    assert not server.asked
    server.drops, server.refusals = [10_000], [503]
    images = dataset.fetch(["sub-00004", "sub-00001"])
    assert {path.name for path in images.values()} == {
        "sub-00004_acq-tse3dvfl_FLAIR.nii.gz",
        "sub-00001_acq-T2sel_FLAIR.nii.gz",
    }
    assert all(dataset.refuse(path) is None for path in images.values())
    assert {path for path, _ in server.asked} == {f"/{p.relative_to(tmp_path).as_posix()}" for p in images.values()}
    asked = len(server.asked)
    assert dataset.fetch(["sub-00001"])["sub-00001"] == images["sub-00001"]
    assert len(server.asked) == asked


def test_thick_series_are_refused_by_header(serve_folder, tree: Path, manifest: Path, tmp_path: Path) -> None:
    thick = reader("openneuro", tmp_path, url=serve_folder(tree), manifest=manifest, acquisitions=["tra4mm"])
    path = thick.fetch(thick.subjects())["sub-00006"]
    assert thick.refuse(path) == "thick: voxels of 4 mm, above 2 mm"


def test_flipped_byte_or_missing_file_is_refused(
    serve_folder, server, tree: Path, manifest: Path, tmp_path: Path
) -> None:
    dataset = reader("openneuro", tmp_path, url=serve_folder(tree), manifest=manifest)
    name = "/sub-00002/anat/sub-00002_acq-T2sel_FLAIR.nii.gz"
    server.flips = {name}
    with pytest.raises(UserError, match=r"sub-00002_acq-T2sel_FLAIR\.nii\.gz\.wrong: its SHA-256"):
        dataset.fetch(["sub-00002"])
    del server.files[name]
    with pytest.raises(UserError, match="404 Not Found"):
        dataset.fetch(["sub-00002"])


def test_local_folder_is_used_in_place_and_checked(tree: Path, manifest: Path, tmp_path: Path) -> None:
    dataset = reader("openneuro", tmp_path / "data", local=tree, manifest=manifest)
    path = dataset.fetch(["sub-00003"])["sub-00003"]
    assert path.is_relative_to(tree)
    assert not (tmp_path / "data").exists()
    with pytest.raises(UserError, match="no subject sub-00006"):
        dataset.fetch(["sub-00006"])
    copy = tmp_path / "copy" / path.relative_to(tree)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes() + b"?")
    other = reader("openneuro", tmp_path / "data", local=tmp_path / "copy", manifest=manifest)
    with pytest.raises(UserError, match=r"but ds004199 1\.0\.5 has"):
        other.fetch(["sub-00003"])
    with pytest.raises(UserError, match="datalad get"):
        other.fetch(["sub-00001"])


def test_shipped_manifest_is_complete() -> None:
    dataset = reader("openneuro", "unused")
    assert len(dataset.subjects()) == 162
    assert len(reader("openneuro", "unused", acquisitions=["T2sel"]).subjects()) == 126
    with open(MANIFEST, newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 170
    assert all(len(row["sha256"]) == 64 and int(row["bytes"]) > 100_000 for row in rows)


def test_unknown_acquisitions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no FLAIR with acquisitions T2sell"):
        reader("openneuro", tmp_path, acquisitions=["T2sell"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_manifest_with_byte_order_mark_or_utf16_is_read(
    tree: Path, manifest: Path, tmp_path: Path, encoding: str
) -> None:
    saved = tmp_path / "saved.tsv"
    saved.write_bytes(manifest.read_text().encode(encoding))
    expected = reader("openneuro", tmp_path, local=tree, manifest=manifest).subjects()
    assert reader("openneuro", tmp_path, local=tree, manifest=saved).subjects() == expected
    saved.write_text("file\tsha256\n")
    with pytest.raises(UserError, match=r"saved\.tsv: no column 'bytes'"):
        reader("openneuro", tmp_path, local=tree, manifest=saved)
