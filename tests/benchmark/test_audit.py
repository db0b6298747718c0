"""The audit accepts correct files and finds faults: a study's files made by hand, with one planted fault at a time."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark import volume
from benchmark.audit import audit, main
from benchmark.datasets.phantom import phantom
from benchmark.figures.between import detail_box, detail_share
from benchmark.print.style import content
from benchmark.print.typeset import write_caption
from benchmark.scores.aggregate import cells, read_scores
from benchmark.scores.metrics import COLUMNS
from benchmark.scores.region import region

PSNR = {"ours": 27.28, "ours_no_edsr": 27.06, "baseline": 27.0, "baseline_edsr": 27.2}
AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Score sheets, a table, a restored gap, a figure's caption and a verdict page that agree with each other."""
    truth = np.moveaxis(phantom((40, 44, 26), "T1", 1).clip(0, 1).astype(np.float32), 2, 0)
    volume.write(tmp_path / "volumes" / "toy" / "p1.nii.gz", truth, AFFINE)
    found = region(truth, AFFINE)
    for method, level in PSNR.items():
        sheet = pd.DataFrame({"subject": "p1", "slice": range(26), "region": found.kind, "share": found.share})
        sheet = sheet.assign(removed=sheet["slice"] % 4 == 2, signal=found.signal)
        noise = np.random.default_rng(0).normal(0, 0.01, (26, len(COLUMNS)))
        for place, column in enumerate(COLUMNS):
            sheet[column] = np.where(found.signal, (level if "psnr" in column else 0.5) + noise[:, place], np.nan)
        path = tmp_path / "scores" / "toy" / "fold1" / f"{method}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.to_csv(path, index=False, float_format="%.6f")
    table = cells(read_scores(sorted((tmp_path / "scores").rglob("*.csv")))).reset_index()
    (tmp_path / "tables").mkdir()
    table["label"] = table["method"].map({"ours": "Ours (SI)", "baseline": "The baseline"}).fillna(table["method"])
    table.to_csv(tmp_path / "tables" / "table1.csv", index=False, float_format="%.6f")
    ends = truth[[12, 13]]
    rows, columns = content([ends])
    box = detail_box(ends, max(8, min(rows.stop - rows.start, columns.stop - columns.start) // 4))
    shares = []
    for method, between in (("ours", ends[0]), ("baseline", ends.mean(axis=0) * 0.7)):
        new = np.stack([ends[0], between, ends[1]])
        volume.write(tmp_path / "gaps" / "toy" / method / "p1_012-013_n1.nii.gz", new, np.eye(4))
        shares.append(detail_share(new, ends, box)[1])
    (tmp_path / "figures").mkdir()
    caption = (
        f"1 new slices between two neighbouring slices … Mean over the new slices: Ours (SI) {shares[0]:.0%}, The "
        f"baseline {shares[1]:.0%}. Toy, test patient p1 (2 may be pictured), slices 12 and 13: the two neighbours"
    )
    write_caption(tmp_path / "figures" / "fig07.rst", caption)
    text = "EDSR accounts for +0.21 dB, interpolation in latents instead of pixels for +0.07 dB"
    (tmp_path / "verdict.rst").write_text(text)
    return tmp_path


def test_consistent_study_passes(study: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(study)]) == 0
    out = capsys.readouterr().out
    for words in ("24 cells", "fig07", "of +0.28 dB, EDSR +0.21", "toy: brain", "19 patients, 10 dB apart: not enough"):
        assert words in out


def replace_once(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def cell_off(study: Path) -> None:
    table = pd.read_csv(study / "tables" / "table1.csv")
    table.loc[0, "psnr"] += 0.001
    table.to_csv(study / "tables" / "table1.csv", index=False)


def percentage_of_something_else(study: Path) -> None:
    text = (study / "figures" / "fig07.rst").read_text()
    (study / "figures" / "fig07.rst").write_text(text.replace("Ours (SI) ", "Ours (SI) 5 %, The best "))


def percentages_of_two_methods_exchanged(study: Path) -> None:
    text = (study / "figures" / "fig07.rst").read_text()
    first, second = re.findall(r"(\d+%)[,.]", text)
    assert first != second
    (study / "figures" / "fig07.rst").write_text(text.replace(first, "x").replace(second, first).replace("x", second))


def share_misread(study: Path) -> None:
    replace_once(study / "verdict.rst", "+0.07 dB", "+0.28 dB")


def region_of_all_voxels(study: Path) -> None:
    for path in (study / "scores").rglob("*.csv"):
        sheet = pd.read_csv(path)
        sheet.assign(share=0.8).to_csv(path, index=False, float_format="%.6f")


def air_scored(study: Path) -> None:
    for path in (study / "scores").rglob("*.csv"):
        sheet = pd.read_csv(path)
        sheet.assign(signal=True).to_csv(path, index=False, float_format="%.6f")


@pytest.mark.parametrize(
    ("introduce_fault", "check"),
    [
        (cell_off, "cells"),
        (percentage_of_something_else, "detail"),
        (percentages_of_two_methods_exchanged, "detail"),
        (share_misread, "shares"),
        (region_of_all_voxels, "regions"),
        (air_scored, "regions"),
    ],
)
def test_each_fault_is_found_by_its_check(study: Path, introduce_fault, check: str) -> None:
    introduce_fault(study)
    lines, good = audit(study)
    assert not good
    assert [line for line in lines if line.startswith(f"{check}: WRONG")]


def test_folder_without_a_study_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(tmp_path)]) == 1
    assert "holds no scores" in capsys.readouterr().err
