"""zoom.truth and zoom.example under signals: nothing half-written is left (the command itself: test_cli.py)."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import pytest
from perceptual_distance import MeanAbsoluteDifference
from zoom_scans import OBLIQUE, thick

from zoom import example, truth
from zoom.run import zoom

STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def zoom_that_sends(number: int, calls: int) -> Callable[..., Any]:
    """``zoom``, which sends a signal to this process at its ``calls``-th call."""
    left = iter(range(calls, -1, -1))

    def stopped(*given: Any, **more: Any) -> Any:
        if next(left) == 1:
            os.kill(os.getpid(), number)
        return zoom(*given, **more)

    return stopped


@pytest.mark.parametrize("number", STOPS)
@pytest.mark.parametrize("calls", [1, 2])
@pytest.mark.usefixtures("no_signal_ignored", "example_scan")
def test_stopped_example_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, number: int, calls: int
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(example, "zoom", zoom_that_sends(number, calls))
    assert example.main([str(out)]) == 130
    assert capsys.readouterr().err.splitlines()[-1].endswith("interrupted; nothing was written")
    assert not out.exists()
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    monkeypatch.setattr(example, "zoom", zoom_that_sends(number, calls))
    assert example.main([str(out)]) == 130
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


@pytest.mark.usefixtures("no_signal_ignored", "configured_commands")
@pytest.mark.parametrize("number", STOPS)
def test_stopped_truth_keeps_only_complete_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, number: int
) -> None:
    monkeypatch.setattr(truth, "_perceptual", lambda trunk: MeanAbsoluteDifference())
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    nib.save(nib.Nifti1Image(thick((24, 24, 7)), OBLIQUE), tmp_path / "scan.nii.gz")
    out = tmp_path / "made"
    words = [str(tmp_path / "scan.nii.gz"), "--n", "1", "2", "--methods", "linear", "-o", str(out / "table.tsv")]
    monkeypatch.setattr(truth, "zoom", zoom_that_sends(number, 1))
    assert truth.main(words) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "zoom.truth: interrupted; nothing was written"
    assert not out.exists()
    monkeypatch.setattr(truth, "zoom", zoom_that_sends(number, 2))
    assert truth.main(words) == 130
    assert "table.tsv holds the scores so far" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["table.tsv"]
    assert list((tmp_path / "tmp").iterdir()) == []
