"""The smoke study through Snakemake, as a user runs it: complete, repeatable, interruptible, and lazy."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz import SEED
from kills import inside, killed
from workflow_runs import ROOT, SMALL, planned, run, snakemake

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("trunks")]


def small_study(results: Path, *more: str) -> list[str]:
    return [*SMALL, f"results={results}", *more]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A finished small study."""
    results = tmp_path_factory.mktemp("study")
    run(*small_study(results), "--", "tables")
    return results


def test_tables_exist_and_a_second_run_does_nothing(study):
    assert (study / "tables" / "table1.csv").exists()
    assert (study / "tables" / "table1.md").exists()
    assert (study / "tables" / "table1.tex").exists()
    assert "Nothing to be done" in run(*small_study(study), "--", "tables")


def test_truth_scores_are_perfect_and_linears_are_not(study):
    import pandas as pd

    truth = pd.read_csv(study / "scores" / "toy" / "fold0" / "truth.csv").query("signal")
    assert (truth.ssim == 1).all()
    assert (truth.psnr == float("inf")).all()
    assert (truth.lpips == 0).all()
    linear = pd.read_csv(study / "scores" / "toy" / "fold0" / "linear.csv").query("signal")
    assert (linear.ssim < 1).all()


@pytest.mark.parametrize(
    ("change", "rerun"),
    [
        ("sampling={steps: 5}", {"restore", "score"}),
        ("protocol={remove: 0.2}", {"protocol", "restore", "score"}),
        ("networks={ldm: {training: {batch: 3}}}", {"train", "restore", "score"}),
        ("compute={log_every: 2}", set()),
        ("compute={half: true}", {"restore", "score"}),
        ("methods={linear: {label: straight}}", set()),
    ],
)
def test_changed_value_reruns_only_dependent_jobs(study, change, rerun):
    text = run(*small_study(study, change), "-n", "--", "scores")
    assert set(planned(text)) - {"scores"} == rerun, text
    if "batch" in change:
        assert planned(text)["train"] == 2  # the diffusion of both folds, not the first stage
    if "steps" in change:
        assert planned(text)["restore"] == 4  # two methods, two folds


def test_same_seed_gives_the_same_tables_however_often_the_study_is_killed(study, tmp_path):
    """SIGKILL to all processes at three random moments, once inside a training, which then resumes; most jobs of the
    second study run undisturbed."""
    said = killed(3, SEED, tmp_path, study)
    assert len(said) >= 3
    assert inside(said) >= 1, said


def test_every_reader_gives_scores_from_its_layout(tmp_path, monkeypatch):
    import pandas as pd

    monkeypatch.setenv("ATLAS_PASSWORD", "toy")
    cohorts = ["oasis", "oasis1", "atlas", "openneuro", "brats_t1", "brats_t2", "brats_flair"]
    chosen = f"study={{cohorts: [{', '.join(cohorts)}], methods: [linear, truth]}}"
    run("--config", chosen, f"results={tmp_path}", "--", "scores")
    for cohort in cohorts:
        scores = {m: pd.read_csv(tmp_path / "scores" / cohort / "fold0" / f"{m}.csv") for m in ("linear", "truth")}
        assert (scores["truth"].query("signal").ssim == 1).all()
        assert scores["linear"].query("signal and removed").ssim.between(0.05, 0.999).all()
    sheets = [(tmp_path / "cohorts" / f"{cohort}.tsv").read_text() for cohort in cohorts[4:]]
    subjects = [[line.split("\t")[0] for line in sheet.splitlines()] for sheet in sheets]
    assert subjects[0] == subjects[1] == subjects[2]  # the same patients in every modality


def test_contest_restores_each_patient_by_networks_trained_without_that_patient(study):
    import pandas as pd

    from benchmark.cohort import sheet

    run(*small_study(study), "--", "contest")
    rows = sheet.read_sheet(study / "cohorts" / "toy.tsv")
    scored = {
        fold: set(pd.read_csv(study / "contest" / "toy" / f"fold{fold}" / f"{method}.csv")["subject"])
        for fold, method in ((0, "linear"), (1, "quartet"), (2, "quartet"))
    }
    assert scored[1] == set(sheet.validation(rows, 1))
    assert scored[2] == set(sheet.validation(rows, 2))
    assert scored[0] == scored[1] | scored[2] == {row.subject for row in rows if row.role == "cv"}
    for table in ("contest", "contest_certainty", "contest_parts"):
        assert len(pd.read_csv(study / "tables" / f"{table}.csv")) > 1
    assert (study / "figures" / "contest_toy.png").exists()

    run(*small_study(study, "contest={parts: []}"), "--", str(study / "tables" / "contest_parts.csv"))
    assert len(pd.read_csv(study / "tables" / "contest_parts.csv")) == 0  # no variants, no parts: the tables exist


def test_viewer_shows_whole_volumes_next_to_the_truth(study):
    viewer = study / "viewer" / "toy.html"
    run(*small_study(study, "viewer={cohort: toy}"), "--", str(viewer))
    names = re.findall(r"<h2[^>]*>([^<]+)</h2>", viewer.read_text(encoding="utf-8"))
    assert names[0] == "Truth"
    assert names[1].startswith("linear")
    assert "The best of this volume" in viewer.read_text(encoding="utf-8")


def test_study_of_controls_plans_no_training(tmp_path):
    controls = "study={cohorts: [toy], methods: [copy, linear, spline, eq12, oracle_si, truth]}"
    text = run("--config", controls, f"results={tmp_path}", "-n", "--", "scores")
    assert "train" not in planned(text)


@pytest.mark.parametrize("arguments", [["--", "results/tables/table4.csv"], ["--profile", "slurm"], []])
def test_documented_commands_plan_the_article(arguments):
    command = [sys.executable, "-m", "snakemake", "-n", "--nolock", "--quiet", "rules"]
    command += arguments if "slurm" in arguments else ["--cores", "2", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_config_mistake_is_reported_in_one_line():
    done = snakemake("-n", "--config", "sede=1")
    assert done.returncode != 0
    assert "unknown key 'sede'; did you mean 'seed'?" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_failing_job_names_rule_wildcards_and_log(tmp_path):
    text = "cohorts={toy: {axis: axial, slices: 99}}"
    done = snakemake(*small_study(tmp_path, text), "--", "scores")
    assert done.returncode != 0
    assert re.search(r"ERROR in rule (cohort|preprocess) \(cohort=toy.*99.*\[log: ", done.stdout + done.stderr)
    assert "Traceback" not in done.stdout + done.stderr  # Snakemake shows the log too


def test_no_test_subject_is_an_input_of_a_training_job(study):
    """Checked by the inputs of every training job in Snakemake, not only by the sheet."""
    from benchmark.cohort import sheet

    tested = sheet.test(sheet.read_sheet(study / "cohorts" / "toy.tsv"))
    text = run(*small_study(study), "-n", "--forcerun", "train", "--verbose", "--", "scores")
    inputs = re.findall(r"rule train:\s+input: (.+)", text)
    assert inputs
    assert not [line for line in inputs for subject in tested if f"/{subject}.nii.gz" in line]
