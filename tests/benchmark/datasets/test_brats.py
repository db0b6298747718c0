"""BraTS 2021 in its true layout: from the user, and through simulated clients."""

import gzip
import io
import os
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nibabel as nib
import pytest

from benchmark.datasets import reader
from benchmark.datasets.layouts import BRATS, write_brats
from benchmark.errors import UserError

IDS = ["BraTS2021_00000", "BraTS2021_00003", "BraTS2021_00007"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_brats(tmp_path_factory.mktemp("brats"), 3)


def unpack(archive: Path, into: Path) -> None:
    """Extracts like ``tar -x``."""
    with tarfile.open(archive) as tar:
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python 3.11.4 and newer
        tar.extractall(into, **safely)


@pytest.fixture(autouse=True)
def no_clients_or_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the clients and logins of this machine."""
    for name in ("SYNAPSE_AUTH_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")


def fake_client(tmp_path: Path, name: str, script: str) -> None:
    path = tmp_path / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/said\n{script}\n')
    path.chmod(0o755)


@pytest.mark.parametrize("modality", ["T1", "T2", "FLAIR"])
def test_local_tar_is_read(archive: Path, tmp_path: Path, modality: str) -> None:
    dataset = reader("brats", tmp_path, local=archive, modality=modality)
    assert dataset.subjects() == IDS  # a folder without FLAIR is not a subject
    path = dataset.fetch([IDS[1]])[IDS[1]]
    assert path.name == f"{IDS[1]}_{modality.lower()}.nii.gz"
    assert nib.load(path).shape == BRATS[0]
    assert [p.name for p in tmp_path.rglob("files-*/**/*.gz")] == [path.name]


def test_archives_of_one_name_in_two_places_do_not_share_files(archive: Path, tmp_path: Path) -> None:
    """Two users, or two versions of a dataset, with the same folder of downloads."""
    other = write_brats(tmp_path / "other", 3, seed=1)
    datasets = [reader("brats", tmp_path / "data", local=path) for path in (archive, other)]
    first, second = (dataset.fetch(IDS[:1])[IDS[0]] for dataset in datasets)
    contents = first.read_bytes(), second.read_bytes()
    assert contents[0] != contents[1]
    changed = first.stat().st_mtime_ns  # a new time would prepare the scan and train everything again
    for dataset in datasets:
        assert dataset.subjects() == IDS
        dataset.fetch(IDS[:1])
    assert (first.read_bytes(), second.read_bytes()) == contents
    assert first.stat().st_mtime_ns == changed


def test_kaggles_zip_and_an_unpacked_tree_are_read(archive: Path, tmp_path: Path) -> None:
    packed = tmp_path / "in" / "archive.zip"
    packed.parent.mkdir()
    with zipfile.ZipFile(packed, "w") as file:
        file.write(archive, archive.name)
    dataset = reader("brats", tmp_path / "data", local=packed.parent, modality="T2")
    assert dataset.subjects() == IDS
    unpack(archive, tmp_path / "deep" / "Training")
    tree = reader("brats", tmp_path / "other", local=tmp_path / "deep", modality="T2")
    assert tree.subjects() == IDS
    assert tree.fetch(IDS)[IDS[0]] == tmp_path / f"deep/Training/{IDS[0]}/{IDS[0]}_t2.nii.gz"
    assert not (tmp_path / "other").exists()


def test_names_since_2023_are_read_and_only_the_first_examination_of_a_patient_is_used(tmp_path: Path) -> None:
    """Names as in the training data of 2023 and 2024; the first examination of patient 3 lacks its FLAIR."""
    names = {"T1": "t1n", "T2": "t2w", "FLAIR": "t2f", "T1CE": "t1c"}
    examinations = [
        "GLI-00000-000",
        "GLI-00002-000",
        "GLI-00002-001",
        "GLI-00003-000",
        "GLI-00003-001",
        "MET-00002-000",
    ]
    for subject in (f"BraTS-{examination}" for examination in examinations):
        (tmp_path / "in" / subject).mkdir(parents=True)
        for kind in [*names.values(), "seg"]:
            if (subject, kind) != ("BraTS-GLI-00003-000", "t2f"):
                (tmp_path / "in" / subject / f"{subject}-{kind}.nii.gz").touch()
    used = [f"BraTS-{number}" for number in ("GLI-00000-000", "GLI-00002-000", "GLI-00003-001", "MET-00002-000")]
    for modality, kind in names.items():
        dataset = reader("brats", tmp_path / "data", local=tmp_path / "in", modality=modality)
        assert dataset.subjects() == used
        assert dataset.fetch(used[:1])[used[0]].name == f"{used[0]}-{kind}.nii.gz"


def test_folder_links_are_followed_without_cycles(archive: Path, tmp_path: Path) -> None:
    unpack(archive, tmp_path / "store")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "all").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "back").symlink_to(tmp_path / "mine")
    assert reader("brats", tmp_path / "data", local=tmp_path / "mine").subjects() == IDS


def test_modalities_share_one_archive_and_folder(archive: Path, tmp_path: Path) -> None:
    def fetch(modality: str) -> Path:
        return reader("brats", tmp_path, local=archive, modality=modality).fetch(IDS)[IDS[2]]

    with ThreadPoolExecutor() as pool:  # as jobs of one workflow do it
        paths = list(pool.map(fetch, ("t1", "T2", "flair", "T1")))
    assert len({path.parent for path in paths}) == 1
    assert [path.name.removesuffix(".nii.gz").rpartition("_")[2] for path in paths] == ["t1", "t2", "flair", "t1"]
    assert all(nib.load(path).get_fdata().any() for path in paths)


def test_missing_data_is_refused_with_all_ways_to_get_it(tmp_path: Path) -> None:
    dataset = reader("brats", tmp_path / "data")
    with pytest.raises(UserError) as error:
        dataset.subjects()
    assert str(error.value) == dataset.missing()
    for word in ("brats", "syn25829067", "kaggle.com", "SYNAPSE_AUTH_TOKEN", "KAGGLE_KEY", "local:", str(tmp_path)):
        assert word in str(error.value)


def test_archive_in_the_data_folder_is_read(archive: Path, tmp_path: Path) -> None:
    (tmp_path / archive.name).write_bytes(archive.read_bytes())
    (tmp_path / f"._{archive.name}").write_bytes(b"a Mac's notes on it")
    dataset = reader("brats", tmp_path)
    assert dataset.missing() is None
    assert dataset.subjects() == IDS


def test_archive_is_downloaded_by_kaggles_client(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "hush")
    assert reader("brats", tmp_path / "data").missing()  # a login without a client is not enough
    fake_client(tmp_path, "kaggle", f'while [ "$1" != -p ]; do shift; done; cp {archive} "$2"')
    dataset = reader("brats", tmp_path / "data")
    assert dataset.missing() is None
    assert dataset.subjects() == IDS
    said = (tmp_path / "said").read_text()
    assert said.startswith("datasets download -d dschettler8845/brats-2021-task1 -f BraTS2021_Training_Data.tar -p ")
    assert "hush" not in said
    assert dataset.fetch(IDS)
    assert len(said.splitlines()) == len((tmp_path / "said").read_text().splitlines()) == 1
    assert not list((tmp_path / "data").glob("*.part"))


def test_archive_is_downloaded_by_synapses_client(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNAPSE_AUTH_TOKEN", "hush")
    script = f"""case "$1" in
      list) echo 'syn1  BraTS2021_ValidationData.zip'; echo 'syn22  BraTS2021_Training_Data.tar';;
      get) cp {archive} "$3";;
    esac"""
    fake_client(tmp_path, "synapse", script)
    assert reader("brats", tmp_path / "data").subjects() == IDS
    said = (tmp_path / "said").read_text().splitlines()
    assert said[0] == "list -r syn25829067"
    assert said[1].startswith("get --downloadLocation ")
    assert said[1].endswith(" syn22")
    assert "hush" not in " ".join(said)


def test_failing_or_empty_client_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "hush")
    fake_client(tmp_path, "kaggle", "echo '403 - Forbidden'; exit 1")
    with pytest.raises(UserError, match="kaggle datasets download: failed \\(403 - Forbidden\\); check the login"):
        reader("brats", tmp_path / "data").subjects()
    fake_client(tmp_path, "kaggle", "exit 0")
    with pytest.raises(UserError, match="downloaded no archive"):
        reader("brats", tmp_path / "data").subjects()


def test_member_path_outside_the_folder_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("../A/A_t1.nii.gz")
        tar.addfile(info)
    (tmp_path / "BraTS2021_Training_Data.tar.gz").write_bytes(gzip.compress(buffer.getvalue()))
    with pytest.raises(UserError, match="points outside its folder"):
        reader("brats", tmp_path / "data", local=tmp_path).subjects()


SHARED = Path(__file__).parents[4] / "shared" / "data" / "brats"


@pytest.mark.skipif(not SHARED.exists(), reason="no real BraTS folder next to the project (../shared/data/brats)")
def test_real_folders_are_read(tmp_path: Path) -> None:
    for modality in ("T1", "T2", "FLAIR"):
        dataset = reader("brats", tmp_path, local=SHARED, modality=modality, slices=155)
        subjects = dataset.subjects()
        assert len(subjects) == len(os.listdir(SHARED)) == 6
        assert all(dataset.refuse(path) is None for path in dataset.fetch(subjects).values())
