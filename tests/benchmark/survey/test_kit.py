"""The survey is blind and complete; wrong files are refused with their names."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.errors import UserError
from benchmark.survey.kit import (
    LEVELS,
    QUESTIONS,
    checksum,
    codes,
    form,
    kit_name,
    order,
    pictures,
    read_answers,
    read_key,
    write_key,
)
from benchmark.survey.table import agreement, most_common, survey_frame, survey_table

METHODS = {"ours": "SR with SI (ours)", "wdsr": "WDSR SR with SI"}
SEED = 3


@pytest.fixture
def key(tmp_path) -> Path:
    drawn = codes(list(METHODS), SEED)
    write_key(tmp_path / "key.csv", drawn, kit_name({code: ["data:"] for code in drawn}))
    return tmp_path / "key.csv"


def fill_form(path: Path, key: Path, rater: str, levels: dict[str, str], changes: dict[str, str] | None = None) -> Path:
    """A form as saved by the browser: one level per method for all questions."""
    kit, methods = read_key(key)
    rows = [[code, question, levels[method]] for code, method in methods.items() for question in QUESTIONS]
    table = pd.DataFrame(rows, columns=["sequence", "question", "level"])
    table.insert(0, "kit", kit)
    table.insert(1, "rater", rater)
    table["check"] = checksum(kit, rater, rows)
    for column, value in (changes or {}).items():
        table.loc[0, column] = value
    table.to_csv(path, index=False)
    return path


GOOD = {"ours": "Good", "wdsr": "Bad"}


def test_checksum_equals_the_one_of_the_form():
    """Value computed by the form's own JavaScript in a browser."""
    kit, rater = "10b9d649", "Dr. Á  1"
    levels = ["Very Good", "Bad", "Good", "Very Good", "Very Bad", "Bad", "Good", "Very Good", "Very Bad"]
    levels += ["Bad", "Good", "Very Good"]
    places = [(code, question) for code in ("6EMS", "HV2W", "NWXA", "SJF7") for question in QUESTIONS]
    rows = [[*place, level] for place, level in zip(places, levels, strict=True)]
    assert checksum(kit, rater, rows) == "23a00a21"


def test_order_depends_on_the_rater_and_equals_the_one_of_the_form():
    """Values computed by the form's own JavaScript."""
    codes_ = ["6EMS", "HV2W", "NWXA", "SJF7", "2345", "QQQQ", "ZZZZ"]
    assert order(codes_, "10b9d649", "Ann") == ["6EMS", "HV2W", "NWXA", "SJF7", "QQQQ", "ZZZZ", "2345"]
    assert order(codes_, "10b9d649", "Dr. Á  1") == ["NWXA", "2345", "6EMS", "ZZZZ", "QQQQ", "HV2W", "SJF7"]
    assert order(codes_, "00000001", "Ann") == ["2345", "6EMS", "ZZZZ", "SJF7", "HV2W", "NWXA", "QQQQ"]
    assert order(codes_[::-1], "10b9d649", "ann") == order(codes_, "10b9d649", "Ann")


def test_every_sequence_is_first_for_a_similar_number_of_raters():
    first = [order(["AAAA", "BBBB", "CCCC"], "10b9d649", str(rater))[0] for rater in range(300)]
    assert min(first.count(code) for code in ("AAAA", "BBBB", "CCCC")) > 70


def test_form_is_blind_self_contained_and_reproducible():
    drawn = codes(["ours", "baseline", "bicubic_ae", "srgan", "wdsr"], SEED)
    draw = np.random.default_rng(0)
    sequences = {code: draw.uniform(0.1, 1, (10, 24, 20)) for code in drawn}
    text = form(pictures(sequences))
    body = re.sub(r"base64,[A-Za-z0-9+/=]+", "", text).lower()
    for name in ("ours", "baseline", "srgan", "wdsr", "bicubic", "autoencoder", "diffusion"):
        assert not re.search(rf"\b{name}", body.replace("your", ""))
    assert text.count("data:image/png;base64,") == 50
    assert "tEXt" not in text
    assert not re.search(r"__[A-Z]+__", text)
    assert "http" not in body  # no downloads, no uploads
    assert text == form(pictures(sequences))


def test_answers_about_other_pictures_are_of_another_kit(tmp_path):
    """A study that is trained again, or shows another gap, has the same codes."""
    drawn, slices = codes(list(METHODS), SEED), np.random.default_rng(0).uniform(0.1, 1, (3, 24, 20))
    for number, change in enumerate((0.0, 0.1)):
        sequences = dict.fromkeys(drawn, slices) | {next(iter(drawn)): (slices - change).clip(0)}
        write_key(tmp_path / f"key{number}.csv", drawn, kit_name(pictures(sequences)))
    answers = fill_form(tmp_path / "a.csv", tmp_path / "key0.csv", "A", GOOD)
    assert len(read_answers([answers], tmp_path / "key0.csv")) == 6
    with pytest.raises(UserError, match="filled in for another kit"):
        read_answers([answers], tmp_path / "key1.csv")


def test_codes_are_drawn_by_seed_and_sorted():
    methods = ["a", "b", "c", "d", "e"]
    assert codes(methods, 1) == codes(methods, 1) != codes(methods, 2)
    assert len({tuple(codes(methods, seed).values()) for seed in range(8)}) > 4
    assert list(codes(methods, 1)) == sorted(codes(methods, 1))


def test_answers_are_counted_by_method(key, tmp_path):
    paths = [
        fill_form(tmp_path / "a.csv", key, "A", GOOD),
        fill_form(tmp_path / "b.csv", key, "B", {"ours": "Good", "wdsr": "Good"}),
    ]
    answers = read_answers(paths, key)
    assert len(answers) == 12
    frame = survey_frame(answers, METHODS)
    assert frame["Q1"].tolist() == ["Good", "Bad, Good"]
    assert frame["Q1_paper"].tolist() == ["Good", "Bad"]
    assert frame.loc[1, [f"Q1_{level}" for level in LEVELS]].tolist() == [0, 1, 1, 0]
    table = survey_table(frame, "ATLAS T1, 10 new slices", 2)
    assert [cell.text for cell in table.rows[1]][:4] == ["WDSR SR with SI", "Bad, Good", "0/1/1/0", "Bad"]
    assert "2 raters" in table.caption
    # by hand: agreement 1 and 0, chance (1/4)² + (3/4)²
    assert agreement(frame)["Q1"] == pytest.approx((0.5 - 0.625) / (1 - 0.625))


def test_without_answers_only_published_levels_are_shown(key):
    answers = read_answers([], key)
    frame = survey_frame(answers, METHODS)
    assert frame["Q2"].tolist() == ["", ""]
    assert frame["Q2_paper"].tolist() == ["Good", "Bad, Good"]
    assert "No form has been returned" in survey_table(frame, "ATLAS", 0).caption


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"level": "Very Good"}, "changed after it was saved"),
        ({"level": ""}, "incomplete: 1 of 6"),
        ({"level": "Splendid"}, "no level 'Splendid'"),
        ({"sequence": "XXXX"}, "no sequence XXXX"),
        ({"question": "Q2"}, "two answers to one question"),
        ({"kit": "deadbeef"}, "another kit"),
        ({"rater": "someone else"}, "more than one rater"),
    ],
)
def test_changed_or_incomplete_form_is_refused_by_name(key, tmp_path, changes, reason):
    good = fill_form(tmp_path / "good.csv", key, "A", GOOD)
    bad = fill_form(tmp_path / "bad.csv", key, "B", GOOD, changes)
    with pytest.raises(UserError, match=reason) as error:
        read_answers([good, bad], key)
    assert "bad.csv" in str(error.value)
    assert "good.csv" not in str(error.value)


def test_second_form_of_a_rater_and_other_files_are_refused(key, tmp_path):
    paths = [fill_form(tmp_path / "a.csv", key, "Ann", GOOD), fill_form(tmp_path / "b.csv", key, "ann", GOOD)]
    with pytest.raises(UserError, match=r"b\.csv \(ann has already answered in a\.csv\)"):
        read_answers(paths, key)
    (tmp_path / "c.csv").write_text("")
    (tmp_path / "d.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"c\.csv \(not a CSV of the form\); d\.csv \(not a CSV of the form\)"):
        read_answers([tmp_path / "c.csv", tmp_path / "d.csv"], key)


def test_most_common_levels_include_ties():
    assert [most_common(c) for c in ([0, 0, 3, 1], [1, 2, 2, 0], [0, 0, 0, 0])] == ["Good", "Bad, Good", ""]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"kit,sequence,method\n", b"\0", b"\xe9", b'"' * 9])
def test_invalid_key_is_refused_by_name(tmp_path, content):
    (tmp_path / "key.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"key\.csv: "):
        read_answers([], tmp_path / "key.csv")


def test_utf16_form_is_read_and_other_files_are_refused(key, tmp_path):
    fill_form(tmp_path / "a.csv", key, "Á", GOOD)
    (tmp_path / "a.csv").write_bytes((tmp_path / "a.csv").read_bytes().decode().encode("utf-16"))
    assert set(read_answers([tmp_path / "a.csv"], key)["rater"]) == {"Á"}
    os.mkfifo(tmp_path / "b.csv")
    (tmp_path / "c.csv").mkdir()
    (tmp_path / "d.csv").write_bytes((tmp_path / "a.csv").read_bytes().decode("utf-16").encode("latin-1"))
    said = r"b\.csv \(not a regular file.*c\.csv \(a folder.*d\.csv \(its text is not UTF-8"
    with pytest.raises(UserError, match=said):
        read_answers(tmp_path.glob("[a-d].csv"), key)
