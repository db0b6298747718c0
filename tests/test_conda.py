"""``snakemake --sdm conda`` with a replacement for conda, which handles files and paths as conda does.

No environment is solved: pip checks that Snakemake's file can be installed; then a job runs in the "environment".
"""

import os
import stat
import sys
from pathlib import Path

import pytest
from workflow_runs import snakemake

CONDA = '''#!{python}
"""conda --version | info --json | config --get … --json | clean … | env create --file F --prefix P"""
import json, os, subprocess, sys, yaml
from pathlib import Path

words = sys.argv[1:]
if words[0] == "--version":
    print("conda 25.1.0")
elif words[0] == "info":
    print(json.dumps({{"conda_prefix": "{prefix}", "platform": "linux-64"}}))
elif words[0] == "config":
    print(json.dumps({{"get": {{"channel_priority": "strict"}}}}))
elif words[0] == "clean":
    pass
elif words[:2] == ["env", "create"]:
    file, prefix = (Path(words[words.index(name) + 1]) for name in ("--file", "--prefix"))
    (pins,) = [part["pip"] for part in yaml.safe_load(file.read_text())["dependencies"] if isinstance(part, dict)]
    listed = file.parent / "condaenv.requirements.txt"  # conda writes this file next to its argument
    listed.write_text("\\n".join(pins))
    check = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*check, "-r", listed.name], cwd=file.parent, check=True)
    listed.unlink()
    (prefix / "bin").mkdir(parents=True)
    (prefix / "conda-meta").mkdir()
    python = prefix / "bin" / "python"
    python.write_text(f'#!/bin/sh\\necho "$@" >> {{prefix}}.jobs\\nexec {python} "$@"\\n')
    python.chmod(0o755)
    print("created", prefix)
else:
    sys.exit(f"not a command of the stand-in: {{words}}")
'''


@pytest.fixture
def conda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in, first on the PATH."""
    programs = tmp_path / "conda" / "bin"
    programs.mkdir(parents=True)
    program = programs / "conda"
    program.write_text(CONDA.format(python=sys.executable, prefix=tmp_path / "conda"))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (programs / "activate").write_text('export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n')
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "environments"


def test_job_runs_in_the_pinned_conda_environment(conda: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "results" / "cohorts" / "toy.tsv"
    settings = ["--config", f"results={tmp_path / 'results'}", "study={cohorts: [toy], methods: [linear]}"]
    done = snakemake("--sdm", "conda", "--conda-prefix", str(conda), *settings, "--", str(sheet))
    assert done.returncode == 0, done.stdout + done.stderr
    assert sheet.exists()
    (jobs,) = conda.glob("*.jobs")
    assert "cohort.py" in jobs.read_text()
