"""A scoring job compares each subject with its own truth."""

from pathlib import Path

import numpy as np
import pytest
from perceptual_distance import MeanAbsoluteDifference

import models.perceptual
from benchmark import volume
from benchmark.cohort.protocol import Removal, write_removal
from benchmark.files import read_csv
from benchmark.jobs.scoring import score_method


def test_each_subject_is_scored_against_its_truth_with_its_removal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One volume is a tenth too bright in one slice only, the other everywhere by 0.1."""
    monkeypatch.setattr(models.perceptual, "Perceptual", lambda trunk, net: MeanAbsoluteDifference())
    truths, removals = [], []
    for seed, subject in enumerate(("sub-b", "sub-a")):
        truth = np.random.default_rng(seed).uniform(0.2, 0.8, (6, 16, 16)).astype(np.float32)
        restored = truth + np.float32(0.1) * (np.ones((6, 1, 1)) if seed else np.arange(6)[:, None, None] == 2)
        volume.write(tmp_path / f"{subject}.nii.gz", truth, np.eye(4))
        volume.write(tmp_path / "restored" / f"{subject}.nii.gz", restored, np.eye(4))
        write_removal(tmp_path / f"{subject}.tsv", Removal(6, np.array([1 + seed, 4])))
        truths.append(str(tmp_path / f"{subject}.nii.gz"))
        removals.append(str(tmp_path / f"{subject}.tsv"))
    table = score_method(truths, removals, str(tmp_path / "restored"), trunk="", target=str(tmp_path / "s.csv"))
    assert list(table.columns[:4]) == ["subject", "slice", "removed", "region"]
    assert table["subject"].tolist() == ["sub-b"] * 6 + ["sub-a"] * 6
    assert table["slice"].tolist() == [*range(6)] * 2
    assert np.flatnonzero(table["removed"]).tolist() == [1, 4, 6 + 2, 6 + 4]
    expected = [np.inf, np.inf, 20, np.inf, np.inf, np.inf] + [20] * 6  # −20 · log10(0.1)
    np.testing.assert_allclose(table["psnr"], expected, rtol=1e-5)
    np.testing.assert_allclose(table["lpips"], [0, 0, 0.1, 0, 0, 0] + [0.1] * 6, atol=1e-6)
    written = read_csv(tmp_path / "s.csv")
    np.testing.assert_allclose(written["psnr"], expected, rtol=1e-5)
    assert written["subject"].tolist() == table["subject"].tolist()
