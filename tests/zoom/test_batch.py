"""Several scans in one call."""

import json
import os
import signal
import subprocess
from html import unescape
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from bids_data import dataset, save
from zoom_scans import thick

from benchmark.project import release
from zoom.choice import Choice
from zoom.cli import main
from zoom.intensity import find_scale

pytestmark = pytest.mark.usefixtures("configured_commands")


def folder_of_scans(folder: Path) -> None:
    """Three scans, a label map and what is no image."""
    for name in ("one.nii.gz", "two.nii", "deeper/one.nii.gz", "one_seg.nii.gz", ".hidden/no.nii.gz"):
        save(folder / name, thick())
    (folder / "notes.txt").write_text("x")


def output_names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.nii.gz"))


def test_folder_of_scans_gives_a_folder_of_volumes_and_an_index(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder_of_scans(tmp_path / "in")
    out = tmp_path / "out"
    assert main([str(tmp_path / "in"), "--n", "1", "-o", str(out)]) == 0
    wanted = ["deeper/one_zoom.nii.gz", "one_zoom.nii.gz", "two_zoom.nii.gz"]
    assert output_names(out) == wanted
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(out / name) for name in wanted]
    assert f"{tmp_path}/in/one_seg.nii.gz: a label map by its name; left out" in said.err
    assert f"index     {out}/index.html" in said.err
    assert "3 volumes in this folder" in (out / "index.html").read_text()


def test_earlier_outputs_are_not_zoomed_again(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    save(tmp_path / "in" / "one.nii.gz", thick())
    words = [str(tmp_path / "in"), "--n", "1", "-o"]
    for out in (tmp_path / "in", tmp_path / "in", tmp_path / "in" / "finer"):
        assert main([*words, str(out), "--overwrite"]) == 0
    assert output_names(tmp_path / "in") == ["finer/one_zoom.nii.gz", "one.nii.gz", "one_zoom.nii.gz"]


def test_failing_scans_are_reported_and_the_others_zoomed(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    save(tmp_path / "a.nii.gz", thick())
    (tmp_path / "b.nii.gz").write_bytes(b"damaged")
    save(tmp_path / "c.nii.gz", thick())
    scans = [str(tmp_path / f"{name}.nii.gz") for name in "abcd"]
    assert main([*scans, "--n", "1", "-o", str(tmp_path / "out"), "--quiet"]) == 1
    said = capsys.readouterr()
    assert [Path(line).name for line in said.out.splitlines()] == ["a_zoom.nii.gz", "c_zoom.nii.gz"]
    lines = said.err.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"mri-zoom: {scans[1]}: ")
    assert lines[1] == f"mri-zoom: {scans[3]}: no such file; give a scan"
    assert lines[2] == "mri-zoom: 2 of 4 scans failed"
    page = unescape((tmp_path / "out" / "index.html").read_text())
    assert all(line.removeprefix("mri-zoom: ") in page for line in lines[:2])


def test_unexpected_exception_is_reported_and_the_others_zoomed(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        save(tmp_path / f"{name}.nii", thick())
    faults = iter([RuntimeError("a fault\nin two lines")])

    def scale(*given: object) -> object:
        for fault in faults:
            raise fault
        return find_scale(*given)

    monkeypatch.setattr("zoom.run.find_scale", scale)
    assert main([str(tmp_path / "a.nii"), str(tmp_path / "b.nii"), "--n", "1", "-o", str(tmp_path / "o"), "-q"]) == 1
    assert f"mri-zoom: {tmp_path}/a.nii: RuntimeError: a fault in two lines\n" in capsys.readouterr().err
    assert output_names(tmp_path / "o") == ["b_zoom.nii.gz"]


def test_interrupted_batch_keeps_finished_volumes(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        save(tmp_path / f"{name}.nii", thick())
    seen: list[object] = []

    def scale(*given: object) -> object:
        seen.append(given)
        if len(seen) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return find_scale(*given)

    monkeypatch.setattr("zoom.run.find_scale", scale)
    assert main([str(tmp_path / "a.nii"), str(tmp_path / "b.nii"), "--n", "1", "-o", str(tmp_path / "o"), "-q"]) == 130
    assert capsys.readouterr().err == "mri-zoom: interrupted; 1 of 2 scans were finished\n"
    assert {path.name for path in (tmp_path / "o").iterdir()} == {f"a_zoom.{end}" for end in ("nii.gz", "json", "html")}


def test_second_scan_with_the_same_output_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    save(tmp_path / "in" / "one.nii", thick())
    save(tmp_path / "in" / "one.nii.gz", thick(seed=4))
    assert main([str(tmp_path / "in"), "--n", "1", "-o", str(tmp_path / "out"), "--overwrite"]) == 1
    assert "which is the output of" in capsys.readouterr().err
    assert output_names(tmp_path / "out") == ["one_zoom.nii.gz"]


def test_several_scans_to_one_file_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    save(tmp_path / "in" / "one.nii", thick())
    for scans in ([str(tmp_path / "in")], [str(tmp_path / "in" / "one.nii")] * 2):
        assert main([*scans, "--n", "1", "-o", str(tmp_path / "out.nii")]) == 1
        assert f"out.nii: one file for {len(scans)} scans; give a folder" in capsys.readouterr().err


def test_error_common_to_all_scans_is_printed_once(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder_of_scans(tmp_path)
    assert main([str(tmp_path), "--n", "1", "-o", str(tmp_path / "out"), "--method", "splin", "-q"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_weights_are_loaded_once_per_batch(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of_scans(tmp_path / "in")
    calls, load = [], Choice.load
    monkeypatch.setattr(Choice, "load", lambda *given: calls.append(1) or load(*given))
    assert main([str(tmp_path / "in"), "--n", "1", "-o", str(tmp_path / "out"), "--weights", str(weights)]) == 0
    assert len(output_names(tmp_path / "out")) == 3
    assert len(calls) == 1
    alone = [str(tmp_path / "in" / "two.nii"), "--n", "1", "-o", str(tmp_path / "o.nii.gz"), "--weights", str(weights)]
    assert main(alone) == 0
    assert (tmp_path / "o.nii.gz").read_bytes() != b""
    found = (nib.load(tmp_path / name) for name in ("o.nii.gz", "out/two_zoom.nii.gz"))
    np.testing.assert_array_equal(*(np.asarray(image.dataobj) for image in found))


def test_bids_app_arguments_select_participants_and_suffixes(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    dataset(tmp_path / "bids")
    out = tmp_path / "bids" / "derivatives" / "zoom"
    words = [str(tmp_path / "bids"), str(out), "participant", "--n", "1"]
    assert main([*words, "--participant-label", "02"]) == 0
    names = [f"sub-02/ses-{s}/anat/sub-02_ses-{s}_res-2x_desc-zoom_{c}.nii.gz" for s in "ab" for c in ("FLAIR", "T1w")]
    assert output_names(out) == names
    assert main([*words, "--participant-label", "sub-01", "--suffix", "T1w", "bold"]) == 0
    assert [name.rsplit("_", 1)[1] for name in output_names(out) if "sub-01" in name] == [
        "T1w.nii.gz",
        "bold.nii.gz",
        "T1w.nii.gz",
    ]
    assert main([*words, "--participant_label", "03"]) == 1
    assert "no participant 03; there are 01, 02" in capsys.readouterr().err
    for option in ("--participant-label", "--suffix"):
        assert main([str(tmp_path / "bids" / "sub-01"), "--n", "1", "-o", str(out), option, "01"]) == 1
        assert f"not a BIDS dataset, in which {option}" in capsys.readouterr().err
    with pytest.raises(SystemExit) as raised:
        main([str(tmp_path / "bids"), str(out), "group", "--n", "1"])
    assert raised.value.code == 2
    assert "level 'group'" in capsys.readouterr().err


def test_derivatives_field_maps_and_segmentations_are_not_zoomed(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    scans = dataset(tmp_path / "bids", ("01",))
    save(tmp_path / "bids/derivatives/other/sub-01/anat/sub-01_T1w.nii.gz", thick())
    save(tmp_path / "bids/sub-01/fmap/sub-01_phasediff.nii.gz", thick())
    save(tmp_path / "bids/sub-01/anat/sub-01_dseg.nii.gz", thick())
    assert main([str(tmp_path / "bids"), "--n", "1", "-o", str(tmp_path / "out"), "--dry-run", "--json", "-q"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert [one["Scan"] for one in planned] == [str(scan) for scan in scans]
    assert not (tmp_path / "out").exists()


def test_dry_run_json_equals_the_later_report(tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture) -> None:
    save(tmp_path / "one.nii.gz", thick())
    words = [str(tmp_path / "one.nii.gz"), "--spacing", "1", "-o", str(tmp_path / "o.nii"), "--weights", str(weights)]
    assert main([*words, "--dry-run", "--json"]) == 0
    said = capsys.readouterr()
    plan = json.loads(said.out)
    assert (plan["Shape"], plan["Spacing"]) == ([20, 24, 25], [1, 1, 1])
    assert plan["Outputs"] == [str(tmp_path / f"o.{suffix}") for suffix in ("nii", "json", "html")]
    assert [one["Networks"] for one in plan["Weights"]] == [["vq"], ["ldm"]]
    assert min(plan["MemoryBytes"], plan["DiskBytes"], plan["Seconds"]) > 0
    assert "output    20 × 24 × 25" in said.err
    assert main([*words, "--json", "-q"]) == 0
    said = capsys.readouterr()
    assert {line.split()[0] for line in said.err.splitlines()} == {"warning"}
    assert json.loads(said.out) == json.loads((tmp_path / "o.json").read_text())
    shared = plan.keys() & json.loads(said.out)["Zoom"].keys() - {"Warnings", "Seconds"}
    assert len(shared) > 20
    assert {key: json.loads(said.out)["Zoom"][key] for key in shared} == {key: plan[key] for key in shared}


def test_quiet_prints_only_the_output_path_and_logs_have_no_progress_bar(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    save(tmp_path / "one.nii.gz", thick())
    words = [str(tmp_path / "one.nii.gz"), "--n", "1", "-o", str(tmp_path / "o.nii"), "--overwrite"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path}/o.nii\n"
    assert "\r" not in said.err
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr() == (f"{tmp_path}/o.nii\n", "")


@pytest.mark.parametrize("extra", [[], ["--dry-run"]])
def test_warnings_are_printed_with_the_scans_name_even_if_quiet(
    tmp_path: Path, capsys: pytest.CaptureFixture, extra: list[str]
) -> None:
    skewed = np.diag([1.0, 1.0, 4.0, 1.0])
    skewed[1, 2] = 1.0
    for name in ("one", "two"):
        nib.save(
            nib.Nifti1Image(thick(), np.diag([1.0, 1.0, 4.0, 1.0]) if name == "one" else skewed),
            tmp_path / f"{name}.nii",
        )
    words = [str(tmp_path / "one.nii"), str(tmp_path / "two.nii"), "--n", "1", "-o", str(tmp_path / "out"), "-q"]
    assert main([*words, *extra]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning   {tmp_path}/two.nii: Its axes are not at right angles (the least angle is 76.0°)")


def test_version_option_prints_the_release(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--version"])
    assert raised.value.code == 0
    assert capsys.readouterr().out == f"mri-zoom {release()}\n"


@pytest.mark.parametrize("words", [["a.nii", "--n", "1"], ["bids", "out", "participant"]])
def test_missing_arguments_exit_with_code_2(words: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as raised:
        main(words)
    assert raised.value.code == 2
    assert "required" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_print_completion_gives_a_working_script(shell: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--print-completion", shell])
    assert raised.value.code == 0
    script = capsys.readouterr().out
    assert "mri-zoom" in script
    assert "participant-label" in script
    if shell == "bash":  # which is on every machine that runs these tests
        asked = "COMP_WORDS=(mri-zoom scan.nii --prof); COMP_CWORD=2; _shtab_mri_zoom; echo ${COMPREPLY[*]}"
        done = subprocess.run(["bash", "-c", f"{script}\n{asked}"], capture_output=True, text=True)
        assert done.stdout.split() == ["--profile"], done.stderr
