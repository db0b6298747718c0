"""The patients of the study: a draw by seed, and never a test patient in a fold."""

import nibabel as nib
import numpy as np
import pytest

from benchmark.cohort import sheet
from benchmark.cohort.draw import draw
from benchmark.datasets import Reader
from benchmark.errors import UserError


class TwentyFiveScans(Reader):
    """Candidates s00 … s24, of which every fifth is refused."""

    def subjects(self):
        return [f"s{i:02d}" for i in range(25)]

    def fetch(self, subjects):
        self.fetched = [*getattr(self, "fetched", []), *subjects]
        for subject in subjects:
            data = np.random.default_rng(int(subject[1:])).random((4, 5, 6), dtype=np.float32)
            nib.save(nib.Nifti1Image(data, np.diag([1, 1, 3, 1])), self.folder / f"{subject}.nii")
        return {subject: self.folder / f"{subject}.nii" for subject in subjects}

    def refuse(self, path):
        return "odd" if int(path.stem[1:]) % 5 == 0 else None


@pytest.fixture
def dataset(tmp_path):
    return TwentyFiveScans(tmp_path)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("folds", [1, 2, 5])
def test_folds_are_disjoint_and_without_test_patients(dataset, seed, folds):
    rows, _ = draw(dataset, "shelf", {"cv": 12, "test": 3}, folds, seed)
    tested = set(sheet.test(rows))
    assert len(tested) == 3
    for fold in range(1, folds + 1):
        assert not tested & set(sheet.training(rows, fold))
        assert not tested & set(sheet.validation(rows, fold))
        if folds > 1:
            assert not set(sheet.training(rows, fold)) & set(sheet.validation(rows, fold))
            assert len(sheet.training(rows, fold)) + len(sheet.validation(rows, fold)) == 12
    assert sorted(s for f in range(1, folds + 1) for s in sheet.validation(rows, f)) == sorted(
        row.subject for row in rows if row.role == "cv"
    )


def test_refused_scans_are_replaced_and_named(dataset):
    rows, refused = draw(dataset, "shelf", {"cv": 17, "test": 3}, 5, 0)
    assert len(rows) == 20
    assert refused == dict.fromkeys(refused, "odd")
    assert set(dataset.fetched) == {row.subject for row in rows} | set(refused)
    assert not {int(row.subject[1:]) % 5 for row in rows} & {0}


def test_scan_under_two_names_is_used_once(dataset, monkeypatch):
    """Else a network could learn from the scan on which it is tested."""
    fetch = dataset.fetch

    def copied(subjects):
        paths = fetch(subjects)
        if "s01" in paths:
            paths["s01"].write_bytes(fetch(["s02"])["s02"].read_bytes())
        return paths

    monkeypatch.setattr(dataset, "fetch", copied)
    rows, refused = draw(dataset, "toy", {"test": 3, "cv": "all"}, 2, 0)
    assert len(rows) == len({row.sha256 for row in rows}) == 19
    assert {refused.get("s01"), refused.get("s02")} in ({None, "the same scan as s01"}, {None, "the same scan as s02"})


def test_warnings_of_a_header_are_logged(dataset, caplog):
    """The slice axis and left and right are guesses without an orientation."""
    fetch = dataset.fetch

    def turned(subjects):
        paths = fetch(subjects)
        for path in paths.values():
            nib.save(nib.Nifti1Image(np.array(nib.load(path).dataobj), None), path)
        return paths

    dataset.fetch = turned
    draw(dataset, "toy", {"test": 1, "cv": 2}, 2, 0)
    assert len(caplog.messages) == 3
    assert caplog.messages[0].endswith("The file does not state its orientation; left and right are a guess.")


def test_only_drawn_scans_are_fetched(dataset):
    rows, refused = draw(dataset, "shelf", {"cv": 4, "test": 1}, 2, 0)
    assert len(dataset.fetched) == len(rows) + len(refused)


def test_same_seed_draws_the_same_cohort(dataset):
    wanted = {"cv": 12, "test": 3}
    assert draw(dataset, "shelf", wanted, 5, 1) == draw(dataset, "shelf", wanted, 5, 1)
    assert draw(dataset, "shelf", wanted, 5, 1) != draw(dataset, "shelf", wanted, 5, 2)


def test_too_few_scans_are_refused_unless_partial(dataset):
    with pytest.raises(UserError, match=r"20 usable scans, but the cohort needs 3 \+ 27"):
        draw(dataset, "shelf", {"cv": 27, "test": 3}, 5, 0)
    rows, _ = draw(dataset, "shelf", {"cv": 27, "test": 3}, 5, 0, partial=True)
    assert (len(sheet.test(rows)), len(rows)) == (3, 20)


def test_patients_are_assigned_to_the_folds_in_turn(dataset):
    rows, _ = draw(dataset, "shelf", {"cv": 12, "test": 3}, 5, 0)
    assert [len(sheet.validation(rows, fold)) for fold in range(1, 6)] == [3, 3, 2, 2, 2]


def test_partial_cohort_keeps_a_patient_for_each_fold(dataset):
    rows, _ = draw(dataset, "shelf", {"cv": 27, "test": 19}, 5, 0, partial=True)
    assert [len(sheet.validation(rows, fold)) for fold in range(1, 6)] == [1] * 5
    assert len(sheet.test(rows)) == 15


def test_fewer_patients_than_folds_are_refused(dataset):
    with pytest.raises(UserError, match="4 usable scans are too few for 1 test patients and 5 folds; lower"):
        draw(dataset, "shelf", {"cv": 3, "test": 1}, 5, 0)
    assert len(draw(dataset, "shelf", {"cv": 5, "test": 1}, 5, 0)[0]) == 6


def test_named_test_patients_are_used(dataset):
    rows, _ = draw(dataset, "shelf", {"cv": "all", "test": 2, "test_ids": ["s01", "s02"]}, 3, 0)
    assert sheet.test(rows) == ["s01", "s02"]
    assert len(rows) == 20
    with pytest.raises(UserError, match="nobody"):
        draw(dataset, "shelf", {"cv": 4, "test": 1, "test_ids": ["nobody"]}, 2, 0)


def test_refused_named_test_patient_is_not_replaced(dataset, monkeypatch):
    monkeypatch.setattr(dataset, "refuse", lambda path: "thick" if "s02" in str(path) else None)
    with pytest.raises(UserError, match="test_ids s02: thick; name another test patient"):
        draw(dataset, "shelf", {"cv": 4, "test": 2, "test_ids": ["s01", "s02"]}, 2, 0)


def test_sheet_is_read_as_written(dataset, tmp_path):
    rows, _ = draw(dataset, "shelf", {"cv": 4, "test": 1}, 2, 0)
    sheet.write_sheet(tmp_path / "c.tsv", rows)
    assert sheet.read_sheet(tmp_path / "c.tsv") == rows
    assert (rows[0].shape, rows[0].spacing, rows[0].orientation) == ("4x5x6", "1x1x3", "RAS")
    assert len(rows[0].sha256) == 64
