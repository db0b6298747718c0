"""A message is short, whatever the content of a file."""

import pickle

from benchmark.errors import LONGEST, UserError


def test_a_long_message_keeps_both_ends():
    text = f"scan.nii: {'x' * 10**7}; do this"
    said = str(UserError(text))
    assert len(said) <= LONGEST
    assert said.startswith("scan.nii: xxx")
    assert said.endswith("xxx; do this")
    assert " […] " in said


def test_a_message_that_fits_is_whole_and_survives_another_process():
    for text in ("scan.nii: no", "x" * LONGEST):
        assert str(UserError(text)) == text
        assert str(pickle.loads(pickle.dumps(UserError(text)))) == text


def test_a_message_is_one_line_that_a_terminal_shows():
    said = str(UserError("a\nb\x1b[31m\u2028\udcff ünï 头: no"))
    assert said == "a\\nb\\x1b[31m\\u2028\\udcff ünï 头: no"
    said = str(UserError("\n" * LONGEST))
    assert len(said) <= LONGEST
    assert said.startswith("\\n")
