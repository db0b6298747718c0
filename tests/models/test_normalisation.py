"""The compiled form of group normalisation computes the same as PyTorch's own form."""

import copy

import pytest
import torch
from torch import nn

from models import weights
from models.normalisation import ChannelNorm, normalise_by_channels


def pair(channels: int, groups: int, eps: float = 1e-5) -> tuple[nn.GroupNorm, nn.Module]:
    """PyTorch's normalisation, and a compiled ``ChannelNorm`` with the same weights."""
    torch.manual_seed(0)
    plain = nn.GroupNorm(groups, channels, eps)
    for parameter in plain.parameters():
        nn.init.normal_(parameter)
    network = nn.Sequential(copy.deepcopy(plain))
    normalise_by_channels(network)
    assert type(network[0]) is ChannelNorm
    return plain, torch.compile(network, backend="aot_eager", fullgraph=True)


@pytest.mark.parametrize("shape", [(3, 20, 7, 5), (2, 20, 36)])
@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_compiled_values_and_gradients_equal_float64(shape: tuple[int, ...], offset: float) -> None:
    plain, compiled = pair(shape[1], 4)
    features = torch.randn(shape) * torch.rand(1, shape[1], *[1] * (len(shape) - 2)) + offset
    if len(shape) == 4:
        features = features.contiguous(memory_format=torch.channels_last)
    pull = torch.randn(shape)
    results = []
    for norm, dtype in ((compiled, torch.float32), (plain.double(), torch.float64)):
        given = features.detach().to(dtype).requires_grad_()
        made = norm(given)
        (made * pull.to(dtype)).sum().backward()
        results.append((made, given.grad, *(parameter.grad for parameter in norm.parameters())))
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected.float(), atol=3e-4 if offset else 2e-5, rtol=1e-4)


def test_constant_features_become_the_bias() -> None:
    """A slice of background: the variance is zero, and the result is the bias."""
    plain, compiled = pair(8, 2, 1e-6)
    features = torch.full((1, 8, 16, 16), 10.3)
    torch.testing.assert_close(compiled(features), plain(features), atol=1e-3, rtol=0)


def test_half_precision_computes_statistics_in_float32() -> None:
    plain, compiled = pair(16, 4)
    features = (torch.randn(2, 16, 64, 64) * 30 + 100).half()
    found = compiled.half()(features)
    assert found.dtype == torch.float16
    expected = plain.half().float()(features.float())
    torch.testing.assert_close(found.float(), expected, atol=5e-3, rtol=2e-3)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("vq", {"channels": [8, 8, 16], "layers_per_block": 1, "codes": 32, "norm_groups": 4}),
        ("ldm", {"width": 16, "multipliers": [1, 2], "layers_per_block": 1, "head_channels": 16, "norm_groups": 4}),
    ],
)
def test_large_networks_use_channel_norm(name: str, size: dict) -> None:
    norms = [module for module in weights.network(name, size).modules() if isinstance(module, nn.GroupNorm)]
    assert norms
    assert all(type(norm) is ChannelNorm for norm in norms)
