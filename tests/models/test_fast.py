"""The fast path has the same results as the plain path: layout, pieces, fixed shapes, compilation, half precision."""

import threading

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor, nn

from models import weights
from models.compiling import compile_costly, eagerly
from models.fast import PIXELS, _in_equal_pieces, filled, in_pieces, laid_out
from models.half import halved
from models.method import method
from models.sampling import slice_seeds
from models.schedule import Schedule, scheduler
from models.streaming import ahead

SIZES = {
    "vq": {"channels": [8, 8, 16], "layers_per_block": 1, "codes": 32, "norm_groups": 4},
    "ldm": {"width": 16, "multipliers": [1, 2], "layers_per_block": 1, "head_channels": 16, "norm_groups": 4},
    "edsr": {"blocks": 2, "width": 8},
}
KNOWN, AT = np.arange(7.0), np.array([0, 0.5, 1, 2.25, 3, 4.5, 6])


@pytest.fixture
def networks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    built = {name: weights.network(name, size).eval().requires_grad_(False) for name, size in SIZES.items()}
    nn.init.normal_(built["edsr"].tail.weight, std=0.05)  # untrained it adds nothing
    return built


@pytest.fixture
def slices() -> np.ndarray:
    return np.random.default_rng(0).random((7, 8, 8), dtype=np.float32)


def restored_by_plain_diffusers(
    networks: dict[str, nn.Module], slices: np.ndarray, steps: int, eta: float, seed: int
) -> Tensor:
    """Ours at the known slices, one slice at a time, with the libraries only: diffusers' U-Net, DDIM and decoder."""
    unet, vq = networks["ldm"].unet.unet, networks["vq"]
    solver: DDIMScheduler = scheduler("ddim", Schedule())
    restored = []
    for one, own in zip(torch.from_numpy(slices)[:, None, None], slice_seeds(seed, range(len(slices))), strict=True):
        generator = torch.Generator().manual_seed(own)
        x = torch.randn(1, 3, 8, 8, generator=generator)
        solver.set_timesteps(steps)
        for t in solver.timesteps:
            noise = unet(torch.cat([x, one.expand(-1, 3, -1, -1) * 2 - 1], dim=1), t).sample
            x = solver.step(noise, t, x, eta=eta, generator=generator).prev_sample
        rgb = vq.vq.decode(vq.quantise(x)[0], force_not_quantize=True).sample
        restored.append(networks["edsr"](((rgb.mean(dim=1, keepdim=True) + 1) / 2).clamp(0, 1)).clamp(0, 1))
    return torch.cat(restored)[:, 0]


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_fast_restoration_equals_plain_diffusers(eta: float, networks: dict[str, nn.Module], slices: np.ndarray):
    with torch.no_grad():
        expected = restored_by_plain_diffusers(networks, slices, steps=5, eta=eta, seed=3)
    fast = {name: laid_out(network) for name, network in networks.items()}
    found = method("ours", fast, steps=5, eta=eta, seed=3, chunk=4).restore(slices, KNOWN, KNOWN)
    np.testing.assert_allclose(found, expected.numpy(), atol=2e-5)


@pytest.mark.parametrize("name", ["ours", "baseline"])
def test_compiled_restoration_calls_each_network_with_one_shape_and_gives_the_same_result(
    name: str, networks: dict[str, nn.Module], slices
):
    """The graphs that a GPU would compile, run as they were traced; every graph is called with one shape."""
    expected = method(name, networks, steps=3, chunk=4).restore(slices, KNOWN, AT)
    shapes = set()
    for part in (networks["ldm"].unet.unet, networks["vq"].vq.decoder):
        part.register_forward_pre_hook(lambda module, given: shapes.add((type(module).__name__, *given[0].shape)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.method.compile_costly", lambda network: network)
        filled_up = method(name, networks, steps=3, chunk=4, compiled=True).restore(slices, KNOWN, AT)
    assert len(shapes) == 2
    np.testing.assert_allclose(filled_up, expected, atol=2e-5)


def test_network_is_compiled_once_for_all_volumes_and_folds(slices: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    """Four graphs in a process: U-Net, look-up of codes, decoder, EDSR, each in the chunks and pieces of a GPU."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(
        "models.methods.ours.in_pieces", lambda call, *given, pixels: _in_equal_pieces(call, *given, size=2)
    )
    restored = []
    for fold in (1, 2):
        torch.manual_seed(fold)
        built = {
            name: laid_out(weights.network(name, size).eval().requires_grad_(False)) for name, size in SIZES.items()
        }
        for network in built.values():
            compile_costly(halved(network), mode=None, backend=backend)
        restorer = method("ours", built, half=True, compiled=True, chunk=4, sampler="dpm++", steps=3)
        for count, n in ((7, 1), (7, 3), (5, 1)):  # the last chunks are smaller
            at = np.linspace(0, count - 1, (count - 1) * (n + 1) + 1)
            restored.append(restorer.restore(slices[:count], np.arange(float(count)), at))
        with eagerly():
            restorer.trial_run(3, (8, 8))
        assert len(graphs) == 4
    assert not np.array_equal(restored[0], restored[3])


@pytest.mark.parametrize("name", ["ldm", "vq", "edsr"])
def test_networks_compile_without_graph_breaks(name: str, networks: dict[str, nn.Module]):
    network = networks[name]
    low = torch.rand(4, 1, 8, 8)
    call = {
        "ldm": lambda: network(torch.ones(4, 3, 8, 8), torch.tensor(500), low),
        "vq": lambda: network.decode(torch.linspace(-1, 1, 768).view(4, 3, 8, 8)),
        "edsr": lambda: network(low),
    }[name]
    with torch.no_grad():
        expected = call()
        eager = {"mode": None, "backend": "aot_eager"}
        assert compile_costly(compile_costly(network, **eager), **eager) is network
        torch.testing.assert_close(call(), expected, atol=1e-5, rtol=1e-5)


def test_in_pieces_returns_the_same_as_one_call():
    sizes = []

    def call(images: Tensor, factors: Tensor) -> Tensor:
        sizes.append(len(images))
        return images * factors[:, None]

    images, factors = torch.rand(7, 5), torch.arange(7)
    found = in_pieces(call, images, factors, pixels=PIXELS // 3)
    assert torch.equal(found, images * factors[:, None])
    assert sizes == [3, 3, 1]
    in_pieces(call, images, factors, pixels=PIXELS * 2)
    assert sizes[3:] == [1] * 7


def test_equal_pieces_have_one_size_and_are_copied():
    sizes, buffer = [], torch.empty(3, 5)

    def call(images: Tensor) -> Tensor:
        sizes.append(len(images))
        return buffer.copy_(images * 2)  # a compiled network returns the same memory each time

    images = torch.rand(7, 5)
    assert torch.equal(_in_equal_pieces(call, images, size=3), images * 2)
    assert sizes == [3, 3, 3]


def test_short_chunk_is_filled_with_its_last_index():
    assert filled([4, 5], 4) == [4, 5, 5, 5]
    assert filled([4, 5], 2) == [4, 5]


def test_ahead_yields_in_order_and_prepares_one_item_in_advance():
    begun = [threading.Event() for _ in range(4)]

    def items():
        for number, event in enumerate(begun[:3]):
            event.set()
            yield number
        begun[3].set()

    found = []
    for item in ahead(items()):
        assert begun[item + 1].wait(5)  # the next item (finally, the end) is prepared while the current item is used
        assert not any(event.is_set() for event in begun[item + 2 :])
        found.append(item)
    assert found == [0, 1, 2]


def test_ahead_raises_the_error_after_the_items_before():
    def items():
        yield 1
        raise ValueError("second")

    made = ahead(items())
    assert next(made) == 1
    with pytest.raises(ValueError, match="second"):
        next(made)
