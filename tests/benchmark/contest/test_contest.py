"""The contest: removed slices, scored patients, and tables that show the leader, with planted scores."""

import numpy as np
import pandas as pd
import pytest
from perceptual_distance import MeanAbsoluteDifference

from benchmark import volume
from benchmark.cohort.protocol import Removal, write_removal
from benchmark.contest.figure import draw, most_detail, shown
from benchmark.contest.measure import contest, settings, thinned
from benchmark.contest.parts import parts_frame, parts_table
from benchmark.contest.table import certainty, certainty_table, contest_frame, contest_table
from benchmark.errors import UserError
from benchmark.jobs.restoration import Restoration
from benchmark.scores.metrics import COLUMNS
from benchmark.scores.significance import CLEARLY, NOT_SHOWN, TOO_FEW

METHODS = {
    "new": {"label": "the new one", "kind": "method", "networks": ["a"]},
    "old": {"label": "the old one", "kind": "method", "networks": ["b"]},
    "linear": {"label": "linear", "kind": "control", "networks": []},
    "oracle": {"label": "knows it", "kind": "oracle", "networks": []},
}
CONFIG = {
    "methods": METHODS,
    "cohorts": {"heads": {"label": "Heads"}},
    "contest": {
        "methods": list(METHODS),
        "champion": "new",
        "against": ["linear"],
        "parts": [{"of": "new", "variants": {"old": "without the new part"}}],
    },
}
OPTIONS = {"alpha": 0.05, "iterations": 20, "seed": 1}


PATIENTS = 24


def synthetic_scores(new: float = 2.0) -> pd.DataFrame:
    """Scores of ``PATIENTS`` patients by 4 methods: the level of each method, a shift per patient, and two slices."""
    rows = []
    for setting in ("removed", "n2"):
        for place, (method, level) in enumerate({"new": new, "old": 1.0, "linear": 0.0, "oracle": 5.0}.items()):
            for subject in range(PATIENTS):
                for slice_ in (3, 4, 5):
                    good = level + 0.01 * subject
                    scores = {c: (-good if c.startswith("lpips") else good) for c in COLUMNS}
                    row = {"cohort": "heads", "setting": setting, "method": method, "fold": 1, "subject": f"s{subject}"}
                    row |= {
                        "slice": slice_,
                        "signal": slice_ != 5,
                        "region": "brain",
                        "seconds": 0.001 * place,
                        "lpips_vgg": -good,
                    }
                    rows.append(row | (scores if slice_ != 5 else dict.fromkeys(COLUMNS, np.nan)))
    return pd.DataFrame(rows)


def test_thinned_keeps_every_third_slice_and_spreads_the_gaps():
    assert thinned(10, 2, None).removed.tolist() == [1, 2, 4, 5, 7, 8]
    assert thinned(11, 2, None).removed.tolist() == [1, 2, 4, 5, 7, 8]  # the last gap would have no end
    some = thinned(160, 4, 3).removed
    assert len(some) == 12
    assert (np.diff(some) > 1).sum() == 2
    found = settings(160, Removal(160, np.array([5, 9])), [2, 4], 3)
    assert list(found) == ["removed", "n2", "n4"]
    assert all(not set(wanted) & set(removal.known) for removal, wanted in found.values())


@pytest.mark.parametrize("gaps", [1, 2, 3, 4, 5, 9])
def test_no_gap_is_taken_twice(gaps):
    every = thinned(16, 2, None).removed  # five gaps
    some = thinned(16, 2, gaps).removed
    assert len(set(some)) == len(some)
    assert set(some) <= set(every)
    assert len(some) <= 2 * gaps


def test_contest_scores_removed_slices_of_a_volume(tmp_path):
    truth = np.random.default_rng(0).random((30, 32, 32), dtype=np.float32)
    truth[:3] = 0
    volume.write(tmp_path / "sub-1.nii.gz", truth, np.eye(4))
    write_removal(tmp_path / "sub-1.tsv", Removal(30, np.array([1, 9, 12, 20])))
    for name, exact in (("truth", True), ("linear", False)):
        restoration = Restoration(name, [], options={}, chunk=4, seed=0, dataset="d")
        table = contest(
            restoration, [tmp_path / "sub-1.nii.gz"], [tmp_path / "sub-1.tsv"],
            new=[2], gaps=2, perceptual=MeanAbsoluteDifference(), second_opinion=MeanAbsoluteDifference(),
        )  # fmt: skip
        assert table.groupby("setting").size().to_dict() == {"removed": 4, "n2": 4}
        assert table["signal"].sum() == 7  # slice 1 is empty
        second = table[table["lpips_vgg"].notna()]
        assert second[["subject", "setting", "slice"]].to_numpy().tolist() == [["sub-1", "removed", 9]]
        assert (table.loc[table["signal"], "ssim"] == 1).all() == exact


def test_leader_is_bold_and_oracles_are_not():
    frame = contest_frame(synthetic_scores(), CONFIG["contest"]["methods"])
    row = frame[(frame["method"] == "new") & (frame["setting"] == "n2")].iloc[0]
    assert (row["patients"], row["slices"]) == (PATIENTS, 2 * PATIENTS)
    assert row["psnr"] == pytest.approx(2 + 0.01 * (PATIENTS - 1) / 2)
    assert row["psnr_sd"] == pytest.approx(np.std(0.01 * np.arange(PATIENTS), ddof=1))
    table = contest_table(frame, CONFIG)
    assert "never saw them" in table.title
    shared = contest_table(frame, CONFIG | {"shared": ["Ours"]})
    assert "never saw them" not in shared.title
    assert "patients that folds 2 and up hold out: Ours can gain by this" in shared.caption
    bold = {row[0].text for row in table.rows if not isinstance(row, str) and any(cell.bold for cell in row)}
    assert bold == {"the new one"}
    assert "one slice in 3 known, 2 new slices in each gap" in table.rows[5]


def test_each_value_is_below_its_heading_and_the_best_as_printed_of_each_column_is_bold():
    """A tie as printed has two bold values; the oracle is the best of all and not compared."""
    frame = contest_frame(synthetic_scores(), list(METHODS))
    values = {
        "ssim": (0.9, 0.8, 0.7, 1.0),
        "psnr": (30.0, 31.0, 28.0, 50.0),
        "lpips": (0.2, 0.3, 0.1, 0.0),
        "ssim_region": (0.5, 0.6, 0.4, 1.0),
        "psnr_region": (21.001, 21.004, 20.0, 40.0),  # both are printed as 21.00
        "lpips_region": (0.25, 0.15, 0.35, 0.0),
        "lpips_vgg": (0.45, 0.55, 0.65, 0.0),
        "seconds": (0.004, 0.005, 0.006, 0.007),
    }
    for column, means in values.items():
        frame.loc[frame["setting"] == "n2", column] = means
        frame[f"{column}_sd"] = np.nan
    table = contest_table(frame, CONFIG)
    names = ("SSIM", "PSNR, dB", "LPIPS", "brain SSIM", "brain PSNR, dB", "brain LPIPS", "LPIPS (VGG)", "ms per slice")
    places = [list(table.columns).index(name) for name in names]
    start = next(i for i, row in enumerate(table.rows) if isinstance(row, str) and "2 new slices" in row)
    rows = [[row[place] for place in places] for row in table.rows[start + 1 :]]
    assert [cell.text for cell in rows[0]] == [
        "0.9000", "30.00", "0.2000", "0.5000", "21.00", "0.2500", "0.4500", "4.0",
    ]  # fmt: skip
    assert [[cell.bold for cell in row] for row in rows] == [
        [True, False, False, False, True, False, True, False],
        [False, True, False, True, True, True, False, False],
        [False, False, True, False, False, False, False, False],
        [False] * 8,
    ]


def test_caption_counts_the_patients_of_each_cohort():
    scores = synthetic_scores()
    assert "over 24 patients: each" in contest_table(contest_frame(scores, list(METHODS)), CONFIG).caption
    fewer = scores[scores["subject"].isin(["s0", "s1", "s2"])].assign(cohort="hearts")
    about = CONFIG | {"cohorts": {"heads": {"label": "Heads"}, "hearts": {"label": "Hearts"}}}
    both = contest_frame(pd.concat([scores, fewer]), list(METHODS))
    assert (
        "over the patients of each cohort (Heads: 24; Hearts: 3; cohorts can share patients): each"
        in contest_table(both, about).caption
    )


def test_caption_names_the_methods_that_learned_from_the_features_of_a_score():
    frame = contest_frame(synthetic_scores(), list(METHODS))
    assert "favours" not in contest_table(frame, CONFIG).caption
    features = {"new": ["alex"], "old": ["vgg"], "linear": []}
    caption = contest_table(frame, CONFIG | {"features": features}).caption
    assert "LPIPS favours the methods trained with the same features: the new one. " in caption
    assert "LPIPS (VGG) favours the methods trained with the same features: the old one. " in caption


def test_verdict_is_clearly_ahead_or_not_shown():
    ahead = certainty(synthetic_scores(), CONFIG, **OPTIONS)
    assert set(ahead["second"]) == {"linear", "old"}
    assert (ahead["verdict"] == CLEARLY).all()
    assert (ahead["gain_low"] > 0).all()
    assert (ahead["ahead_on"] == PATIENTS).all()
    assert ahead["confidence"].iloc[0] == pytest.approx(1 - 0.05 / (3 * 2 * 2))  # metrics, rivals, settings
    table = certainty_table(ahead, CONFIG)
    assert "is ahead of every rival in this table" in table.caption
    assert f" on {PATIENTS} of {PATIENTS}" in table.rows[1][1].text
    behind = certainty(synthetic_scores(new=0.5), CONFIG, **OPTIONS)
    assert (behind.loc[behind["second"] == "old", "verdict"] == NOT_SHOWN).all()
    caption = certainty_table(behind, CONFIG).caption
    assert "is not clearly ahead on: " in caption
    assert "SSIM against the old one (Heads, single slices removed): −0.5000" in caption


def test_ties_count_half_and_the_next_best_has_the_best_mean():
    """On six patients the champion and the old method are equal; the linear control is far ahead on one patient."""
    scores = synthetic_scores()
    tied = scores["method"].isin(["old"]) & scores["subject"].isin([f"s{i}" for i in range(6)])
    same = scores[(scores["method"] == "new") & scores["subject"].isin([f"s{i}" for i in range(6)])]
    scores.loc[tied, COLUMNS] = same[COLUMNS].to_numpy()
    outlier = (scores["method"] == "linear") & (scores["subject"] == "s9") & scores["signal"]
    scores.loc[outlier, "psnr"] = 9.0
    found = certainty(scores, CONFIG, **OPTIONS).set_index(["setting", "second", "metric"]).sort_index()
    assert (found.loc[("n2", "old"), "ahead_on"] == PATIENTS - 6 / 2).all()
    assert found.loc[("n2", "linear", "psnr"), "ahead_on"] == PATIENTS - 1
    assert found.loc[("n2", "old"), "next_best"].all()
    assert not found.loc[("n2", "linear"), "next_best"].any()


def test_clearly_shown_claims_are_bold():
    for new, bold in ((2.0, True), (0.5, False)):  # against the old method, whose level is 1
        table = certainty_table(certainty(synthetic_scores(new), CONFIG, **OPTIONS), CONFIG)
        assert table.rows[0] == "Heads: single slices removed"
        row = next(row for row in table.rows if not isinstance(row, str) and row[0].text == "the old one")
        assert [cell.bold for cell in row] == [False, *[False, bold] * 3]


def test_a_champion_is_not_compared_with_itself():
    contest = CONFIG["contest"] | {"against": ["new", "linear"]}
    frame = certainty(synthetic_scores(), CONFIG | {"contest": contest}, **OPTIONS)
    assert set(frame["second"]) == {"linear", "old"}
    assert frame["confidence"].iloc[0] == pytest.approx(1 - 0.05 / (3 * 2 * 2))


def test_six_patients_give_no_verdict():
    scores = synthetic_scores()
    few = certainty(scores[scores["subject"].isin([f"s{i}" for i in range(6)])], CONFIG, **OPTIONS)
    assert (few["verdict"] == TOO_FEW).all()
    table = certainty_table(few, CONFIG)
    assert "no verdict" in table.caption
    assert "is ahead of all" not in table.caption
    assert not any(cell.bold for row in table.rows if not isinstance(row, str) for cell in row)


def test_variants_of_the_champion_are_no_rivals():
    methods = METHODS | {"old": METHODS["old"] | {"networks": ["a"]}}
    frame = certainty(synthetic_scores(new=0.5), CONFIG | {"methods": methods}, **OPTIONS)
    assert set(frame["second"]) == {"linear"}


def test_parts_are_compared_on_common_patients():
    scores = synthetic_scores()
    scores = scores[(scores["method"] != "old") | scores["subject"].isin(["s0", "s1"])]
    frame = parts_frame(scores, CONFIG)
    assert frame["patients"].tolist() == [2, 2]
    assert frame.loc[1, "psnr_change"] == pytest.approx(-1)
    assert frame.loc[1, "lpips_change"] == pytest.approx(1)
    table = parts_table(frame, CONFIG)
    assert table.rows[0] == "the new one on Heads, 2 patients"
    assert [cell.text for cell in table.rows[1]] == [
        "unchanged", "2.0050", "", "2.00", "", "−2.0050", "", "0.0", "",
    ]  # fmt: skip
    assert [cell.text for cell in table.rows[2]] == [
        "without the new part", "1.0050", "−1.0000", "1.00", "−1.00", "−1.0050", "+1.0000", "1.0", "+1.0",
    ]  # fmt: skip


def test_parts_table_without_variants_is_empty():
    config = CONFIG | {"contest": CONFIG["contest"] | {"parts": []}}
    frame = parts_frame(synthetic_scores(), config)
    assert frame.empty
    assert parts_table(frame, config).rows == []


def test_figure_shows_the_slice_with_most_detail(tmp_path):
    rng = np.random.default_rng(0)
    for subject, contrast in (("dull", 0.1), ("rich", 0.9)):
        truth = np.zeros((8, 40, 40), np.float32)
        truth[:, 8:32, 8:32] = contrast * rng.random((8, 24, 24))
        truth[5] *= 1.1
        volume.write(tmp_path / f"{subject}.nii.gz", truth, np.eye(4))
        write_removal(tmp_path / f"{subject}.tsv", Removal(8, np.array([2, 5])))
    paths = [tmp_path / "dull.nii.gz", tmp_path / "rich.nii.gz"]
    removals = [tmp_path / "dull.tsv", tmp_path / "rich.tsv"]
    assert most_detail(paths, removals, lambda subject: subject != "rich")[0] == "dull"
    with pytest.raises(UserError, match="no patient of fold 1 may be pictured"):
        most_detail(paths, removals, lambda subject: False)
    subject, truth, removal, place = most_detail(paths, removals)
    assert (subject, place) == ("rich", 5)
    assert removal.removed.tolist() == [2, 5]
    classes = {name: name for name in METHODS}
    chosen = shown(synthetic_scores(), "heads", METHODS, classes)
    assert chosen == ["new", "old", "linear"]
    assert shown(synthetic_scores(), "heads", METHODS, classes | {"old": "new"}) == ["new", "linear"]
    labels = {key: value["label"] for key, value in METHODS.items()}
    figure, caption = draw(subject, truth[place], place, {m: truth[place] * 0.9 for m in chosen}, labels, "Heads")
    assert "slice 5" in caption
    assert [axis.get_title() for axis in figure.axes[:4]] == ["the new one", "the old one", "linear", "truth"]
