"""The paragraph for the methods section describes the steps, and nothing else."""

import re
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from bids_data import dataset
from zoom_scans import thick

from benchmark.project import release
from zoom.choice import SHIPPED
from zoom.request import request
from zoom.run import zoom


def text_and_references(about: dict) -> tuple[str, list[str]]:
    methods = about["Zoom"]["Methods"]
    cited = [int(number) for number in re.findall(r"\[(\d+)\]", methods["Text"])]
    assert sorted(set(cited)) == list(range(1, len(methods["References"]) + 1))  # no missing and no extra references
    assert list(dict.fromkeys(cited)) == sorted(set(cited))  # in the order of the text
    assert "\n" not in methods["Text"]
    return methods["Text"], methods["References"]


def test_paragraph_of_linear_interpolation(save: Callable, run: Callable, tmp_path: Path) -> None:
    _, about = run(save(name="Doe^Jane.nii.gz"), n=1, method="linear")
    text, references = text_and_references(about)
    for words in (
        f"with mri-zoom {release()} [1]",
        "9 axial slices 4.959 mm apart, voxels of 0.9568 × 0.9362 mm in plane",
        "17 axial slices 2.479 mm apart",
        "linear interpolation between slices (method linear)",
        "4.959 mm thick (the spacing of its slices, as in a 2-D acquisition)",
        "to show the volume at its position (profile point: as given)",
        "consistent with the scan by back-projection [2]",
        "at most 0 in the scan's units",
        f"NiBabel {metadata.version('nibabel')} [3]",
        "computed, not measured",
    ):
        assert words in text, text
    for words in ("Doe", "PyTorch", "seed", "SHA-256", "BIDS", "Labels"):
        assert words not in text
    assert len(references) == 5
    page = (tmp_path / "out.html").read_text()
    assert f'<p class="copy">{text.replace(chr(39), "&#39;")}</p>' in page
    assert all(reference in page for reference in references)


def test_paragraph_of_trained_networks(save: Callable, run: Callable, weights: Path) -> None:
    _, about = run(save(), n=1, weights=(str(weights),), consistency=False, uncertainty=2)
    text, references = text_and_references(about)
    assert "latent diffusion with linear interpolation of the latents of neighbouring slices [2] (method ours" in text
    for one in about["Zoom"]["Weights"]:
        assert f"(SHA-256 {one['SHA256']})" in text
    assert "was not made consistent with the scan: averaged, it differs from the scan by up to" in text
    assert "the seed 5" in text
    assert "The spread of 2 such results" in text
    assert "PyTorch" in text
    assert any("10.1016/j.eswa.2025.127970" in reference for reference in references)
    assert not any("Irani" in reference or "card" in reference for reference in references)


def test_paragraph_of_shipped_weights_cites_their_card(save: Callable, run: Callable, config: dict) -> None:
    from benchmark.config import load_config

    config["methods"] = load_config()["methods"]
    _, about = run(save(), n=1, method="slab", weights=(str(SHIPPED / "slab.safetensors"),))
    text, references = text_and_references(about)
    assert "slab.safetensors (SHA-256 " in text
    assert any("Model card" in reference for reference in references)


def test_paragraph_of_a_bids_series(config: dict, tmp_path: Path) -> None:
    scans = dataset(tmp_path / "raw")
    series = next(scan for scan in scans if "bold" in scan.name)
    text, _ = text_and_references(zoom(request(config, series, tmp_path / "out", n=1), config, lambda line: None))
    assert ", 2 volumes)" in text
    assert "BIDS derivatives [6]" in text


@pytest.mark.parametrize("profile", ["box", "gaussian"])
def test_paragraph_of_thick_slices_and_labels(save: Callable, run: Callable, profile: str) -> None:
    labels = save(np.zeros_like(thick()), name="seg.nii.gz")
    _, about = run(save(), n=3, method="spline", profile=profile, thickness=4, labels=labels)
    text, _ = text_and_references(about)
    assert (
        f"4 mm thick (as given) and to show the mean of the volume {'over' if profile == 'box' else 'weighted'}" in text
    )
    assert "Labels were resampled to the same grid" in text
