"""Every table and figure by its name, with only the needed jobs."""

from pathlib import Path

import nibabel as nib
import pytest
from workflow_runs import planned, run, snakemake


def plan(results: Path, target: str, *config: str) -> tuple[dict[str, int], str]:
    """Jobs by rule of a dry run of the smoke study, and all it prints."""
    chosen = str(results / target) if "/" in target else target
    done = snakemake("-n", "-q", "rules", "--config", f"results={results}", *config, "--", chosen)
    return planned(done.stdout + done.stderr), done.stdout + done.stderr


def test_table_4_plans_only_its_three_cohorts(tmp_path):
    jobs, text = plan(tmp_path, "tables/table4.csv")
    assert jobs["score_table"] == 1, text
    assert jobs["cohort"] == 3
    assert not {"compare", "significance", "figure", "gaps", "sampler", "survey_kit", "verdict"} & set(jobs)


@pytest.mark.parametrize(("figure", "rule", "cohorts"), [("fig25", "figure", 1), ("significance", "significance", 6)])
def test_figure_is_planned_by_its_name(tmp_path, figure, rule, cohorts):
    jobs, text = plan(tmp_path, f"figures/{figure}.pdf")
    assert (jobs.get(rule), jobs.get("cohort")) == (1, cohorts), text


def test_figures_include_the_curve_of_samplers_and_the_viewer_if_configured(tmp_path):
    for wanted, made in (("oasis", 1), ("null", None)):
        jobs, text = plan(tmp_path, "figures", f"viewer={{cohort: {wanted}}}")
        assert (jobs.get("viewer"), jobs.get("sampler_curve"), jobs.get("gallery")) == (made, 1, 1), text


def test_downloads_include_public_weights_of_the_recipe(tmp_path):
    for recipe, downloads in (("authors", 1), ("scratch", None)):
        jobs, text = plan(tmp_path, "cohorts", f"data={tmp_path}", f"recipe={recipe}")
        assert (jobs.get("trunk"), jobs.get("public_weights")) == (2, downloads), text


def test_table_of_a_cohort_outside_the_study_is_refused_with_the_reason(tmp_path):
    _, text = plan(tmp_path, "tables/table2.csv", "study={cohorts: [oasis]}")
    assert "table 2: this study has no cohort for this table" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("tables/table6.csv", "no method of study.methods has one"),
        ("figures/fig05.png", "fig05: its cohort oasis is not in study.cohorts"),
        ("scores/toy/fold0/nobody.csv", "No rule to produce"),
        ("data/public/nobody.ckpt", "No rule to produce"),
        ("zoom/nobody.nii.gz", "config/zoom.tsv: no row 'nobody'"),
    ],
)
def test_target_that_the_study_does_not_have_is_refused_with_the_reason(tmp_path, target, reason):
    study = "study={cohorts: [toy], methods: [linear, truth]}"
    jobs, text = plan(tmp_path, target, study, f"data={tmp_path}/data")
    assert reason in text
    assert not jobs
    assert "Traceback" not in text


def test_stand_in_outside_the_study_is_refused_in_one_line(tmp_path):
    _, text = plan(tmp_path, "tables/table2.csv", "study={cohorts: [oasis], stand_in: toy}")
    assert "study.stand_in: 'toy' is not one of study.cohorts" in text
    assert "Traceback" not in text


def test_contest_of_one_fold_is_refused_because_its_networks_saw_every_patient(tmp_path):
    jobs, text = plan(tmp_path, "contest", "study={folds: 1}")
    assert not jobs
    assert "contest: with study.folds: 1 the networks have seen every patient" in text


def test_cohort_can_have_a_separate_frame_size_and_has_only_the_subjects_of_its_sheet(tmp_path):
    """The demo's picture at full size: everything else is smaller."""
    target = tmp_path / "volumes" / "toy" / "toy01.nii.gz"
    size = "cohorts={toy: {preprocess: {size: 64}}}"
    data = f"data={tmp_path}/data"
    run("-q", "all", "--config", f"results={tmp_path}", size, data, "--", str(target))
    assert nib.load(target).shape == (64, 64, 22)
    jobs, text = plan(tmp_path, "volumes/toy/toy1.nii.gz", data)
    assert not jobs
    assert f"{tmp_path}/cohorts/toy.tsv: no subject 'toy1'; did you mean 'toy01'?" in text
    assert "StopIteration" not in text
    scan = next((tmp_path / "data" / "toy").glob("toy02*"))
    scan.unlink()
    jobs, text = plan(tmp_path, "volumes/toy/toy02.nii.gz", size, data)
    assert not jobs
    assert f"{scan}: missing since the cohort was drawn; put it back, or delete {tmp_path}/cohorts/toy.tsv" in text
    text = plan(tmp_path, "curve/toy/ddim_7_shared.csv", data)[1]
    assert "curve: no line ddim_7_shared in samplers.curve; known are ddim_1_shared, unipc_none_shared" in text


def zoomed(folder: Path, sheet: str, *words: str) -> str:
    """What Snakemake prints when it zooms the scans of a sheet (columns separated by ``|``)."""
    (folder / "sheet.tsv").write_text(sheet.replace("|", "\t"))
    config = [f"results={folder}", f"data={folder}/data", f"zoom={{sheet: {folder}/sheet.tsv}}"]
    settings = [word for word in words if not word.startswith("-")]
    flags = [word for word in words if word.startswith("-")]
    return run(*flags, "--config", *config, *settings, "--", "zoom")


def test_scan_is_zoomed_again_only_after_a_relevant_change(tmp_path):
    sheet = "scan|name|method|n\n{data}/phantom/thick.nii.gz|mine|linear|1\n"
    zoomed(tmp_path, sheet)
    same = ("compute={chunk: 2}", "sampling={steps: 7}")  # the method uses no random numbers
    assert "rule zoom_scan" not in zoomed(tmp_path, sheet, "-n", *same)
    for change in ("preprocess={percentile: 99}", "methods={linear: {label: other}}"):
        assert "rule zoom_scan" in zoomed(tmp_path, sheet, "-n", change), change


def test_method_that_cannot_zoom_is_refused_before_its_networks_are_trained(tmp_path):
    sheet = "scan\tname\tmethod\tn\tweights\tin_plane\n{data}/phantom/thick.nii.gz\tmine\tquartet_full\t1\ttoy/1\t4\n"
    (tmp_path / "sheet.tsv").write_text(sheet)
    done = snakemake("-n", "--config", f"results={tmp_path}", f"zoom={{sheet: {tmp_path}/sheet.tsv}}", "--", "zoom")
    assert "sheet.tsv: mine: method quartet_full keeps the in-plane resolution" in done.stderr


def test_spread_map_is_an_output_if_requested(tmp_path):
    weights = [tmp_path / f"{name}.safetensors" for name in ("vq", "ldm")]
    for path in weights:
        path.touch()
    scan, use = "{data}/phantom/thick.nii.gz", " ".join(map(str, weights))
    sheet = f"scan|name|method|n|uncertainty|weights\n{scan}|plain|linear|1||\n{scan}|mine|ours|1|2|{use}\n"
    bids = "sub-1/anat/sub-1_desc-zoom_T1w"
    text = zoomed(tmp_path, f"{sheet}{scan}|{bids}|ours|1|2|{use}\n", "-n")
    assert f"{tmp_path}/zoom/mine_spread.nii.gz" in text
    assert f"{tmp_path}/zoom/{bids.replace('desc-zoom', 'desc-zoomspread')}.nii.gz" in text
    assert "plain_spread" not in text
    spread = tmp_path / "zoom" / "mine_spread.nii.gz"
    for name in ("mine.nii.gz", "mine.json", "mine.html"):  # as from a run without `uncertainty`
        spread.with_name(name).parent.mkdir(exist_ok=True)
        spread.with_name(name).touch()
    assert str(spread) in zoomed(tmp_path, f"{sheet}", "-n")


def test_cohort_that_cannot_be_drawn_is_not_tried_again(tmp_path):
    """`retries` of the SLURM profile is for lost nodes and time limits; a refused download would be refused again."""
    few = "cohorts={toy: {patients: {cv: 99}}}"
    target = str(tmp_path / "cohorts" / "toy.tsv")
    done = snakemake("-q", "all", "--retries", "2", "--config", f"results={tmp_path}", few, "--", target)
    assert done.stderr.count("ERROR in rule cohort") == 1
    assert done.returncode == 1
