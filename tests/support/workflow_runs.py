"""Runs Snakemake as a user does: from the repository's root, without the packages that only development needs."""

import os
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2", "--nolock"]
# One cohort and the two trained methods are enough for tests of the workflow itself.
SMALL = ["--config", "study={cohorts: [toy], methods: [ours_no_edsr, baseline, linear, truth]}"]


@cache
def users_environment() -> dict[str, str]:
    """Variables for a Python that finds no package of envs/dev.txt, as after ``make setup``."""
    pins = re.findall(r"^([a-z0-9-]+)==", (ROOT / "envs" / "dev.txt").read_text(encoding="utf-8"), re.M)
    makers = packages_distributions().items()
    hidden = {module for module, names in makers if {canonicalize_name(name) for name in names} <= set(pins)}
    assert {"pytest", "_pytest", "mypy"} <= hidden
    path = [str(Path(__file__).parent / "users_environment"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(path), "NOT_INSTALLED": " ".join(sorted(hidden))}


def snakemake(*arguments: str, config: str | None = "smoke") -> subprocess.CompletedProcess:
    """One call with ``config/{config}.yaml`` (None: the article's study), whatever the outcome."""
    chosen = ["--configfile", f"config/{config}.yaml"] if config else []
    return subprocess.run(
        [*SNAKEMAKE, *chosen, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | users_environment(),
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
