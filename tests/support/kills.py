"""SIGKILL at random moments, and the results of the study: ``python tests/support/kills.py 20 SEED FOLDER``.

A study is killed with all of its processes, started again by the same command, killed again, until it ends. At least a
third of the kills happen in trainings with a checkpoint. The results must equal those of an undisturbed run: every
table except for measured times, and every tensor of the networks.
"""

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from workflow_runs import ROOT, SMALL, SNAKEMAKE

ROUND = 10
"""Kills of one study; more are spread over several."""
TIMED = "cost."
"""The table of measured times."""


@dataclass
class Round:
    """One study in the folder ``results``, killed ``kills`` times, of which ``inside`` in trainings.

    ``said``: a line for each kill with the moment and the running scripts.
    """

    results: Path
    kills: int
    inside: int
    draw: np.random.Generator
    jobs: int
    trainings: int
    said: list[str] = field(default_factory=list)
    struck: set[Path] = field(default_factory=set)
    passed: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.results.mkdir(parents=True)
        self.log = self.results.with_suffix(".log")
        #: Number of finished jobs at each of the other kills.
        self.moments = sorted(self.draw.integers(0, max(1, self.jobs * 4 // 5), self.kills - self.inside).tolist())

    def run(self) -> None:
        """Raises ``AssertionError`` if a start fails without a kill."""
        code = None
        while code is None:
            code = self.start()
        assert code == 0, self.log.read_text()[-6000:]

    def start(self) -> int | None:
        """One start of the study; its exit code, or None if it was killed."""
        with open(self.log, "ab") as log:
            running = subprocess.Popen(
                [*SNAKEMAKE, "--configfile", "config/smoke.yaml", *SMALL, f"results={self.results}", "--", "tables"],
                cwd=ROOT,
                start_new_session=True,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=log,
            )
        try:
            while (code := running.poll()) is None:
                time.sleep(0.02)
                if where := self.strikes():
                    scripts = self.kill(running)
                    self.said.append(f"{where}; running: {', '.join(scripts) or 'Snakemake alone'}")
                    return None
        finally:
            self.kill(running)
        return code

    def strikes(self) -> str:
        """The moment of the kill if it is due, else ''."""
        for checkpoint in set(self.results.glob("models/**/[!.]*.ckpt")) - self.passed - self.struck:
            left = self.trainings - len(self.passed) - len(self.struck)
            if self.draw.random() * max(left, 1) >= self.inside - len(self.struck):
                self.passed.add(checkpoint)
                continue
            time.sleep(self.draw.uniform(0, 0.1))
            if checkpoint.exists():
                self.struck.add(checkpoint)
                return f"inside training {checkpoint.relative_to(self.results)}"
            self.passed.add(checkpoint)
        if self.moments and self.log.read_text().count("Finished jobid") >= self.moments[0]:
            time.sleep(self.draw.uniform(0, 3))
            return f"after {self.moments.pop(0)} jobs"
        return ""

    def kill(self, running: subprocess.Popen) -> list[str]:
        """Ends Snakemake and all it started; returns the names of the scripts that were running."""
        try:
            family = psutil.Process(running.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            family = []
        scripts = {word for one in family for word in words(one) if ".snakemake/scripts/" in word}
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        for one in family:
            if one.is_running():
                one.kill()
        running.wait()
        psutil.wait_procs(family, timeout=30)
        return sorted({Path(one).name.split(".", 1)[1] for one in scripts})


def words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def differences(undisturbed: Path, results: Path) -> list[str]:
    """Names of different or missing files in two results, and of files that a kill left."""
    found = []
    tables = {path.name for path in (results / "tables").iterdir() if not path.name.startswith(".")}
    assert "table1.csv" in tables
    for name in sorted(tables):
        one, other = results / "tables" / name, undisturbed / "tables" / name
        if not other.exists() or (not name.startswith(TIMED) and one.read_bytes() != other.read_bytes()):
            found.append(f"tables/{name}")
    networks = sorted((undisturbed / "models").glob("**/*.safetensors"))
    assert networks
    for path in networks:
        name = path.relative_to(undisturbed)
        if not (results / name).exists() or weights(path) != weights(results / name):
            found.append(str(name))
    return found + [str(path.relative_to(results)) for path in results.rglob("*.ckpt")]


def weights(path: Path) -> dict[str, bytes]:
    from safetensors import safe_open

    with safe_open(str(path), "np") as file:
        return {key: file.get_tensor(key).tobytes() for key in file.keys()}  # noqa: SIM118


def killed(kills: int, seed: int, folder: Path, undisturbed: Path) -> list[str]:
    """Kills ``kills`` times by the random ``seed``; returns a line for each. ``AssertionError``: something differs."""
    draw = np.random.default_rng(seed)
    jobs = len(list((undisturbed / "logs").rglob("*.log")))
    trainings = len(list((undisturbed / "models").glob("**/*.safetensors")))
    said: list[str] = []
    number = 0
    least = math.ceil(0.3 * kills)
    while len(said) < kills or inside(said) < least:
        number += 1
        now = min(max(kills - len(said), 1), ROUND)
        one = Round(
            folder / f"round{number}",
            now,
            min(max(0, least - inside(said)), trainings, now),
            draw,
            jobs,
            trainings,
        )
        one.run()
        assert one.said, "it ended before it was killed"
        said += one.said
        for path in one.struck:
            name = path.relative_to(one.results / "models").with_suffix(".log")
            assert "resumes at step" in (one.results / "logs" / "train" / name).read_text()
        assert differences(undisturbed, one.results) == []
    return said


def inside(said: list[str]) -> int:
    return sum(line.startswith("inside") for line in said)


def main() -> None:
    kills, seed, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]).resolve()
    folder.mkdir(parents=True)
    undisturbed = Round(folder / "undisturbed", 0, 0, np.random.default_rng(0), 1, 1)
    undisturbed.run()
    said = killed(kills, seed, folder, undisturbed.results)
    print(*said, f"{len(said)} kills, {inside(said)} inside trainings; tables and networks are equal", sep="\n")


if __name__ == "__main__":
    main()
