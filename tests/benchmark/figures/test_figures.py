"""Which slices are shown, what is measured on them, and that every figure draws."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from benchmark import volume
from benchmark.cohort.protocol import Removal, write_removal
from benchmark.datasets.phantom import phantom
from benchmark.errors import UserError
from benchmark.figures import draw
from benchmark.figures.between import detail_kept, fading_box
from benchmark.figures.detail import (
    adjacent_pair,
    detail_sheet,
    gradient_energy,
    patient,
    read_detail,
    removed_slice,
    write_detail,
)
from benchmark.figures.gaps import Gap, gap, restore_gap
from benchmark.figures.scene import Scene
from benchmark.print.style import colours, content, save, white
from benchmark.scores.aggregate import read_scores

LABELS = {"ours": "ours", "baseline": "baseline", "linear": "a name that is long enough for two lines"}


class Linear:
    """In the place of ``benchmark.jobs.restoration.Restoration``: the linear control."""

    def build(self, subject: str):
        from models.method import method

        return method("linear")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> dict[str, list[str]]:
    """Two phantoms of 24 slices, four removed, with restored volumes, gaps and scores by three methods."""
    home = tmp_path_factory.mktemp("cohort")
    files: dict[str, list[str]] = {"volumes": [], "removals": [], "restored": [], "gaps": [], "scores": []}
    removal = Removal(24, np.array([5, 9, 12, 17]))
    for seed, subject in enumerate(("p1", "p2")):
        slices = np.moveaxis(phantom((32, 32, 24), "T1", seed), 2, 0)
        path = home / "volumes" / f"{subject}.nii.gz"
        volume.write(path, slices / slices.max(), np.diag([1.0, 1, 2, 1]))
        write_removal(home / f"{subject}.tsv", removal)
        files["volumes"].append(str(path))
        files["removals"].append(str(home / f"{subject}.tsv"))
    write_detail(home / "detail.tsv", detail_sheet(files["volumes"], files["removals"], ["p1", "p2"]))
    detail = read_detail(home / "detail.tsv")
    for i, method in enumerate(LABELS):
        for path in files["volumes"]:
            truth, affine = volume.read(path)
            volume.write(home / "restored" / method / Path(path).name, truth * (1 - 0.02 * i), affine)
        for spec in (SPEC | {"n": 6}, SPEC | {"n": 3, "removed": True}, SPEC | {"n": 11}):
            asked = gap(spec, detail)
            restore_gap(Linear(), asked, home / "volumes" / f"{asked.subject}.nii.gz", removal, home / "gaps" / method)
        files["restored"].append(str(home / "restored" / method))
        files["gaps"].append(str(home / "gaps" / method))
        scores = pd.DataFrame({"subject": "p1", "slice": range(24), "signal": True})
        scores["removed"] = scores["slice"].isin(removal.removed)
        scores = scores.assign(ssim=0.9 - 0.1 * i, psnr=30.0 - i, lpips=0.1 * i)
        target = home / "scores" / "toy" / f"fold{int(method != 'linear')}" / f"{method}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        scores.to_csv(target, index=False)
        files["scores"].append(str(target))
    return files | {"detail": str(home / "detail.tsv")}


SPEC = {"patient": 1, "region": 1, "n": 1, "removed": False}


@pytest.mark.parametrize(
    ("spec", "methods"),
    [
        ({"draw": "scores"}, list(LABELS)),
        ({"draw": "between", "n": 6}, ["ours", "baseline"]),
        ({"draw": "sequence", "n": 6}, ["ours"]),
        ({"draw": "sequence", "n": 11}, ["ours"]),
        ({"draw": "source"}, []),
        ({"draw": "compare"}, list(LABELS)),
        ({"draw": "compare", "n": 3, "removed": True}, list(LABELS)),
    ],
)
def test_every_kind_draws_and_says_what_it_shows(cohort, tmp_path, spec, methods):
    scene = Scene("fig05", SPEC | spec, "phantom T1", ["ours", "baseline"], methods, LABELS, 1, 2, True, cohort)
    figure, caption = draw(scene)
    for words in ("phantom T1, test patient p1", "fold 1 of 2", "stands in"):
        assert words in caption
    save(figure, tmp_path / "a.png", tmp_path / "a.pdf")
    assert min((tmp_path / f"a.{suffix}").stat().st_size for suffix in ("png", "pdf")) > 5000


def test_the_same_figure_is_the_same_bytes(cohort, tmp_path):
    spec = SPEC | {"draw": "compare"}
    for name in ("a", "b"):
        figure, _ = draw(Scene("fig18", spec, "toy", ["ours", "baseline"], ["linear"], LABELS, 1, 2, False, cohort))
        save(figure, tmp_path / f"{name}.png", tmp_path / f"{name}.pdf")
    assert [len({(tmp_path / f"{name}.{s}").read_bytes() for name in "ab"}) for s in ("png", "pdf")] == [1, 1]


def test_a_figure_tells_folds_apart(cohort):
    scene = Scene("fig05", SPEC | {"draw": "scores"}, "toy", ["ours", "baseline"], [], LABELS, 2, 2, False, cohort)
    assert set(scene.scores["method"]) == {"linear"}
    assert set(read_scores(cohort["scores"])["method"]) == set(LABELS)


def test_most_detail_first_and_the_next_region_is_elsewhere():
    energy = [0, 1, 9, 8, 7, 1, 1, 1, 5, 1, 1, 3, 1, 1, 1, 0]
    sheet = pd.DataFrame({"subject": "p", "slice": range(16), "removed": [i in (2, 4, 8, 11) for i in range(16)]})
    sheet["detail"] = energy
    assert [removed_slice(sheet, "p", region) for region in (1, 2, 3)] == [2, 4, 8]
    assert [adjacent_pair(sheet, "p", region) for region in (1, 2)] == [2, 4]
    assert removed_slice(sheet, "p", 6) in (2, 4, 8, 11)
    assert [patient(pd.DataFrame({"subject": ["b", "a"]}), i) for i in (1, 2, 3)] == ["b", "a", "b"]


def test_gradient_energy_of_a_ramp():
    ramp = np.tile(np.arange(8.0), (1, 8, 1))
    np.testing.assert_allclose(gradient_energy(np.concatenate([ramp, 2 * ramp, 0 * ramp])), [1, 4, 0])


def test_faces_are_never_pictured(cohort):
    sheet = detail_sheet(cohort["volumes"], cohort["removals"], ["p2"])
    assert set(sheet["subject"]) == {"p2"}
    with pytest.raises(UserError, match="may be pictured"):
        detail_sheet(cohort["volumes"], cohort["removals"], [])


def test_gaps_have_their_slices_where_their_affine_says(cohort):
    detail = read_detail(cohort["detail"])
    asked = gap(SPEC | {"n": 3, "removed": True}, detail)
    assert (asked.right - asked.left, asked.left + 1 in (5, 9, 12, 17)) == (2, True)
    np.testing.assert_allclose(asked.positions, asked.left + np.array([0, 0.5, 1, 1.5, 2]))
    image = nib.load(Path(cohort["gaps"][0]) / asked.file)
    assert image.shape == (32, 32, 5)
    np.testing.assert_allclose(image.affine @ [0, 0, 2, 1], [0, 0, 2 * (asked.left + 1), 1])


def test_a_gap_between_neighbours_sees_every_slice_and_one_around_a_removed_slice_does_not(cohort, tmp_path):
    class Spy(Linear):
        def build(self, subject: str):
            restorer = super().build(subject)
            plain = restorer.restore
            restorer.restore = lambda slices, known, at: seen.append(set(known)) or plain(slices, known, at)
            return restorer

    seen: list[set[int]] = []
    for asked in (Gap("p1", 9, 10, 1), Gap("p1", 8, 10, 1)):
        restore_gap(Spy(), asked, Path(cohort["volumes"][0]), Removal(24, np.array([9])), tmp_path)
    assert [9 in known for known in seen] == [True, False]


def test_the_box_is_where_a_cross_fade_is():
    """Stripes that move within one corner fade there when mixed; elsewhere nothing changes."""
    still = np.tile(np.sin(np.arange(64) * 0.8) * 0.4 + 0.5, (64, 1))
    left, right = still.copy(), still.copy()
    left[40:56, 8:24], right[40:56, 8:24] = still[40:56, 8:24], 1 - still[40:56, 8:24]
    mixed = np.stack([left, *((1 - t) * left + t * right for t in (0.25, 0.5, 0.75)), right])
    box = fading_box(mixed, np.stack([left, right]), 16)
    assert abs(box[0].start - 40) <= 2
    assert abs(box[1].start - 8) <= 2
    assert detail_kept(mixed, box) < 0.6
    assert detail_kept(mixed, (slice(0, 16), slice(40, 56))) == pytest.approx(1)


def test_panels_are_cropped_to_what_they_show_and_share_a_grey_scale():
    image = np.zeros((2, 20, 30))
    image[0, 8:12, 10:13], image[1, 9, 20] = 1.0, 3.0
    assert content([image], margin=1) == (slice(7, 13), slice(9, 22))
    assert content([np.zeros((1, 4, 4))]) == (slice(None), slice(None))
    assert 1 < white(image) <= 3
    assert white(np.zeros(3)) == 1


def test_methods_keep_their_colour_whatever_a_figure_shows():
    both = colours(["copy", "ours", "linear", "spline"])
    assert len(set(both.values())) == 4
    assert both["ours"] == colours(["ours"])["ours"]
