"""The cohort sheet, as written and after edits by a user."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.cohort import sheet
from benchmark.cohort.sheet import Patient, check_folds, check_scan, read_sheet, write_sheet
from benchmark.errors import UserError


def patient(subject: str, role: str, fold: int) -> Patient:
    return Patient(subject, f"{subject}.nii.gz", "0" * 64, "3x3x3", "1x1x1", "RAS", role, fold)


ROWS = [patient("a", "cv", 1), patient("b", "cv", 2), patient("c", "test", 0)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_sheet(tmp_path / "toy.tsv", ROWS)
    return tmp_path / "toy.tsv"


def test_sheet_is_read_as_written(path: Path) -> None:
    assert read_sheet(path) == ROWS


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\nc\t", "\na\t", r"line 4: 'a' is in two rows \(cv and test\); keep one row"),
        ("\nb\t", "\na\t", r"line 3: 'a' is in two rows \(cv\)"),
        ("\tcv\t2", "\ttrain\t2", "line 3: role = 'train': it must be cv or test"),
        ("\tcv\t2", "\tcv\t0", "line 3: fold = '0': it must be 1 or more for cv"),
        ("\tcv\t2", "\tcv\t-2", "line 3: fold = '-2'"),
        ("\tcv\t2", "\tcv\t²", "line 3: fold = '²'"),
        ("\tcv\t2", "\tcv\t" + "9" * 5000, "line 3: fold = '9999"),
        ("\ttest\t0", "\ttest\t1", "line 4: fold = '1': .* and 0 for test"),
        ("\tcv\t2", "\tcv", "line 3: its columns must be subject, source, "),
        ("\tcv\t2", "\tcv\t2\tmore", "line 3: its columns must be subject, source, "),
        ("role", "rolle", "line 2: its columns must be subject, source, "),
        ("\nb\t", "\n../../b\t", r"line 3: subject = '../../b': it must be a plain name"),
        ("\nb\t", "\n\t", r"line 3: subject = ''"),
        ("\nb\t", "\n{b}\t", r"line 3: subject = '{b}'"),
        ("\nb\t", f"\n{'b' * 200_000}\t", "not a table of tab-separated values|subject"),
        ("\nb\t", "\nb\0\t", "holds a NUL"),
        ("a.nii.gz", '"a.nii.gz', "not a table of tab-separated values"),
    ],
)
def test_invalid_sheet_is_refused_with_its_line(path: Path, old: str, new: str, said: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError, match=f"toy.tsv: .*{said}") as caught:
        read_sheet(path)
    assert len(str(caught.value)) <= 1000


@pytest.mark.parametrize(("folds", "fits"), [(1, False), (2, True), (3, False)])
def test_every_fold_of_the_study_needs_a_patient_and_no_other_fold_has_one(folds: int, fits: bool) -> None:
    """Else the networks of a fold learn from the patients that they restore, or a patient is never restored."""
    if fits:
        check_folds("toy.tsv", ROWS, folds)
        return
    with pytest.raises(UserError, match=f"toy.tsv: its cv patients are in the folds 1, 2, but study.folds is {folds}"):
        check_folds("toy.tsv", ROWS, folds)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_sheet_with_byte_order_mark_or_utf16_is_read(path: Path, encoding: str) -> None:
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    assert read_sheet(path) == ROWS


def test_scan_that_changed_after_the_draw_is_refused(path: Path) -> None:
    rows = read_sheet(path)
    first = rows[0]
    check_scan(path, rows, first.subject, first.sha256)
    check_scan(path, [replace(first, sha256="")], first.subject, "1" * 64)
    with pytest.raises(UserError, match=f"{first.source}: changed since the cohort was drawn"):
        check_scan(path, rows, first.subject, "1" * 64)


def test_patients_of_each_role_and_fold() -> None:
    rows = [*ROWS, patient("d", "cv", 1), patient("e", "test", 0)]
    assert [sheet.training(rows, fold) for fold in (1, 2)] == [["b"], ["a", "d"]]
    assert [sheet.validation(rows, fold) for fold in (1, 2)] == [["a", "d"], ["b"]]
    assert sheet.cross_validated(rows) == ["a", "b", "d"]
    assert sheet.test(rows) == ["c", "e"]
    assert sheet.summary(rows) == "2 test and 3 cross-validation patients, folds of [2, 1]"


def test_single_fold_trains_on_all_its_patients_and_never_on_a_test_patient() -> None:
    rows = [patient("a", "cv", 1), patient("b", "cv", 1), patient("c", "test", 0)]
    assert sheet.training(rows, 1) == sheet.validation(rows, 1) == ["a", "b"]
