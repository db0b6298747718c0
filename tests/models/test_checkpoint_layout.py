"""A second implementation of CompVis checkpoints: forward passes directly from their names.

Only the table of names is shared with `models.checkpoints`: a name read as another, a head or a level shows in the
numbers, also for networks with attention at more levels than the reference in shared/oracle has.
"""

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from compvis_files import filled, in_their_layout, latent_diffusion
from torch import Tensor

from models.checkpoints import load_init
from models.first_stage import build_vq
from models.unet import build_unet

State = dict[str, Tensor]


def norm(s: State, key: str, x: Tensor, eps: float) -> Tensor:
    return F.group_norm(x, 32, s[f"{key}.weight"], s[f"{key}.bias"], eps)


def conv(s: State, key: str, x: Tensor, **options: int) -> Tensor:
    weight = s[f"{key}.weight"]
    return F.conv2d(x, weight, s[f"{key}.bias"], padding=options.pop("padding", weight.shape[-1] // 2), **options)


def unet_forward(s: State, x: Tensor, t: Tensor) -> Tensor:
    width = s["input_blocks.0.0.weight"].shape[0]
    angles = t[:, None] * torch.exp(-math.log(10000) * torch.arange(width // 2) / (width // 2))
    time = torch.cat([angles.cos(), angles.sin()], dim=1)
    time = F.linear(time, s["time_embed.0.weight"], s["time_embed.0.bias"])
    time = F.linear(F.silu(time), s["time_embed.2.weight"], s["time_embed.2.bias"])

    def apply(key: str, x: Tensor) -> Tensor:
        """One element of a block, whose kind shows in its names."""
        if f"{key}.in_layers.0.weight" in s:
            h = conv(s, f"{key}.in_layers.2", F.silu(norm(s, f"{key}.in_layers.0", x, 1e-5)))
            shift = F.linear(F.silu(time), s[f"{key}.emb_layers.1.weight"], s[f"{key}.emb_layers.1.bias"])
            h = F.silu(norm(s, f"{key}.out_layers.0", h + shift[:, :, None, None], 1e-5))
            skip = conv(s, f"{key}.skip_connection", x) if f"{key}.skip_connection.weight" in s else x
            return skip + conv(s, f"{key}.out_layers.3", h)
        if f"{key}.qkv.weight" in s:
            b, c, height, w = x.shape
            h = norm(s, f"{key}.norm", x, 1e-5).reshape(b, c, -1)
            h = F.conv1d(h, s[f"{key}.qkv.weight"], s[f"{key}.qkv.bias"])
            q, k, v = h.reshape(b * c // 32, 96, -1).split(32, dim=1)
            weights = (q.transpose(1, 2) @ k / math.sqrt(32)).softmax(dim=-1)
            h = (v @ weights.transpose(1, 2)).reshape(b, c, -1)
            h = F.conv1d(h, s[f"{key}.proj_out.weight"], s[f"{key}.proj_out.bias"])
            return x + h.reshape(b, c, height, w)
        if f"{key}.op.weight" in s:
            return conv(s, f"{key}.op", x, stride=2)
        if f"{key}.conv.weight" in s:
            return conv(s, f"{key}.conv", F.interpolate(x, scale_factor=2))
        return conv(s, key, x)

    def block(stem: str, x: Tensor) -> Tensor:
        for i in range(3):
            if any(key.startswith(f"{stem}.{i}.") for key in s):
                x = apply(f"{stem}.{i}", x)
        return x

    def count(stem: str) -> int:
        return 1 + max(int(key.split(".")[1]) for key in s if key.startswith(stem))

    kept = []
    for n in range(count("input_blocks")):
        x = block(f"input_blocks.{n}", x)
        kept.append(x)
    x = block("middle_block", x)
    for n in range(count("output_blocks")):
        x = block(f"output_blocks.{n}", torch.cat([x, kept.pop()], dim=1))
    return conv(s, "out.2", F.silu(norm(s, "out.0", x, 1e-5)))


def first_stage_forward(s: State, x: Tensor) -> Tensor:
    """Encoded, quantised and decoded."""

    def residual(key: str, x: Tensor) -> Tensor:
        h = conv(s, f"{key}.conv1", F.silu(norm(s, f"{key}.norm1", x, 1e-6)))
        h = conv(s, f"{key}.conv2", F.silu(norm(s, f"{key}.norm2", h, 1e-6)))
        return h + (conv(s, f"{key}.nin_shortcut", x) if f"{key}.nin_shortcut.weight" in s else x)

    def middle(side: str, x: Tensor) -> Tensor:
        x = residual(f"{side}.mid.block_1", x)
        h = norm(s, f"{side}.mid.attn_1.norm", x, 1e-6)
        q, k, v = (conv(s, f"{side}.mid.attn_1.{name}", h).flatten(2) for name in "qkv")
        weights = (q.transpose(1, 2) @ k / math.sqrt(x.shape[1])).softmax(dim=-1)
        x = x + conv(s, f"{side}.mid.attn_1.proj_out", (v @ weights.transpose(1, 2)).view_as(x))
        return residual(f"{side}.mid.block_2", x)

    def blocks(stem: str, x: Tensor) -> Tensor:
        i = 0
        while f"{stem}.block.{i}.norm1.weight" in s:
            x = residual(f"{stem}.block.{i}", x)
            i += 1
        return x

    levels = range(3)
    x = conv(s, "encoder.conv_in", x)
    for level in levels:
        x = blocks(f"encoder.down.{level}", x)
        if level < 2:
            x = conv(s, f"encoder.down.{level}.downsample.conv", F.pad(x, (0, 1, 0, 1)), stride=2, padding=0)
    x = conv(s, "encoder.conv_out", F.silu(norm(s, "encoder.norm_out", middle("encoder", x), 1e-6)))
    x = conv(s, "quant_conv", x).movedim(1, -1)
    codes = s["quantize.embedding.weight"]
    x = codes[(x[..., None, :] - codes).pow(2).sum(-1).argmin(-1)].movedim(-1, 1)
    x = middle("decoder", conv(s, "decoder.conv_in", conv(s, "post_quant_conv", x)))
    for level in reversed(levels):
        x = blocks(f"decoder.up.{level}", x)
        if level:
            x = conv(s, f"decoder.up.{level}.upsample.conv", F.interpolate(x, scale_factor=2))
    return conv(s, "decoder.conv_out", F.silu(norm(s, "decoder.norm_out", x, 1e-6)))


@pytest.mark.parametrize(
    "size",
    [
        {"width": 32, "multipliers": [1, 3, 2], "attention_factors": [1, 4], "layers_per_block": 2},
        {"width": 64, "multipliers": [1, 3, 1, 2], "attention_factors": [2, 4, 8], "layers_per_block": 1},
        {"width": 32, "multipliers": [1, 2], "attention_factors": [], "layers_per_block": 3},
    ],
)
def test_loaded_networks_equal_a_forward_pass_from_the_key_names(tmp_path: Path, size: dict):
    generator = torch.Generator().manual_seed(0)
    vq = build_vq(channels=[32, 64, 32], layers_per_block=1, codes=16, latent_channels=5, code_dim=4)
    unet = build_unet(**size)
    for module in (vq, unet):
        filled(module, 1)
        for parameter in module.parameters():  # of a size that keeps the numbers near one
            parameter.data.mul_(parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.5)
    torch.save(latent_diffusion(vq, unet), tmp_path / "model.ckpt")
    init = load_init(tmp_path / "model.ckpt")
    assert init.vq is not None
    assert init.ldm is not None

    noisy, condition = torch.randn(2, 2, 3, 16, 16, generator=generator)
    t, slices = torch.tensor([20, 700]), torch.rand(2, 3, 32, 24, generator=generator)
    with torch.no_grad():
        expected = unet_forward(in_their_layout(unet), torch.cat([noisy, condition], dim=1), t)
        assert relative_error(init.ldm.build()(noisy, t, condition), expected) < 1e-5
        stage = init.vq.build()
        expected = first_stage_forward(in_their_layout(vq), slices * 2 - 1)
        assert relative_error(stage.decode_rgb(stage.encode(slices)), expected) < 1e-5


def relative_error(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())
