"""Files are written under temporary names and renamed when they are complete."""

import itertools
import os
import stat
import threading
from pathlib import Path

import pytest

from benchmark import files
from benchmark.files import read_csv, write_csv, written, written_together


def test_file_is_renamed_only_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "new" / "o.nii.gz"
    with written(target) as aside:
        assert aside.parent == target.parent
        assert aside.name.endswith(".o.nii.gz")
        aside.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"

    def fail() -> None:
        with written(target) as aside:
            aside.write_text("half")
            raise ValueError("failed on the way")

    with pytest.raises(ValueError, match="on the way"):
        fail()
    assert target.read_text() == "whole"
    assert os.listdir(target.parent) == ["o.nii.gz"]


def test_link_at_a_temporary_name_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "thesis.txt"
    kept.write_text("years of work")
    for name in (f".{os.getpid()}.o.json", ".00000000.o.json"):
        (tmp_path / name).symlink_to(kept)
    dangling = tmp_path / ".00000001.o.json"
    dangling.symlink_to(tmp_path / "made for somebody else")
    guessed = itertools.count()  # the worst case: the attacker knows the first random names
    monkeypatch.setattr(files.secrets, "token_hex", lambda size: f"{next(guessed):08x}")
    with written(tmp_path / "o.json") as aside:
        aside.write_text("{}")
    assert kept.read_text() == "years of work"
    assert not (tmp_path / "made for somebody else").exists()
    assert not (tmp_path / "o.json").is_symlink()
    assert dangling.is_symlink()  # other users' files are not changed


def test_two_writers_of_one_file_have_separate_temporary_files(tmp_path: Path) -> None:
    """One process id in two containers is one process id in two threads."""
    target, both = tmp_path / "o.txt", threading.Barrier(2)

    def write(letter: str) -> None:
        with written(target) as aside, open(aside, "w") as file:
            for _ in range(100):
                file.write(letter)
                file.flush()
            both.wait(10)

    writers = [threading.Thread(target=write, args=(letter,)) for letter in "AB"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert target.read_text() in ("A" * 100, "B" * 100)
    assert os.listdir(tmp_path) == ["o.txt"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_file_mode_follows_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with written(tmp_path / "o.txt") as aside:
            aside.write_text("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "o.txt").stat().st_mode) == 0o666 & ~mask


def test_several_files_are_renamed_together_or_not_at_all(tmp_path: Path) -> None:
    wanted = [tmp_path / "o.nii", tmp_path / "o.json"]

    def lose_one() -> None:
        with written_together(wanted) as (image, about):
            about.write_text("{}")
            image.unlink()

    with pytest.raises(FileNotFoundError):
        lose_one()
    assert list(tmp_path.iterdir()) == []
    with written_together(wanted) as (image, about):
        image.write_text("image")
        about.write_text("{}")
    assert [path.read_text() for path in wanted] == ["image", "{}"]
    assert len(list(tmp_path.iterdir())) == 2


def test_mode_of_a_file_written_by_a_library_follows_the_umask(tmp_path: Path) -> None:
    """Safetensors writes another file and renames it; only its owner can read it."""
    import numpy as np
    from safetensors.numpy import save_file

    before = os.umask(0o027)
    try:
        with written(tmp_path / "features.safetensors") as aside:
            save_file({"a": np.zeros(3)}, aside)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "features.safetensors").stat().st_mode) == 0o640


def test_csv_names_like_numbers_or_missing_values_stay_text(tmp_path: Path) -> None:
    import pandas as pd

    names = {"cohort": ["2024"], "method": ["null"], "subject": ["NA"], "first": ["007"], "eta": ["1"]}
    table = pd.DataFrame({**names, "psnr": [float("nan")], "ssim": [float("inf")], "removed": [True]})
    write_csv(tmp_path / "table.csv", table)
    read = read_csv(tmp_path / "table.csv")
    assert {key: read[key].tolist() for key in names} == names
    assert read["psnr"].isna().all()
    assert (read["ssim"] == float("inf")).all()
    assert read["removed"].dtype == bool
