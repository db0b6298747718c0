"""The examples of docs/extend.md work as they are printed."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import benchmark.datasets
import models.methods
import models.networks
from benchmark import project
from benchmark.config import check
from benchmark.config.networks import about
from models.method import method
from tests.support.configs import merged

PAGE = (Path(__file__).parents[1] / "docs" / "extend.md").read_text(encoding="utf-8")
MODELS = project.models()
# Name of a file in the sentence before a block of Python → the block.
FILES = dict(re.findall(r"`([\w/]+\.py)`:\n\n```python\n(.*?)```", PAGE, re.S))
SETTINGS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)]


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes each example where its package finds it."""
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for package in (models.methods, models.networks, benchmark.datasets):
        folder = Path(*package.__name__.split("."))
        inside = next(path for path in (tmp_path / folder, tmp_path / "workflow" / folder) if path.is_dir())
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(inside)])
    for folder in ("methods", "networks"):
        for file in (MODELS / folder).glob("*.py"):
            (tmp_path / "models" / folder / file.name).symlink_to(file)
    monkeypatch.setattr(project, "models", lambda: tmp_path / "models")
    importlib.invalidate_caches()
    about.cache_clear()
    yield
    about.cache_clear()
    for name in FILES:
        sys.modules.pop(".".join(Path(name).with_suffix("").parts).removeprefix("workflow."), None)


def test_page_has_an_example_of_each_kind():
    kinds = {Path(name).parent.as_posix() for name in FILES}
    assert kinds == {"models/methods", "models/networks", "workflow/benchmark/datasets"}


@pytest.mark.parametrize("name", [Path(name).stem for name in FILES if name.startswith("models/methods/")])
def test_example_of_a_method_restores_any_position(written, name):
    slices = np.random.default_rng(0).random((5, 8, 12), dtype=np.float32)
    known = np.array([0, 1, 2, 4, 5])
    restored = method(name).restore(slices, known, np.array([0, 1.25, 3, 5]))
    assert restored.shape == (4, 32, 48)
    assert restored.dtype == np.float32
    assert 0 <= restored.min() < restored.max() <= 1
    np.testing.assert_allclose(restored[[0, 3]], method(name).restore(slices[[0, 4]], [0, 5], [0, 5]), atol=1e-6)


def test_example_of_a_method_can_zoom_a_scan(written):
    scan = np.random.default_rng(0).random((3, 8, 12), dtype=np.float32)
    restored = method("smooth", factor=1).restore(scan, [0, 1, 2], [0, 0.5, 2])
    assert restored.shape == (3, 8, 12)
    np.testing.assert_allclose(restored[1], scan[:2].mean(axis=0), atol=1e-6)


def test_example_of_a_network_learns(written):
    tiny = importlib.import_module("models.networks.tiny")
    assert about("tiny").label == "Tiny"
    block = SETTINGS[0]["networks"]["tiny"]
    torch.manual_seed(0)
    task = tiny.Training(tiny.build(**block["size"]), {}, 60, block["training"])
    (phase,) = task.phases().values()
    batch = torch.rand(4, 1, 12, 12).repeat_interleave(8, -1).repeat_interleave(8, -2)
    losses = []
    for step in range(60):
        phase.optimiser.zero_grad()
        loss, _ = task("network", batch, step)
        loss.backward()
        phase.optimiser.step()
        phase.schedule.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    assert task.picture(batch)[1].shape == batch.shape
    low = np.random.default_rng(0).random((2, 8, 8), dtype=np.float32)
    assert method("pixel_sr", {"tiny": task.network}).restore(low, [0, 1], [0, 0.5]).shape == (2, 32, 32)


def test_example_of_a_dataset_finds_the_scans_of_its_layout(written, tmp_path):
    for name in ("b", "a"):
        (tmp_path / "scans" / name).mkdir(parents=True)
        (tmp_path / "scans" / name / "t1.nii.gz").touch()
    dataset = benchmark.datasets.reader("hospital", tmp_path, local=tmp_path / "scans")
    assert dataset.subjects() == ["a", "b"]
    assert dataset.fetch(["b"]) == {"b": tmp_path / "scans" / "b" / "t1.nii.gz"}


def test_examples_of_settings_are_accepted(written):
    for settings in SETTINGS:
        check(merged(**settings))
    assert {key for settings in SETTINGS for key in settings} == {"methods", "networks", "cohorts", "study"}
