"""Locks are stale if the process that made them has ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.cluster.locks import stale
from benchmark.errors import UserError

SNAKEFILE = """
rule all:
    output: "made.txt"
    run:
        import time; open("begun", "w"); time.sleep(60)
"""


@pytest.fixture
def study(tmp_path: Path) -> Iterator[subprocess.Popen]:
    """A Snakemake that runs in ``tmp_path``, in a separate process group."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all"]
    running = subprocess.Popen(
        command, cwd=tmp_path, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and running.poll() is None and time.monotonic() < until:
        time.sleep(0.1)
    assert (tmp_path / "begun").exists()
    yield running
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def test_folder_without_locks_has_no_stale_locks(tmp_path: Path) -> None:
    assert not stale(tmp_path)


def test_locks_are_stale_only_after_the_study_is_killed(tmp_path: Path, study: subprocess.Popen) -> None:
    with pytest.raises(UserError, match=rf"running here \(process .*\b{study.pid}\b.*its locks are kept"):
        stale(tmp_path)
    command = [sys.executable, "-m", "benchmark.cluster.locks"]
    asked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert asked.returncode == 1
    assert asked.stderr.count("\n") == 1
    os.killpg(study.pid, signal.SIGKILL)
    study.wait()
    assert stale(tmp_path)
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0


@pytest.mark.parametrize("elsewhere", [False, True])
def test_script_that_outlives_snakemake_keeps_the_locks_of_its_folder(tmp_path: Path, elsewhere: bool) -> None:
    script = tmp_path / ".snakemake" / "scripts" / "tmp1.train.py"
    for folder in (script.parent, tmp_path / ".snakemake" / "locks", tmp_path / "other"):
        folder.mkdir(parents=True)
    (tmp_path / ".snakemake" / "locks" / "0.output.lock").write_text("made.txt\n")
    script.write_text("print('begun', flush=True); input()")
    where = tmp_path / "other" if elsewhere else tmp_path
    with subprocess.Popen(
        [sys.executable, str(script)], cwd=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as job:
        assert job.stdout.readline() == "begun\n"
        if elsewhere:
            assert stale(tmp_path)
        else:
            with pytest.raises(UserError, match=str(job.pid)):
                stale(tmp_path)
        job.communicate("\n")
    assert stale(tmp_path)
