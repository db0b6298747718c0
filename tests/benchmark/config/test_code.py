"""An edited method, network, reader or figure re-runs its jobs; its comments do not."""

import pytest

from benchmark.config import code as under_test

METHOD = '"""What it does."""\nfrom models.methods.base import Base\n\n\nclass Method(Base):\n    """Doc."""\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setitem(under_test.FOLDERS, "methods", lambda: tmp_path)
    (tmp_path / "base.py").write_text("class Base:\n    steps = 1\n")
    (tmp_path / "mine.py").write_text(METHOD)
    return tmp_path


def fresh() -> str:
    under_test.code.cache_clear()
    return under_test.code("methods", "mine")


def test_code_of_a_file_changes_with_its_statements_and_its_imports_only(folder):
    before = fresh()
    (folder / "mine.py").write_text(f"# a comment\n{METHOD.replace('Doc.', 'Other words.')}\n")
    assert fresh() == before
    (folder / "other.py").write_text("x = 1\n")
    assert fresh() == before
    (folder / "base.py").write_text("class Base:\n    steps = 2\n")
    imported = fresh()
    assert imported != before
    (folder / "mine.py").write_text(f"{METHOD}    steps = 3\n")
    assert fresh() not in (before, imported)


def test_code_of_a_missing_or_broken_file_is_empty(folder):
    assert under_test.code("methods", "nobody") == ""
    (folder / "mine.py").write_text("class (:\n")
    assert fresh() == ""


@pytest.mark.parametrize(
    ("kind", "name"), [("methods", "ours"), ("networks", "vq"), ("datasets", "toy"), ("figures", "scores")]
)
def test_code_is_found_in_every_folder(kind, name):
    assert under_test.code(kind, name)
