"""Scans, weights and a configuration small enough for tests that take seconds."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import yaml
from zoom_scans import OBLIQUE, thick

from benchmark import config as configuration
from benchmark.config import check
from zoom import example
from zoom.request import request
from zoom.run import zoom

SIZES = {
    "vq": {"channels": [8, 8, 16], "layers_per_block": 1, "codes": 32, "norm_groups": 4},
    "ldm": {
        "width": 8,
        "multipliers": [1, 2],
        "layers_per_block": 1,
        "attention_factors": [2],
        "head_channels": 8,
        "norm_groups": 4,
    },
}
QUARTETS = {
    "quartet": {"blocks": 2, "width": 8, "expansion": 2},
    "quartet_full": {"blocks": 2, "width": 8, "expansion": 2, "factor": 1},
}

Saver = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Saver:
    """Saves a scan and returns its path."""

    def saved(
        data: np.ndarray | None = None, affine: np.ndarray = OBLIQUE, name: str = "scan.nii.gz", **header: Any
    ) -> Path:
        image = nib.Nifti1Image(thick() if data is None else data, affine)
        image.header.set_xyzt_units("mm")
        image.set_sform(affine, header.pop("sform_code", 1))
        image.set_qform(affine, header.pop("qform_code", 1))
        for key, value in header.items():
            image.header[key] = value
        path = tmp_path / name
        nib.save(image, path)
        return path

    return saved


@pytest.fixture
def config() -> dict[str, Any]:
    """Methods with and without networks, without a study."""
    return check(
        {
            "study": {"cohorts": ["toy"], "methods": ["linear"]},
            "seed": 5,
            "cohorts": {
                "toy": {"label": "phantom T1", "reader": "toy", "axis": "axial", "patients": {"cv": 1, "test": 1}}
            },
            "methods": {
                "ours": {"label": "ours", "networks": ["vq", "ldm"]},
                "sharper": {"label": "ours with EDSR", "class": "ours", "networks": ["vq", "ldm", "edsr"]},
                "quartet": {"label": "four slices", "networks": ["quartet"]},
                "quartet_full": {"label": "four slices, as fine", "class": "quartet", "networks": ["quartet_full"]},
                "linear": {"label": "linear", "kind": "control"},
                "spline": {"label": "spline", "kind": "control"},
                "eq12": {"label": "as printed", "kind": "control"},
                "truth": {"label": "truth", "kind": "oracle"},
            },
            "sampling": {"steps": 2},
            "networks": {
                name: {"class": class_of(name), "size": size, "training": {"steps": 1, "batch": 1}}
                for name, size in (SIZES | QUARTETS | {"edsr": {}}).items()
            },
            "zoom": {"prefer": ["quartet_full", "quartet"], "profile": "point"},  # known slices are returned unchanged
            "compute": {"device": "cpu", "threads": 1},
        }
    )


@pytest.fixture
def set_command_config(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict], None]:
    """Makes a configuration the one that the commands read."""

    def written(config: dict) -> None:
        path = tmp_path_factory.mktemp("config") / "config.yaml"
        path.write_text(yaml.safe_dump(config))
        monkeypatch.setattr(configuration, "CONFIG", path)

    return written


@pytest.fixture
def configured_commands(config: dict, set_command_config: Callable[[dict], None]) -> None:
    """The commands read ``config``."""
    set_command_config(config)


@pytest.fixture
def example_scan(config: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``zoom.example`` uses a small thin scan instead of a download."""
    scan = tmp_path / "thin.nii.gz"
    voxels = np.random.default_rng(0).integers(1, 1000, (20, 24, 33)).astype(np.int16)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), scan)
    monkeypatch.setattr(example, "load_config", lambda: config)
    monkeypatch.setattr(example, "reader", lambda *_: SimpleNamespace(fetch=lambda ids: {ids[0]: scan}))


@pytest.fixture
def run(config: dict[str, Any], tmp_path: Path) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """Zooms a scan and returns the image (opened) and the report."""

    def zoomed(scan: Path, output: str = "out.nii.gz", **given: Any) -> tuple[Any, dict[str, Any]]:
        path = tmp_path / output
        about = zoom(request(config, scan, path, overwrite=True, **given), config, lambda line: None)
        return nib.load(path), about

    return zoomed


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of untrained networks with a stored training size of 32 × 32."""
    return save_untrained(tmp_path_factory.mktemp("weights"), SIZES)


@pytest.fixture(scope="session")
def quartets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of both quartets, which add noise to the linear control."""
    return save_untrained(tmp_path_factory.mktemp("quartets"), QUARTETS, noise=0.05)


def class_of(name: str) -> str:
    """The file in models/networks that one of the tests' networks is built by."""
    return "quartet" if name in QUARTETS else name


def save_untrained(folder: Path, sizes: dict[str, dict[str, Any]], noise: float = 0.0) -> Path:
    """``noise``: spread of the weights of the last layer, which starts at zero."""
    import torch

    from models.weights import network
    from models.weights import save as save_weights

    histogram = np.full(64, 1 / 64).tolist()
    for name, size in sizes.items():
        torch.manual_seed(1)
        module = network(class_of(name), size)
        if noise:
            module.tail.weight.data.normal_(0, noise)  # type: ignore[union-attr, operator]
        metadata = {
            "network": name,
            "class": class_of(name),
            "size": size,
            "cohort": "toy",
            "fold": "1",
            "seed": 5,
            "steps": 1,
            "revision": "none",
            "config": "0",
            "trained_on": {
                "subjects": 2,
                "plane": "axial",
                "frame": [32, 32],
                "spacing": [1.0, 1.0, 1.0],
                "histogram": histogram,
                "histogram_spread": 0.01,
            },
        }
        save_weights(folder / f"{name}.safetensors", module, metadata)
    return folder


@pytest.fixture
def no_signal_ignored() -> Iterator[None]:
    """Signals act as in a terminal; processes that were started by ``nohup`` or a shell's ``&`` may ignore some."""
    numbers = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
