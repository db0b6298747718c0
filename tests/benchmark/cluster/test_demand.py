"""Estimated time and memory of jobs, and GPU hours of the study."""

import copy
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from configs import merged

from benchmark.cluster import demand
from benchmark.cluster.study_cost import disk_frame, hours_frame, hours_table
from benchmark.cohort.preprocess import preprocess
from benchmark.config import check
from benchmark.config.networks import about, study_networks
from benchmark.print.typeset import markdown


@pytest.fixture(scope="module")
def article():
    return check(merged(recipe="scratch"))


@pytest.fixture
def config(article, tmp_path):
    return copy.deepcopy(article) | {"results": str(tmp_path), "data": str(tmp_path / "data")}


def test_step_seconds_are_within_the_limits_of_the_hardware(article):
    """Forward and backward are three forwards; frozen networks run forward once. An H200 does 776 TFLOP/s in fp16."""
    from models.count import table

    work = {(row["network"], row["does"]): row["gflop_per_slice"] for row in table(article["networks"])}
    encode, decode = work["vq", "encode"], work["vq", "decode"]
    wanted = {"vq": 3 * (encode + decode), "ldm": 3 * work["ldm", "one step"] + encode}
    for name, gflop in wanted.items():
        least = 16 * gflop * 1e9 / 776e12
        assert 1 < about(name).step_seconds / least < 25
    assert about("ldm").slice_gflop == pytest.approx(work["ldm", "one step"], rel=0.01)
    assert max(demand.SUSTAINED.values()) < 776e12


def test_every_training_of_the_shipped_config_fits_on_a_card_of_80_gb(config):
    """Slab has 256 small patches a step. EDSR's diffusion restores 32 slices at once: 5,000 MiB, counted."""
    asked = {name: demand.training_mb(name, config) for name in config["networks"]}
    assert max(asked.values()) < 78 * 1024, asked
    assert asked["edsr"] > demand.CONTEXT_MB + 5000


def test_training_seconds_are_proportional_to_steps_batch_and_pixels(config):
    config["compute"]["precision"] = "bf16-mixed"
    full = demand.training_seconds("vq", config, "oasis")
    assert full == pytest.approx(100_000 * about("vq").step_seconds)
    assert demand.training_seconds("vq", config, "oasis", gpu_speed=2) == pytest.approx(full / 2)
    config["networks"]["vq"]["training"]["steps"] //= 4
    config["networks"]["vq"]["training"]["batch"] //= 2
    assert demand.training_seconds("vq", config, "oasis") == pytest.approx(full / 8)
    config["preprocess"]["size"] = 128
    assert demand.training_seconds("vq", config, "oasis") == pytest.approx(full / 32)
    assert demand.restoring_seconds(config, "oasis", "wdsr", 3) == 0


def test_restoring_memory_is_proportional_to_chunk_and_width(config):
    assert config["compute"]["chunk"] == "auto"
    usual = demand.restoring_mb(config)
    assert usual == demand.CONTEXT_MB + about("ldm").restoring_mb
    config["compute"]["chunk"] = 32
    config["networks"]["ldm"]["size"]["width"] = 80
    assert demand.restoring_mb(config) == usual


def test_fold_holds_out_its_share_of_the_patients(config):
    assert demand.held_out(config, "oasis", fold=1) == 4  # of 17 in five folds, at most
    assert demand.held_out(config, "oasis", fold=0) == 17  # methods without training: all


def test_epochs_are_converted_to_steps_by_the_patients_of_a_fold(config):
    config["networks"]["vq"]["training"] = {"epochs": 15, "batch": 16}
    assert demand.training_steps("vq", config, "oasis") == 15 * 17 * 0.8 * 160 / 16
    config["compute"]["devices"] = 2
    assert demand.training_steps("vq", config, "oasis") == 15 * 17 * 0.8 * 160 / 32
    config["study"]["folds"] = 1
    assert demand.training_steps("vq", config, "openneuro") == 15 * 85 * 160 / 32
    assert demand.training_steps("wdsr", config, "oasis") == 100_000


def test_shared_network_has_one_training_job_per_cohort(config):
    config["networks"]["vq"]["shared"] = True
    jobs = hours_frame(config).query("stage == 'train'").set_index("name")["jobs"]
    assert (jobs["vq"], jobs["ldm"]) == (6, 30)


def test_measured_speed_replaces_the_estimate(config):
    path = demand.speed_file(config, "vq")
    path.parent.mkdir()
    path.write_text("network,hardware,seconds_per_step,start_seconds\nvq,NVIDIA H100,0.5,30\n")
    assert demand.training_seconds("vq", config, "oasis", gpu_speed=3) == 30 + 50_000
    assert demand.pace("vq", config).source == "NVIDIA H100"
    assert "estimated" in demand.pace("ldm", config).source
    text = markdown(hours_table(hours_frame(config), config))
    assert "Measured: vq on NVIDIA H100" in text


def test_hours_include_every_training_and_restoration(config):
    frame = hours_frame(config)
    trained = frame[frame["stage"] == "train"]
    assert (
        set(trained["name"])
        == set(study_networks(config))
        == {n for n, network in config["networks"].items() if "class" not in network}
    )
    assert (trained["jobs"] == 30).all()  # six cohorts, five folds
    assert trained["hours"].tolist() == pytest.approx((trained["hours_each"] * 30).tolist())
    ours = frame[(frame["stage"] == "restore") & (frame["name"] == "ours")].iloc[0]
    slices = 3 * 5 * sum(config["cohorts"][c]["slices"] for c in config["study"]["cohorts"])
    assert ours["hours"] == pytest.approx(slices * (200 * demand.slice_step(config, "ldm") + demand.DECODING) / 3600)
    config["study"]["cohorts"] = ["oasis"]
    config["study"]["methods"] = ["wdsr", "truth"]
    assert hours_frame(config)[["stage", "name", "jobs"]].to_numpy().tolist() == [
        ["train", "wdsr", 5],
        ["start", "every job", 5],
    ]


def test_disk_space_includes_every_file(config):
    folder = Path(config["results"]) / "volumes" / "oasis"
    folder.mkdir(parents=True)
    (folder / "a.nii.gz").write_bytes(b"0" * 2_000_000)
    frame = disk_frame(config).set_index("stage")
    assert frame.loc["volumes", "files"] == 20 + 34 + 88 + 3 * 30
    assert frame.loc["volumes", "gb_now"] == 0.002
    assert frame.loc["models", "files"] == 210
    assert frame.loc["models", "gb"] == pytest.approx(30 * 4 * 174.9e6 / 1e9, rel=0.01)
    restored = sum(5 if config["methods"][m]["networks"] else 1 for m in config["study"]["methods"])
    assert frame.loc["restored", "files"] == 18 * restored


def test_shared_network_is_stored_once_per_cohort(config):
    whole = disk_frame(config).set_index("stage").loc["models"]
    config["networks"]["vq"]["shared"] = True
    less = disk_frame(config).set_index("stage").loc["models"]
    assert whole["files"] - less["files"] == 6 * 4
    assert whole["gb"] - less["gb"] == pytest.approx(24 * 4 * about("vq").parameters / 1e9)


def test_sweeps_count_jobs_and_sampled_slices_as_they_run(config):
    """A line of the curve is one job; table 6 samples the neighbours of the removed slices; n changes no sampling."""
    frame = hours_frame(config).set_index("stage")
    curve, cohorts = config["samplers"]["curve"], len(config["samplers"]["cohorts"])
    lines = sum(len(row.get("eta", [1])) for row in curve["settings"])
    assert frame.loc["sampler_line", "jobs"] == cohorts * len(curve["noise"]) * lines
    fewer = copy.deepcopy(config)
    fewer["protocol"]["remove"] /= 2
    assert hours_frame(fewer).set_index("stage").loc["sampler", "hours"] == pytest.approx(
        frame.loc["sampler", "hours"] / 2
    )
    more = copy.deepcopy(config)
    more["efficiency"]["n"] = [10 * n for n in config["efficiency"]["n"]]
    longer = hours_frame(more).set_index("stage").loc["efficiency", "hours"]
    assert longer < 10 * frame.loc["efficiency", "hours"]


def test_slices_have_the_side_that_preprocessing_writes(config, tmp_path):
    """``size`` counts voxels after ``shrink``, in the estimates as in ``preprocess``."""
    config["preprocess"] |= {"size": 32, "shrink": 2}
    scan = np.random.default_rng(0).random((60, 60, 4)) + 1
    nib.save(nib.Nifti1Image(scan, np.eye(4)), tmp_path / "scan.nii.gz")
    written = preprocess(tmp_path / "scan.nii.gz", axis=2, size=32, shrink=2)[0]
    assert written.shape[1:] == (demand.side(config),) * 2
