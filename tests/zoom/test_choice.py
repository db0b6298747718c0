"""The method for the weights, and its input, which matches its networks."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.torch
from zoom_scans import thick

from benchmark.config import check, load_config
from benchmark.errors import UserError
from models.method import Restorer
from models.thickness import Geometry
from models.weights import network
from models.weights import save as save_weights
from zoom import choice, weight_files
from zoom.choice import choose, preferred
from zoom.engine import start
from zoom.mismatch import trained_on, warnings
from zoom.prepare import prepare
from zoom.request import request
from zoom.scan import open_scan


@pytest.fixture
def all_weights(tmp_path: Path, weights: Path, quartets: Path) -> str:
    """Everything that was trained, in one folder, as a fold's is."""
    for folder in (weights, quartets):
        shutil.copytree(folder, tmp_path / "all", dirs_exist_ok=True)
    return str(tmp_path / "all")


@pytest.mark.parametrize(("in_plane", "wanted"), [(1, "quartet_full"), (4, "quartet")])
def test_preferred_method_for_the_in_plane_factor_is_chosen(
    config: dict, all_weights: str, in_plane: int, wanted: str
) -> None:
    assert choose(config, None, [all_weights], in_plane=in_plane).key == wanted
    assert preferred(config, in_plane)[0] == wanted
    config["zoom"]["prefer"] = []
    assert choose(config, None, [all_weights], in_plane=in_plane).key == "ours"


def test_next_preferred_method_is_chosen_if_weights_are_missing(config: dict, weights: Path, quartets: Path) -> None:
    assert choose(config, None, [str(quartets / "quartet.safetensors")]).key == "quartet"
    assert choose(config, None, [str(weights)]).key == "ours"
    assert choose(config, None, []).key == "spline"


def test_method_that_keeps_the_in_plane_resolution_refuses_in_plane_4(config: dict, quartets: Path) -> None:
    weights = [str(quartets / "quartet_full.safetensors")]
    for method in ("quartet_full", None):
        with pytest.raises(UserError, match="keeps the in-plane resolution: leave out in-plane 4"):
            choose(config, method, weights, in_plane=4)
    with pytest.raises(UserError, match="keeps the in-plane resolution"):
        choose(config, "quartet_full", [], in_plane=4)


@pytest.mark.parametrize("where", ["study", "contest"])
def test_study_refuses_methods_that_keep_the_in_plane_resolution(config: dict, where: str) -> None:
    config[where]["methods"] = ["linear", "quartet_full"]
    with pytest.raises(UserError, match=rf"{where}.methods: 'quartet_full' keeps the in-plane resolution") as raised:
        check(config)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("key", ["prefer", "train"])
def test_unknown_method_in_the_zoom_config_is_refused(config: dict, key: str) -> None:
    config["zoom"][key] = ["quartett"]
    with pytest.raises(UserError, match=rf"zoom.{key}: 'quartett' is not defined; did you mean 'quartet'"):
        check(config)


@pytest.mark.parametrize(("name", "seen"), [("quartet_full", (9, 24, 20)), ("quartet", (9, 6, 5))])
def test_network_input_is_coarsened_only_for_magnifying_methods(
    config: dict, save: Callable, quartets: Path, tmp_path: Path, name: str, seen: tuple
) -> None:
    scan_request = request(
        config, save(), tmp_path / "out.nii.gz", n=1, weights=(str(quartets / f"{name}.safetensors"),)
    )
    prepared = prepare(scan_request, config)
    assert prepared.seen == seen
    assert prepared.layout.corners() == [(0, 0)]
    assert prepared.layout.tile() == seen[1:]


def test_known_slices_are_unchanged_and_new_slices_differ_from_linear(
    save: Callable, run: Callable, quartets: Path
) -> None:
    data = thick().clip(0, 900)  # no clipping for the network
    image, about = run(save(data), n=2, weights=(str(quartets),), consistency=False)
    assert about["Zoom"]["Method"] == "quartet_full"
    assert about["Zoom"]["DrawsAtRandom"] is False
    found = image.get_fdata()
    assert np.abs(found[..., ::3] - data).max() <= 0.51
    assert np.abs(found[..., 1::3] - (2 * data[..., :-1] + data[..., 1:]) / 3).max() > 5  # but new slices are drawn


@pytest.mark.parametrize("in_plane", [1, 4])
def test_tiled_output_equals_untiled_output(
    save: Callable, run: Callable, quartets: Path, in_plane: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(thick((44, 52, 4)))
    whole, about = run(path, n=1, weights=(str(quartets),), in_plane=in_plane, dtype="float32", consistency=False)
    assert about["Zoom"]["Tiles"] == 1
    monkeypatch.setattr("zoom.choice.LARGEST", 24)
    tiled, about = run(path, n=1, weights=(str(quartets),), in_plane=in_plane, dtype="float32", consistency=False)
    assert about["Zoom"]["Tiles"] > 4
    end = about["Zoom"]["Volumes"][0]["GreyScale"][1]
    assert np.abs(whole.get_fdata() - tiled.get_fdata()).max() < 0.01 * end


def test_voxel_size_is_warned_of_only_if_the_training_had_another(save: Callable, config: dict, quartets: Path) -> None:
    from zoom.scan import open_scan

    flat = np.full(64, 1 / 64)
    for name, coarsened in (("quartet_full", False), ("quartet", True)):
        choice = choose(config, name, [str(quartets)])
        for mm, warned in ((1.1, False), (0.5, True)):
            scan = open_scan(save(affine=np.diag([mm, mm, 5.0, 1.0])))
            found = " ".join(warnings(choice, {}, scan, flat, coarsened=coarsened))
            assert ("The networks' input has voxels" in found) is warned


@pytest.mark.parametrize(("spacing", "said"), [(5.0, 0), (9.0, 1)])
def test_training_cohorts_are_listed_and_unlike_scans_warned_of(
    config: dict, save: Callable, tmp_path: Path, spacing: float, said: int
) -> None:
    size = {"blocks": 1, "width": 8, "head": 8, "factor": 1}
    seen = {"subjects": 7, "plane": "axial", "frame": [32, 32], "spacing": [1.0] * 3, "histogram": [1 / 64] * 64}
    about = {"network": "slab", "class": "slab", "size": size, "cohort": "one_t1+two_t2", "fold": "all"}
    about["trained_on"] = seen | {"histogram_spread": 9.0}
    save_weights(tmp_path / "slab.safetensors", network("slab", size), about)
    config["methods"]["slab"] = {**config["methods"]["quartet_full"], "class": "slab", "networks": ["slab"]}
    config["networks"]["slab"] = {**config["networks"]["quartet_full"], "class": "slab", "size": size}
    chosen = choose(config, "slab", [str(tmp_path / "slab.safetensors")])
    assert "several cohorts together: one_t1, two_t2. 7 volumes" in " ".join(trained_on(chosen, {}))
    flair = open_scan(save(affine=np.diag([1.0, 1.0, spacing, 1.0]), name="x_FLAIR.nii.gz"))
    sentences = warnings(chosen, {}, flair, np.full(64, 1 / 64), coarsened=False)
    assert "the weights were trained only on T1, T2" in sentences[0]
    assert len(sentences) == 1 + said
    t2 = open_scan(save(affine=np.diag([1.0, 1.0, spacing, 1.0]), name="x_T2w.nii.gz"))
    assert len(warnings(chosen, {}, t2, np.full(64, 1 / 64), coarsened=False)) == said


@pytest.fixture
def shipped(tmp_path: Path, quartets: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Shipped weights: only of quartet_full."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    shutil.copy(quartets / "quartet_full.safetensors", folder)
    monkeypatch.setattr(choice, "SHIPPED", folder)
    return folder


def test_shipped_weights_are_used_by_default(
    config: dict, save: Callable, run: Callable, shipped: Path, weights: Path
) -> None:
    _, about = run(save(), n=1)
    assert about["Zoom"]["Method"] == "quartet_full"
    assert about["Zoom"]["Weights"][0]["File"] == str(shipped / "quartet_full.safetensors")
    assert choose(config, None, [], in_plane=4).key == "spline"
    assert choose(config, "spline", []).weights == ()
    assert choose(config, "quartet_full", []).weights[0].path.parent == shipped
    assert choose(config, "auto", [str(weights)]).key == "ours"
    config["zoom"]["method"] = "linear"
    assert choose(config, None, []).key == "linear"
    with pytest.raises(UserError, match="give their weights"):
        choose(config, "quartet", [])


def test_slice_geometry_is_passed_to_the_method(config: dict, save: Callable, shipped: Path, tmp_path: Path) -> None:
    def engine(**given: Any) -> Restorer:
        scan_request = request(config, save(affine=np.diag([1.0, 1.0, 5.0, 1.0])), tmp_path / "o.nii", n=4, **given)
        return start(prepare(scan_request, config), config["compute"]).build(0)

    assert engine(thickness=4.0, profile="box").geometry == Geometry("box", 0.8, 5.0)
    assert engine(thickness=4.0, profile="auto").geometry == Geometry("box", 0.8, 5.0)
    assert engine(thickness=1.0, profile="auto").geometry == Geometry("point", 0.0, 5.0)


@pytest.mark.parametrize(("in_plane", "method"), [(1, "slab"), (4, "slab_lens")])
def test_shipped_weights_exist_for_in_plane_1_and_4(in_plane: int, method: str) -> None:
    chosen = choose(load_config(), None, [], in_plane=in_plane)
    assert (chosen.key, chosen.factor) == (method, in_plane)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_with_nan_or_infinity_are_refused(config: dict, quartets: Path, tmp_path: Path, value: float) -> None:
    path = tmp_path / "quartet.safetensors"
    state = safetensors.torch.load_file(quartets / "quartet.safetensors")
    next(iter(state.values())).view(-1)[3] = value
    with safetensors.safe_open(quartets / "quartet.safetensors", "pt") as file:
        safetensors.torch.save_file(state, path, file.metadata())
    with pytest.raises(UserError, match=r"quartet.safetensors: 1 numbers of .* are NaN or infinite"):
        choose(config, None, [str(path)]).load("cpu")


def test_weights_replaced_between_hash_and_load_are_refused(config: dict, quartets: Path, tmp_path: Path) -> None:
    path = tmp_path / "quartet.safetensors"
    shutil.copy(quartets / "quartet.safetensors", path)
    chosen = choose(config, None, [str(path)])
    shutil.copy(quartets / "quartet.safetensors", tmp_path / "other")
    (tmp_path / "other").replace(path)
    with pytest.raises(UserError, match=r"quartet.safetensors: was changed or replaced while it was read"):
        chosen.load("cpu")


@pytest.mark.parametrize("name", ["w.ckpt", "w.safetensors"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid", "git-lfs pointer"),
        (b"<!DOCTYPE html>", "a web page"),
    ],
)
def test_git_lfs_pointers_and_web_pages_are_refused_by_kind(
    config: dict, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=said):
        choose(config, None, [str(tmp_path / name)])


def test_mismatched_latent_channels_are_refused(config: dict, weights: Path) -> None:
    chosen = choose(config, "ours", [str(weights)])
    networks = chosen.load("cpu")
    networks["vq"].size["latent_channels"] = 4
    with pytest.raises(UserError, match="latents of 4 channels, the U-Net of the diffusion has 3"):
        weight_files.check_latents(networks)


def test_missing_package_is_named_in_one_line(save: Callable, weights: Path, tmp_path: Path) -> None:
    code = "import sys; sys.modules['diffusers'] = None; from zoom.cli import main; sys.exit(main(sys.argv[1:]))"
    words = [str(save()), "--n", "1", "-o", str(tmp_path / "out.nii.gz"), "--method", "ours_no_edsr"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--weights", str(weights)], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("mri-zoom: the package diffusers")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.nii.gz").exists()


def test_method_that_restores_only_whole_volumes_is_refused(
    config: dict, save: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Whole(Restorer):
        any_factor = True

    monkeypatch.setattr("models.methods.eq12.Method", Whole)
    prepared = prepare(request(config, save(), tmp_path / "o.nii", n=1, method="eq12"), config)
    with pytest.raises(UserError, match="method eq12: its class defines no represent"):
        start(prepared, config["compute"])
    Whole.any_factor = False
    with pytest.raises(UserError, match="method eq12: the in-plane factor must be 4, not 1"):
        start(prepared, config["compute"])
