"""The network for ×4 in plane and its method: starting point, scaling, and receptive field."""

import numpy as np
import pytest
import torch

from models.method import method
from models.networks import slab
from models.networks.lens import build, start
from models.thickness import Geometry
from models.training.coarse import SLICES


def network_with_nonzero_output(seed=0):
    """A network whose last layer is not zero."""
    torch.manual_seed(seed)
    network = build(2, 16, 8)
    torch.nn.init.normal_(network.last.weight, std=0.1)
    return network.eval().requires_grad_(False)


def networks():
    return {"slab": slab.build(1, 8, 8).eval().requires_grad_(False), "lens": network_with_nonzero_output()}


def scan(count=12, side=24, seed=0):
    """A blob of noise in an empty frame."""
    slices = np.zeros((count, side, side), np.float32)
    slices[:, 8:15, 6:17] = np.random.default_rng(seed).random((count, 7, 11))
    return slices


def test_untrained_network_is_bicubic():
    slices = torch.rand(2, SLICES, 9, 11)
    found = build(2, 8, 8)(slices)
    assert torch.equal(found, start(slices))
    assert found.shape == (2, 1, 36, 44)


def test_output_is_proportional_to_the_input():
    network, slices = network_with_nonzero_output(), torch.rand(1, SLICES, 12, 12)
    torch.testing.assert_close(network(3 * slices), 3 * network(slices))
    assert not torch.allclose(network(slices), start(slices))


def test_output_depends_on_all_five_slices():
    slices = torch.rand(1, SLICES, 8, 8, requires_grad=True)
    network = network_with_nonzero_output()
    network(slices).sum().backward()
    assert (slices.grad.abs().amax(dim=(0, 2, 3)) > 1e-4).all()


@pytest.mark.parametrize("side", [slice(0, 40), slice(3, 37)])
def test_cropping_empty_frames_and_chunking_do_not_change_the_result(side, monkeypatch):
    slices = np.zeros((12, 60, 60), np.float32)
    slices[:, side, side] = np.random.default_rng(0).random(slices[:, side, side].shape)
    options = {"geometry": Geometry("box", 1.0, 4.0), "views": 2}
    known, at, made_of = np.arange(12.0), np.linspace(0, 11, 15), networks()
    found = method("slab_lens", made_of, chunk=4, **options).restore(slices, known, at)
    for module in ("slab", "slab_lens"):
        monkeypatch.setattr(f"models.methods.{module}.filled_area", lambda *_: (slice(0, 60), slice(0, 60)))
    whole = method("slab_lens", made_of, **options).restore(slices, known, at)
    np.testing.assert_allclose(found, whole, atol=1e-5)


def test_five_slices_are_a_quarter_of_a_pixel_apart_also_if_slices_are_missing():
    restorer = method("slab_lens", networks(), geometry=Geometry("box", 1.0, 2.0))  # a distance of 1: two pixels
    for known in (np.arange(12.0), np.array([0.0, 1, 4, 5, 11])):
        found = restorer.five(known, np.array([4.5]))
        np.testing.assert_allclose(found, [[4.25, 4.375, 4.5, 4.625, 4.75]])


def test_thin_slices_are_the_input_of_lens_unchanged():
    """Lens was trained on slices a quarter of a coarse pixel apart; Slab adds nothing at their positions."""
    made_of, slices, known = networks(), scan(), np.arange(12.0)
    found = method("slab_lens", made_of, geometry=Geometry("point", 0.0, 0.25)).restore(slices, known, known)
    index = (np.arange(12)[:, None] + np.arange(-2, 3)).clip(0, 11)
    expected = made_of["lens"](torch.from_numpy(slices[index]))[:, 0].clamp(0, 1)
    torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-5, rtol=0)


def test_networks_whose_inputs_differ_in_size_are_not_compiled():
    restorer = method("slab_lens", networks(), compiled=True)
    assert not restorer.compiled
    assert all(network._compiled_call_impl is None for network in restorer.networks.values())


def test_missing_network_is_named_in_the_error():
    with pytest.raises(ValueError, match="made of the networks slab, lens; given: slab"):
        method("slab_lens", {"slab": networks()["slab"]})
