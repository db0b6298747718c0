"""Checkpoints in the layout of CompVis/latent-diffusion, the original code of Rombach et al. 2022.

A latent diffusion file holds `model.diffusion_model.*` (U-Net), `model_ema.*` (its average; dots removed
from the names), `first_stage_model.*` (VQ) and schedule buffers. A first-stage file holds the VQ at top
level and its `loss.*`.
"""

import pickle
import re
import zipfile
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from models.checkpoints.compvis_names import Names, first_stage_names, unet_names
from models.checkpoints.parts import INNER, Init, Part, complain, complete, fit, skeleton
from models.schedule import Schedule
from models.wrong_file import refuse_wrong_file

UNET, FIRST_STAGE, EMA = "model.diffusion_model.", "first_stage_model.", "model_ema."
VQ_PARTS = ("encoder.", "decoder.", "quantize.", "quant_conv.", "post_quant_conv.")
LOSS = ("loss.", "first_stage_model.loss.")
EMA_COUNTERS = {"model_ema.decay", "model_ema.num_updates"}
SHARED = 4
"""Times the size of a file that its tensors may have: some share what is stored once."""
# Follow from the betas, which are checked.
DERIVED = {
    "alphas_cumprod_prev",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "log_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
    "posterior_variance",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
    "lvlb_weights",
    "logvar",
}


class Leftover:
    """Replaces Lightning's callback class, a key in the training state that published files still hold.

    `weights_only` loading refuses unknown names. This name is resolved to an empty class of this project, so that no
    code of Lightning is imported or run.
    """


LEFTOVERS: list = [(Leftover, "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint")]


def load(path: Path, head_channels: int = 32) -> Init:
    """The networks in a CompVis file; see `models.checkpoints.load_init`."""
    tensors, step = read(path)
    ignored = sorted(key for key in tensors if key.startswith(LOSS) or key in DERIVED | EMA_COUNTERS)
    known = {key: tensor for key, tensor in tensors.items() if key not in ignored}
    unet, vq, ema = (take(known, prefix) for prefix in (UNET, FIRST_STAGE, EMA))
    schedule, scale = schedule_of(path, known), float(known.pop("scale_factor", torch.tensor(1.0)))
    bare = {key: known.pop(key) for key in list(known) if key.startswith(VQ_PARTS)}
    if bare and (unet or vq):
        complain(path, "keys of a first stage next to those of a latent diffusion", bare)
    complain(path, "unknown keys", known)
    if not (unet or vq or bare):
        raise ValueError(f"{path}: holds neither {UNET}* nor {FIRST_STAGE}* nor a first stage's encoder.*")

    if not (unet or bare):
        complain(path, "averages of no network", (EMA + key for key in ema))
    ldm_part = network_of(path, "ldm", unet, UNET, ema, head_channels) if unet else None
    prefix, stage, stage_ema = (FIRST_STAGE, vq, {}) if vq else ("", bare, ema)
    vq_part = network_of(path, "vq", stage, prefix, stage_ema) if stage else None
    return Init(path, "compvis", vq_part, ldm_part, scale, schedule, bool(ema), step, ignored)


def read(path: Path) -> tuple[dict[str, Tensor], int | None]:
    """The file's tensors by name and its number of training steps. ValueError if it holds anything else."""
    refuse_wrong_file(path)
    try:
        if path.suffix == ".safetensors":
            content = safetensors.torch.load_file(path)
        else:
            _refuse_bomb(path)
            with torch.serialization.safe_globals(LEFTOVERS):
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        name = re.search(r"GLOBAL (\S+)", str(error))
        why = f"it refers to {name[1]}" if name else str(error).splitlines()[0]
        raise ValueError(f"{path}: refused, not a file of plain tensors: {why}") from None
    except (RuntimeError, EOFError, safetensors.SafetensorError) as error:
        raise ValueError(f"{path}: cannot be read as a checkpoint: {str(error).splitlines()[0]}") from None
    step = content.get("global_step") if isinstance(content, dict) else None
    tensors = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(tensors, dict):
        raise ValueError(f"{path}: holds a {type(tensors).__name__}, not tensors by name")
    complain(path, "not tensors", (str(key) for key, value in tensors.items() if not isinstance(value, Tensor)))
    if sum(tensor.nbytes for tensor in tensors.values()) > SHARED * path.stat().st_size:
        raise ValueError(f"{path}: its tensors claim to be larger than the file; download it again")
    return dict(tensors), step if isinstance(step, int) else None


def _refuse_bomb(path: Path) -> None:
    """ValueError for a zip archive, as PyTorch writes them (uncompressed), of more than it can hold."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > SHARED * path.stat().st_size:
                raise ValueError(f"{path}: holds more than its size; download it again")


def take(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Removes the tensors whose names begin with `prefix`; returns them by the rest of their names."""
    return {key[len(prefix) :]: tensors.pop(key) for key in list(tensors) if key.startswith(prefix)}


def network_of(
    path: Path, network: str, raw: dict[str, Tensor], prefix: str, ema: dict[str, Tensor], head_channels: int = 32
) -> Part:
    """One network from its tensors, named without `prefix`; the averaged tensors are used if there are any."""
    if network == "ldm":
        size = unet_size(path, raw, head_channels)
        names = unet_names(size)
    else:
        size = first_stage_size(path, raw, prefix)
        names = first_stage_names(size)
    state = convert(path, network, size, raw, names, prefix)
    if ema:
        state = convert(path, network, size, averaged(path, raw, ema, prefix), names, prefix)
    return Part(network, path, size, state)


def averaged(path: Path, raw: dict[str, Tensor], ema: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """`raw`'s names with the averaged tensors. An averaged tensor's name is `prefix` and the raw name, without dots."""
    outer = prefix.removeprefix("model.")
    names = {(outer + key).replace(".", ""): key for key in raw}
    weights = {key for key in ema if not key.startswith("loss")}
    complain(path, "missing keys", (EMA + key for key in names.keys() - weights))
    complain(path, "unknown keys", (EMA + key for key in weights - names.keys()))
    return {key: ema[short] for short, key in names.items()}


def convert(
    path: Path, network: str, size: dict, tensors: dict[str, Tensor], names: Names, prefix: str
) -> dict[str, Tensor]:
    """The tensors under our names. Every tensor must be known, present and of the right shape."""
    sources = {}
    for ours, like in skeleton(network, size).state_dict().items():
        where, leaf = ours.removeprefix(INNER[network] + ".").rsplit(".", 1)
        theirs, third = names[where]
        sources[ours] = (f"{theirs}.{leaf}", third, like)
    expected = {theirs for theirs, _, _ in sources.values()}
    complain(path, "missing keys", (prefix + key for key in expected - tensors.keys()))
    complain(path, "unknown keys", (prefix + key for key in tensors.keys() - expected))
    state = {}
    for ours, (theirs, third, like) in sources.items():
        tensor = tensors[theirs]
        if third is not None:
            tensor = third_of(path, prefix + theirs, tensor, third, size["head_channels"])
        state[ours] = fit(path, prefix + theirs, tensor, like)
    return state


def third_of(path: Path, key: str, joint: Tensor, third: int, head_channels: int) -> Tensor:
    """Queries (0), keys (1) or values (2) out of a joint tensor: q, k, v of head 1, then of head 2 …"""
    if joint.shape[0] % (3 * head_channels):
        raise ValueError(f"{path}: {key} has {joint.shape[0]} rows, no multiple of 3 × {head_channels} channels a head")
    return joint.unflatten(0, (-1, 3, head_channels))[:, third].flatten(0, 1)


def need(path: Path, tensors: dict[str, Tensor], key: str, prefix: str) -> Tensor:
    """The tensor, or a ValueError that names it in full."""
    if key not in tensors:
        complain(path, "missing keys", [prefix + key])
    return tensors[key]


def indexed(tensors: dict[str, Tensor], stem: str) -> int:
    """The number of consecutive names `{stem}{i}.`, counted from 0."""
    numbers = {int(match[1]) for key in tensors if (match := re.match(re.escape(stem) + r"(\d+)\.", key))}
    return max(numbers, default=-1) + 1


def unet_size(path: Path, tensors: dict[str, Tensor], head_channels: int) -> dict:
    """The U-Net's size from the shapes of its tensors."""

    def shape(key: str) -> torch.Size:
        return need(path, tensors, key, UNET).shape

    width, in_channels = shape("input_blocks.0.0.weight")[:2]
    levels: list[list[tuple[int, bool]]] = [[]]
    for n in range(1, indexed(tensors, "input_blocks.")):
        if any(key.startswith(f"input_blocks.{n}.0.op.") for key in tensors):
            levels.append([])
            continue
        attends = any(key.startswith(f"input_blocks.{n}.1.") for key in tensors)
        levels[-1].append((shape(f"input_blocks.{n}.0.out_layers.3.weight")[0], attends))
    for level, blocks in enumerate(levels):
        if len(set(blocks)) != 1 or len(blocks) != len(levels[0]) or blocks[0][0] % width:
            raise ValueError(
                f"{path}: {UNET}input_blocks: level {level} has uneven blocks (channels, attention): {blocks}"
            )
    return complete(
        path,
        "ldm",
        {
            "in_channels": in_channels,
            "out_channels": shape("out.2.weight")[0],
            "width": width,
            "multipliers": [blocks[0][0] // width for blocks in levels],
            "layers_per_block": len(levels[0]),
            "attention_factors": [2**level for level, blocks in enumerate(levels) if blocks[0][1]],
            "head_channels": head_channels,
        },
    )


def first_stage_size(path: Path, tensors: dict[str, Tensor], prefix: str) -> dict:
    """The first stage's size from the shapes of its tensors."""

    def shape(key: str) -> torch.Size:
        return need(path, tensors, key, prefix).shape

    levels = range(indexed(tensors, "encoder.down."))
    codes, code_dim = shape("quantize.embedding.weight")
    return complete(
        path,
        "vq",
        {
            "in_channels": shape("encoder.conv_in.weight")[1],
            "channels": [shape(f"encoder.down.{level}.block.0.conv1.weight")[0] for level in levels],
            "layers_per_block": indexed(tensors, "encoder.down.0.block."),
            "latent_channels": shape("encoder.conv_out.weight")[0],
            "codes": codes,
            "code_dim": code_dim,
            "mid_attention": any(key.startswith("encoder.mid.attn_1.") for key in tensors),
        },
    )


def schedule_of(path: Path, tensors: dict[str, Tensor]) -> Schedule:
    """The schedule of the file's `betas` and `alphas_cumprod` (removed); the article's schedule if the file has
    none."""
    betas, alphas_bar = tensors.pop("betas", None), tensors.pop("alphas_cumprod", None)
    if betas is None:
        schedule = Schedule()
    else:
        schedule = Schedule(round(float(betas[0]), 8), round(float(betas[-1]), 8), len(betas))
    for key, stored, expected in (
        ("betas", betas, schedule.betas().float()),
        ("alphas_cumprod", alphas_bar, schedule.alphas_bar()),
    ):
        if stored is not None and (
            stored.shape != expected.shape or not torch.allclose(stored.float(), expected, rtol=1e-3, atol=1e-7)
        ):
            ends = f"{schedule.beta_start} to {schedule.beta_end}"
            raise ValueError(f"{path}: {key} is not a schedule linear in √β from {ends}")
    return schedule
