"""Half precision does not show: trained networks score within 0.02 dB and 0.001 LPIPS of their float32 results."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark.bench import study
from benchmark.config.networks import class_of
from benchmark.datasets.phantom import phantom
from benchmark.scores.metrics import score
from benchmark.scores.region import Region
from models import weights
from models.compiling import compile_costly
from models.fast import laid_out
from models.half import halved, weights_dtype
from models.interpolation import degrade
from models.method import Restorer, method
from models.padded import pad_convolutions
from models.perceptual import Perceptual
from models.training.data import SliceBank

SIZES = {
    "vq": {"channels": [16, 32, 32], "layers_per_block": 1, "codes": 64, "norm_groups": 4},
    "ldm": {"width": 16, "multipliers": [1, 2], "layers_per_block": 1, "head_channels": 16, "norm_groups": 4},
}
LEARNT = {"vq": (200, 2e-3), "ldm": (200, 1e-3)}  # steps and rate: enough for a blurred head


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    volume = phantom((32, 32, 16), "T1", seed=5).clip(0, 1).astype(np.float32)
    return np.moveaxis(volume, 2, 0)[3:13]


@pytest.fixture(scope="module")
def networks(truth: np.ndarray) -> dict[str, nn.Module]:
    options, found = study.config("demo")["networks"], {}
    bank = SliceBank([truth])
    for name, (steps, rate) in LEARNT.items():
        torch.manual_seed(0)
        network = weights.network(name, SIZES[name])
        about = options[name]["training"] | {"crop": 1.0, "patch": 32, "slices_per_step": 8, "base_rate": rate / 8}
        task = weights.training_of(name)(network, dict(found), steps, about).train()
        task.prepare(bank)
        optimiser = task.phases()["network"].optimiser
        for step in range(steps):
            optimiser.zero_grad()
            task("network", bank.batch(8), step)[0].backward()
            optimiser.step()
        found[name] = laid_out(network).eval().requires_grad_(False)
    return found


@pytest.mark.parametrize("sampling", [{"sampler": "dpm++sde", "steps": 10}, {"sampler": "ddim", "steps": 20}])
def test_half_precision_changes_scores_by_less_than_the_limit(sampling, networks, truth, trunks) -> None:
    low = degrade(torch.from_numpy(truth)[:, None])[:, 0].clamp(0, 1).numpy()
    known, perceptual = np.arange(len(truth)), Perceptual(trunks["alex"], net="alex")
    full, half = (method("ours", networks, half=flag, **sampling).restore(low, known, known) for flag in (False, True))
    assert not np.array_equal(full, half)
    full, half = (
        score(found, truth, Region(truth > 0, "brain"), perceptual)[["psnr", "lpips"]].mean() for found in (full, half)
    )
    assert full["psnr"] > 13  # the training had an effect
    assert abs(half["psnr"] - full["psnr"]) < 0.02
    assert abs(half["lpips"] - full["lpips"]) < 0.001


NETWORKS = {
    "srgan": ("pixel_sr", {}),
    "wdsr": ("pixel_sr", {}),
    "autoencoder": ("bicubic_ae", {}),
    "quartet": ("quartet", {"views": 4}),
    "quartet_full": ("quartet", {}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_half_precision_method_takes_and_returns_float32(name: str, truth: np.ndarray) -> None:
    """Random weights: the outputs differ only by rounding."""
    torch.manual_seed(0)
    block = study.config("smoke")["networks"][name]
    network = weights.network(block.get("class", name), block["size"])
    for parameter in network.parameters():  # layers that start at zero would hide the layers before
        if not parameter.any():
            nn.init.normal_(parameter, std=0.02)
    network = network.eval().requires_grad_(False)
    kind, options = NETWORKS[name]
    known, at = np.arange(4.0), np.linspace(0, 3, 10)
    full, half = (
        method(kind, {block.get("class", name): network}, half=flag, **options).restore(truth[:4], known, at)
        for flag in (False, True)
    )
    assert half.dtype == np.float32
    assert not np.array_equal(full, half)
    assert np.abs(full - half).max() < 0.004
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert torch.float16 in {p.dtype for p in halved(network).parameters()}


def in_one_memory(graph: Callable, inputs: list[Tensor]) -> Callable:
    """A backend of ``torch.compile`` that runs the graph as it is; as with CUDA graphs, every call writes its results
    to the memory of the results of the last call."""
    kept: list[Tensor] = []

    def call(*given: Tensor) -> tuple[Tensor, ...]:
        made = graph(*given)
        kept.extend(torch.empty_like(one) for one in made[len(kept) :])
        return tuple(memory.copy_(one) for memory, one in zip(kept, made, strict=True))

    return call


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("half", [False, True])
def test_compiled_network_gives_the_same_result(
    name: str, half: bool, truth: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The graphs that a GPU would compile, run as they were traced; the slices of two chunks are kept and mixed."""
    monkeypatch.setattr("models.fast.PIXELS", 1 << 20)  # one call a chunk
    block = study.config("smoke")["networks"][name]
    class_ = class_of(study.config("smoke"), name)
    network = weights.network(class_, block["size"]).eval().requires_grad_(False)
    if name == "autoencoder":  # PyTorch's own weights let nothing of the input pass to the output
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
    kind, options = NETWORKS[name]
    known, at = np.arange(4.0), np.array([0.5, 1.25, 3.0])
    expected = method(kind, {class_: network}, half=half, chunk=3, **options).restore(truth[:4], known, at)
    compile_costly(halved(network) if half else network, mode=None, backend=in_one_memory)
    found = method(kind, {class_: network}, half=half, chunk=3, compiled=True, **options).restore(truth[:4], known, at)
    np.testing.assert_allclose(found, expected, atol=1e-3 if half else 1e-5)


def test_codebook_and_batch_norm_stay_in_float32() -> None:
    first_stage, generator = halved(weights.network("vq", SIZES["vq"])), halved(weights.network("srgan", {}))
    assert first_stage.vq.quantize.embedding.weight.dtype == torch.float32
    assert weights_dtype(first_stage.vq.decoder) == torch.float16
    norms = [module for module in generator.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {norm.weight.dtype for norm in norms} == {torch.float32}


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(6, 16, 3, padding=1),
        nn.Conv2d(8, 3, 3, padding=1, stride=2),
        nn.Conv2d(1, 1, 5, padding=2, bias=False),
        nn.Conv2d(3, 3, 1),
    ],
)
def test_padded_convolutions_have_the_same_output(convolution: nn.Conv2d) -> None:
    network = nn.Sequential(convolution)
    features = torch.rand(2, convolution.in_channels, 9, 7)
    with torch.no_grad():
        expected = network(features)
        pad_convolutions(network)
        torch.testing.assert_close(network(features), expected)
    inner = network[0].convolution
    assert inner.in_channels % 8 == inner.out_channels % 8 == 0


def test_half_precision_copy_is_made_once() -> None:
    network = weights.network("edsr", {"blocks": 1, "width": 8})
    assert halved(network) is halved(network)
    assert halved(network) is not network


def test_frozen_float16_network_stays_float16_under_bfloat16_autocast(truth: np.ndarray) -> None:
    """The frozen first stage of a training computes in float16, not in the training's bfloat16."""
    options = study.config("smoke")["networks"]["ldm"]["training"] | {"slices_per_step": 2}
    frozen = {"vq": weights.network("vq", SIZES["vq"])}
    task = weights.training_of("ldm")(weights.network("ldm", SIZES["ldm"]), frozen, 10, options).train()
    task.set_evaluation(half=True, compiled=False)
    seen: list[torch.dtype] = []
    task.frozen["vq"].vq.encoder.conv_in.register_forward_hook(lambda _, __, out: seen.append(out.dtype))
    bank = SliceBank([truth])
    task.prepare(bank)
    seen.clear()
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = task("network", bank.batch(2), 0)
    assert seen == [torch.float16]
    assert torch.isfinite(loss)
    assert not any(key.startswith("frozen") for key in task.trained_state())


def test_float16_overflow_raises_an_error_that_names_the_option() -> None:
    class Loud(Restorer):
        def represent(self, slices: Tensor, index: Tensor) -> Tensor:
            return slices

        def render(self, mixed: Tensor, interpolated: Tensor) -> Tensor:
            return mixed * (float("nan") if self.half else 1.0)

    slices = np.full((2, 4, 4), 0.5, dtype=np.float32)
    Loud().restore(slices, [0, 1], [0.5])
    with pytest.raises(FloatingPointError, match=r"compute\.half"):
        Loud(half=True).restore(slices, [0, 1], [0.5])
