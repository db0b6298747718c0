"""Trainings start from public weights of the same size, whatever the width of an attention head."""

from pathlib import Path

import pytest
import torch
from compvis_files import filled, latent_diffusion

from models import weights
from models.first_stage import build_vq
from models.initialise import initialise
from models.unet import build_unet

VQ = {"channels": [32, 32, 32], "layers_per_block": 1, "codes": 32}


@pytest.mark.parametrize("head_channels", [8, 32])
def test_first_stage_and_diffusion_are_initialised_from_one_file(tmp_path: Path, head_channels: int) -> None:
    size = {"width": 32, "multipliers": [1, 2], "layers_per_block": 1, "attention_factors": [2]}
    size |= {"head_channels": head_channels}
    vq, unet = filled(build_vq(**VQ), 1), filled(build_unet(**size), 2)
    torch.save(latent_diffusion(vq, unet), tmp_path / "sr.ckpt")
    stage, diffusion = weights.network("vq", VQ), weights.network("ldm", size)
    assert "starts from" in initialise(stage, "vq", tmp_path / "sr.ckpt")
    initialise(diffusion, "ldm", tmp_path / "sr.ckpt")
    for ours, theirs in ((stage, vq), (diffusion.unet, unet)):
        for key, tensor in theirs.state_dict().items():
            assert torch.equal(ours.state_dict()[key], tensor), key


def test_own_file_of_another_size_or_network_is_refused_by_name(tmp_path: Path) -> None:
    path, size = tmp_path / "own.safetensors", {"blocks": 1, "width": 8}
    own = weights.network("wdsr", size)
    weights.save(path, own, {"network": "narrow", "class": "wdsr", "size": size})
    started = weights.network("wdsr", size)
    assert initialise(started, "wdsr", path) == f"wdsr starts from {path}"
    assert all(torch.equal(a, b) for a, b in zip(started.parameters(), own.parameters(), strict=True))
    with pytest.raises(
        ValueError, match=r"own\.safetensors: its wdsr has another size.*'width': 8.*networks\.wdsr\.size"
    ):
        initialise(weights.network("wdsr", {"blocks": 1, "width": 12}), "wdsr", path)
    with pytest.raises(ValueError, match=r"own\.safetensors: has weights for network wdsr, not for network srgan"):
        initialise(weights.network("srgan", {"blocks": 1, "width": 8}), "srgan", path)


def test_file_of_another_size_or_without_the_network_is_refused_by_name(tmp_path: Path) -> None:
    vq, unet = filled(build_vq(**VQ), 1), filled(build_unet(width=32, multipliers=[1], layers_per_block=1), 2)
    torch.save(latent_diffusion(vq, unet), tmp_path / "sr.ckpt")
    with pytest.raises(ValueError, match=r"sr\.ckpt: its vq has .*codes 32 \(config: 16\).*networks\.vq\.size"):
        initialise(weights.network("vq", VQ | {"codes": 16}), "vq", tmp_path / "sr.ckpt")
    with pytest.raises(ValueError, match="without weights for network wdsr"):
        initialise(weights.network("wdsr", {}), "wdsr", tmp_path / "sr.ckpt")


def test_public_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path) -> None:
    vq, unet = filled(build_vq(**VQ), 1), filled(build_unet(width=32, multipliers=[1], layers_per_block=1), 2)
    torch.nn.init.constant_(vq.vq.quant_conv.bias, float("inf"))
    torch.save(latent_diffusion(vq, unet), tmp_path / "sr.ckpt")
    with pytest.raises(
        ValueError, match=r"sr\.ckpt: 3 numbers of vq\.quant_conv\.bias are NaN or infinite; train again"
    ):
        initialise(weights.network("vq", VQ), "vq", tmp_path / "sr.ckpt")
