"""Settings files in the forms that users write."""

import math
import os
import re
from datetime import date
from pathlib import Path

import pytest

from benchmark.cluster.site import site
from benchmark.config import CONFIG, check, load_config, merge
from benchmark.errors import UserError
from benchmark.files import yaml_of

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)


@pytest.fixture
def write_config(tmp_path: Path):
    def write_config(text: str) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: 1\nresults: a\nseed: 2\n", "line 3: 'seed' is in line 1 already; remove one"),
        ("study: {folds: 1, folds: 2}\n", "line 1: 'folds' is in line 1 already; remove one"),
        ("study:\n  folds: 2\n  folds: 3\n", "line 3: 'folds' is in line 2 already"),
        (BOMB, "its aliases stand for more than 100,000 parts"),
        ("a: &a [*a]\n", "its aliases stand for more than 100,000 parts"),
        ("[" * 5000, "cannot be read as YAML|not YAML"),
        ("a: 2026-99-99\n", "cannot be read as YAML"),
        ("a: !!python/object/apply:os.system [true]\n", "line 1: not YAML"),
        ("a: [1\nb: 2\n", "line 2: not YAML"),
        ("a: 1\n---\nb: 2\n", "line 2: not YAML"),
    ],
)
def test_invalid_yaml_is_refused_in_one_line(write_config, text: str, said: str) -> None:
    path = write_config(text)
    with pytest.raises(UserError, match=f"{path}: ({said})") as caught:
        load_config(path)
    assert "\n" not in str(caught.value)


def test_equal_keys_in_different_blocks_and_merge_keys_are_accepted(write_config) -> None:
    assert yaml_of(write_config("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: *a\n")) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 3, "y": 2},
        "c": {"x": 1, "y": 2},
    }
    assert yaml_of(write_config("")) is None


@pytest.mark.parametrize("path", sorted(CONFIG.parent.glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configs_are_read(path: Path) -> None:
    assert isinstance(yaml_of(path), dict)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1: 2\n", "line 1: a key is not text; put it in quotes"),
        ("study:\n  no: 2\n", "line 2: a key is not text; put it in quotes"),
        ("? [a, b]\n: 2\n", "line 1: a key is not text"),
        ("a: " + "x" * 600_000, "longer than 512 KB; give a YAML file"),
    ],
)
def test_keys_other_than_text_and_large_files_are_refused(write_config, text: str, said: str) -> None:
    path = write_config(text)
    with pytest.raises(UserError, match=f"{path}: {said}"):
        load_config(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"study": {1: 2}}, "study: the key 1 is not text"),
        ({"results": date(2026, 1, 2)}, "results: datetime.date(2026, 1, 2) is neither text nor a number"),
        ({"results": "a\0b"}, "results: 'a\\x00b' holds a character that is not allowed in text"),
        ({"results": "\ud800"}, "results: '\\ud800' holds a character that is not allowed in text"),
        ({"study": {"folds": 2.0}}, "study.folds: 2.0 is not of type 'integer'"),
        ({"seed": 10**400}, "is not of type 'integer'"),
        ({"protocol": {"remove": math.nan}}, "protocol.remove: nan is not of type 'number'"),
        ({"cohorts": {"../x": {}}}, "'../x' does not match"),
        ({"networks": {"vq": {"class": "../vq"}}}, "networks.vq.class: '../vq' does not match"),
        ({"methods": {"ours": {"options": {"sampler": ["ddim"]}}}}, "options.sampler: ['ddim'] is not of type"),
        ({"networks": {"vq": {"needs": ["ldm"]}}}, "networks.vq.needs: it would need itself (vq → ldm → vq)"),
    ],
)
def test_invalid_value_is_refused_in_one_line(change: dict, said: str) -> None:
    config = yaml_of(CONFIG)
    merge(config, change)
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        check(config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "latin-1"])
def test_config_in_another_encoding_is_read_or_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes("results: Größe\n".encode(encoding))
    if encoding in ("utf-8-sig", "utf-16"):
        assert load_config(path)["results"] == "Größe"
    else:
        with pytest.raises(UserError, match=f"{path}: (its text is not UTF-8|holds a NUL)"):
            load_config(path)


@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "long name", "nothing"])
def test_config_that_is_not_a_regular_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = {"device": Path("/dev/zero"), "long name": tmp_path / ("a" * 300)}.get(kind, tmp_path / "mine.yaml")
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    for read in (load_config, site):
        with pytest.raises(UserError, match=str(path)):
            read(path)
