"""A message is short, whatever the content of a file."""

import pickle

from benchmark.errors import LONGEST, UserError


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
