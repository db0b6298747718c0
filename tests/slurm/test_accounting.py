"""The profile on a cluster that keeps accounts: who pays is named, and SLURM's accounts show what was asked for."""

import pytest
from smoke_study import Training
from virtual_cluster import run

ACCOUNTING = True
pytestmark = pytest.mark.slurm


def test_jobs_are_charged_and_a_cancelled_one_is_noticed(study, prepared):
    study.environment["ZOOM_ACCOUNT"] = "lab"
    training = Training(study, prepared, 1)
    running = study.start(study.command(*study.options(prepared, 3000), "--", training.target))
    job = training.is_under_way(running)
    run("scancel", str(job))
    running.ends()
    assert training.resumed_at() > 0
    fields = "JobID,Account,Partition,State,AllocTRES"
    said = run("sacct", "--noheader", "--parsable2", "--allocations", "--format", fields)
    rows = [line.split("|") for line in said.splitlines()]
    assert [(account, partition) for _, account, partition, _, _ in rows] == [("lab", "gpu")] * 2
    assert [state.split()[0] for *_, state, _ in rows] == ["CANCELLED", "COMPLETED"]
    assert all("gres/gpu=1" in asked for *_, asked in rows)
