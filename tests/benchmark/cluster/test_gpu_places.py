"""Each GPU gets the configured number of jobs, if its memory is free, with locks that other users cannot change."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.cluster import gpu_places
from benchmark.errors import UserError

WORKFLOW = Path(__file__).parents[3] / "workflow"
HOLD = """
import sys
from benchmark.cluster.gpu_places import claim
print(*claim({count}, ["0", "1"], 0.05, say=lambda line: None), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hold(tmp_path):
    """Starts jobs that claim GPUs and hold them until the test ends the jobs."""
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


def test_jobs_get_different_gpus_and_a_third_waits_for_a_killed_one(hold):
    one, two = hold(), hold()
    gpus = [job.stdout.readline().strip() for job in (one, two)]
    assert sorted(gpus) == ["0", "1"]
    third = hold()
    one.kill()
    assert third.stdout.readline().strip() == gpus[0]


def test_job_that_needs_two_gpus_waits_for_both_without_holding_one(hold):
    one = hold()
    assert one.stdout.readline().strip() == "0"
    both = hold(2)
    other = hold()
    assert other.stdout.readline().strip() == "1"  # the waiting job holds no place
    one.kill()
    other.kill()
    assert both.stdout.readline().split() == ["0", "1"]


def test_claimed_gpus_become_the_visible_devices(tmp_path, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(gpu_places, "_HELD", [])
    assert gpu_places.gpus() == ["4", "6"]
    assert gpu_places.claim(1) == ["4"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4"


@pytest.mark.parametrize(
    ("visible", "names"), [("", []), ("-1", []), (" 0, 1", ["0", "1"]), ("1,-1,0", ["1"]), ("GPU-a,GPU-a", ["GPU-a"])]
)
def test_one_gpu_has_one_name(monkeypatch, visible, names):
    """Else " 1" and "1" have two locks, and a job waits for ever for a second GPU that is the first."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu_places.gpus() == names


def test_jobs_in_a_slurm_session_get_different_gpus_of_the_session(tmp_path, monkeypatch):
    """`salloc --gpus=2`, then `snakemake --cores 8`. Another session on the node may have GPUs of the same numbers."""
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(gpu_places, "_HELD", [])
    claimed = []
    for session in ("7", "7", "8"):
        monkeypatch.setenv("SLURM_JOB_ID", session)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
        claimed += gpu_places.claim(1, say=raise_would_wait)
    assert claimed == ["0", "1", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert gpu_places.claim(2) == []  # a job of the SLURM profile has the GPUs that it needs, and no lock
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert gpu_places.claim(1, ["0", "1"]) == []  # the node's GPUs, which may belong to others


@pytest.mark.parametrize(
    ("visible", "thousandths"),
    [("0", 1000), ("2, 5", 2000), ("GPU-8f,GPU-9a", 2000), ("", 10**6), ("-1", 10**6), ("0,-1,2", 1000)],
)
def test_snakemake_starts_jobs_for_the_visible_gpus_only(monkeypatch, visible, thousandths):
    yte = pytest.importorskip("yte")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    profile = yte.process_yaml((WORKFLOW.parent / "profiles" / "default" / "config.yaml").read_text())
    assert profile["resources"]["local_gpu"] == thousandths


@pytest.mark.parametrize("variable", ["SLURM_JOB_ID", "LOCAL_RANK"])
def test_gpus_assigned_by_slurm_or_the_parent_are_kept(monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    assert gpu_places.claim(1, ["0"]) == []


def test_without_gpus_nothing_is_claimed(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpu_places.gpus(tmp_path) == []
    assert gpu_places.claim(1, []) == []
    (tmp_path / "nvidia0").touch()
    (tmp_path / "nvidiactl").touch()
    assert gpu_places.gpus(tmp_path) == ["0"]


def test_gpus_are_counted_from_zero_in_a_container(tmp_path, monkeypatch):
    """A container with two GPUs of its host: CUDA and nvidia-smi call them 0 and 1."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("nvidia3", "nvidia12", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert gpu_places.gpus(tmp_path) == ["0", "1"]


def claim_one(monkeypatch, folder: Path, **how) -> list[str]:
    """A claim of one of the GPUs 0 and 1 in this process, as if it were a separate job."""
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "all")
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "")
    return gpu_places.claim(1, ["0", "1"], 0.01, **how)


class WouldWait(Exception):
    """A job would wait now."""


def raise_would_wait(line: str) -> None:
    raise WouldWait(line)


def test_jobs_spread_over_all_gpus_before_sharing_one(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_places, "_HELD", [])
    claimed = [claim_one(monkeypatch, tmp_path, share=2, say=raise_would_wait)[0] for _ in range(4)]
    assert claimed == ["0", "1", "0", "1"]
    with pytest.raises(WouldWait, match=r"waiting for 1 of the GPUs 0, 1, 2 jobs each: all places are taken"):
        claim_one(monkeypatch, tmp_path, share=2, say=raise_would_wait)


def test_job_is_placed_only_on_a_gpu_with_enough_free_memory(tmp_path, monkeypatch):
    """Memory reserved by other jobs counts as well as memory in use."""
    monkeypatch.setattr(gpu_places, "_HELD", [])
    free = {"0": 20000.0, "1": 9000.0}

    def memory(name):
        return free[name], 20000.0

    def job(megabytes):
        return claim_one(monkeypatch, tmp_path, share=4, megabytes=megabytes, memory=memory, say=raise_would_wait)

    assert job(8000) == ["0"]  # a job that does not use its memory yet
    assert job(8000) == ["1"]
    assert job(8000) == ["0"]
    with pytest.raises(WouldWait, match=r"GPU 0 has 3\.9 of 19\.5 GiB free, a job needs about 7\.8; GPU 1 has 1\.0 of"):
        job(8000)
    assert job(3000) == ["0"]
    free["0"] = 500.0  # another program started meanwhile
    with pytest.raises(WouldWait, match=r"GPU 0 has 0\.5 of"):
        job(1500)


def test_job_that_never_fits_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_places, "_HELD", [])
    with pytest.raises(UserError, match=r"GPU 0 has 20\.0 of 40\.0 GiB free, a job needs about 48\.8; .*jobs_per_gpu"):
        claim_one(monkeypatch, tmp_path, share=2, megabytes=50000, memory=lambda _: (20480.0, 40960.0))
    with pytest.raises(UserError, match=r"GPU 0 has 1\.0 of 40\.0 GiB free"):  # another user's program
        claim_one(monkeypatch, tmp_path, share=2, megabytes=5000, memory=lambda _: (1024.0, 40960.0))
    busy = {"0": (1024.0, 40960.0), "1": (30000.0, 40960.0)}
    assert claim_one(monkeypatch, tmp_path, share=2, megabytes=5000, memory=busy.get) == ["1"]
    assert claim_one(monkeypatch, tmp_path, share=2, megabytes=5000, memory=lambda _: None) == ["0"]  # unknown
    alone = tmp_path / "alone"
    alone.mkdir()
    assert claim_one(monkeypatch, alone, megabytes=50000, memory=lambda _: (1.0, 2.0)) == ["0"]  # GPUs are not shared


def test_free_memory_is_read_from_nvidia_smi(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\n[ "$2" = 3 ] && echo "1234, 81559" || exit 6\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert gpu_places.card_memory("3") == (1234.0, 81559.0)
    assert gpu_places.card_memory("4") is None
    monkeypatch.setenv("PATH", "")
    assert gpu_places.card_memory("3") is None


def lock_file(folder: Path, name: str) -> Path:
    return folder / "zoom-benchmark" / f"gpu-{platform.node()}-{name}.lock"


@pytest.mark.parametrize("name", ["0-guard", "0-0"])
@pytest.mark.parametrize("obstacle", ["link", "hard link", "pipe", "folder"])
def test_lock_that_is_a_link_or_not_a_file_is_refused(tmp_path, monkeypatch, name, obstacle):
    victim = tmp_path / "thesis.txt"
    victim.write_text("years of work")
    path = lock_file(tmp_path, name)
    path.parent.mkdir(mode=0o700)
    makers = {
        "link": lambda: path.symlink_to(victim),
        "hard link": lambda: path.hardlink_to(victim),
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
    }
    makers[obstacle]()
    with pytest.raises(UserError, match=r"gpu-.*\.lock: .*; remove it$"):
        claim_one(monkeypatch, tmp_path, share=2, megabytes=1, memory=lambda _: (9.0, 9.0))
    assert victim.read_text() == "years of work"


@pytest.mark.parametrize("obstacle", ["open to others", "a link", "a file"])
def test_lock_folder_open_to_others_is_refused(tmp_path, monkeypatch, obstacle):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder = tmp_path / "zoom-benchmark"
    if obstacle == "open to others":
        folder.mkdir()
        folder.chmod(0o777)
    elif obstacle == "a link":
        folder.symlink_to(elsewhere)
    else:
        folder.touch()
    with pytest.raises(UserError, match=r"zoom-benchmark: .*GPU locks"):
        claim_one(monkeypatch, tmp_path)
    assert not list(elsewhere.iterdir())


def test_locks_are_in_the_cache_without_a_runtime_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_places, "_HELD", [])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert claim_one(monkeypatch, tmp_path / "missing") == ["0"]
    folder = tmp_path / "cache" / "zoom-benchmark"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / f"gpu-{platform.node()}-0-0.lock").exists()
    assert not (tmp_path / "missing").exists()


def test_jobs_request_their_share_of_a_gpu_from_snakemake():
    """`claim` provides as many places as the scheduler fills."""
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/smoke.yaml", "-n", "--nolock", "--cores", "1"]
    compute = "compute={device: cuda, jobs_per_gpu: 3}"
    study = "study={cohorts: [toy], methods: [wdsr]}"
    target = "results/none/models/toy/fold1/wdsr.safetensors"
    chosen = ["--config", "results=results/none", compute, study, "--", target]
    done = subprocess.run([*command, *chosen], cwd=WORKFLOW.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    asked = done.stdout.partition("rule train:")[2].partition("resources:")[2].splitlines()[0]
    assert "local_gpu=333" in asked
    assert " gpu=1," in asked
    assert "nodes=1," in asked  # SLURM would take two GPUs from two nodes
    assert int(re.search(r"gpu_mb=(\d+)", asked)[1]) > 800
