"""The house stays as it was drawn: arrows point one way, files stay short."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The two rooms whose business the networks are. Importing torch costs seconds, so the others reach it in functions.
BRIDGES = ("benchmark.restoration", "benchmark.training")
TORCH = ("torch", "torchvision", "torchmetrics", "lightning", "diffusers", "lpips", "kornia", "monai", "models")
SLOW = (*TORCH, "deepsig", *BRIDGES)  # deepsig imports torch where it finds it


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path, of: tuple[str, ...], *, in_functions: bool = True) -> set[str]:
    """What a file imports of the packages ``of``, by full name; optionally not what it imports inside functions."""
    found = {name for node in statements(ast.parse(path.read_text()), in_functions) for name in modules(node)}
    return {name for name in found if any(f"{name}.".startswith(f"{package}.") for package in of)}


def statements(tree: ast.AST, in_functions: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not in_functions and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if not in_functions and isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from statements(node, in_functions)


def modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")) and node.args:
        return [str(node.args[0].value)] if isinstance(node.args[0], ast.Constant) else []
    return []


@pytest.mark.parametrize("path", sources("models"), ids=named)
def test_models_know_neither_benchmark_nor_snakemake(path: Path) -> None:
    assert imports(path, ("benchmark", "workflow", "snakemake")) == set()


@pytest.mark.parametrize("path", sources("workflow/benchmark"), ids=named)
def test_the_benchmark_does_not_know_snakemake(path: Path) -> None:
    assert imports(path, ("snakemake", "workflow")) == set()


@pytest.mark.parametrize("path", sources("workflow/benchmark"), ids=named)
def test_importing_the_benchmark_is_quick(path: Path) -> None:
    if f"benchmark.{path.stem}" not in BRIDGES:
        assert imports(path, SLOW, in_functions=False) == set()


@pytest.mark.parametrize(
    ("pattern", "limit"),
    [
        ("Snakefile", 60),
        ("workflow/scripts/**/*.py", 40),
        ("models/networks/**/*.py", 300),
        ("models/**/*.py", 400),
        ("workflow/**/*.py", 400),
        ("tests/**/*.py", 400),
    ],
)
def test_files_stay_short(pattern: str, limit: int) -> None:
    lengths = {named(path): len(path.read_text().splitlines()) for path in ROOT.glob(pattern)}
    assert {name: length for name, length in lengths.items() if length >= limit} == {}


def test_the_check_sees_every_kind_of_import(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text(
        "import a.b as c, d\nfrom e.f import g\nfrom . import h\nif True:\n    import i\n"
        "def j():\n    import k\n    importlib.import_module('l.m')\nclass N:\n    import o\nimport do\n"
    )
    everything = tuple("abcdefghijklmno")
    assert imports(path, everything) == {"a.b", "d", "e.f.g", "i", "k", "l.m", "o"}
    assert imports(path, everything, in_functions=False) == {"a.b", "d", "e.f.g", "i", "o"}
    assert imports(path, ("e.f", "a.b.c")) == {"e.f.g"}
