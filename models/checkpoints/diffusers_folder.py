"""Checkpoints as a folder of diffusers: unet/, vqvae/, scheduler/, each with a JSON of its options.

The layout of CompVis/ldm-super-resolution-4x-openimages. The weights are read directly, not through `from_pretrained`,
which only warns about a missing key and fills it with random numbers.
"""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffusers import UNet2DModel, VQModel
from jsonschema import Draft202012Validator

from models.checkpoints.compvis import read
from models.checkpoints.parts import INNER, Init, Part, complain, complete, fit, skeleton
from models.schedule import Schedule
from models.wrong_file import refuse_wrong_file

WEIGHTS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
LONGEST = 1 << 20  # bytes of a config.json
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Names of attention layers before diffusers 0.13."""
WITHOUT_EFFECT = {"sample_size", "num_train_timesteps", "force_upcast", "scaling_factor"}
"""Options that change nothing in this project. The original's latents are not scaled, whatever VQModel's default is."""


WIDTH = {"type": "integer", "minimum": 1, "maximum": 65536}
LEVELS = {"type": "array", "minItems": 1, "maxItems": 16}
OPTIONAL = {"anyOf": [WIDTH, {"type": "null"}]}
WIDTHS = ("in_channels", "out_channels", "latent_channels", "norm_num_groups", "attention_head_dim")
OPTIONS = {
    **dict.fromkeys(WIDTHS, WIDTH),
    **dict.fromkeys(("sample_size", "vq_embed_dim"), OPTIONAL),
    "layers_per_block": WIDTH | {"maximum": 64},
    "num_vq_embeddings": WIDTH | {"maximum": 1 << 24},
    "block_out_channels": LEVELS | {"items": WIDTH},
    "down_block_types": LEVELS | {"items": {"type": "string"}},
    "mid_block_add_attention": {"type": "boolean"},
}
"""What the options of a config.json that sizes follow from can be."""
SHARE = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
SCHEDULE = {"beta_start": SHARE, "beta_end": SHARE, "num_train_timesteps": WIDTH}


def checked(file: Path, properties: dict[str, Any]) -> dict[str, Any]:
    """The JSON object in a file. ValueError naming the file and the key: it is none, or not as ``properties`` say."""
    refuse_wrong_file(file)
    try:
        with open(file, "rb") as opened:
            content = json.loads(opened.read(LONGEST).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{file}: not JSON ({error})") from error
    validator = Draft202012Validator({"type": "object", "properties": properties})
    wrong = next(iter(validator.iter_errors(content)), None)
    if wrong is not None:
        where = ".".join(map(str, wrong.absolute_path)) or "top level"
        raise ValueError(f"{file}: {where}: {wrong.message[:300]}")
    return content


def load(folder: Path) -> Init:
    """The networks in the folder; see `models.checkpoints.load_init`."""
    vq = part("vq", folder / "vqvae", VQModel, first_stage_size)
    ldm = part("ldm", folder / "unet", UNet2DModel, unet_size)
    if vq is None and ldm is None:
        raise ValueError(f"{folder}: has neither unet/config.json nor vqvae/config.json")
    return Init(folder, "diffusers", vq, ldm, schedule=schedule_of(folder / "scheduler" / "scheduler_config.json"))


def part(network: str, folder: Path, kind: type, size_of: Callable[[Path, dict], dict]) -> Part | None:
    """The network in a folder, or None if there is no such folder."""
    file = folder / "config.json"
    if not file.exists():
        return None
    config = checked(file, OPTIONS)
    if config.get("_class_name") != kind.__name__:
        raise ValueError(f"{file}: _class_name is {config.get('_class_name')}, expected {kind.__name__}")
    weights = next((folder / name for name in WEIGHTS if (folder / name).exists()), None)
    if weights is None:
        raise ValueError(f"{folder}: has no weights; expected {' or '.join(WEIGHTS)}")
    options = defaults(kind) | {key: value for key, value in config.items() if not key.startswith("_")}
    size = complete(file, network, size_of(file, options))
    module = skeleton(network, size)
    inner: Any = module.get_submodule(INNER[network])
    same_options(file, options, inner.config)

    tensors = {modern(key): tensor for key, tensor in read(weights)[0].items()}
    own_state = inner.state_dict()
    complain(weights, "missing keys", own_state.keys() - tensors.keys())
    complain(weights, "unknown keys", tensors.keys() - own_state.keys())
    state = {f"{INNER[network]}.{key}": fit(weights, key, tensors[key], own_state[key]) for key in own_state}
    return Part(network, folder, size, state)


def defaults(kind: type) -> dict[str, Any]:
    """The options of a model's class that a config.json may leave out."""
    parameters = inspect.signature(kind).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


def unet_size(file: Path, options: dict) -> dict:
    channels = options["block_out_channels"]
    if any(width % channels[0] for width in channels):
        raise ValueError(f"{file}: block_out_channels {channels} are not multiples of the first")
    return {
        "sample_size": options["sample_size"] or 64,
        "in_channels": options["in_channels"],
        "out_channels": options["out_channels"],
        "width": channels[0],
        "multipliers": [width // channels[0] for width in channels],
        "layers_per_block": options["layers_per_block"],
        "attention_factors": [2**i for i, kind in enumerate(options["down_block_types"]) if kind.startswith("Attn")],
        "head_channels": options["attention_head_dim"],
        "norm_groups": options["norm_num_groups"],
    }


def first_stage_size(file: Path, options: dict) -> dict:
    return {
        "in_channels": options["in_channels"],
        "channels": options["block_out_channels"],
        "layers_per_block": options["layers_per_block"],
        "latent_channels": options["latent_channels"],
        "codes": options["num_vq_embeddings"],
        "code_dim": options["vq_embed_dim"] or options["latent_channels"],
        "norm_groups": options["norm_num_groups"],
        "mid_attention": options["mid_block_add_attention"],
    }


def same_options(file: Path, theirs: dict, ours: dict) -> None:
    """ValueError for the first option that our network of that size does not share."""
    if theirs.get("vq_embed_dim", 0) is None:  # stands for latent_channels
        theirs = theirs | {"vq_embed_dim": theirs["latent_channels"]}
    for key in sorted(theirs.keys() - WITHOUT_EFFECT):
        if key not in ours:
            raise ValueError(f"{file}: option {key} is not known")
        a, b = (list(value) if isinstance(value, list | tuple) else value for value in (theirs[key], ours[key]))
        if a != b:
            raise ValueError(f"{file}: option {key} is {a!r}, this project's network has {b!r}")


def modern(key: str) -> str:
    """A weight's name in the current version of diffusers."""
    for old, new in OLD_NAMES.items():
        if ".attentions." in key and f".{old}." in key:
            return key.replace(f".{old}.", f".{new}.")
    return key


def schedule_of(file: Path) -> Schedule:
    """The schedule of a scheduler_config.json; the article's schedule if the file is missing."""
    if not file.exists():
        return Schedule()
    options = {"beta_schedule": "linear", "prediction_type": "epsilon", **checked(file, SCHEDULE)}
    for key, expected in (("beta_schedule", "scaled_linear"), ("prediction_type", "epsilon")):
        if options[key] != expected:
            raise ValueError(f"{file}: {key} is {options[key]!r}, expected {expected!r}")
    keys = {"beta_start": "beta_start", "beta_end": "beta_end", "num_train_timesteps": "steps"}
    return Schedule(**{ours: options[theirs] for theirs, ours in keys.items() if theirs in options})
