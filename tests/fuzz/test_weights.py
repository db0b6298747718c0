"""Weights whose metadata, tensors or options were edited: used as they are, or refused in one line."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from fuzz import assert_valid_or_refused, fuzz
from hypothesis import given
from hypothesis import strategies as st
from json_values import BYTES, VALUES, edited, json_bytes
from safetensors_parts import read_parts, write_parts

from benchmark.config import load_config
from zoom import mismatch
from zoom.choice import choose

SIZE = {"blocks": 1, "width": 8, "expansion": 2, "context": True, "factor": 1}
ABOUT: dict[str, Any] = {
    "network": "quartet",
    "class": "quartet",
    "size": SIZE,
    "cohort": "toy",
    "fold": 1,
    "steps": 1,
    "seed": 5,
    "trained_on": {
        "subjects": 2,
        "plane": "axial",
        "frame": [32, 32],
        "spacing": [1.0, 1.0, 1.0],
        "histogram": [1 / 64] * 64,
        "histogram_spread": 0.01,
    },
}


@pytest.fixture(scope="session")
def config() -> dict[str, Any]:
    found = load_config()
    found["methods"]["quartet"] = found["methods"]["quartet"] | {"networks": ["quartet"], "class": "quartet"}
    return found


@pytest.fixture(scope="session")
def tensors(tmp_path_factory: pytest.TempPathFactory, config: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Header and content of sound weights."""
    from models.weights import network, save

    path = tmp_path_factory.mktemp("sound") / "w.safetensors"
    save(path, network("quartet", SIZE), ABOUT)
    load_weights(config, path)  # imports what the processes of the inputs then have already
    header, content = read_parts(path)
    del header["__metadata__"]
    return header, content


def load_weights(config: dict[str, Any], path: Path) -> None:
    """All that the command does with weights before it restores."""
    choice = choose(config, None, [str(path)], memory=4)
    choice.load("cpu")
    mismatch.trained_on(choice, config["cohorts"])
    _ = choice.side, choice.factor


METADATA = edited(ABOUT) | edited(ABOUT | {"size": SIZE}).map(lambda found: found | {"network": "quartet"})


@fuzz(examples=40)
@given(about=METADATA, raw=st.none() | st.tuples(st.sampled_from(sorted(ABOUT)), st.text(max_size=5)))
def test_weights_with_edited_metadata_are_used_or_refused(
    about: dict[str, Any], raw: tuple[str, str] | None, config: dict, tensors: tuple[dict, bytes], tmp_path: Path
) -> None:
    texts = {key: json.dumps(value) for key, value in about.items()} | (dict([raw]) if raw else {})
    path = write_parts(tmp_path / "w.safetensors", tensors[0] | {"__metadata__": texts}, tensors[1])
    assert_valid_or_refused("weights, metadata", lambda: load_weights(config, path), path)


@fuzz(examples=20)
@given(
    size=edited(SIZE, 1) | st.dictionaries(st.sampled_from(sorted(SIZE)), VALUES),
    kind=st.sampled_from(["quartet", "slab", "vq", "ldm", "edsr", "autoencoder", "srgan", "wdsr"]),
)
def test_weights_with_edited_sizes_are_used_or_refused(
    size: dict[str, Any], kind: str, config: dict, tensors: tuple[dict, bytes], tmp_path: Path
) -> None:
    about = ABOUT | {"size": size, "class": kind}
    texts = {key: json.dumps(value) for key, value in about.items()}
    path = write_parts(tmp_path / "w.safetensors", tensors[0] | {"__metadata__": texts}, tensors[1])
    assert_valid_or_refused("weights, sizes", lambda: load_weights(config, path), path)


@fuzz(examples=20)
@given(data=st.data())
def test_weights_with_edited_tensors_are_used_or_refused(
    data: st.DataObject, config: dict, tensors: tuple[dict, bytes], tmp_path: Path
) -> None:
    header, content = tensors
    name = data.draw(st.sampled_from(sorted(header)))
    part = data.draw(edited(header[name], 1))
    other = {key: json.dumps(value) for key, value in ABOUT.items()}
    whole = json_bytes(header | {name: part} | {"__metadata__": other})
    if data.draw(st.integers(0, 3)) == 0:
        whole = data.draw(BYTES)
    length = data.draw(st.sampled_from([len(whole)] * 4 + [0, 1, 2**40, 2**63]))
    end = data.draw(st.sampled_from([len(content)] * 3 + [0, len(content) - 1]))
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", length) + whole + content[:end])
    assert_valid_or_refused("weights, tensors", lambda: load_weights(config, path), path)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small diffusers folder."""
    from models import first_stage, unet

    found = tmp_path_factory.mktemp("diffusers")
    size = {"width": 8, "multipliers": [1, 2], "layers_per_block": 1, "attention_factors": [2], "head_channels": 8}
    unet.build_unet(**size, norm_groups=4).unet.save_pretrained(found / "unet")
    first = first_stage.build_vq(channels=[8, 8, 16], layers_per_block=1, codes=32, norm_groups=4)
    first.vq.save_pretrained(found / "vqvae")
    (found / "scheduler").mkdir()
    schedule = {"beta_schedule": "scaled_linear", "prediction_type": "epsilon", "beta_start": 0.0015}
    (found / "scheduler" / "scheduler_config.json").write_text(json.dumps(schedule | {"num_train_timesteps": 1000}))
    return found


@fuzz(examples=30)
@given(
    data=st.data(), part=st.sampled_from(["unet/config.json", "vqvae/config.json", "scheduler/scheduler_config.json"])
)
def test_edited_diffusers_folder_is_used_or_refused(data: st.DataObject, part: str, config: dict, folder: Path) -> None:
    file = folder / part
    sound = file.read_bytes()
    content = data.draw(edited(json.loads(sound)).map(json_bytes) | BYTES)
    file.write_bytes(content)
    try:
        assert_valid_or_refused("diffusers folder", lambda: load_weights(config, folder), folder)
    finally:
        file.write_bytes(sound)
