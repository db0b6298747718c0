"""Slices are removed, restored by zoom and scored against the truth."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from perceptual_distance import MeanAbsoluteDifference
from PIL import Image
from truth_scans import ramp
from zoom_scans import OBLIQUE, orientations, stored, thick, world

from benchmark.errors import UserError
from zoom import truth
from zoom.side_by_side import LINE, MARGIN
from zoom.simulated import simulated_scan
from zoom.thickness import PROFILES
from zoom.truth import main, measure, shrunk


@pytest.mark.parametrize("shrink", [1, 3])
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("n", [2, 4])
def test_thinned_scan_keeps_the_position_of_the_truth(n: int, profile: str, shrink: int) -> None:
    data = np.zeros((12, 10, 31))
    at = 3 * (n + 1) if profile == "point" else 3 * (n + 1) + n // 2
    data[6:9, 3:6, at] = 5  # one block of 3 × 3, or nine of 1 × 1
    truth, affine = shrunk(data, OBLIQUE, shrink)
    assert truth.shape == (12 // shrink, 10 // shrink, 31)
    image = simulated_scan(truth, affine, n, profile)
    made = np.asarray(image.dataobj)
    if profile == "point":
        np.testing.assert_array_equal(truth[..., :: n + 1], made)
    inner = np.where(made > 1e-3 * made.max(), made, 0)
    places = np.argwhere(inner > 0)
    centre = np.average(places, axis=0, weights=inner[inner > 0])
    np.testing.assert_allclose(world(image.affine, centre), world(OBLIQUE, np.array([7, 4, at])), atol=1e-4)


def test_box_profile_gives_the_mean_and_gaussian_the_weighted_mean() -> None:
    truth = np.random.default_rng(1).uniform(0, 100, (3, 4, 40))
    box = np.asarray(simulated_scan(truth, OBLIQUE, 3, "box").dataobj)
    np.testing.assert_allclose(box, truth.reshape(3, 4, 10, 4).mean(axis=3), rtol=1e-5)
    gaussian = np.asarray(simulated_scan(truth, OBLIQUE, 4, "gaussian").dataobj)
    shares = 0.5 ** ((np.arange(40) - 17) / 2.5) ** 2  # half as high half a thickness from the centre
    np.testing.assert_allclose(gaussian[..., 3], truth @ (shares / shares.sum()), rtol=1e-4)


def test_thick_slices_are_scored_on_the_slices_of_the_truth(config: dict, save: Callable) -> None:
    data = np.broadcast_to(100.0 + 10 * np.arange(24), (24, 20, 24)).astype(np.float32)
    table = measure(
        save(data), 3, {"linear": {"method": "linear"}}, config, MeanAbsoluteDifference(), axis=2, profile="box"
    )
    assert table["slices"].tolist() == [20]  # half-way between: 2 … 21 of 24
    assert table["psnr"][0] > 60


def test_linear_restores_a_ramp_and_only_new_slices_are_scored(config: dict, save: Callable) -> None:
    methods = {"linear": {"method": "linear"}, "mine": {"method": "eq12"}}
    table = measure(save(ramp()), 3, methods, config, MeanAbsoluteDifference(), axis=2)
    assert table["method"].tolist() == ["linear", "mine"]
    assert table["slices"].tolist() == [6, 6]  # of 10 slices 9 count, of which 3 are kept
    assert table["psnr"][0] > 100
    assert table["lpips"][0] < 1e-5
    assert table["psnr"][1] < 40


def test_scores_do_not_depend_on_the_stored_orientation(config: dict, save: Callable) -> None:
    found = []
    for orientation in list(orientations())[::13]:
        path = save(*stored(thick((22, 24, 9)), OBLIQUE, orientation))
        found.append(measure(path, 1, {"spline": {"method": "spline"}}, config, MeanAbsoluteDifference())["ssim"][0])
    np.testing.assert_allclose(found, found[0], atol=1e-6)


@pytest.mark.parametrize("n", [0, 9])
def test_removing_no_or_too_many_slices_is_refused(config: dict, save: Callable, n: int) -> None:
    with pytest.raises(UserError, match=rf"scan.nii.gz: n = {n}; .* give 1 to 8"):
        measure(save(ramp()), n, {}, config, MeanAbsoluteDifference())


@pytest.mark.parametrize(("shrink", "in_plane"), [(0, 1), (-1, 1), (21, 1), (6, 4)])
def test_blocks_of_no_voxels_or_larger_than_a_slice_are_refused(
    config: dict, save: Callable, shrink: int, in_plane: int
) -> None:
    with pytest.raises(UserError, match=rf"scan.nii.gz: shrink = {shrink}; give 1 to {20 // in_plane} .* 20 × 24 "):
        measure(save(ramp()), 1, {}, config, MeanAbsoluteDifference(), axis=2, shrink=shrink, in_plane=in_plane)


def test_scan_without_a_voxel_above_zero_is_refused(config: dict, save: Callable) -> None:
    with pytest.raises(UserError, match="no voxel is above 0"):
        measure(save(ramp() - 1000), 1, {}, config, MeanAbsoluteDifference(), axis=2)


@pytest.mark.parametrize(("n", "profile", "slices"), [(0, "point", 10), (1, "point", 4), (1, "box", 8)])
def test_in_plane_4_restores_a_ramp(config: dict, save: Callable, n: int, profile: str, slices: int) -> None:
    methods = {"linear": {"method": "linear"}}
    table = measure(
        save(ramp((26, 20, 10))), n, methods, config, MeanAbsoluteDifference(), axis=2, profile=profile, in_plane=4
    )
    assert (table["in_plane"][0], table["slices"][0]) == (4, slices)
    assert table["psnr"][0] > 40


def test_pictures_show_scan_method_and_truth_aligned(config: dict, save: Callable, tmp_path: Path) -> None:
    data = np.zeros((24, 20, 24), np.float32)
    data[4:20, 4:16, 12:] = 100  # an edge across the slices, and a frame that is cut off
    folder = tmp_path / "pictures"
    measure(
        save(data),
        3,
        {"linear": {"method": "linear"}},
        config,
        MeanAbsoluteDifference(),
        axis=2,
        profile="box",
        pictures=folder,
    )
    found = sorted(folder.iterdir())
    assert len(found) == 2
    for path in found:
        sheet = np.asarray(Image.open(path))[LINE:].astype(int)
        width = (sheet.shape[1] + MARGIN) // 3 - MARGIN
        panels = [sheet[:, i * (width + MARGIN) :][:, :width] for i in range(3)]
        rows, columns = (slice(size // 3, size - size // 3) for size in panels[0].shape)  # all except blurred edges
        assert all((panel[rows, columns] > 200).all() for panel in panels)
        assert all((panel[:, : MARGIN // 2] == 0).all() for panel in panels)


@pytest.fixture
def data_in_tmp_path(config: dict, tmp_path: Path, set_command_config: Callable[[dict], None]) -> None:
    """The commands read ``config`` and look for data in ``tmp_path``."""
    config["data"] = str(tmp_path)
    set_command_config(config)


@pytest.mark.usefixtures("data_in_tmp_path")
def test_command_writes_a_table_of_scores(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(truth, "_perceptual", lambda trunk: MeanAbsoluteDifference())
    nib.save(nib.Nifti1Image(thick((24, 24, 7)), OBLIQUE), tmp_path / "scan.nii.gz")
    out = tmp_path / "made" / "table.tsv"
    words = [str(tmp_path / "scan.nii.gz"), "--n", "1", "2", "--methods", "linear", "ours", "-o", str(out)]
    assert main([*words, "--weights", str(weights)]) == 0
    table = pd.read_csv(out, sep="\t")
    assert list(zip(table["n"], table["method"], strict=True)) == [
        (1, "linear"),
        (1, "ours"),
        (2, "linear"),
        (2, "ours"),
    ]
    assert table["ssim"].between(0, 1).all()
    assert "psnr_region" in capsys.readouterr().out
    assert main(words) == 1  # ours without weights
    assert "give their weights" in capsys.readouterr().err


@pytest.mark.usefixtures("data_in_tmp_path")
def test_missing_lpips_features_are_refused_with_the_command_that_makes_them(
    tmp_path: Path, save: Callable, capsys: pytest.CaptureFixture
) -> None:
    assert main([str(save()), "-o", str(tmp_path / "table.tsv")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"`snakemake --cores 1 {tmp_path}/trunks/alex.safetensors` makes it" in said


@pytest.mark.usefixtures("data_in_tmp_path")
def test_pictures_of_two_scans_with_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(truth, "_perceptual", lambda trunk: MeanAbsoluteDifference())
    scans = [str(tmp_path / subject / "t1.nii.gz") for subject in ("a", "b")]
    assert main([*scans, "--pictures", str(tmp_path), "-o", str(tmp_path / "table.tsv")]) == 1
    assert "two scans are called t1" in capsys.readouterr().err


def test_pictures_are_named_after_the_whole_name_of_the_scan(config: dict, save: Callable, tmp_path: Path) -> None:
    scan = save(ramp()).rename(tmp_path / "sub.01.nii.gz")
    measure(
        scan,
        1,
        {"linear": {"method": "linear"}},
        config,
        MeanAbsoluteDifference(),
        axis=2,
        pictures=tmp_path / "pictures",
    )
    assert all(path.name.startswith("sub.01_point2") for path in (tmp_path / "pictures").iterdir())
