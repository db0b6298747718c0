"""Whole volumes next to the truth: the methods and their descriptions."""

import base64
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from benchmark import volume
from benchmark.cohort.protocol import Removal, write_removal
from benchmark.figures import volumes_page
from benchmark.figures.detail import detail_sheet, write_detail
from benchmark.figures.volumes_page import page, removed_means, shown_methods

AFFINE = np.array([[0.0, 0, 2, -20], [0, -1.5, 0, 30], [-1.5, 0, 0, 40], [0, 0, 0, 1]])
PSNR = {"linear": (30.0, 40.0), "ours": (31.0, 20.0), "wdsr": (33.0, 10.0)}  # of p1 and p2


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Two volumes of 10 slices, two removed, by three methods; of p1 one method is the best, of p2 another."""
    home = tmp_path_factory.mktemp("whole")
    truth = np.random.default_rng(3).random((10, 16, 12)).astype(np.float32)
    found: dict[str, list[str]] = {"volumes": [], "restored": [], "scores": []}
    for subject in ("p1", "p2"):
        volume.write(home / "volumes" / f"{subject}.nii.gz", truth, AFFINE)
        write_removal(home / f"{subject}.tsv", Removal(10, np.array([3, 6])))
        found["volumes"].append(str(home / "volumes" / f"{subject}.nii.gz"))
    for i, (method, values) in enumerate(PSNR.items()):
        tables = []
        for subject, value in zip(("p1", "p2"), values, strict=True):
            volume.write(home / method / f"{subject}.nii.gz", truth * (0.9 - 0.2 * i), AFFINE)
            table = pd.DataFrame({"subject": subject, "slice": range(10), "signal": True})
            table["removed"] = table["slice"].isin([3, 6])
            tables.append(table.assign(psnr=np.where(table["removed"], value, 99.0), ssim=0.9, lpips=0.1))
        target = home / "scores" / "toy" / f"fold{int(method != 'linear')}" / f"{method}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        pd.concat(tables).to_csv(target, index=False)
        found["restored"].append(str(home / method))
        found["scores"].append(str(target))
    write_detail(
        home / "detail.tsv",
        detail_sheet(found["volumes"], [str(home / f"{p}.tsv") for p in ("p1", "p2")], ["p1", "p2"]),
    )
    return found | {"detail": [str(home / "detail.tsv")]}


def written_page(files: dict, patient: int, always: tuple[str, ...] = ("linear", "ours")) -> str:
    labels = {method: f"the method {method}" for method in PSNR}
    return page(
        files["detail"][0],
        files,
        patient_number=patient,
        cohort="toy",
        always=always,
        labels=labels,
        folds=2,
    )


@pytest.mark.parametrize(
    ("patient", "shown", "best"), [(1, ["linear", "ours", "wdsr"], "33.00"), (2, ["linear", "ours"], "40.00")]
)
def test_best_method_is_that_of_the_shown_volume(files: dict, patient: int, shown: list[str], best: str) -> None:
    text = written_page(files, patient)
    assert re.findall(r"<h2[^>]*>([^<]+)</h2>", text) == ["Truth", *(f"the method {method}" for method in shown)]
    assert re.findall(r"([\d.]+) dB\. The best of this volume", text) == [best]
    assert f"test patient p{patient}" in text
    assert "2 removed slices that show more than air" in text


def test_fold_is_named_only_with_networks(files: dict) -> None:
    assert "slices, networks of fold 1 of 2." in written_page(files, 1)
    control = files | {"scores": [path for path in files["scores"] if Path(path).stem == "linear"]}
    assert "fold" not in re.findall(r"test patient p1[^<]*", written_page(control, 1, ("linear",)))[0]


def test_embedded_volumes_have_the_values_and_position_of_the_truth(
    files: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = nib.load(files["volumes"][0])
    for most, step in ((volumes_page.MOST, 1), (4 * 10 * 16 * 12 - 1, 2)):
        monkeypatch.setattr(volumes_page, "MOST", most)
        text = written_page(files, 1)
        assert ("one pixel in 2 along" in text) == (step == 2)
        (tmp_path / "t.nii.gz").write_bytes(base64.b64decode(re.findall(r'class="volume">([^<]+)<', text)[0]))
        shown = nib.load(tmp_path / "t.nii.gz")
        kept = np.asarray(truth.dataobj)[::step, ::step]
        np.testing.assert_allclose(shown.get_fdata(), kept, atol=0.01)
        np.testing.assert_allclose(shown.affine @ [1, 1, 3, 1], truth.affine @ [step, step, 3, 1], atol=1e-5)


def test_means_ignore_other_folds_and_kept_slices() -> None:
    rows = [("a", "p", 1, True, True, 30), ("a", "p", 2, True, True, 50), ("a", "p", 1, False, True, 60)]
    rows += [("b", "p", 0, True, True, 31), ("b", "q", 0, True, True, 90), ("b", "p", 0, True, False, 90)]
    scores = pd.DataFrame(rows, columns=["method", "subject", "fold", "removed", "signal", "psnr"])
    means, count = removed_means(scores.assign(slice=[4, 4, 7, 4, 8, 9]), "p", 1)
    assert count == 1
    assert means.to_dict() == {"b": 31, "a": 30}
    assert shown_methods(means, ["a"]) == ["a", "b"]
    assert shown_methods(means, ["b", "a"]) == ["b", "a"]
