"""The profile on a cluster that keeps accounts: the account is named, and SLURM's accounting shows the requested
resources."""

import re

import pytest
from smoke_study import Training
from virtual_cluster import run

ACCOUNTING = True
pytestmark = pytest.mark.slurm


def test_jobs_are_charged_and_a_cancelled_job_is_repeated(study, prepared):
    study.environment["ZOOM_ACCOUNT"] = "lab"
    training = Training(study, prepared, 1)
    running = study.start(study.command(*study.options(prepared, 1000), "--", training.target))
    job = training.is_under_way(running)
    run("scancel", str(job))
    running.ends()
    assert training.resumed_at() > 0
    fields = "Account,Partition,State,TimelimitRaw,AllocTRES"
    said = run("sacct", "--noheader", "--parsable2", "--allocations", "--format", fields)
    rows = [line.split("|") for line in said.splitlines()]
    assert [row[:2] for row in rows] == [["lab", "gpu"]] * 2
    assert [state.split()[0] for _, _, state, *_ in rows] == ["CANCELLED", "COMPLETED"]
    assert all("gres/gpu=1" in asked for *_, asked in rows)
    first, second = (int(minutes) for *_, minutes, _ in rows)
    assert second == pytest.approx(2 * first, abs=1)  # each attempt gets more
    first, second = (megabytes(re.search(r"mem=([\d.]+)([MG])", asked)) for *_, asked in rows)
    assert second == pytest.approx(1.5 * first, rel=0.01)


def megabytes(said: re.Match) -> float:
    return float(said[1]) * {"M": 1, "G": 1024}[said[2]]
