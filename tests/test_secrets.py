"""Secrets planted in each place where a user may put one: a real run keeps them out of all its outputs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from loopback import serve_folder, server  # noqa: F401 (fixtures)
from workflow_runs import ROOT, users_environment

from benchmark.datasets.layouts import write_openneuro

SECRET = b"s3cr3t"


@pytest.fixture
def home(tmp_path: Path, server, serve_folder, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """A folder with a config whose addresses hold logins and keys; .netrc, pip's settings, a proxy with passwords."""
    tree = write_openneuro(tmp_path / "scans" / "ds004199", 5)
    address = serve_folder(tree)
    server.files["/f?token=s3cr3t-key"] = b"weights"
    login = address.replace("://", "://me:s3cr3t-login@")
    cohort = {
        "label": "FLAIR",
        "reader": "openneuro",
        "modality": "FLAIR",
        "axis": "sagittal",
        "slices": 22,
        "patients": {"cv": 2, "test": 2},
        "options": {"url": login, "manifest": str(tree.parent / "manifest.tsv")},
    }
    folder_with_secrets = tmp_path / "planted"
    folder_with_secrets.mkdir()
    overlay = {
        "cohorts": {"mine": cohort},
        "study": {"cohorts": ["mine"]},
        "public_weights": {"bsr_4x": {"url": f"{login}/f?token=s3cr3t-key", "sha256": None}},
    }
    (folder_with_secrets / "mine.yaml").write_text(yaml.safe_dump(overlay))
    (folder_with_secrets / ".netrc").write_text("machine 127.0.0.1 login me password s3cr3t-netrc\n")
    (folder_with_secrets / ".netrc").chmod(0o600)
    (folder_with_secrets / "pip.conf").write_text("[global]\nindex-url = http://me:s3cr3t-index@127.0.0.1:9/simple\n")
    for name, value in {
        "HOME": str(folder_with_secrets),
        "PIP_CONFIG_FILE": str(folder_with_secrets / "pip.conf"),
        "PIP_EXTRA_INDEX_URL": "http://me:s3cr3t-extra@127.0.0.1:9/simple",
        "ATLAS_PASSWORD": "s3cr3t-atlas",
        "http_proxy": "http://me:s3cr3t-proxy@127.0.0.1:9",
        "https_proxy": "http://me:s3cr3t-proxy@127.0.0.1:9",
        "no_proxy": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def snakemake(home: Path, *arguments: str, snakefile: Path = ROOT / "Snakefile") -> subprocess.CompletedProcess:
    """A run in a separate folder, so that all records of Snakemake can be searched."""
    (home / "work").mkdir(exist_ok=True)
    words = ["--snakefile", snakefile, "--directory", home / "work", "--cores", "2"]
    shipped = [ROOT / "config" / f"{name}.yaml" for name in ("config", "smoke")]
    configs = ["--configfile", *shipped, home / "planted" / "mine.yaml"]
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *words, *configs, *arguments],
        cwd=ROOT,
        capture_output=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | users_environment(),
    )


ASKING = """
include: {main!r}

class W:
    cohort, checkpoint, method, network, fold, table = "mine", "bsr_4x", "ours", "vq", "1", "1"
for rule in workflow.rules:
    for name, value in rule.params.items():
        try:
            print("PARAMETER", rule.name, name, value(W) if callable(value) else value)
        except (Exception, SystemExit) as error:  # a rule that this study does not have ends Snakemake
            print("NOT KNOWN", rule.name, name, type(error).__name__)
"""


def test_no_rule_parameter_contains_a_secret(home: Path) -> None:
    asking = home / "asking.smk"
    asking.write_text(ASKING.format(main=str(ROOT / "workflow" / "Snakefile")))
    asked = snakemake(home, "--list-rules", snakefile=asking)
    assert asked.returncode == 0, asked.stderr.decode()[-6000:]
    lines = [line for line in asked.stdout.splitlines() if line.startswith((b"PARAMETER", b"NOT KNOWN"))]
    for known in (b"PARAMETER public_weights source", b"PARAMETER cohort cohort", b"PARAMETER study_cost config"):
        assert any(line.startswith(known) and b"***@" in line for line in lines), lines
    assert [line[:60] for line in lines if SECRET in line] == []


def test_no_secret_is_in_messages_logs_reports_or_snakemakes_records(home: Path, server) -> None:  # noqa: F811
    weights, sheet = "results/data/public/bsr_4x.ckpt", "results/smoke/cohorts/mine.tsv"
    made = snakemake(home, "--", weights, sheet)
    assert made.returncode == 0, made.stderr.decode()[-6000:]
    server.files.clear()
    for path in (home / "work" / "results" / "data" / "public").iterdir():
        path.unlink()
    failed = snakemake(home, "--verbose", "--", weights)
    assert failed.returncode != 0
    assert b"404" in failed.stderr
    changed = ["--config", "seed=1"]  # Snakemake quotes the old and the new parameters
    planned = snakemake(home, "--dry-run", "--verbose", *changed, "--", sheet)
    assert planned.returncode == 0, planned.stderr.decode()[-6000:]
    report = snakemake(home, "--report", "report.html", "--", sheet)
    assert report.returncode == 0, report.stderr.decode()[-6000:]

    files = {path for path in (home / "work").rglob("*") if path.is_file()}
    for place in ("results/smoke/logs", ".snakemake/metadata", ".snakemake/log", "report.html"):
        assert any(path.is_relative_to(home / "work" / place) for path in files), place
    assert [str(path) for path in files if SECRET in path.read_bytes()] == []
    assert SECRET in (home / "planted" / "mine.yaml").read_bytes()
    for run in (made, failed, planned, report):
        assert SECRET not in run.stdout + run.stderr
