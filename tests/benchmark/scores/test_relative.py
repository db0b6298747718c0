"""Scores as shares of the distance from the control to the oracle."""

import numpy as np
import pandas as pd
import pytest

from benchmark.cohort.sheet import Patient
from benchmark.print.typeset import Table
from benchmark.scores import relative
from benchmark.scores.aggregate import read_scores
from benchmark.scores.published import Published
from benchmark.scores.score_table import score_frame, score_table

ROWS = {
    "linear": (0.80, 20.0, 0.40),
    "oracle_si": (0.90, 30.0, 0.10),
    "ours": (0.85, 22.5, 0.37),
    "worse": (0.79, 19.0, 0.43),
    "truth": (1.0, np.inf, 0.0),
}


def frame(rows: dict = ROWS, **places: str) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["ssim", "psnr", "lpips"])
    return table.rename_axis("method").reset_index().assign(**{"cohort": "toy"} | places)


def test_share_is_0_for_the_control_and_1_for_the_oracle():
    shares = relative.with_shares(frame(), ["cohort"]).set_index("method")[["ssim_share", "psnr_share", "lpips_share"]]
    assert shares.loc["linear"].tolist() == pytest.approx([0, 0, 0])
    assert shares.loc["oracle_si"].tolist() == pytest.approx([1, 1, 1])
    assert shares.loc["ours"].tolist() == pytest.approx([0.5, 0.25, 0.1])
    assert shares.loc["worse"].tolist() == pytest.approx([-0.1, -0.1, -0.1])
    assert shares.loc["truth"].tolist() == pytest.approx([2, np.nan, 4 / 3], nan_ok=True)


def test_share_is_relative_to_control_and_oracle_of_the_same_setting():
    hard = frame({"linear": (0.5, 10.0, 0.5), "oracle_si": (0.7, 20.0, 0.1), "ours": (0.6, 15.0, 0.3)}, setting="n3")
    both = pd.concat([frame(setting="removed"), hard], ignore_index=True)
    shares = relative.with_shares(both, ["cohort", "setting"])
    ours = shares[shares["method"] == "ours"].set_index("setting")["ssim_share"]
    assert ours.to_dict() == pytest.approx({"removed": 0.5, "n3": 0.5})
    assert len(shares) == 8


def test_share_is_missing_if_the_oracle_is_not_ahead():
    rows = {"linear": (0.8, 20.0, 0.40), "oracle_si": (0.8099, 19.0, 0.39), "ours": (0.85, 22.5, 0.37)}
    found = relative.with_shares(frame(rows), ["cohort"])
    assert found["ssim_share"].isna().all()
    assert found["psnr_share"].isna().all()
    assert found["lpips_share"].tolist() == pytest.approx([0, 1, 3])
    table = Table("t", "", [])
    assert [cell.text for cell in relative.share_cells(found.iloc[2], table)] == ["n/a", "n/a", "300 %"]
    assert table.notes == [
        "n/a: the oracle is ahead of the control by less than 0.01 SSIM, 1 dB or 0.01 LPIPS, or a mean is infinite"
    ]


def test_no_share_columns_without_control_and_oracle():
    few = frame({"linear": ROWS["linear"], "ours": ROWS["ours"]})
    assert relative.with_shares(few, ["cohort"]) is few
    assert relative.headings(few) == []
    assert relative.share_cells(few.iloc[0], Table("t", "", [])) == []
    assert relative.meaning(few, {}) == ""


def test_score_table_has_shares_and_their_definition(score_files, labels):
    oracle = score_files[0].parents[1] / "fold0" / "oracle_si.csv"
    scores = pd.read_csv(score_files[2])
    scores[["ssim", "psnr"]] += [0.1, 5]
    scores["lpips"] -= 0.1
    scores.to_csv(oracle, index=False)
    labels["methods"]["oracle_si"] = {"label": "true slices", "kind": "oracle", "origin": "project", "features": []}
    labels["study"]["methods"].append("oracle_si")
    found = score_frame(read_scores([*score_files, oracle]), ["toy"], labels, Published())
    sheets = {"toy": [Patient("p1", "", "", "", "", "", "test", 0)]}
    table = score_table(found, 1, labels, sheets)
    assert table.columns[-3:] == ["share, SSIM", "share, PSNR", "share, LPIPS"]
    printed = {row[0].text: [cell.text for cell in row[-3:]] for row in table.rows if not isinstance(row, str)}
    assert printed["linear & more"] == ["0 %"] * 3
    assert printed["true slices"] == ["100 %"] * 3
    assert printed["truth"][1] == "n/a"
    assert "Share: of the distance from ‘linear & more’ (0 %) to ‘true slices’ (100 %)" in table.caption
    assert all(len(row) == len(table.columns) for row in table.rows if not isinstance(row, str))
