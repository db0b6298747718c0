"""One job for each GPU, and one GPU for each job."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.cluster import gpu

WORKFLOW = Path(__file__).parents[3] / "workflow"
HOLD = """
import sys
from benchmark.cluster.gpu import claim
print(*claim({count}, ["0", "1"], 0.05, say=lambda line: None), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hold(tmp_path):
    """Starts jobs that claim GPUs and hold them until they are told to end."""
    started = []
    environment = {k: v for k, v in os.environ.items() if k not in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID")}

    def start(count=1):
        job = subprocess.Popen(
            [sys.executable, "-c", HOLD.format(count=count)],
            env=environment | {"XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": str(WORKFLOW)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(job)
        return job

    yield start
    for job in started:
        job.kill()
        job.communicate()


def test_jobs_get_different_gpus_and_a_third_waits_even_for_a_killed_one(hold):
    one, two = hold(), hold()
    gpus = [job.stdout.readline().strip() for job in (one, two)]
    assert sorted(gpus) == ["0", "1"]
    third = hold()
    one.kill()
    assert third.stdout.readline().strip() == gpus[0]


def test_a_job_that_wants_both_waits_for_both(hold):
    one = hold()
    assert one.stdout.readline().strip() == "0"
    both = hold(2)
    other = hold()
    assert other.stdout.readline().strip() == "1"  # the one that waits holds nothing meanwhile
    one.kill()
    other.kill()
    assert both.stdout.readline().split() == ["0", "1"]


def test_what_is_claimed_is_all_that_is_visible(tmp_path, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(gpu, "_HELD", [])
    assert gpu.gpus() == ["4", "6"]
    assert gpu.claim(1) == ["4"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4"


@pytest.mark.parametrize("variable", ["SLURM_JOB_ID", "LOCAL_RANK"])
def test_what_slurm_or_the_parent_assigned_is_left_alone(monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    assert gpu.claim(1, ["0"]) == []


def test_without_gpus_nothing_is_claimed(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpu.gpus(tmp_path) == []
    assert gpu.claim(1, []) == []
    (tmp_path / "nvidia0").touch()
    (tmp_path / "nvidiactl").touch()
    assert gpu.gpus(tmp_path) == ["0"]
