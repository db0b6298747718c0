"""The study as a Snakemake module, from a clone and from a repository's address, and from another folder."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from workflow_runs import ROOT, SNAKEMAKE, planned

WORKFLOW = ROOT / "workflow"
# Snakemake 9.27.1 cannot compare the code of a rule's script with `git+file:`; from GitHub and GitLab it can.
WITHOUT_CODE = ["--rerun-triggers", "mtime", "params", "input", "software-env"]
IMPORTER = """
import yaml
module zb:
    snakefile: {snakefile!r}
    config: yaml.safe_load(open({config!r})){prefix}
use rule * from zb as zb_*
rule everything:
    default_target: True
    input: rules.zb_all.input
"""
Import = Callable[..., list[str]]


@pytest.fixture
def write_importing_workflow(tmp_path: Path) -> Import:
    """Writes a workflow that uses the study as a module with a few lines of config; returns Snakemake's command."""

    def write_importing_workflow(snakefile: str, prefix: str = "") -> list[str]:
        config = yaml.safe_load((ROOT / "config" / "smoke.yaml").read_text())
        config["study"] |= {"cohorts": ["toy"], "methods": ["linear", "truth"]}
        config["results"] = "theirs"
        (tmp_path / "few.yaml").write_text(yaml.safe_dump(config))
        text = IMPORTER.format(prefix=prefix, snakefile=snakefile, config=str(tmp_path / "few.yaml"))
        (tmp_path / "Snakefile").write_text(text)
        return [*SNAKEMAKE, "-s", str(tmp_path / "Snakefile")]

    return write_importing_workflow


@pytest.fixture(scope="session")
def repository(tmp_path_factory) -> Path:
    """What a repository's address gives: the files of the workflow, committed."""
    folder = tmp_path_factory.mktemp("repository")
    for name in ("workflow", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "benchmark"))
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    return folder


def run(command: list[str], folder: Path, library: bool = True) -> subprocess.CompletedProcess:
    """From ``folder``; ``library``: whether the package can be imported without the workflow's help."""
    path = os.pathsep.join([str(ROOT), str(WORKFLOW)]) if library else ""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=clean | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    )


def plan_and_run(
    command: list[str], folder: Path, library: bool, target: str = "theirs/cohorts/toy.tsv"
) -> dict[str, int]:
    """Plans everything and runs one script; returns what was planned."""
    plan = run([*command, "-n"], folder, library)
    assert plan.returncode == 0, (plan.stdout + plan.stderr)[-3000:]
    done = run([*command, "--", target], folder, library)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert (folder / target).read_text().count("toy") >= 4
    return planned(plan.stdout + plan.stderr)


def test_module_from_a_clone_plans_and_runs(write_importing_workflow: Import, tmp_path: Path) -> None:
    jobs = plan_and_run(write_importing_workflow(str(WORKFLOW / "Snakefile")), tmp_path, library=False)
    assert jobs["zb_score"] == 2
    assert jobs["zb_verdict"] == 1


def test_module_from_a_repository_plans_and_runs_with_the_library(
    write_importing_workflow: Import, tmp_path: Path, repository: Path
) -> None:
    command = write_importing_workflow(f"git+file://{repository}/workflow/Snakefile@main")
    jobs = plan_and_run([*command, *WITHOUT_CODE], tmp_path, library=True)
    assert jobs["zb_score"] == 2
    assert jobs["zb_verdict"] == 1


def test_missing_library_is_refused_with_the_install_command(
    write_importing_workflow: Import, tmp_path: Path, repository: Path
) -> None:
    command = write_importing_workflow(f"git+file://{repository}/workflow/Snakefile@main")
    hidden = tmp_path / "hidden"  # an editable install of this project would be imported else
    hidden.mkdir()
    (hidden / "benchmark.py").write_text("")
    clean = os.environ | {"PYTHONPATH": str(hidden)}
    done = subprocess.run([*command, "-n"], cwd=tmp_path, capture_output=True, text=True, env=clean)
    assert done.returncode != 0
    assert "pip install 'zoom-benchmark[study] @ git+ADDRESS@TAG'" in done.stdout + done.stderr


def test_module_prefix_is_refused_in_one_line(write_importing_workflow: Import, tmp_path: Path) -> None:
    done = run([*write_importing_workflow(str(WORKFLOW / "Snakefile"), '\n    prefix: "sub"'), "-n"], tmp_path)
    assert done.returncode != 0
    assert "takes no prefix: set `results:`" in done.stdout + done.stderr


@pytest.mark.parametrize("how", ["--directory", "-s"])
def test_folder_without_a_config_uses_the_shipped_one(tmp_path: Path, how: str) -> None:
    """``--configfile`` is found from where the command is typed, and put over the shipped config as in a clone."""
    small = ["--config", "study={cohorts: [toy], methods: [linear, truth]}"]
    if how == "--directory":
        command = [*SNAKEMAKE, "--directory", str(tmp_path), "--configfile", "config/smoke.yaml", *small]
        jobs = plan_and_make(command, ROOT, tmp_path / "results" / "smoke" / "zoom" / "phantom_n4.nii.gz")
    else:
        smoke = os.path.relpath(ROOT / "config" / "smoke.yaml", tmp_path)
        command = [*SNAKEMAKE, "-s", str(ROOT / "Snakefile"), "--configfile", smoke, *small]
        jobs = plan_and_make(command, tmp_path, tmp_path / "results" / "smoke" / "cohorts" / "toy.tsv")
    assert jobs["score"] == 2
    assert jobs["verdict"] == 1


def plan_and_make(command: list[str], typed_in: Path, file: Path) -> dict[str, int]:
    """Plans everything and makes one file of the study, ``results/…``; returns what was planned."""
    plan = run([*command, "-n"], typed_in, library=False)
    assert plan.returncode == 0, (plan.stdout + plan.stderr)[-3000:]
    assert "incomplete, so its values are added to" in plan.stderr
    target = "/".join(file.parts[file.parts.index("results") :])
    done = run([*command, "--", target], typed_in, library=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert file.exists()
    return planned(plan.stdout + plan.stderr)
