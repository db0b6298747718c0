"""zoom.truth and zoom.example under signals: nothing half-written is left (the command itself: test_cli.py)."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import yaml
from zoom_scans import OBLIQUE, thick

from benchmark import config as configuration
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
def test_stopped_example_leaves_no_file(
    config: dict,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    number: int,
    calls: int,
) -> None:
    scan, out = tmp_path / "thin.nii.gz", tmp_path / "out"
    voxels = np.random.default_rng(0).integers(1, 1000, (20, 24, 33)).astype(np.int16)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), scan)
    monkeypatch.setattr(example, "load_config", lambda: config)
    monkeypatch.setattr(example, "reader", lambda *_: SimpleNamespace(fetch=lambda ids: {ids[0]: scan}))
    monkeypatch.setattr(example, "zoom", zoom_that_sends(number, calls))
    assert example.main([str(out)]) == 130
    assert capsys.readouterr().err.splitlines()[-1].endswith("interrupted; nothing was written")
    assert not out.exists()
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    monkeypatch.setattr(example, "zoom", zoom_that_sends(number, calls))
    assert example.main([str(out)]) == 130
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("number", STOPS)
def test_stopped_truth_keeps_only_complete_scores(
    config: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, number: int
) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.setattr(configuration, "CONFIG", tmp_path / "config.yaml")
    flat = SimpleNamespace(distances=lambda one, other, mask, batch: (np.zeros(len(one)), np.zeros(len(one))))
    monkeypatch.setattr(truth, "_perceptual", lambda trunk: flat)
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
