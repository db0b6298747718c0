"""Checks the metadata of a weight file before a network is built from it.

A network is first built without memory (PyTorch's ``meta`` device) and compared with the tensors in the file, so the
file's size limits the time and memory.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.files import imported


def _list(length: int, items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": length, "maxItems": length, "items": items}


NAMES = sorted(path.stem for path in (Path(__file__).parent / "networks").glob("[a-z]*.py"))
#: Sizes that count layers: building 1,000 layers takes seconds even without memory.
LAYERS = {"blocks": 1000, "layers_per_block": 64, "scales": 16}
LEVELS = 16
LARGEST = 1 << 30
COUNT = {"type": "integer", "minimum": 0, "maximum": LARGEST}
SHARE = {"type": "number", "minimum": 0, "maximum": 1e12}
TEXT = {"type": "string", "maxLength": 1000}
SCHEMA = {
    "required": ["network", "size"],
    "properties": {
        "network": {"type": "string", "pattern": "^[A-Za-z0-9_]{1,100}$"},
        "class": {"enum": NAMES},
        "size": {
            "type": "object",
            "properties": {name: COUNT | {"maximum": most} for name, most in LAYERS.items()},
            "additionalProperties": {
                "anyOf": [COUNT, {"type": "boolean"}, {"type": "array", "maxItems": LEVELS, "items": COUNT}]
            },
        },
        "trained_on": {
            "type": "object",
            "properties": {
                "subjects": COUNT,
                "plane": TEXT,
                "frame": _list(2, COUNT | {"minimum": 4, "maximum": 65536}),
                "spacing": _list(3, SHARE | {"exclusiveMinimum": 0, "maximum": 1000}),
                "histogram": _list(64, SHARE),
                "histogram_spread": SHARE,
            },
            "dependentRequired": {"spacing": ["subjects", "plane", "frame", "histogram", "histogram_spread"]},
        },
        "cohort": TEXT,
        "fold": {"anyOf": [TEXT, COUNT]},
    },
}


@cache
def _schema() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(SCHEMA)


def checked(path: str | Path, raw: Mapping[str, str]) -> dict[str, Any]:
    """The metadata of a safetensors file, each value JSON; unchanged, if the file is not this project's (no network).

    ``ValueError`` with the file's name: a value is not JSON, or differs from this project's format.
    """
    if "network" not in raw:
        return dict(raw)
    values = {key: _value(path, key, value) for key, value in raw.items()}
    error = next(iter(_schema().iter_errors(values)), None)
    if error is not None:
        where = ".".join(map(str, error.absolute_path)) or "its keys"
        raise ValueError(f"{path}: its metadata: {where}: {error.message[:300]}")
    return values


def _value(path: str | Path, key: str, text: str) -> Any:
    def no_number(word: str) -> None:
        raise ValueError(f"{word} is not a number")

    try:
        value = json.loads(text, parse_constant=no_number)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair cannot be written
        return value
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: its metadata: {key}: not JSON ({error})") from error


def fits(path: str | Path, metadata: Mapping[str, Any], shapes: Mapping[str, list[int]]) -> None:
    """``ValueError`` with the file's name, if the network in its metadata has other tensors than the file.

    ``metadata``: as ``checked`` returns it; ``shapes``: of the file's tensors by name. No memory is used.
    """
    kind, size = metadata.get("class", metadata["network"]), metadata["size"]
    if kind not in NAMES:
        raise ValueError(f"{path}: network '{kind}' is not one of this project's: {', '.join(NAMES)}")
    try:
        with torch.device("meta"):
            module: nn.Module = imported("networks", kind).build(**size)
    except Exception as error:  # errors of other libraries' blocks for impossible sizes
        raise ValueError(f"{path}: network {kind} cannot be built at the size {size} ({error})") from error
    expected_shapes = {name: list(tensor.shape) for name, tensor in module.state_dict().items()}
    if other := sorted(expected_shapes.keys() ^ shapes.keys()):
        raise ValueError(f"{path}: its tensors do not fit network {kind} of the size {size}: {', '.join(other[:5])}")
    for name, shape in expected_shapes.items():
        if shape != shapes[name]:
            raise ValueError(
                f"{path}: its tensors do not fit network {kind} of the size {size}: {name} is {shapes[name]}, not "
                f"{shape}"
            )
