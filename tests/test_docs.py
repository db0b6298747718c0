"""Commands and links in README and docs work: commands are known, options exist, links have targets."""

import os
import re
import shlex
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *(ROOT / "docs").glob("*.md")])
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'workflow'}"}
PROGRAMS = ("make", "snakemake", "mri-zoom", "mri-zoom-example", "zoom", "python", "pytest")


def commands(page: Path) -> list[list[str]]:
    """Words of every command of ours in the page: lines of code blocks, and code inside a sentence."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:bash|console|sh)?\n(.*?)^```", text, re.M | re.S)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()] + re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose)
    found = []
    for line in lines:
        line = re.sub(r"\s#.*", "", line).strip().removeprefix("$ ")
        if line.split(" ")[0] in PROGRAMS and " " in line and "…" not in line.split(" ")[1]:
            try:
                found.append(shlex.split(line))
            except ValueError:
                pytest.fail(f"{page.name}: unbalanced quotes in: {line}")
    return found


ALL = sorted({(page.relative_to(ROOT).as_posix(), shlex.join(words)) for page in PAGES for words in commands(page)})


@lru_cache
def output(*words: str) -> str:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, f"{shlex.join(words)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@lru_cache
def rules() -> set[str]:
    """Targets that a user can name."""
    return set(output(sys.executable, "-m", "snakemake", "--list-rules", "--nolock", "-q", "all").split())


def module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name)


def options(words: list[str]) -> set[str]:
    return {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)}


@pytest.mark.parametrize(("page", "command"), ALL, ids=[f"{page}: {command}" for page, command in ALL])
def test_command_in_the_docs_exists_with_its_options(page: str, command: str) -> None:
    words = shlex.split(command)
    program, rest = words[0], words[1:]
    if program == "make":
        assert output("make", "-n", *[word for word in rest if re.fullmatch(r"[\w-]+", word)])
    elif program == "python" and rest[0].endswith(".py"):
        assert (ROOT / rest[0]).is_file()
    elif program == "python":
        assert rest[0] == "-m", "commands in the docs call modules, or a script of the project"
        known = output(*module(rest[1]), "--help")
        assert {option for option in options(rest[2:]) if option not in known} == set()
    elif program == "pytest":
        known = output(*module("pytest"), "--help")
        assert {option for option in options(rest) if option not in known} == set()
        assert all((ROOT / word.split("::")[0]).exists() for word in rest if word.startswith("tests/"))
    elif program == "zoom":
        pytest.fail("zoom is the conferencing client's command; this project's is mri-zoom")
    elif program.startswith("mri-zoom"):
        known = output(*module("zoom.example" if program == "mri-zoom-example" else "zoom"), "--help")
        assert {option for option in options(rest) if option not in known} == set()
    else:
        known = output(*module("snakemake"), "--help")
        assert {option for option in options(rest) if option not in known} == set()
        assert all((ROOT / word).exists() for word in rest if re.fullmatch(r"(config|workflow)/\S+", word))
        assert {"--cores", "--profile", "-n", "--lint", "--unlock", "--report", "-s"} & {*rest}, "add --cores"
        targets = rest[rest.index("--") + 1 :] if "--" in rest else []
        unknown = {t for t in targets if "/" not in t and "{" not in t and t not in rules()}
        assert unknown == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_in_the_docs_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    files = [target.split("#")[0] for target in targets if not re.match(r"https?:|mailto:|#", target)]
    assert [file for file in files if not (page.parent / file).exists()] == []


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub and GitLab give to a page's headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = [re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", title) for title in re.findall(r"^#+ (.+)$", text, re.M)]
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_to_headings_lead_to_headings(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s#:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8"))
    wrong = [
        f"{file}#{anchor}" for file, anchor in targets if anchor not in anchors((page.parent / file) if file else page)
    ]
    assert wrong == []


def test_readme_has_at_most_900_words() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 900
