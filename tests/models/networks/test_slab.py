"""The network for thick slices: starting point, scaling, and empty areas that stay empty."""

import numpy as np
import pytest
import torch

from models.interpolation import cubic_spline
from models.method import method
from models.methods.slab import filled_area, turned
from models.networks.slab import DESCRIPTION, SLICES, WHERE, build, start
from models.thickness import Geometry
from models.weights import load, save


def network_with_nonzero_output(blocks=2, width=16, head=8, seed=0):
    """A network whose last layer is not zero."""
    torch.manual_seed(seed)
    network = build(blocks, width, head)
    torch.nn.init.normal_(network.last.weight, std=0.1)
    for describing in (network.gap, network.place):
        torch.nn.init.normal_(describing[-1].weight, std=0.1)
    return network.eval().requires_grad_(False)


def random_description(count=1, positions=2):
    about = torch.rand(count, DESCRIPTION)
    about[:, -SLICES:] = 1
    return about, torch.rand(count, positions, WHERE)


def scan(count=12, side=40, seed=0):
    """A blob of noise in an empty frame."""
    slices = np.zeros((count, side, side), np.float32)
    slices[:, 8:27, 11:30] = np.random.default_rng(seed).random((count, 19, 19))
    return slices


def test_untrained_network_equals_its_start():
    about, where = random_description()
    slices = torch.rand(1, SLICES, 9, 11)
    assert torch.equal(build(1, 8, 8)(slices, about, where), start(slices, where))


def test_output_is_proportional_to_the_input():
    network, (about, where) = network_with_nonzero_output(), random_description()
    slices = torch.rand(1, SLICES, 12, 12)
    torch.testing.assert_close(network(3 * slices, about, where), 3 * network(slices, about, where))
    assert not torch.allclose(network(slices, about, where), start(slices, where))


def test_odd_and_even_sides_agree_away_from_the_edge():
    network, (about, where) = network_with_nonzero_output(), random_description()
    slices = torch.rand(1, SLICES, 60, 60)
    whole, cut = network(slices, about, where), network(slices[..., :59, :59], about, where)
    torch.testing.assert_close(cut[..., :20, :20], whole[..., :20, :20])


@pytest.mark.parametrize("profile", ["gaussian", "box", "point"])
@pytest.mark.parametrize(("blocks", "first"), [(2, 50), (2, 51), (10, 50)])
def test_cropping_empty_frames_does_not_change_the_result(blocks, first, profile, monkeypatch):
    network = network_with_nonzero_output(blocks)
    for block in network.blocks:  # reaches far
        torch.nn.init.kaiming_normal_(block.second.weight)
    slices = np.zeros((12, 120, 120), np.float32)
    slices[:, first : first + 9, first : first + 10] = np.random.default_rng(0).random((12, 9, 10))
    geometry = Geometry(profile, 0.0 if profile == "point" else 1.0, 4.0)
    known, at = np.arange(12.0), np.linspace(0, 11, 8)
    there = method("slab", {"slab": network}, geometry=geometry, chunk=7).restore(slices, known, at)
    assert filled_area(torch.from_numpy(slices), network.reach)[0].stop < 120
    monkeypatch.setattr("models.methods.slab.filled_area", lambda *_: (slice(0, 120), slice(0, 120)))
    whole = method("slab", {"slab": network}, geometry=geometry).restore(slices, known, at)
    np.testing.assert_allclose(there, whole, atol=1e-5)


def test_second_volume_in_the_same_gap_does_not_get_features_of_the_first():
    restorer = method("slab", {"slab": network_with_nonzero_output()}, geometry=Geometry("box", 1.0, 4.0))
    for seed in (0, 1):
        slices = scan(2, seed=seed)
        fresh = method("slab", restorer.networks, geometry=restorer.geometry).restore(slices, [0, 1], [0.5])
        np.testing.assert_array_equal(restorer.restore(slices, [0, 1], [0.5]), fresh)


def test_thin_known_slices_are_unchanged_and_thick_ones_are_not():
    slices = scan()
    thin = method("slab", {"slab": network_with_nonzero_output()}, geometry=Geometry("point", 0.0, 4.0))
    np.testing.assert_array_equal(thin.restore(slices, np.arange(12), np.arange(12)), slices)
    thick = method("slab", {"slab": network_with_nonzero_output()}, geometry=Geometry("gaussian", 1.0, 4.0))
    assert np.abs(thick.restore(slices, np.arange(12), np.arange(12)) - slices).max() > 0.01


def test_untrained_network_interpolates_thin_slices_by_the_cubic_spline():
    slices, known, at = scan(8), np.arange(8.0), np.linspace(3, 4, 5)
    found = method("slab", {"slab": build(1, 8, 8)}, geometry=Geometry("point", 0.0, 4.0)).restore(slices, known, at)
    expected = np.tensordot(cubic_spline(known, at), slices, axes=1).clip(0, 1)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_two_views_give_the_same_result_for_a_reversed_scan():
    network, slices = network_with_nonzero_output(), scan()
    options = {"geometry": Geometry("gaussian", 1.0, 4.0), "views": 2}
    known, at = np.arange(12.0), np.sort([i + t for i in range(11) for t in (0.3, 0.7)])
    one = method("slab", {"slab": network}, **options).restore(slices, known, at)
    other = method("slab", {"slab": network}, **options).restore(slices[::-1].copy(), known, at)[::-1]
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_turning_twice_is_the_identity():
    about, where = random_description()
    slices = torch.rand(1, SLICES, 4, 4)
    for before, after in zip((slices, about, where), turned(*turned(slices, about, where)), strict=True):
        torch.testing.assert_close(after, before)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_scans_of_two_three_or_five_slices_give_finite_results(count):
    found = method("slab", {"slab": network_with_nonzero_output()}, geometry=Geometry("box", 1.0, 4.0)).restore(
        scan(count), np.arange(count), np.linspace(0, count - 1, 9)
    )
    assert np.isfinite(found).all()


def test_half_precision_weights_load_and_halve_the_file(tmp_path):
    network = network_with_nonzero_output()
    path = tmp_path / "slab.safetensors"
    save(path, network, {"network": "slab", "size": {"blocks": 2, "width": 16, "head": 8}}, half=True)
    about, where = random_description()
    slices = torch.rand(1, SLICES, 12, 12)
    torch.testing.assert_close(load(path)(slices, about, where), network(slices, about, where), atol=1e-3, rtol=0)
    assert path.stat().st_size < 3 * sum(p.numel() for p in network.parameters()) + 4000
