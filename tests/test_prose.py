"""Plain English: words that make a sentence hard for a reader whose third language is English, and what to write."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Word or phrase (case does not count) → the words to write instead.
WORDS = {
    "reckon(s|ed|ing)?": "estimate, compute",
    "mend(s|ed|ing)?": "fix",
    "(is|are|was|were|be|been|it|what|who|nobody) told": "shown, reported, described",
    "(it|that|which|this|they) tells?": "shows, gives",
    "goes? on (from|where|with|to)": "resumes, continues",
    "beside": "next to, in addition to",
    "so many": "this many, N, the number",
    "of (it|them)": "the noun that the pronoun stands for",
    "by (itself|themselves)": "alone, separately, without other work",
    "wish(es|ed)?": "request, setting",
    "as it were": "leave it out",
    "(is|are) had": "have, get",
    "no more than": "at most",
    "none but": "only",
    "(stands?|lies) (on|at|under|next|there|here|outside|above|below|in (the|this|a|that|its|which))": "is, are",
    "things?": "the noun",
    "whoever": "the user, the person who",
    "of (one's|its|their|his) own": "its own …, separate",
    "(comes|came|come) out": "result, output",
    "what is (held|kept|there|given|left|wanted|made|known|asked)": "a noun",
    "left to (itself|themselves)": "by default",
    "put(s)? right": "fix",
    "is no (file|sheet|number|list|name|scan|method|network)": "is not a …",
    "for want of": "for lack of",
    "naught|whence|thence|hither|whereof|lest|herein|thereof|albeit": "ordinary words",
}

# File → the words that it may hold, and why.
EXCEPTIONS: dict[str, set[str]] = {
    "CONTRIBUTING.md": set(WORDS),  # lists the words
    "tests/test_prose.py": set(WORDS),
    "CHANGELOG.md": set(WORDS),  # a record of the past
}
KINDS = (".py", ".smk", ".md", ".yaml", ".html", ".rst")


def tracked() -> list[str]:
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [name for name in files if name.endswith(KINDS) and (ROOT / name).is_file()]


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of each comment, docstring and message; of files that are no Python, every line."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(source.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def to_rewrite(path: Path, words: set[str]) -> list[str]:
    """A line for each place in ``path`` with one of the ``words``."""
    patterns = {word: re.compile(rf"\b({word})\b", re.IGNORECASE) for word in words}
    return sorted(
        f"{path.name}:{line}: “{match[0]}”; write: {WORDS[word]}"
        for line, text in prose(path)
        for word, pattern in patterns.items()
        for match in pattern.finditer(text)
    )


@pytest.mark.parametrize("name", tracked())
def test_prose_has_none_of_the_words_to_avoid(name: str) -> None:
    assert to_rewrite(ROOT / name, set(WORDS) - EXCEPTIONS.get(name, set())) == []


def test_words_in_contributing_are_those_of_this_test() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Words to avoid")[2].partition("\n## ")[0]
    shown = re.findall(r"\*([^*]+)\*", section)
    assert shown
    assert [word for word in shown if not any(re.fullmatch(pattern, word) for pattern in WORDS)] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("code.py", "x = 1  # the weights lie beside the log"),
        ("code.py", 'def f():\n    """Reckons the mean."""'),
        ("code.py", 'raise ValueError("put it right")\nraise ValueError(f"so many {x}")'),
        ("page.md", "Training goes on from the checkpoint."),
    ],
)
def test_word_to_avoid_is_found(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert to_rewrite(tmp_path / name, set(WORDS))


def test_code_and_ordinary_words_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("told = wish = 1  # next to the log\n")
    assert to_rewrite(tmp_path / "code.py", set(WORDS)) == []
