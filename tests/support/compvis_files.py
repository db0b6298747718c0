"""Makes checkpoints in the layout of the original code from our networks; the tests read these checkpoints."""

import collections

import torch
from torch import Tensor, nn

from models.checkpoints.compvis_names import first_stage_names, unet_names
from models.first_stage import FirstStage
from models.schedule import Schedule
from models.unet import Denoiser


def in_their_layout(module: FirstStage | Denoiser) -> dict[str, Tensor]:
    """Our weights under CompVis' names, queries, keys and values joined head by head."""
    names = first_stage_names(module.size) if isinstance(module, FirstStage) else unet_names(module.size)
    theirs: dict[str, Tensor] = {}
    thirds: dict[str, list[Tensor]] = collections.defaultdict(list)
    for key, value in module.state_dict().items():
        where, leaf = key.split(".", 1)[1].rsplit(".", 1)
        name, third = names[where]
        if third is not None:
            thirds[f"{name}.{leaf}"].append(value.unflatten(0, (-1, module.size["head_channels"])))
        else:
            is_matrix = value.ndim == 2 and ("attn" in name or "proj_out" in name)
            ones = (1, 1) if isinstance(module, FirstStage) else (1,)
            theirs[f"{name}.{leaf}"] = value.reshape(*value.shape, *ones) if is_matrix else value
    for name, values in thirds.items():
        joint = torch.stack(values, dim=1).flatten(0, 2)
        theirs[name] = joint[:, :, None] if joint.ndim == 2 else joint
    return theirs


def filled(module: nn.Module, seed: int) -> nn.Module:
    """The module with new random weights, so that no weight is right by accident."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data.normal_(generator=generator)
    return module


def latent_diffusion(vq: FirstStage, unet: Denoiser, ema: Denoiser | None = None) -> dict:
    """The content of a checkpoint file of the original code."""
    schedule = Schedule()
    state = {f"model.diffusion_model.{key}": value for key, value in in_their_layout(unet).items()}
    state |= {f"first_stage_model.{key}": value for key, value in in_their_layout(vq).items()}
    state |= {"betas": schedule.betas().float(), "alphas_cumprod": schedule.alphas_bar()}
    state |= {"sqrt_alphas_cumprod": schedule.alphas_bar().sqrt(), "first_stage_model.loss.logvar": torch.zeros(())}
    if ema is not None:
        averaged = {f"diffusion_model.{key}": value for key, value in in_their_layout(ema).items()}
        state |= {f"model_ema.{key.replace('.', '')}": value for key, value in averaged.items()}
        state |= {"model_ema.decay": torch.tensor(0.9999), "model_ema.num_updates": torch.tensor(7)}
    return {"state_dict": state, "global_step": 70, "epoch": 1}
