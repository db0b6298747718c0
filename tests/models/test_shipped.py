"""The shipped weights: small, complete, described on their card, and better than their starting point."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from models.method import method
from models.thickness import FWHM, Geometry, consistent_spline
from models.weights import load, read_metadata

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "models" / "weights").glob("*.safetensors"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped_file_is_small_finite_and_listed_on_the_card(path):
    content = path.read_bytes()
    assert len(content) <= 4_000_000
    assert hashlib.sha256(content).hexdigest() in (ROOT / "docs" / "weights.md").read_text(encoding="utf-8")
    assert {"network", "size", "seed", "steps", "revision", "trained_on", "cohort"} <= set(read_metadata(path))
    assert all(value.isfinite().all() for value in load(path).state_dict().values())


@pytest.mark.parametrize(("profile", "thickness"), [("gaussian", 1.0), ("box", 1.0), ("point", 0.0)])
def test_slab_has_a_fifth_less_error_than_its_start_on_synthetic_blobs(profile, thickness):
    """Sharp-edged blobs, slices 4 voxels apart."""
    noise = gaussian_filter(np.random.default_rng(3).standard_normal((61, 64, 64)), 3)
    truth = np.where(noise > 0.25 * noise.std(), 0.7, 0.2).astype(np.float32)
    offsets = np.arange(-8, 9)
    weights = {
        "gaussian": np.exp(-0.5 * (offsets * FWHM / 4) ** 2),
        "box": np.clip(2.5 - np.abs(offsets), 0, 1),
        "point": (offsets == 0).astype(float),
    }[profile]
    centres = np.arange(0, 61, 4)
    slices = np.stack([truth[np.clip(c + offsets, 0, 60)].T @ (weights / weights.sum()) for c in centres])
    slices = slices.transpose(0, 2, 1).astype(np.float32)
    known, at = np.arange(len(centres)), np.arange(0, 61) / 4
    slab = method(
        "slab", {"slab": load(ROOT / "models/weights/slab.safetensors")}, geometry=Geometry(profile, thickness, 4)
    )
    start = np.tensordot(consistent_spline(known, at, profile, thickness), slices, axes=1)
    errors = [np.square(found - truth)[8:-8].mean() for found in (slab.restore(slices, known, at), start)]
    assert errors[0] < 0.8 * errors[1]


def test_lens_has_a_fifth_less_error_than_its_start_on_synthetic_blobs():
    """Sharp-edged blobs, pixels four times as large."""
    noise = gaussian_filter(np.random.default_rng(3).standard_normal((24, 96, 96)), 3)
    truth = np.where(noise > 0.25 * noise.std(), 0.7, 0.2).astype(np.float32)
    coarse = truth.reshape(24, 24, 4, 24, 4).mean(axis=(2, 4))
    made_of = {name: load(ROOT / f"models/weights/{name}.safetensors") for name in ("slab", "lens")}
    known = np.arange(24)
    lens = method("slab_lens", made_of, geometry=Geometry("point", 0.0, 0.25)).restore(coarse, known, known)
    spline = method("spline").restore(coarse, known, known)
    errors = [np.square(found - truth)[2:-2, 8:-8, 8:-8].mean() for found in (lens, spline)]
    assert errors[0] < 0.8 * errors[1]
