"""The settings of a cluster, and the remaining time of a job."""

import re
from pathlib import Path

import pytest

from benchmark.cluster import site as cluster
from benchmark.cluster.site import Site, duration, seconds_left, site, stop_after
from benchmark.errors import UserError


@pytest.fixture(autouse=True)
def _no_site(monkeypatch):
    for name in ("SITE", *(field.upper() for field in Site.__dataclass_fields__)):
        monkeypatch.delenv(f"ZOOM_{name}", raising=False)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)


def fake_squeue(folder: Path, monkeypatch, says: str) -> None:
    program = folder / "squeue"
    program.write_text(f"#!/bin/sh\n[ \"$3\" = 77 ] && echo '{says}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("SLURM_JOB_ID", "77")


def test_committed_site_file_has_every_field_at_its_default():
    import yaml

    assert set(yaml.safe_load(cluster.SITE.read_text())) == set(Site.__dataclass_fields__)
    assert site() == Site()


def test_environment_overrides_the_site_file(tmp_path, monkeypatch):
    path = tmp_path / "mine.yaml"
    path.write_text("account: lab\ngpu_partition: gpus\nlongest: 12\n")
    monkeypatch.setenv("ZOOM_SITE", str(path))
    monkeypatch.setenv("ZOOM_ACCOUNT", "other")
    monkeypatch.setenv("ZOOM_RETRIES", "0")
    found = site()
    assert (found.account, found.gpu_partition, found.longest, found.retries) == ("other", "gpus", 12.0, 0)
    assert found.quoted("account") == "'other'"


def test_invalid_environment_variable_is_named(monkeypatch):
    monkeypatch.setenv("ZOOM_JOBS", "many")
    with pytest.raises(UserError, match="environment variable ZOOM_JOBS must be a number, not 'many'"):
        site()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("acount: lab", "unknown key 'acount'"),
        ("longest: a week", "longest must be a number, not 'a week'"),
        ("jobs: 0", "jobs must be above 0"),
        ("retries: -1", "retries must be at least 0"),
        ("longest: nan", "longest must be above 0"),
        ("account: [lab]", "account must be a single value"),
        ("- account", "not a site file"),
        ("account: a\nqos: b\naccount: c", "line 3: 'account' is in line 1 already; remove one"),
    ],
)
def test_invalid_site_file_is_refused_in_one_line(tmp_path, text, said):
    path = tmp_path / "site.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=f"{path}: {said}"):
        site(path)


def test_account_of_digits_is_read_as_text(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text("account: 0123\nqos: 1e3\ncpu_partition: on\ngpu_partition: null\nscratch: 'null'\nretries: 3\n")
    found = site(path)
    assert (found.account, found.qos, found.cpu_partition, found.gpu_partition) == ("0123", "1e3", "on", None)
    assert (found.scratch, found.retries) == ("null", 3)
    assert found.quoted("account") == "'0123'"


def test_missing_site_file_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match="no such site file"):
        site(tmp_path / "none.yaml")


def test_time_limit_grows_with_attempts_up_to_the_longest():
    here = Site(longest=10)
    assert [here.limit(200.4, attempt) for attempt in (1, 2, 3, 4)] == [200, 401, 600, 600]


def test_temporary_folder_is_slurms_or_the_sites(monkeypatch):
    """The value that Snakemake computes on the node."""
    for variable, value in (("", ""), ("SLURM_TMPDIR", "/local/77")):
        monkeypatch.delenv("SLURM_TMPDIR", raising=False)
        if variable:
            monkeypatch.setenv(variable, value)
        assert eval(Site().tmpdir, {"system_tmpdir": "/tmp"}) == (value or "/tmp")
        assert eval(Site(scratch="/scratch").tmpdir, {"system_tmpdir": "/tmp"}) == "/scratch"
    monkeypatch.setenv("USER", "ada")
    assert eval(Site(scratch="/scratch/$USER").tmpdir, {}) == "/scratch/ada"


@pytest.mark.parametrize("name", ["default/config.yaml", "slurm/config.yaml", "slurm/site.yaml"])
def test_every_setting_of_a_profile_has_a_comment(name):
    """On its line or on the line above; two related settings may share a comment."""
    lines = (cluster.SITE.parents[1] / name).read_text().splitlines()
    settings = [i for i, line in enumerate(lines) if re.match(r"[a-z][a-z_-]*:", line)]
    assert len(settings) > 5
    assert [lines[i] for i in settings if not any("#" in line for line in lines[max(i - 1, 0) : i + 2])] == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("59", 59), ("1:30", 90), ("2:00:00", 7200), ("1-00:00:01", 86401), ("3-12:30:00", 304200), ("UNLIMITED", None)],
)
def test_slurm_durations_are_converted_to_seconds(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["INVALID", "NOT_SET", ""])
def test_invalid_duration_is_refused(text):
    with pytest.raises(ValueError, match="invalid literal"):
        duration(text)


def test_outside_a_slurm_job_there_is_no_time_limit():
    assert seconds_left(60) is None
    assert stop_after(60) is None


def test_remaining_time_is_read_from_slurm(tmp_path, monkeypatch):
    fake_squeue(tmp_path, monkeypatch, "10:00:00")
    assert seconds_left() == 36000
    assert stop_after() == 36000 - cluster.MARGIN
    fake_squeue(tmp_path, monkeypatch, "50")
    assert stop_after() == 40  # a fifth is reserved if time is short


@pytest.mark.parametrize("says", ["INVALID", ""])
def test_requested_minutes_are_used_without_an_answer_of_slurm(tmp_path, monkeypatch, capsys, says):
    fake_squeue(tmp_path, monkeypatch, says)
    assert seconds_left(30) == 1800
    assert seconds_left() is None
    assert "using the 30 requested minutes" in capsys.readouterr().out


def test_job_without_a_limit_is_not_stopped(tmp_path, monkeypatch):
    fake_squeue(tmp_path, monkeypatch, "UNLIMITED")
    assert stop_after(30) is None


def test_job_step_of_one_task_is_not_a_distributed_launch(monkeypatch):
    """Lightning reads SLURM's variables, and would refuse several devices in a step of one task."""
    from models.training.loop import start_fabric

    for name in ("JOB_ID", "NTASKS", "NNODES", "PROCID", "LOCALID", "NODEID", "STEP_ID"):
        monkeypatch.setenv(f"SLURM_{name}", str(int(name in ("JOB_ID", "NTASKS", "NNODES"))))
    monkeypatch.setenv("SLURM_JOB_NAME", "zoom_1")
    from lightning_fabric.plugins.environments import LightningEnvironment, SLURMEnvironment

    assert SLURMEnvironment.detect()
    fabric = start_fabric("cpu", 1)
    assert fabric.world_size == 1
    assert isinstance(fabric._connector.cluster_environment, LightningEnvironment)
