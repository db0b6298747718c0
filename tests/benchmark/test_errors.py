"""A message is short, whatever the content of a file."""

import pickle

import pytest

from benchmark.errors import LONGEST, UserError, out_of_memory


def test_long_message_is_shortened_in_the_middle():
    text = f"scan.nii: {'x' * 10**7}; do this"
    said = str(UserError(text))
    assert len(said) <= LONGEST
    assert said.startswith("scan.nii: xxx")
    assert said.endswith("xxx; do this")
    assert " […] " in said


def test_short_message_is_unchanged_and_can_be_pickled():
    for text in ("scan.nii: no", "x" * LONGEST):
        assert str(UserError(text)) == text
        assert str(pickle.loads(pickle.dumps(UserError(text)))) == text


def test_control_characters_in_a_message_are_escaped():
    said = str(UserError("a\nb\x1b[31m\u2028\udcff ünï 头: no"))
    assert said == "a\\nb\\x1b[31m\\u2028\\udcff ünï 头: no"
    said = str(UserError("\n" * LONGEST))
    assert len(said) <= LONGEST
    assert said.startswith("\\n")


def test_full_memory_is_known_whichever_library_says_so():
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**16)
    assert out_of_memory(caught.value) == "the memory"
    assert out_of_memory(MemoryError()) == "the memory"
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory")) == "a GPU's memory"
    assert out_of_memory(RuntimeError("CUDA error: out of memory")) == "a GPU's memory"
    assert out_of_memory(RuntimeError("shapes differ")) is None
