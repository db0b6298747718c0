"""Facts about networks before they are built; the facts do not depend on names in the config."""

from pathlib import Path

import numpy as np
import pytest
import torch
from configs import merged

from benchmark.cluster import demand
from benchmark.cluster.study_cost import hours_frame
from benchmark.config import check
from benchmark.config.networks import about, class_of, is_diffusion, labels, options, study_networks
from benchmark.errors import UserError
from benchmark.jobs.restoration import Restoration
from benchmark.plan import Plan
from benchmark.plan.tables import compared_in_plane
from models import weights
from zoom.choice import choose

RENAMED = {
    "networks": {
        "small_diffusion": {"class": "ldm", "needs": ["vq"], "size": {}, "training": {"steps": 10, "batch": 16}}
    },
    "methods": {"mine": {"label": "mine", "class": "ours", "networks": ["vq", "small_diffusion"]}},
    "study": {"methods": ["mine", "linear"]},
}
SIZES = {
    "vq": {"channels": [8, 8, 8], "layers_per_block": 1, "codes": 16, "norm_groups": 4},
    "small_diffusion": {
        "width": 8, "multipliers": [1, 1], "layers_per_block": 1, "attention_factors": [2], "norm_groups": 4,
        "head_channels": 8,
    },
}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> dict:
    """A study whose diffusion is not called ``ldm``."""
    return check(merged(**RENAMED)) | {"results": str(tmp_path)}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Untrained weights of the two networks, under their names in the config."""
    paths = []
    for name, size in SIZES.items():
        torch.manual_seed(0)
        kind = {"vq": "vq", "small_diffusion": "ldm"}[name]
        path = tmp_path / f"{name}.safetensors"
        weights.save(path, weights.network(kind, size), {"network": name, "class": kind, "size": size})
        paths.append(str(path))
    return paths


def test_renamed_diffusion_has_the_sampling_options(config: dict) -> None:
    assert is_diffusion(config, "mine")
    assert options(config, "mine") == config["sampling"]
    assert not is_diffusion(config, "wdsr")
    assert options(config, "wdsr") == {}


def test_renamed_diffusion_is_planned_and_timed(config: dict) -> None:
    assert Plan(config).samplers.method == "mine"
    seconds = demand.restoring_seconds(config, "oasis", "mine", 3)
    assert seconds == demand.restoring_seconds(config, "oasis", "ours", 3) > 0
    frame = hours_frame(config).set_index(["stage", "name"])
    assert frame.loc[("restore", "mine"), "hours"] > 0
    assert frame.loc[("train", "small_diffusion"), "steps"] == 10


def test_renamed_diffusion_restores(config: dict, files: list[str]) -> None:
    sampling = config["sampling"] | {"steps": 2}
    restoration = Restoration("ours", files, options=sampling, chunk=2, seed=1, dataset="d", device="cpu")
    restored = restoration.build("someone").restore(np.full((3, 8, 8), 0.5, np.float32), [0, 1, 2], [0, 0.5])
    assert restored.shape == (2, 32, 32)


def test_renamed_diffusion_is_chosen_by_zoom(config: dict, files: list[str]) -> None:
    choice = choose(config, "mine", files, in_plane=4)
    assert choice.options == config["sampling"]
    assert set(choice.load("cpu")) == {"vq", "ldm"}


def test_two_networks_of_one_class_are_refused(files: list[str]) -> None:
    with pytest.raises(ValueError, match="a second network of class ldm"):
        weights.load_by_class([files[1], files[1]])


@pytest.mark.parametrize("name", sorted(check(merged())["networks"]))
def test_each_network_states_its_parameters_and_facts(name: str) -> None:
    """The number of parameters equals the network's at the article's size, and all other facts are present."""
    block = check(merged())["networks"][name]
    kind = block.get("class", name)
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in weights.network(kind, block["size"]).parameters())
    assert about(kind).parameters == pytest.approx(count, rel=0.1)
    assert about(kind).samples == (kind == "ldm")


def test_every_network_except_the_diffusion_is_compared_in_plane() -> None:
    config = check(merged())
    networks = [name for name in study_networks(config) if not about(class_of(config, name)).samples]
    assert "quartet" in networks
    assert {name for name in compared_in_plane(config) if name in networks} == set(networks)
    config["study"]["methods"] = ["linear", "quartet"]
    assert compared_in_plane(config) == ["quartet"]


def test_variant_of_a_network_has_a_separate_label() -> None:
    config = check(merged())
    assert labels(config, ["vq", "quartet", "quartet_pair"]) == {
        "vq": "first stage (VQ)",
        "quartet": "Quartet",
        "quartet_pair": "Quartet (quartet_pair)",
    }


def test_facts_that_are_computed_or_unknown_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "networks").mkdir()
    monkeypatch.setattr("benchmark.project.models", lambda: tmp_path)
    for name, text in {
        "plain": "",
        "wrong": "ABOUT = {'colour': 1}",
        "computed": "ABOUT = {'width': 2 * wide}",
    }.items():
        (tmp_path / "networks" / f"{name}.py").write_text(text + "\n")
    about.cache_clear()
    assert about("plain").step_seconds == 1.0
    for name in ("wrong", "computed"):
        with pytest.raises(UserError, match=f"{name}.py: ABOUT"):
            about(name)
    about.cache_clear()
