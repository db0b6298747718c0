"""A BIDS folder as a dataset: which image of a subject is used."""

import gzip
from pathlib import Path

import pytest

from benchmark.datasets import reader
from benchmark.errors import UserError


def write_tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"image of " + name.encode())
    return root


def test_images_of_the_suffix_are_used_in_place(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path / "study",
        "sub-02/anat/sub-02_T1w.nii.gz",
        "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii",
        "sub-01/ses-a/anat/sub-01_ses-a_T1w.json",
        "sub-03/anat/sub-03_T2w.nii.gz",
        "sub-03/func/sub-03_T1w.nii.gz",
    )
    bids = reader("bids", tmp_path / "data", local=root)
    assert bids.subjects() == ["sub-01", "sub-02"]
    assert bids.fetch(["sub-02"]) == {"sub-02": root / "sub-02/anat/sub-02_T1w.nii.gz"}
    assert not (tmp_path / "data").exists()
    assert reader("bids", tmp_path, local=root, modality="T2").subjects() == ["sub-03"]
    with pytest.raises(UserError, match="no subject sub-03, sub-9"):
        bids.fetch(["sub-02", "sub-9", "sub-03"])


def test_several_images_of_a_subject_are_refused_until_one_is_chosen(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path,
        "sub-01/ses-a/anat/sub-01_ses-a_run-01_T1w.nii.gz",
        "sub-01/ses-a/anat/sub-01_ses-a_acq-x_run-02_T1w.nii.gz",
        "sub-01/ses-b/anat/sub-01_ses-b_T1w.nii.gz",
    )
    with pytest.raises(UserError, match=r"3 T1w images \(ses-a.*ses-b.*\); choose by session: or entities:"):
        reader("bids", tmp_path, local=root).subjects()

    def image_of(**options: object) -> str:
        return reader("bids", tmp_path, local=root, **options).fetch(["sub-01"])["sub-01"].name

    assert image_of(session="b") == "sub-01_ses-b_T1w.nii.gz"
    assert image_of(session="a", entities={"run": 2}) == "sub-01_ses-a_acq-x_run-02_T1w.nii.gz"
    assert image_of(session="a", entities={"acq": None}) == "sub-01_ses-a_run-01_T1w.nii.gz"
    with pytest.raises(UserError, match="with ses-c in it"):
        image_of(session="c")


def test_missing_folder_or_annexed_content_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="set local: to the BIDS folder"):
        reader("bids", tmp_path)
    with pytest.raises(UserError, match="not a folder"):
        reader("bids", tmp_path, local=__file__)
    image = tmp_path / "sub-01/anat/sub-01_T1w.nii.gz"
    image.parent.mkdir(parents=True)
    image.symlink_to("../../.git/annex/objects/gone")
    bids = reader("bids", tmp_path, local=tmp_path)
    assert bids.subjects() == ["sub-01"]
    with pytest.raises(UserError, match="datalad get"):
        bids.fetch(["sub-01"])


def test_names_with_a_leading_dot_are_ignored(tmp_path: Path) -> None:
    names = [
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-01/anat/._sub-01_T1w.nii.gz",
        "._sub-01",
        "sub-02/anat/._sub-02_T1w.nii",
    ]
    root = write_tree(tmp_path, *names, "._sub-01", "sub-02/anat/._sub-02_T1w.nii")
    assert reader("bids", tmp_path, local=root).fetch(["sub-01"])["sub-01"].name == "sub-01_T1w.nii.gz"
    assert reader("bids", tmp_path, local=root).subjects() == ["sub-01"]


def test_compressed_copy_is_used_if_equal_and_refused_if_not(tmp_path: Path) -> None:
    root = write_tree(tmp_path, "sub-01/anat/sub-01_T1w.nii")
    plain = root / "sub-01/anat/sub-01_T1w.nii"
    packed = plain.with_suffix(".nii.gz")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert reader("bids", tmp_path, local=root).fetch(["sub-01"]) == {"sub-01": packed}
    for other in (b"image of another", plain.read_bytes() + b"1", plain.read_bytes()[:-1]):
        packed.write_bytes(gzip.compress(other))
        with pytest.raises(UserError, match=r"sub-01_T1w.nii: differs from sub-01_T1w.nii.gz next to it; remove one"):
            reader("bids", tmp_path, local=root).subjects()


@pytest.mark.parametrize("there", [[], ["sub-01_T1w.nii.gz"], ["sub-01_T1w.nii"]])
def test_copy_without_downloaded_content_is_not_compared(tmp_path: Path, there: list[str]) -> None:
    root = write_tree(tmp_path, *(f"sub-01/anat/{name}" for name in there)) if there else tmp_path
    folder = root / "sub-01" / "anat"
    folder.mkdir(parents=True, exist_ok=True)
    for name in {"sub-01_T1w.nii.gz", "sub-01_T1w.nii"} - set(there):
        (folder / name).symlink_to("../../.git/annex/objects/gone")
    bids = reader("bids", tmp_path, local=root)
    if "sub-01_T1w.nii.gz" in there:
        assert bids.fetch(["sub-01"]) == {"sub-01": folder / "sub-01_T1w.nii.gz"}
    else:
        with pytest.raises(UserError, match=r"sub-01_T1w\.nii\.gz: a link to a missing file; .*datalad get"):
            bids.fetch(["sub-01"])
