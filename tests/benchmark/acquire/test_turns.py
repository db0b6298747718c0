"""Several processes and users share one folder of downloads."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from benchmark.acquire.fetch import Item, download
from benchmark.acquire.turns import turn
from benchmark.datasets import layouts, reader
from benchmark.errors import UserError

ROOT = Path(__file__).parents[3]


def test_lock_waits_for_another_process_and_leaves_no_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lock, order = tmp_path / "new" / ".lock", []

    def second() -> None:
        with turn(lock):
            order.append("second")

    with turn(lock):
        other = threading.Thread(target=second)
        other.start()
        other.join(1.5)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]
    assert f"{lock}: another process works on this; waiting" in caplog.text
    assert list(lock.parent.iterdir()) == []


def test_lock_of_a_killed_process_is_taken_and_removed(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    with turn(tmp_path / ".lock"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_file_that_another_process_downloads_is_not_requested(server, tmp_path: Path) -> None:
    item = Item(f"{server.url}/scan.bin", tmp_path / "scan.bin")
    with FileLock(item.lock):
        waiting = threading.Thread(target=download, args=([item],))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        item.target.write_bytes(b"by another process")
    waiting.join(10)
    assert server.asked == []
    assert [path.name for path in tmp_path.iterdir()] == ["scan.bin"]


def test_lock_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match=r"\.lock: the lock cannot be made \(.*\); check the disk"),
        turn(tmp_path / "file" / ".lock"),
    ):
        pass


AS_NOBODY = """
import os, sys
from benchmark.datasets import reader
dataset = reader("brats", sys.argv[1])
dataset.fetch(dataset.subjects()[:1])  # imports everything: the other user may not read Python's own files
os.setuid(65534)
subjects = dataset.subjects()
try:
    print(*dataset.fetch(subjects[: int(sys.argv[2])]))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_user_who_cannot_write_reads_the_folder_of_a_colleague(readable_folder: Path) -> None:
    folder = readable_folder / "brats"
    layouts.write_brats(folder, 2)
    dataset = reader("brats", folder)
    subjects = dataset.subjects()
    dataset.fetch(subjects[:1])

    def as_nobody(count: int) -> str:
        command = [sys.executable, "-c", AS_NOBODY, str(folder), str(count)]
        path = os.pathsep.join([str(ROOT / "workflow"), str(ROOT)])
        environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout

    assert as_nobody(1).strip() == subjects[0]
    assert "UserError" in (refused := as_nobody(2))
    assert f"{subjects[1]}: cannot be written (Permission denied); check the disk and your rights" in refused
