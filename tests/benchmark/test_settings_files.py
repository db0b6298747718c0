"""Settings files, as a user may have written them."""

from pathlib import Path

import pytest

from benchmark.config import CONFIG, load_config
from benchmark.errors import UserError
from benchmark.files import yaml_of

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: 1\nresults: a\nseed: 2\n", "line 3: 'seed' is in line 1 already; leave one"),
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
def test_a_file_that_cannot_be_meant_is_one_line(write, text: str, said: str) -> None:
    path = write(text)
    with pytest.raises(UserError, match=f"{path}: ({said})") as caught:
        load_config(path)
    assert "\n" not in str(caught.value)


def test_equal_keys_in_different_blocks_and_merged_ones_are_meant(write) -> None:
    assert yaml_of(write("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: *a\n")) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 3, "y": 2},
        "c": {"x": 1, "y": 2},
    }
    assert yaml_of(write("")) is None


@pytest.mark.parametrize("path", sorted(CONFIG.parent.glob("*.yaml")), ids=lambda path: path.name)
def test_the_shipped_ones_are_read(path: Path) -> None:
    assert isinstance(yaml_of(path), dict)
