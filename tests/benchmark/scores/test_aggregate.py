"""Means of means, recomputed by hand from the slice scores."""

import csv
import math
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest

from benchmark.scores.aggregate import by_patient, cells, read_scores
from benchmark.scores.metrics import COLUMNS


def mean_by_hand(path: Path, column: str) -> float:
    """Mean over removed slices with signal, then patients, with nothing but the standard library."""
    patients: dict[str, list[float]] = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if row["removed"] == "True" and row["signal"] == "True":
                patients.setdefault(row["subject"], []).append(float(row[column]))
    return mean(mean(values) for values in patients.values())


@pytest.mark.parametrize("column", COLUMNS)
def test_cells_equal_hand_computed_means(score_files, column):
    table = cells(read_scores(score_files))
    folds = [mean_by_hand(path, column) for path in score_files if path.stem == "ours"]
    assert table.loc[("toy", "ours"), column] == pytest.approx(mean(folds))
    assert table.loc[("toy", "ours"), f"{column}_sd"] == pytest.approx(stdev(folds))
    assert table.loc[("toy", "linear"), column] == pytest.approx(mean_by_hand(score_files[2], column))


def test_patients_have_equal_weight_for_any_number_of_slices(score_files):
    scores = read_scores(score_files[:1])
    scores = scores[~((scores["subject"] == "p2") & (scores["slice"].isin([5, 7])))]
    patients = by_patient(scores).set_index("subject")["ssim"]
    assert cells(scores)["ssim"].iloc[0] == pytest.approx((patients["p1"] + patients["p2"]) / 2)


def test_patient_restored_in_several_folds_counts_once(score_files):
    """The spread over patients is of two numbers, each the mean over both folds; the spread over folds is different."""
    scores = read_scores(score_files)
    ours = scores[(scores["method"] == "ours") & scores["removed"]]
    patients = [part["psnr"].mean() for _, part in ours.groupby("subject")]  # the folds have equally many slices
    cell = cells(scores).loc[("toy", "ours")]
    assert cell["psnr_patients_sd"] == pytest.approx(stdev(patients))
    assert cell["psnr_patients_sd"] != pytest.approx(cell["psnr_sd"])
    assert cells(scores).loc[("toy", "linear"), "psnr_patients_sd"] > 0


def test_cells_have_counts_and_no_spread_of_one_fold(score_files):
    table = cells(read_scores(score_files))
    assert table.loc[("toy", "ours"), ["folds", "patients", "slices", "left_out"]].tolist() == [2, 2, 6, 0]
    assert table.loc[("toy", "linear"), ["folds", "patients", "slices", "left_out"]].tolist() == [1, 2, 6, 0]
    assert math.isnan(table.loc[("toy", "linear"), "ssim_sd"])
    assert table.loc[("toy", "truth"), "psnr"] == np.inf


def test_region_of_a_cell_is_brain_only_if_every_scan_is(score_files):
    scores = read_scores(score_files)
    assert set(cells(scores)["region"]) == {"brain"}
    scores.loc[scores["subject"] == "p2", "region"] = "head"
    assert set(cells(scores)["region"]) == {"head"}


def test_removed_slices_without_signal_are_left_out_and_counted(score_files):
    scores = read_scores(score_files)
    scores.loc[scores["slice"] == 2, "signal"] = False
    scores.loc[scores["slice"] == 2, COLUMNS] = np.nan
    table = cells(scores)
    assert table.loc[("toy", "ours"), ["slices", "left_out"]].tolist() == [4, 2]
    assert not table[COLUMNS].isna().any(axis=None)


def test_subjects_are_read_as_text(tmp_path, score_files):
    scores = score_files[0].read_text().replace("p1", "007")
    score_files[0].write_text(scores)
    assert set(read_scores(score_files[:1])["subject"]) == {"007", "p2"}
