"""Where a file is expected, only a regular file is opened: a FIFO would wait for ever, a device does not end."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from commands import command
from fuzz import tried
from zoom_scans import thick

from zoom.rows import read_rows


def fifo(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def memory(path: Path) -> None:
    path.symlink_to("/proc/self/mem")


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path is short
        one.bind(path.name)
        os.chdir(here)


def nothing(path: Path) -> None:
    path.touch()


KINDS = [fifo, endless, folder, loop, dangling, memory, listening, nothing]


@pytest.fixture(scope="module", autouse=True)
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan; once zoomed here, so that the processes of the inputs have imported what they need."""
    import models.checkpoints  # noqa: F401
    import models.weights  # noqa: F401

    folder = tmp_path_factory.mktemp("sound")
    nib.save(nib.Nifti1Image(thick(), np.diag([1, 1, 5, 1.0])), folder / "scan.nii.gz")
    command([folder / "scan.nii.gz", "-o", folder / "o.nii", "--n", "1", "--method", "linear"])
    return folder / "scan.nii.gz"


@pytest.fixture
def scan(tmp_path: Path, sound: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "scan.nii.gz"))


@pytest.fixture(params=KINDS, ids=lambda make: make.__name__)
def make(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    return request.param


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "out").mkdir()
    yield tmp_path / "out"
    shutil.rmtree(tmp_path / "out")


@pytest.mark.parametrize("name", ["a.nii", "a.mgz", "a.hdr"])
def test_scans(tmp_path: Path, out: Path, make: Callable[[Path], None], name: str) -> None:
    path = tmp_path / name
    make(path)
    if name == "a.hdr":
        path.with_suffix(".img").write_bytes(bytes(5000))
        path = path.with_suffix(".img")
    said = tried(
        "special files", lambda: command([path, "-o", out / "o.nii", "--n", "1"]), path, tmp_path / name, left=out
    )
    assert said


@pytest.mark.parametrize("name", ["w.safetensors", "w.ckpt", "unet/config.json", "scheduler/scheduler_config.json"])
def test_weights(tmp_path: Path, out: Path, scan: Path, make: Callable[[Path], None], name: str) -> None:
    (tmp_path / "w" / "unet").mkdir(parents=True)
    (tmp_path / "w" / "scheduler").mkdir()
    if name.startswith("scheduler"):
        (tmp_path / "w" / "unet" / "config.json").write_text("{}")
    make(tmp_path / "w" / name)
    given = tmp_path / "w" if "/" in name else tmp_path / "w" / name
    words = [scan, "-o", out / "o.nii", "--n", "1", "--weights", given]
    assert tried("special files", lambda: command(words), given, left=out)


def test_configurations(tmp_path: Path, out: Path, scan: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "c.yaml")
    words = [scan, "-o", out / "o.nii", "--n", "1", "--config", tmp_path / "c.yaml"]
    assert tried("special files", lambda: command(words), tmp_path / "c.yaml", left=out)


def test_sheets(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "s.tsv")
    assert tried("special files", lambda: read_rows(tmp_path / "s.tsv"), tmp_path / "s.tsv")


def test_what_lies_next_to_a_scan(tmp_path: Path, out: Path, scan: Path, make: Callable[[Path], None]) -> None:
    """Its sidecar, and the same of its dataset: not read, or the line names it."""
    place = tmp_path / "raw" / "sub-1" / "anat"
    place.mkdir(parents=True)
    shutil.copy(scan, place / "sub-1_T2w.nii.gz")
    for file in (
        place / "sub-1_T2w.json",
        tmp_path / "raw" / "T2w.json",
        tmp_path / "raw" / "dataset_description.json",
    ):
        make(file)
        words = [place / "sub-1_T2w.nii.gz", "-o", out / "x" / "o.nii", "--n", "1", "--method", "linear", "--dry-run"]
        tried("special files", lambda words=words: command(words), file, left=out)
        shutil.rmtree(file) if file.is_dir() and not file.is_symlink() else file.unlink()


def test_names(tmp_path: Path, out: Path, scan: Path) -> None:
    """Names that are too long, or that a terminal or UTF-8 cannot show, for a scan and for an output."""
    usual = [str(scan), "-o", str(out / "o.nii"), "--n", "1", "--method", "linear"]
    for name in (
        "a\nb.nii.gz",
        "\x1b[31mred.nii.gz",
        b"bad\xff.nii.gz".decode("utf-8", "surrogateescape"),
        "-dash.nii.gz",
    ):
        shutil.copy(scan, tmp_path / name)
        words = ["--n", "1", "--method", "linear", "--overwrite", "-o", str(out / name), "--", str(tmp_path / name)]
        tried("names", lambda words=words: command(words), tmp_path / name, out / name)
        shutil.rmtree(out)
        out.mkdir()
    long = "a" * 300
    for place, word in ((0, f"{tmp_path}/{long}.nii"), (2, f"{out}/{long}.nii"), (2, f"{out}/{long}"), (0, "")):
        words = [*usual[:place], word, *usual[place + 1 :]]
        tried("names", lambda words=words: command(words), word or ".", left=out)
    for option in ("--weights", "--config", "--results"):
        words = [*usual[:-2], option, str(tmp_path / long), *(["--weights", "toy/1"] if option == "--results" else [])]
        tried("names", lambda words=words: command(words), long[:200], left=out)
