"""Checkpoints of other projects, compared with outputs of the original code and with copies made by the tests."""

import json
import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from compvis_files import filled, in_their_layout, latent_diffusion
from safetensors.torch import save_file
from torch import Tensor, nn

from models.checkpoints import load_init
from models.checkpoints.compvis import UNET, Leftover
from models.first_stage import FirstStage, build_vq
from models.sampling import sample
from models.schedule import Schedule
from models.unet import Denoiser, build_unet

ORACLE = Path(__file__).resolve().parents[3] / "shared" / "oracle"
VQ_SIZE = {"channels": [32, 64, 64], "layers_per_block": 2, "codes": 16, "code_dim": 4, "latent_channels": 5}
UNET_SIZE = {"width": 32, "multipliers": [1, 3, 2], "attention_factors": [1, 4]}


@pytest.fixture(scope="module")
def vq() -> FirstStage:
    return filled(build_vq(**VQ_SIZE), 1)


@pytest.fixture(scope="module")
def unet() -> Denoiser:
    return filled(build_unet(**UNET_SIZE), 2)


def has_the_weights_of(state: dict[str, Tensor], module: nn.Module) -> bool:
    theirs = module.state_dict()
    return state.keys() == theirs.keys() and all(torch.equal(state[key], theirs[key]) for key in state)


@pytest.mark.skipif(not ORACLE.exists(), reason="shared/oracle (outputs of the original code) is not here")
def test_outputs_equal_those_of_the_original_code():
    init = load_init(ORACLE / "model.ckpt")
    assert init.ema
    assert init.step == 10
    assert init.schedule == Schedule()
    vq, unet = init.vq.build(), init.ldm.build()
    reference = {key: torch.from_numpy(value) for key, value in np.load(ORACLE / "reference.npz").items()}
    start, condition, steps = reference["x_T"], reference["cond"], int(reference["steps"])
    with torch.no_grad():
        found = {
            "eps": unet(start, reference["t"], condition),
            "latent": vq.encode((reference["image"] + 1) / 2),
        }
        found["decoded"] = vq.decode_rgb(found["latent"])
        for name, sampler in (("ddim_eta0", "ddim"), ("plms", "plms")):
            found[name] = sample(unet, condition, seeds=[0, 0], sampler=sampler, steps=steps, start=start)
        found["sr_ddim"] = vq.decode_rgb(found["ddim_eta0"])
    errors = {key: float((found[key] - reference[key]).norm() / reference[key].norm()) for key in found}
    assert max(errors.values()) < 1e-5, errors


def test_latent_diffusion_file_loads_bit_for_bit(tmp_path: Path, vq: FirstStage, unet: Denoiser):
    torch.save(latent_diffusion(vq, unet), tmp_path / "model.ckpt")
    init = load_init(tmp_path / "model.ckpt")
    assert has_the_weights_of(init.vq.state_dict, vq)
    assert has_the_weights_of(init.ldm.state_dict, unet)
    assert (init.vq.size, init.ldm.size) == (vq.size, unet.size)
    assert init.ignored == ["first_stage_model.loss.logvar", "sqrt_alphas_cumprod"]
    assert (init.layout, init.ema, init.step, init.scale) == ("compvis", False, 70, 1.0)
    assert not init.ldm.build().training


def test_averaged_weights_are_loaded_where_present(tmp_path: Path, vq: FirstStage, unet: Denoiser):
    average = filled(build_unet(**UNET_SIZE), 3)
    torch.save(latent_diffusion(vq, unet, average), tmp_path / "model.ckpt")
    init = load_init(tmp_path / "model.ckpt")
    assert init.ema
    assert has_the_weights_of(init.ldm.state_dict, average)


@pytest.mark.parametrize("mid_attention", [True, False])
def test_first_stage_file_loads_without_its_losses_and_with_its_average(tmp_path: Path, mid_attention: bool):
    raw = filled(build_vq(**VQ_SIZE, mid_attention=mid_attention), 4)
    average = filled(build_vq(**VQ_SIZE, mid_attention=mid_attention), 5)
    state = in_their_layout(raw) | {"loss.discriminator.main.0.weight": torch.zeros(3)}
    save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "vq.safetensors")
    init = load_init(tmp_path / "vq.safetensors")
    assert init.ldm is None
    assert has_the_weights_of(init.vq.state_dict, raw)
    assert init.ignored == ["loss.discriminator.main.0.weight"]

    state |= {f"model_ema.{key.replace('.', '')}": value for key, value in in_their_layout(average).items()}
    state |= {"model_ema.lossdiscriminatormain0weight": torch.zeros(3), "model_ema.decay": torch.tensor(0.9)}
    torch.save({"state_dict": state}, tmp_path / "vq.ckpt")
    init = load_init(tmp_path / "vq.ckpt")
    assert init.ema
    assert has_the_weights_of(init.vq.state_dict, average)


def test_half_precision_weights_load_as_float32_and_the_latent_scale_is_read(
    tmp_path: Path, vq: FirstStage, unet: Denoiser
):
    content = latent_diffusion(vq, unet)
    content["state_dict"] = {
        key: value.half() if "model." in key else value for key, value in content["state_dict"].items()
    }
    content["state_dict"]["scale_factor"] = torch.tensor(0.25)
    torch.save(content, tmp_path / "model.ckpt")
    init = load_init(tmp_path / "model.ckpt")
    assert init.scale == 0.25
    assert {value.dtype for value in init.ldm.state_dict.values()} == {torch.float32}
    torch.testing.assert_close(init.ldm.state_dict, dict(unet.state_dict()), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model.diffusion_model.out.0.bias": None}, r"missing keys: model\.diffusion_model\.out\.0\.bias$"),
        ({"model.diffusion_model.input_blocks.1.1.qkv.weight": None}, r"missing keys: .*\.1\.1\.qkv\.weight$"),
        ({"model.diffusion_model.time_embed.0.weight": None}, r"missing keys: .*time_embed\.0\.weight$"),
        ({"model.diffusion_model.label_emb.weight": torch.zeros(1)}, r"unknown keys: .*label_emb\.weight$"),
        ({"first_stage_model.quantize.embedding.weight": None}, r"missing keys: first_stage_model\.quantize"),
        ({"first_stage_model.decoder.up.2.attn.0.q.bias": torch.zeros(1)}, r"unknown keys: .*up\.2\.attn\.0\.q\.bias"),
        ({"model_ema.diffusion_modelout0bias": None}, r"missing keys: model_ema\.diffusion_modelout0bias$"),
        ({"model_ema.extra": torch.zeros(1)}, r"unknown keys: model_ema\.extra$"),
        ({"cond_stage_model.weight": torch.zeros(1)}, r"unknown keys: cond_stage_model\.weight$"),
        ({"encoder.conv_in.weight": torch.zeros(1)}, r"first stage next to .*: encoder\.conv_in\.weight$"),
        ({"model.diffusion_model.out.0.bias": torch.zeros(7)}, r"out\.0\.bias has shape \(7,\), expected \(32,\)"),
        ({"betas": torch.linspace(0.0015, 0.0155, 1000)}, r"betas is not a schedule linear in √β"),
        ({"first_stage_model.encoder.conv_in.bias": "text"}, r"not tensors: first_stage_model\.encoder"),
    ],
)
def test_missing_unknown_or_misshapen_keys_are_refused_by_name(
    tmp_path: Path, vq: FirstStage, unet: Denoiser, change: dict, message: str
):
    content = latent_diffusion(vq, unet, unet)
    for key, value in change.items():
        if value is None:
            del content["state_dict"][key]
        else:
            content["state_dict"][key] = value
    torch.save(content, tmp_path / "model.ckpt")
    with pytest.raises(ValueError, match=message) as caught:
        load_init(tmp_path / "model.ckpt")
    assert str(caught.value).startswith(f"{tmp_path / 'model.ckpt'}: ")
    assert "\n" not in str(caught.value)


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


def test_files_other_than_plain_tensors_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vq: FirstStage, unet: Denoiser
):
    monkeypatch.chdir(tmp_path)
    content = latent_diffusion(vq, unet) | {"callbacks": Malicious()}
    torch.save(content, tmp_path / "model.ckpt")
    with pytest.raises(ValueError, match=r"model\.ckpt: refused, not a file of plain tensors: .*mkdir"):
        load_init(tmp_path / "model.ckpt")
    assert not Path("made-by-a-pickle").exists()
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    with pytest.raises(ValueError, match=r"text\.ckpt: "):
        load_init(tmp_path / "text.ckpt")
    with pytest.raises(ValueError, match="does not exist"):
        load_init(tmp_path / "none.ckpt")
    torch.save(
        {key: value for key, value in latent_diffusion(vq, unet, unet)["state_dict"].items() if UNET not in key},
        tmp_path / "ema.ckpt",
    )
    with pytest.raises(ValueError, match=r"averages of no network: model_ema\.diffusion_modelinput"):
        load_init(tmp_path / "ema.ckpt")
    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.ckpt")
    with pytest.raises(ValueError, match="unknown keys: weight"):
        load_init(tmp_path / "other.ckpt")


def test_lightning_classes_in_a_checkpoint_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vq: FirstStage, unet: Denoiser
):
    """The public 4× file has Lightning's class ModelCheckpoint as a key of its "callbacks"."""
    name = "pytorch_lightning.callbacks.model_checkpoint"
    module = types.ModuleType(name)
    module.ModelCheckpoint = type("ModelCheckpoint", (), {"__module__": name})
    with monkeypatch.context() as patch:
        for package in ("pytorch_lightning", "pytorch_lightning.callbacks"):
            patch.setitem(sys.modules, package, types.ModuleType(package))
        patch.setitem(sys.modules, name, module)
        content = latent_diffusion(vq, unet) | {"callbacks": {module.ModelCheckpoint: {"best": torch.tensor(1.0)}}}
        torch.save(content, tmp_path / "model.ckpt")
    assert has_the_weights_of(load_init(tmp_path / "model.ckpt").ldm.state_dict, unet)
    assert not vars(Leftover).keys() - {"__module__", "__doc__", "__dict__", "__weakref__", "__firstlineno__"}


def diffusers_folder(folder: Path, vq: FirstStage, unet: Denoiser, safe: bool = True, old: bool = False) -> Path:
    """The networks as diffusers saves them; `old`: with the attention names of the published folder."""
    for name, model in (("vqvae", vq.vq), ("unet", unet.unet)):
        model.save_pretrained(folder / name, safe_serialization=safe)
        if old:
            pairs = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
            state = model.state_dict()
            for new, before in pairs.items():
                state = {key.replace(f".{new}.", f".{before}."): value for key, value in state.items()}
            (folder / name / "diffusion_pytorch_model.safetensors").unlink(missing_ok=True)
            torch.save(state, folder / name / "diffusion_pytorch_model.bin")
    (folder / "scheduler").mkdir()
    options = {"beta_start": 0.0015, "beta_end": 0.0155, "beta_schedule": "scaled_linear", "_class_name": "DDIM"}
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(options))
    return folder


@pytest.mark.parametrize("kind", ["safetensors", "bin", "old"])
def test_diffusers_folder_loads_bit_for_bit(tmp_path: Path, vq: FirstStage, unet: Denoiser, kind: str):
    folder = diffusers_folder(tmp_path / "sr", vq, unet, kind == "safetensors", kind == "old")
    init = load_init(folder)
    assert has_the_weights_of(init.vq.state_dict, vq)
    assert has_the_weights_of(init.ldm.state_dict, unet)
    assert (init.vq.size, init.ldm.size) == (vq.size, unet.size)
    assert (init.layout, init.schedule) == ("diffusers", Schedule())


def test_published_diffusers_configuration_is_accepted_as_the_articles_network(tmp_path: Path):
    """unet/config.json of CompVis/ldm-super-resolution-4x-openimages, which leaves later options out."""
    published = {
        "_class_name": "UNet2DModel",
        "_diffusers_version": "0.8.0.dev0",
        "act_fn": "silu",
        "attention_head_dim": 32,
        "block_out_channels": [160, 320, 320, 640],
        "center_input_sample": False,
        "down_block_types": ["DownBlock2D", "DownBlock2D", "DownBlock2D", "AttnDownBlock2D"],
        "downsample_padding": 1,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "in_channels": 6,
        "layers_per_block": 2,
        "mid_block_scale_factor": 1,
        "norm_eps": 1e-05,
        "norm_num_groups": 32,
        "out_channels": 3,
        "sample_size": 64,
        "time_embedding_type": "positional",
        "up_block_types": ["AttnUpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"],
    }
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text(json.dumps(published))
    save_file({"conv_in.bias": torch.zeros(160)}, tmp_path / "unet" / "diffusion_pytorch_model.safetensors")
    with torch.device("meta"):
        expected = len(build_unet().state_dict())
    # The options are accepted: what is wrong with this folder is only that all weights but one are missing.
    with pytest.raises(ValueError, match=f"missing keys: .* and {expected - 1 - 5} more"):
        load_init(tmp_path)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("unet", {"norm_eps": 1e-6}, "option norm_eps is 1e-06, this project's network has 1e-05"),
        ("unet", {"freq_shift": 1}, "option freq_shift is 1"),
        ("unet", {"resnet_time_scale_shift": "scale_shift"}, "option resnet_time_scale_shift is 'scale_shift'"),
        ("unet", {"cross_attention_dim": 8}, "option cross_attention_dim is not known"),
        ("unet", {"_class_name": "UNet2DConditionModel"}, "expected UNet2DModel"),
        ("vqvae", {"layers_per_block": 3}, "missing keys"),
        ("vqvae", {"norm_type": "spatial"}, "option norm_type is 'spatial'"),
    ],
)
def test_diffusers_folders_with_other_options_are_refused(
    tmp_path: Path, vq: FirstStage, unet: Denoiser, part: str, change: dict, message: str
):
    folder = diffusers_folder(tmp_path / "sr", vq, unet)
    file = folder / part / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ValueError, match=message):
        load_init(folder)


def test_incomplete_diffusers_folders_are_refused(tmp_path: Path, vq: FirstStage, unet: Denoiser):
    folder = diffusers_folder(tmp_path / "sr", vq, unet, safe=False)
    schedule = folder / "scheduler" / "scheduler_config.json"
    schedule.write_text('{"beta_schedule": "linear"}')
    with pytest.raises(ValueError, match=r"scheduler_config\.json: beta_schedule is 'linear'"):
        load_init(folder)
    schedule.unlink()
    weights = folder / "unet" / "diffusion_pytorch_model.bin"
    torch.save({key: value for key, value in unet.unet.state_dict().items() if "conv_in.bias" not in key}, weights)
    with pytest.raises(ValueError, match=r"missing keys: conv_in\.bias"):
        load_init(folder)
    weights.unlink()
    with pytest.raises(ValueError, match="has no weights"):
        load_init(folder)
    with pytest.raises(ValueError, match="neither unet"):
        load_init(tmp_path)


def test_size_that_differs_from_the_configuration_is_refused_by_key(tmp_path: Path, vq: FirstStage, unet: Denoiser):
    torch.save(latent_diffusion(vq, unet), tmp_path / "model.ckpt")
    init = load_init(tmp_path / "model.ckpt")
    init.ldm.require(UNET_SIZE | {"sample_size": 16, "attention_factors": [1, 4, 16]})
    with pytest.raises(ValueError, match=r"its ldm has width 32 \(config: 64\); set networks\.ldm\.size"):
        init.ldm.require(UNET_SIZE | {"width": 64})
    with pytest.raises(ValueError, match=r"its vq has codes 16 \(config: 8192\)"):
        init.vq.require({key: value for key, value in VQ_SIZE.items() if key != "codes"})


@pytest.mark.slow
def test_checkpoint_of_the_papers_size_loads_bit_for_bit(tmp_path: Path):
    vq, unet = build_vq(), build_unet()
    torch.save(latent_diffusion(vq, unet, unet), tmp_path / "model.ckpt")
    init = load_init(tmp_path / "model.ckpt")
    assert (init.vq.size, init.ldm.size) == (vq.size, unet.size)
    assert has_the_weights_of(init.vq.state_dict, vq)
    assert has_the_weights_of(init.ldm.state_dict, unet)
