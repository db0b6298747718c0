"""Runs Snakemake as a user does, from the repository's root."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2", "--nolock"]
# One cohort and the two trained methods are enough for tests of the workflow itself.
SMALL = ["--config", "study={cohorts: [toy], methods: [ours_no_edsr, baseline, linear, truth]}"]


def snakemake(*arguments: str, config: str | None = "smoke") -> subprocess.CompletedProcess:
    """One call with ``config/{config}.yaml`` (None: the article's study), whatever the outcome."""
    chosen = ["--configfile", f"config/{config}.yaml"] if config else []
    return subprocess.run(
        [*SNAKEMAKE, *chosen, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def run(*arguments: str, config: str | None = "smoke") -> str:
    """The output of a call that must succeed."""
    done = snakemake(*arguments, config=config)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-6000:]
    return text


def planned(text: str) -> dict[str, int]:
    """Jobs by rule, from the table that a dry run prints first."""
    table = text.split("Job stats:")[1].split("total")[0] if "Job stats:" in text else ""
    return {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", table, re.M)}
