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
from fuzz import assert_valid_or_refused
from zoom_scans import thick

from zoom.rows import read_rows


def fifo(path: Path) -> None:
    os.mkfifo(path)


def endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_folder(path: Path) -> None:
    path.mkdir()


def link_loop(path: Path) -> None:
    path.symlink_to(path.name)


def dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def process_memory(path: Path) -> None:
    path.symlink_to("/proc/self/mem")


def listening_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path is short
        one.bind(path.name)
        os.chdir(here)


def empty_file(path: Path) -> None:
    path.touch()


KINDS = [fifo, endless_device, a_folder, link_loop, dangling_link, process_memory, listening_socket, empty_file]


@pytest.fixture(scope="module", autouse=True)
def zoomed_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan; once zoomed here, so that the processes of the inputs have imported what they need."""
    import models.checkpoints  # noqa: F401
    import models.weights  # noqa: F401

    folder = tmp_path_factory.mktemp("zoomed_scan")
    nib.save(nib.Nifti1Image(thick(), np.diag([1, 1, 5, 1.0])), folder / "scan.nii.gz")
    command([folder / "scan.nii.gz", "-o", folder / "o.nii", "--n", "1", "--method", "linear"])
    return folder / "scan.nii.gz"


@pytest.fixture
def scan(tmp_path: Path, zoomed_scan: Path) -> Path:
    return Path(shutil.copy(zoomed_scan, tmp_path / "scan.nii.gz"))


@pytest.fixture(params=KINDS, ids=lambda maker: maker.__name__)
def make_special_file(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    return request.param


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "out").mkdir()
    yield tmp_path / "out"
    shutil.rmtree(tmp_path / "out")


@pytest.mark.parametrize("name", ["a.nii", "a.mgz", "a.hdr"])
def test_special_file_as_scan_is_refused(
    tmp_path: Path, out: Path, make_special_file: Callable[[Path], None], name: str
) -> None:
    path = tmp_path / name
    make_special_file(path)
    if name == "a.hdr":
        path.with_suffix(".img").write_bytes(bytes(5000))
        path = path.with_suffix(".img")
    said = assert_valid_or_refused(
        "special files",
        lambda: command([path, "-o", out / "o.nii", "--n", "1"]),
        path,
        tmp_path / name,
        output_folder=out,
    )
    assert said


@pytest.mark.parametrize("name", ["w.safetensors", "w.ckpt", "unet/config.json", "scheduler/scheduler_config.json"])
def test_special_file_as_weights_is_refused(
    tmp_path: Path, out: Path, scan: Path, make_special_file: Callable[[Path], None], name: str
) -> None:
    (tmp_path / "w" / "unet").mkdir(parents=True)
    (tmp_path / "w" / "scheduler").mkdir()
    if name.startswith("scheduler"):
        (tmp_path / "w" / "unet" / "config.json").write_text("{}")
    make_special_file(tmp_path / "w" / name)
    given = tmp_path / "w" if "/" in name else tmp_path / "w" / name
    words = [scan, "-o", out / "o.nii", "--n", "1", "--weights", given]
    assert assert_valid_or_refused("special files", lambda: command(words), given, output_folder=out)


def test_special_file_as_configuration_is_refused(
    tmp_path: Path, out: Path, scan: Path, make_special_file: Callable[[Path], None]
) -> None:
    make_special_file(tmp_path / "c.yaml")
    words = [scan, "-o", out / "o.nii", "--n", "1", "--config", tmp_path / "c.yaml"]
    assert assert_valid_or_refused("special files", lambda: command(words), tmp_path / "c.yaml", output_folder=out)


def test_special_file_as_sheet_is_refused(tmp_path: Path, make_special_file: Callable[[Path], None]) -> None:
    make_special_file(tmp_path / "s.tsv")
    assert assert_valid_or_refused("special files", lambda: read_rows(tmp_path / "s.tsv"), tmp_path / "s.tsv")


def test_special_file_as_sidecar_is_ignored_or_refused(
    tmp_path: Path, out: Path, scan: Path, make_special_file: Callable[[Path], None]
) -> None:
    """Its sidecar, and the same of its dataset: not read, or the line names it."""
    place = tmp_path / "raw" / "sub-1" / "anat"
    place.mkdir(parents=True)
    shutil.copy(scan, place / "sub-1_T2w.nii.gz")
    for file in (
        place / "sub-1_T2w.json",
        tmp_path / "raw" / "T2w.json",
        tmp_path / "raw" / "dataset_description.json",
    ):
        make_special_file(file)
        words = [place / "sub-1_T2w.nii.gz", "-o", out / "x" / "o.nii", "--n", "1", "--method", "linear", "--dry-run"]
        assert_valid_or_refused("special files", lambda words=words: command(words), file, output_folder=out)
        shutil.rmtree(file) if file.is_dir() and not file.is_symlink() else file.unlink()


def test_long_and_unprintable_names_are_handled_or_refused(tmp_path: Path, out: Path, scan: Path) -> None:
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
        assert_valid_or_refused("names", lambda words=words: command(words), tmp_path / name, out / name)
        shutil.rmtree(out)
        out.mkdir()
    long = "a" * 300
    for place, word in ((0, f"{tmp_path}/{long}.nii"), (2, f"{out}/{long}.nii"), (2, f"{out}/{long}"), (0, "")):
        words = [*usual[:place], word, *usual[place + 1 :]]
        assert_valid_or_refused("names", lambda words=words: command(words), word or "is empty", output_folder=out)
    for option in ("--weights", "--config", "--results"):
        words = [*usual[:-2], option, str(tmp_path / long), *(["--weights", "toy/1"] if option == "--results" else [])]
        assert_valid_or_refused("names", lambda words=words: command(words), long[:200], output_folder=out)
