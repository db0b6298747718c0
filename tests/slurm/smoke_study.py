"""The smoke study in a separate folder, with its runs and trainings, for the tests of the cluster."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from virtual_cluster import Cluster, run, wait

ROOT = Path(__file__).parents[2]
SITE = "cpu_partition: cpu\ngpu_partition: gpu\ngpu_model: a100\n"
# The profile's pauses suit real clusters. The only changes: earlier queries, and no waiting for a file system.
QUICK = ["--slurm-init-seconds-before-status-checks", "5", "--latency-wait", "10"]


class Study:
    """The smoke study, of one cohort and few methods, in a folder that shares only the code with the checkout."""

    def __init__(self, folder: Path, trunks: Iterable[Path]) -> None:
        self.folder = folder
        # copies, newer than the downloading code: Snakemake has no record here, and would download older files again
        (folder / "data" / "trunks").mkdir(parents=True)
        for trunk in trunks:
            shutil.copy(trunk, folder / "data" / "trunks")
        for name in ("Snakefile", "pyproject.toml", "workflow", "models", "config", "profiles", "slurm"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "site.yaml").write_text(SITE)
        self.environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "ZOOM_SITE": str(folder / "site.yaml"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def options(self, results: str, steps: int = 4, checkpoint_every: int = 1_000_000) -> list[str]:
        """The same study with other results; `steps` of the small network that the tests interrupt."""
        config = {
            "results": results,
            "data": "data",
            "study": {"cohorts": ["toy"], "methods": ["ours_no_edsr", "wdsr", "truth"]},
            "networks": {"wdsr": {"training": {"steps": steps}}},
            "compute": {"device": "auto", "checkpoint_every": checkpoint_every, "log_every": 100},
        }
        path = self.folder / f"{results}-{steps}-{checkpoint_every}.yaml"
        path.write_text(json.dumps(config))
        return ["--configfile", "config/smoke.yaml", path.name]

    def command(self, *arguments: str, slurm: bool = True) -> list[str]:
        where = ["--profile", "slurm", *QUICK] if slurm else ["--cores", "2"]
        return ["snakemake", *where, *arguments]

    def start(self, command: list[str]) -> "Running":
        return Running(command, self.folder, self.environment)

    def run(self, *arguments: str, slurm: bool = True) -> str:
        """Snakemake's output of a run that must succeed."""
        return self.start(self.command(*arguments, slurm=slurm)).ends()


class Running:
    """A command that runs while the test changes the cluster."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.output = folder / f"output-{time.monotonic_ns()}.txt"
        with open(self.output, "w") as file:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def ends(self, code: int | None = 0, seconds: float = 900) -> str:
        """Waits for the end; `code`: the exit status it must have, None for any code except 0."""
        try:
            ended = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            pytest.fail(f"still running after {seconds} s:\n{self.text()[-6000:]}")
        assert (ended != 0) if code is None else (ended == code), self.text()[-6000:]
        return self.text()

    def kill(self) -> None:
        """As a login node that goes down, without clean-up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """As Ctrl-C: Snakemake cancels its jobs and ends."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()


class Training:
    """One training of the small network: its files, and its jobs in SLURM."""

    def __init__(self, study: Study, results: str, fold: int) -> None:
        stem = f"{results}/models/toy/fold{fold}/wdsr"
        self.target = f"{stem}.safetensors"
        self.weights, self.checkpoint = study.folder / self.target, study.folder / f"{stem}.ckpt"
        self.logfile = study.folder / results / "logs" / "train" / "toy" / f"fold{fold}" / "wdsr.log"
        self.logfile.unlink(missing_ok=True)

    def log(self) -> str:
        return self.logfile.read_text().replace("\r", "\n") if self.logfile.exists() else ""

    def is_under_way(self, running: Running | None = None, seconds: float = 400) -> int:
        """Waits for the first steps; returns their SLURM job."""

        def begun() -> bool:
            assert running is None or running.process.poll() is None, running.text()[-6000:]
            return "it/s" in self.log()

        wait("a training's first steps", begun, seconds)
        return self.job()

    def job(self) -> int:
        return int(re.findall(r"SLURM job (\d+)", self.log())[-1])

    def node(self) -> str:
        return re.findall(r"^on (\w+)", self.log())[-1]

    def resumed_at(self) -> int:
        """The step at which the last attempt resumed."""
        return int(re.findall(r"resumes at step (\d+)", self.log())[-1])


def finished_jobs(cluster: Cluster) -> list[dict[str, str]]:
    """Every job that ended, in the order of their ends, from SLURM's own list."""
    lines = (cluster.folder / "jobs.txt").read_text().splitlines()
    return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines]


def queue() -> list[str]:
    return run("squeue", "--noheader", "--format", "%i").split()
