"""A script of a rule that a signal ends, or whose disk is full: one line for the user, no temporary file."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.errors import disk_full

WORKFLOW = Path(__file__).parents[3] / "workflow"
SCRIPT = """
import errno, signal, sys
from pathlib import Path
from types import SimpleNamespace
from benchmark.files import written
from benchmark.jobs.job import job

folder, log, body = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
compute = {"jobs_per_gpu": 1}
snakemake = SimpleNamespace(
    rule="toy", wildcards={"cohort": "a"}, log=log, resources={}, config={"results": str(folder), "compute": compute}
)
with job(snakemake) as say, written(folder / "scan.nii.gz") as aside:
    exec(body)
"""


def run(folder: Path, body: str, log: Path | None = None, before: str = "") -> subprocess.CompletedProcess:
    """A script with this body, which writes ``scan.nii.gz`` into ``folder``."""
    command = [sys.executable, "-c", before + SCRIPT, str(folder), str(log or folder / "log.txt"), body]
    return subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(WORKFLOW)}, timeout=60)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signal_ends_the_job_with_a_line_and_without_a_temporary_file(tmp_path: Path, name: str) -> None:
    done = run(tmp_path, f"signal.raise_signal(signal.{name})")
    assert done.returncode == 1
    assert "ERROR in rule toy (cohort=a): ended by SIGTERM (a time limit, scancel, preemption" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["log.txt"]


def test_job_under_nohup_continues_after_its_terminal_closes(tmp_path: Path) -> None:
    ignored = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    done = run(tmp_path, "signal.raise_signal(signal.SIGHUP); say('done')", before=ignored)
    assert (done.returncode, done.stderr) == (0, "toy: done\n")


def test_handler_of_a_training_gets_the_signal_of_a_closed_terminal(tmp_path: Path) -> None:
    """The training then writes its checkpoint."""
    body = "signal.signal(signal.SIGTERM, lambda *_: say('checkpoint')); signal.raise_signal(signal.SIGHUP)"
    assert run(tmp_path, body).stderr == "toy: checkpoint\n"


def test_processes_of_one_training_do_not_overwrite_each_others_lines(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("of an earlier run\n")
    body = "print('first', flush=True); open(log, 'a').write('of the other process\\n'); print('second')"
    run(tmp_path, body)
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert lines[-3:] == ["first", "of the other process", "second"]
    assert "of an earlier run" not in lines


@pytest.mark.parametrize("log", ["log.txt", "/dev/full"])
@pytest.mark.parametrize("code", ["ENOSPC", "EDQUOT"])
def test_full_disk_is_reported_even_if_the_log_is_on_it(tmp_path: Path, log: str, code: str) -> None:
    body = f"raise OSError(errno.{code}, 'no room')"
    done = run(tmp_path, body, tmp_path / log)
    assert done.returncode != 0
    assert "ERROR in rule toy (cohort=a): the disk is full or the quota is used up" in done.stderr
    assert not (tmp_path / "scan.nii.gz").exists()


def test_full_disk_is_known_whichever_library_says_so() -> None:
    assert disk_full(RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 640 vs 534"))
    assert disk_full(RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"))
    assert not disk_full(OSError(signal.SIGTERM, "other"))
