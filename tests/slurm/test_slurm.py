"""The smoke study on a real SLURM through `--profile slurm`, and all kinds of failure on clusters.

`make slurm-test`. The cluster is of two virtual nodes with fake GPUs on this machine (virtual_cluster.py).
"""

import re
import time
from itertools import combinations

import pytest
from smoke_study import QUICK, ROOT, Training, finished_jobs, queue
from virtual_cluster import run, wait

pytestmark = pytest.mark.slurm
FACTS = ",".join(f"{fact}:200|" for fact in ("jobid", "partition", "tres-per-job", "nodelist", "comment"))
RESUME = str(ROOT / "profiles" / "slurm" / "resume")


@pytest.fixture(scope="module")
def local_and_slurm_runs(study, cluster):
    """The same study on this machine and at the same time on the cluster; returns SLURM's information about running
    jobs."""
    local = study.start(study.command(*study.options("here"), "--", "tables", slurm=False))
    running, asked = study.start(study.command(*study.options("there"), "--", "tables")), {}
    while running.process.poll() is None:
        for line in run("squeue", "--noheader", "--states", "all", "--Format", FACTS).splitlines():
            job, *facts, _ = (fact.strip() for fact in line.split("|"))
            asked[job] = facts
        time.sleep(1)
    running.ends()
    local.ends()
    return asked


def test_gpu_jobs_run_in_the_gpu_partition_and_others_in_the_cpu_partition(local_and_slurm_runs):
    of_rule = {}
    for partition, gres, _node, comment in local_and_slurm_runs.values():
        rule = re.match(r"(?:rule|group)_([a-z]+)", comment)[1]
        of_rule.setdefault(rule, set()).add((partition, "gpu" in gres))
    assert of_rule["train"] == {("gpu", True)}
    assert of_rule["restore"] == {("gpu", True), ("cpu", False)}  # the truth needs no GPU
    assert of_rule["preprocess"] == of_rule["score"] == of_rule["compare"] == {("cpu", False)}
    assert {node for _, _, node, _ in local_and_slurm_runs.values()} == {"n1", "n2"}


def test_small_jobs_are_submitted_together(local_and_slurm_runs):
    rules = [comment for _, _, _, comment in local_and_slurm_runs.values()]
    assert sum("_preprocess_toy_" in rule for rule in rules) == 1  # four scans


def test_two_jobs_on_a_node_have_different_gpus(local_and_slurm_runs, study, cluster):
    logs = [path.read_text() for path in (study.folder / "there" / "logs" / "train").rglob("*.log")]
    placed = {job: (node, gpu) for node, job, gpu in re.findall(r"on (\w+), SLURM job (\d+), GPU (\S+)", "".join(logs))}
    assert len(placed) == len(logs) == 6  # vq, ldm and wdsr in two folds
    times = {job["JobId"]: (job["StartTime"], job["EndTime"]) for job in finished_jobs(cluster)}
    together = [
        (one, other)
        for one, other in combinations(placed, 2)
        if placed[one][0] == placed[other][0]
        and max(times[one][0], times[other][0]) < min(times[one][1], times[other][1])
    ]
    assert together  # two of a node at the same time
    assert all(placed[one][1] != placed[other][1] for one, other in together)


def test_tables_equal_those_of_the_local_run(local_and_slurm_runs, study):
    def tables(results):
        folder = study.folder / results / "tables"
        # the table of time and memory shows wall times
        return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith("cost")}

    assert "table1.csv" in tables("here")
    assert tables("here") == tables("there")


def test_local_and_slurm_runs_have_the_same_summary(local_and_slurm_runs, study):
    def summary(results, slurm):
        lines = study.run(*study.options(results), "--summary", "--", "tables", slurm=slurm).splitlines()
        rows = [line.replace(results, "results").split("\t") for line in lines if "\t" in line]
        date = rows[0].index("date")
        return sorted(row[:date] + row[date + 1 :] for row in rows)

    here = summary("here", slurm=False)
    assert len(here) > 40
    assert here == summary("there", slurm=True)
    for results in ("here", "there"):
        for slurm in (False, True):
            assert "Nothing to be done" in study.run(*study.options(results), "-n", "--", "tables", slurm=slurm)


def test_cancelled_training_resumes_from_its_checkpoint(study, prepared, cluster):
    training = Training(study, prepared, 1)
    running = study.start(study.command(*study.options(prepared, 1000), "--", training.target))
    job = training.is_under_way(running)
    run("scancel", str(job))
    text = running.ends()
    assert "CANCELLED" in text
    assert training.resumed_at() > 0  # the checkpoint is due every million steps, so a signal wrote it
    assert training.job() != job
    assert training.weights.exists()
    assert not training.checkpoint.exists()


@pytest.fixture(scope="module")
def endless(study, prepared):
    """A running training without end, with two minutes at the first and four at the second attempt."""
    training = Training(study, prepared, 1)
    limit = ["--set-resources", "train:runtime=2*attempt"]
    running = study.start(study.command(*study.options(prepared, 500_000), *limit, "--", training.target))
    try:
        yield training, running, training.is_under_way(running)
    finally:
        running.stop()
        wait("the end of all jobs", lambda: not queue(), 120)


def test_resume_is_refused_during_a_running_study(study, prepared, endless):
    training, running, _ = endless
    text = study.start([RESUME, *study.options(prepared, 500_000), "--", training.target]).ends(1)
    assert "Snakemake is running" in text
    assert str(running.process.pid) in text


def test_job_at_its_time_limit_is_checkpointed_and_gets_more_time(endless, cluster):
    training, running, job = endless
    wait("the second attempt", lambda: "resumes at step" in training.log(), 600)
    second = training.job()
    longer = run("squeue", "--noheader", "--job", str(second), "--format", "%l").strip()
    assert longer == "4:00"
    assert training.resumed_at() > 0
    running.stop()
    first = next(facts for facts in finished_jobs(cluster) if facts["JobId"] == str(job))
    assert first["JobState"] == "FAILED"  # it stopped itself; SLURM would write TIMEOUT
    assert first["TimeLimit"] == "2"
    wait("the end of all jobs", lambda: not queue(), 120)


def test_job_of_a_crashed_node_resumes_on_the_other(study, prepared, cluster):
    training = Training(study, prepared, 2)
    running = study.start(study.command(*study.options(prepared, 1500, checkpoint_every=50), "--", training.target))
    training.is_under_way(running)
    wait("a checkpoint", training.checkpoint.exists)
    lost = training.node()
    cluster.crash(lost)
    try:
        running.ends()
        assert training.node() != lost
        assert training.resumed_at() % 50 == 0
        assert training.weights.exists()
    finally:
        cluster.repair(lost)


def test_jobs_continue_during_a_restart_of_the_controller(study, prepared, cluster):
    training = Training(study, prepared, 1)
    running = study.start(study.command(*study.options(prepared, 1000), "--", training.target))
    job = training.is_under_way(running)
    cluster.stop_controller()
    time.sleep(15)
    cluster.start_controller()
    running.ends()
    assert training.job() == job
    assert "resumes at step" not in training.log()


@pytest.mark.parametrize("how", ["wait", "cancel"])
def test_killed_snakemake_is_resumed_without_repeating_jobs(study, prepared, cluster, how):
    steps = {"wait": 2001, "cancel": 2003}[how]
    one, two = Training(study, prepared, 1), Training(study, prepared, 2)
    options = study.options(prepared, steps)
    running = study.start(study.command(*options, "--", one.target, two.target))
    jobs = {one.is_under_way(running), two.is_under_way(running)}
    running.kill()
    assert {int(job) for job in queue()} == jobs  # they continue without it

    before = len(finished_jobs(cluster))
    flags = ["--cancel"] if how == "cancel" else []
    text = study.start([RESUME, *flags, *options, *QUICK, "--", one.target, two.target]).ends()
    states = [job["JobState"] for job in finished_jobs(cluster)[before:]]
    if how == "wait":
        assert "waiting for 2 jobs" in text
        assert "Nothing to be done" in text
        assert states == ["COMPLETED"] * 2
    else:
        assert sorted(states) == ["CANCELLED"] * 2 + ["COMPLETED"] * 2
        assert one.resumed_at() > 0
        assert two.resumed_at() > 0
    # outputs of the orphaned jobs are recorded with their parameters: another value makes them again
    assert "Nothing to be done" in study.run(*options, "-n", "--", one.target, two.target)
    other = study.run(*study.options(prepared, steps + 1), "-n", "--quiet", "rules", "--", one.target, two.target)
    assert re.search(r"^train +2$", other, re.M)


def test_failing_job_is_named_and_the_other_jobs_are_done(study, prepared, cluster):
    """A learning rate schedule that does not exist: the training of one network fails, of the other does not."""
    options = study.options(prepared, 5)
    path = study.folder / options[-1]
    changed = path.read_text().replace('{"steps": 5}', '{"steps": 5, "rate_schedule": "never"}')
    path.write_text(changed.replace('"ours_no_edsr"', '"bicubic_ae"'))
    running = study.start(study.command(*options, "--retries", "1", "--", "scores"))
    text = running.ends(code=None)
    log = f"{prepared}/logs/train/toy/fold1/wdsr.log"
    error = rf"ERROR in rule train \(cohort=toy, fold=1, network=wdsr\): .*'never' is not known.* \[log: {log}\]"
    assert re.search(error, text)
    assert len(re.findall(r"Trying to restart job", text)) == 2  # both folds, once each
    scored = {
        path.relative_to(study.folder / prepared / "scores" / "toy").as_posix()
        for path in (study.folder / prepared / "scores").rglob("*.csv")
    }
    assert scored == {"fold0/truth.csv", "fold1/bicubic_ae.csv", "fold2/bicubic_ae.csv"}


def test_invalid_scan_does_not_stop_the_other_scans_of_its_group(study, cluster):
    """One of four scans cannot be read: its group fails as a whole, `resume` then runs the others one by one."""
    options = study.options("group")
    study.run(*options, "--", "group/cohorts/toy.tsv", slurm=False)
    sheet = study.folder / "group" / "cohorts" / "toy.tsv"
    bad = study.folder / "bad.nii.gz"
    bad.write_bytes(b"no image")
    subjects = [line.split("\t")[0] for line in sheet.read_text().splitlines() if "\t" in line][1:]
    lines = sheet.read_text().splitlines(keepends=True)
    place = next(i for i, line in enumerate(lines) if line.startswith(subjects[0]))
    lines[place] = re.sub(r"\S+\.nii\.gz", str(bad), lines[place])
    sheet.write_text("".join(lines))
    targets = [f"group/volumes/toy/{subject}.nii.gz" for subject in subjects]
    text = study.start([RESUME, *options, *QUICK, "--retries", "0", "--", *targets]).ends(code=None)
    assert "Error in group" in text
    assert "its jobs are repeated, each alone" in text
    assert f"subject={subjects[0]}" in text
    assert [target for target in targets if (study.folder / target).exists()] == targets[1:]
