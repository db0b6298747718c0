"""The command and its output."""

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from zoom_scans import OBLIQUE, thick

from zoom.cli import main
from zoom.run import encode

pytestmark = pytest.mark.usefixtures("configured_commands")


def test_command_writes_image_page_and_json(save: Callable, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "finer.nii.gz"
    assert main([str(save()), "--n", "1", "-o", str(out)]) == 0
    assert nib.load(out).shape == (20, 24, 17)
    assert (tmp_path / "finer.html").exists()
    said = capsys.readouterr().err
    assert "20 × 24 × 17 voxels" in said
    assert "method    spline" in said
    about = json.loads((tmp_path / "finer.json").read_text())
    assert about["Zoom"]["Method"] == "spline"
    assert len(about["Zoom"]["SourceSHA256"]) == 64


def test_dry_run_prints_the_plan_and_writes_nothing(
    save: Callable, tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "no" / "finer.nii.gz"
    words = [str(save()), "--zoom", "2.5", "--in-plane", "4", "-o", str(out), "--weights", str(weights), "--dry-run"]
    assert main(words) == 0
    said = capsys.readouterr().err
    assert "80 × 96 × 21 voxels of 0.2392 × 0.2341 × 1.984 mm" in said
    for word in ("time      about", "sha256", "method    ours"):
        assert word in said
    assert re.search(r"memory    [\d.]+ [MG]B on cpu", said)  # of the whole process: after other tests over 1 GB
    assert not out.parent.exists()


def test_config_files_set_the_defaults(
    save: Callable, tmp_path: Path, config: dict, set_command_config: Callable
) -> None:
    config["zoom"]["method"] = "spline"
    set_command_config(config)
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("zoom: {in_plane: 4}\nseed: 7\n")
    assert main([str(save()), "--spacing", "2", "-o", str(tmp_path / "o.nii"), "--config", str(overlay)]) == 0
    about = json.loads((tmp_path / "o.json").read_text())["Zoom"]
    assert (about["Method"], about["InPlaneFactor"], about["Seed"]) == ("spline", 4, 7)


def test_user_error_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(tmp_path / "gone.nii"), "--n", "1", "-o", str(tmp_path / "o.nii")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(f"mri-zoom: {tmp_path}/gone.nii: no such file")


@pytest.mark.parametrize(
    ("words", "before"),
    [
        (["scan.nii", "--config="], "--config="),
        (["scan.nii", "--config", ""], "--config"),
        (["scan.nii", "--weights", "a", ""], "a"),
        (["", "--n", "1"], "mri-zoom"),
    ],
)
def test_empty_argument_is_refused_with_its_place(words: list[str], before: str, capsys: pytest.CaptureFixture) -> None:
    assert main([*words, "-o", "out.nii"]) == 1
    assert capsys.readouterr().err == f"mri-zoom: the argument after '{before}' is empty: give a value\n"


STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]


@pytest.mark.usefixtures("no_signal_ignored")
@pytest.mark.parametrize("number", STOPS)
def test_stop_signal_leaves_no_file(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, number: int
) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.setattr("zoom.run.encode", lambda *given: os.kill(os.getpid(), number))
    assert main([str(save()), "--n", "1", "-o", str(tmp_path / "out" / "o.nii.gz")]) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_signal_ignored_by_the_caller_stays_ignored(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoom.run.encode", lambda *given: os.kill(os.getpid(), signal.SIGHUP) or encode(*given))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert main([str(save()), "--n", "1", "-o", str(tmp_path / "out" / "o.nii.gz")]) == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"o.nii.gz", "o.json", "o.html"}


def test_failed_image_write_leaves_no_page(
    save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "out"

    def removed(*given: Any) -> int:
        for path in out.glob(".*.o.nii.gz"):
            path.unlink()
        return encode(*given)

    monkeypatch.setattr("zoom.run.encode", removed)
    assert main([str(save()), "--n", "1", "-o", str(out / "o.nii.gz")]) == 1
    assert capsys.readouterr().err.count("No such file") == 1
    assert list(out.iterdir()) == []


def test_hint_about_trained_methods_is_printed_without_weights(save: Callable, capsys: pytest.CaptureFixture) -> None:
    words = [str(save()), "--n", "1", "-o", "o.nii", "--dry-run"]
    assert main(words) == 0
    (hint,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hint")]
    assert "spline is not trained" in hint
    assert main([*words, "--method", "linear"]) == 0
    assert "hint" not in capsys.readouterr().err


def test_command_line_error_is_two_lines(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for words in (["scan.nii"], ["scan.nii", "--n", "x", "-o", "o"], ["bids", "out", "participants", "--n", "1"]):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 2
        usage, error = capsys.readouterr().err.splitlines()
        assert usage.startswith("usage: mri-zoom SCAN")
        assert error.startswith("mri-zoom: error: ")


def test_exactly_one_of_n_zoom_and_spacing_is_required(save: Callable, capsys: pytest.CaptureFixture) -> None:
    for arguments in ([], ["--n", "1", "--zoom", "2"]):
        with pytest.raises(SystemExit) as raised:
            main([str(save()), "-o", "o.nii", *arguments])
        assert raised.value.code == 2


def test_help_contains_options_examples_and_the_medical_notice(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--help"])
    assert raised.value.code == 0
    said = capsys.readouterr().out
    for word in (
        "--spacing MM",
        "--dry-run",
        "examples:",
        "Not for diagnosis",
        "(default: auto, the shipped network; spline and linear use no network)",
    ):
        assert word in " ".join(said.split())


def test_bids_scan_gives_bids_derivatives(tmp_path: Path) -> None:
    scan = tmp_path / "raw" / "sub-01" / "ses-a" / "anat" / "sub-01_ses-a_acq-tse_desc-x_T2w.nii.gz"
    scan.parent.mkdir(parents=True)
    nib.save(nib.Nifti1Image(thick(), OBLIQUE), scan)
    out = tmp_path / "raw" / "derivatives" / "zoom"
    assert main([str(scan), "--n", "1", "-o", str(out)]) == 0
    made = out / "sub-01" / "ses-a" / "anat" / "sub-01_ses-a_acq-tse_res-2x_desc-zoom_T2w.nii.gz"
    np.testing.assert_array_equal(np.asarray(nib.load(made).dataobj)[..., ::2], thick())
    about = json.loads(made.with_name(made.name.replace(".nii.gz", ".json")).read_text())
    assert about["Sources"] == [f"bids:raw:sub-01/ses-a/anat/{scan.name}"]
    dataset = json.loads((out / "dataset_description.json").read_text())
    assert dataset["DatasetType"] == "derivative"
    assert dataset["DatasetLinks"] == {"raw": "../.."}
    assert dataset["GeneratedBy"][0]["Name"] == "mri-zoom"


def test_dry_run_refuses_what_the_run_would_refuse(save: Callable, capsys: pytest.CaptureFixture) -> None:
    assert main([str(save()), "--n", "1", "-o", "o.nii", "--method", "spline", "--uncertainty", "3", "--dry-run"]) == 1
    assert "uses no random numbers" in capsys.readouterr().err
