"""The pins agree with pyproject.toml, with each other and with what is installed. Offline."""

import ast
import importlib.util
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
ENVS = ROOT / "envs"
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[\w.!]+)")
spec = importlib.util.spec_from_file_location("pin", ENVS / "pin.py")
assert spec
assert spec.loader
pin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pin)


def written(name: str) -> dict[str, list[str]]:
    """Pin → its hashes, of a requirements file."""
    text = (ENVS / name).read_text()
    lines = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#")).replace("\\\n", " ")
    return {words[0]: words[1:] for words in map(str.split, lines.splitlines())}


def pins(name: str) -> dict[str, str]:
    found = [PIN.fullmatch(text) for text in written(name)]
    assert all(found)
    return {match["name"]: match["version"] for match in found if match}


@pytest.fixture(scope="module")
def groups() -> tuple[dict, dict, dict]:
    return pin.groups()


def test_every_needed_package_is_pinned_at_the_installed_version(groups) -> None:
    message = "pyproject.toml or the environment has changed: python envs/pin.py"
    for name, wanted in zip(("requirements.txt", "torch.txt", "dev.txt"), groups, strict=True):
        assert pins(name) == wanted, message


@pytest.mark.parametrize("name", ["requirements.txt", "dev.txt"])
def test_every_pin_has_hashes(name: str) -> None:
    for text, hashes in written(name).items():
        assert hashes, text
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes), text
        assert len(set(hashes)) == len(hashes), text


def test_only_pytorch_pins_have_no_hashes() -> None:
    assert set(pins("torch.txt")) == set(pin.BUILDS)
    assert not any(written("torch.txt").values())


def test_development_tools_are_not_in_the_requirements() -> None:
    tools = {"mypy", "ruff", "pytest", "snakefmt", "black", "hypothesis"}
    assert tools <= set(pins("dev.txt"))
    assert not (set(pins("dev.txt")) & set(pins("requirements.txt")))


def test_conda_environment_has_the_same_pins() -> None:
    environment = yaml.safe_load((ENVS / "benchmark.yaml").read_text())
    (listed,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    assert sorted(listed) == sorted(f"{n}=={v}" for n, v in (pins("requirements.txt") | pins("torch.txt")).items())


def test_pins_are_within_the_ranges_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ranges = sum(project["optional-dependencies"].values(), project["dependencies"])
    known = pins("requirements.txt") | pins("torch.txt")
    for need in map(Requirement, ranges):
        assert known[canonicalize_name(need.name)] in need.specifier, need
        assert need.specifier, f"{need}: from which version on?"


def imported() -> set[str]:
    """The packages of others that the code imports, anywhere in it."""
    trees = (
        ast.parse(path.read_text(encoding="utf-8"))
        for folder in ("models", "workflow", "zoom", "mri_zoom")
        for path in (ROOT / folder).rglob("*.py")
    )
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    return (
        {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"models", "benchmark", "zoom", "mri_zoom"}
    )


def test_every_imported_package_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needs = sum(project["optional-dependencies"].values(), project["dependencies"])
    declared = {canonicalize_name(Requirement(need).name) for need in needs}
    makers = packages_distributions()
    assert {n for n in imported() if not declared & {canonicalize_name(maker) for maker in makers[n]}} == set()


def test_pin_script_reproduces_the_pin_files(groups) -> None:
    """With their hashes, the generator writes the same pins byte for byte."""
    known = written("requirements.txt") | written("dev.txt")
    again = pin.files(lambda name, version: [text.split(":")[1] for text in known[f"{name}=={version}"]])
    assert {name: (ENVS / name).read_text() == text for name, text in again.items()} == dict.fromkeys(again, True)


@pytest.mark.parametrize(
    ("wheel", "usable"),
    [
        ("a-1.0-py3-none-any.whl", True),
        ("a-1.0-py2.py3-none-any.whl", True),
        ("a-1.0-cp37-abi3-manylinux_2_17_x86_64.whl", True),
        ("a-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", True),
        ("a-1.0-cp39-cp39-manylinux_2_17_x86_64.whl", False),
        ("a-1.0-pp310-pypy310_pp73-manylinux_2_17_x86_64.whl", False),
    ],
)
def test_hashes_are_only_of_wheels_for_supported_pythons(wheel: str, usable: bool) -> None:
    assert pin.usable(wheel) is usable
