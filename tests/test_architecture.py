"""The layout of the code: which folder imports which, names of stages, length of files."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# The layers of the library. A folder or file of workflow/benchmark imports only from the lines above its own.
LAYERS = (
    ("errors", "seeds", "progress"),
    ("project",),
    ("files",),
    ("config", "images"),  # images: opens every scan
    ("plan",),
    ("volume", "print", "acquire"),
    ("cluster",),  # the site file, GPUs, time and memory of jobs
    ("datasets",),
    ("cohort",),
    ("scores",),
    ("jobs",),  # training, restoration, scoring: the only folder that imports torch at the top
    ("figures", "samplers", "survey"),
    ("contest", "report"),
    ("bench", "audit"),
)
# The packages, and what each may import: models/ restores a volume, workflow/ is the study, zoom/ is a user's scan.
ALLOWED_IMPORTS = {
    "models": (),
    "workflow/benchmark": ("models",),
    "zoom": ("benchmark", "models"),
    "mri_zoom": ("benchmark", "zoom"),
}
# A file of rules, and the folder of the library (and of the tests) that its scripts call.
STAGES = {
    "cohort": "cohort",
    "preprocess": "cohort",
    "train": "jobs",
    "weights": "jobs",
    "restore": "jobs",
    "score": "jobs",
    "tables": "scores",
    "significance": "scores",
    "inplane": "scores",
    "figures": "figures",
    "samplers": "samplers",
    "survey": "survey",
    "contest": "contest",
    "report": "report",
    "planning": "cluster",
    "zoom": "zoom",
}
# Functions that the files of rules share: Snakemake's linter wants them apart from the rules.
SHARED_RULES = {"common", "resources", "inputs", "contest_inputs", "zoom_inputs", "plan"}

TORCH = ("torch", "torchvision", "lightning_fabric", "diffusers", "lpips", "models")
# Importing torch takes seconds, so all folders but one import it inside functions.
BRIDGES = ("benchmark.jobs.restoration", "benchmark.jobs.training")
SLOW = (*TORCH, "deepsig", *BRIDGES)  # deepsig imports torch if it is installed


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


def folder_of(path: Path) -> str:
    """The folder or file directly under workflow/benchmark that ``path`` belongs to."""
    return path.relative_to(ROOT / "workflow" / "benchmark").parts[0].removesuffix(".py")


@pytest.mark.parametrize("folder", ALLOWED_IMPORTS)
def test_package_imports_only_allowed_packages(folder: str) -> None:
    packages = ("models", "benchmark", "zoom", "mri_zoom", "workflow", "snakemake")
    own = Path(folder).name
    forbidden = tuple(name for name in packages if name not in (own, *ALLOWED_IMPORTS[folder]))
    assert {named(path): found for path in sources(folder) if (found := imports(path, forbidden))} == {}


def test_every_folder_of_the_benchmark_has_a_layer() -> None:
    folders = {folder_of(path) for path in sources("workflow/benchmark")} - {"__init__"}
    assert folders == {name for layer in LAYERS for name in layer}
    assert len(folders) < 24  # `ls workflow/benchmark` is a table of contents


@pytest.mark.parametrize("path", sources("workflow/benchmark"), ids=named)
def test_folder_imports_only_from_lower_layers(path: Path) -> None:
    if path.name == "__init__.py" and path.parent.name == "benchmark":
        return
    level = next(i for i, layer in enumerate(LAYERS) if folder_of(path) in layer)
    below = {name for layer in LAYERS[:level] for name in layer}
    used = {name.split(".")[1] for name in imports(path, ("benchmark",))}
    assert used - {folder_of(path)} <= below


@pytest.mark.parametrize("path", sources("workflow/benchmark"), ids=named)
def test_no_slow_package_is_imported_at_the_top(path: Path) -> None:
    if "jobs" not in path.parts:
        assert imports(path, SLOW, in_functions=False) == set()


def test_rules_library_and_tests_of_a_stage_have_one_name() -> None:
    rules = {path.stem for path in (ROOT / "workflow" / "rules").glob("*.smk")}
    assert rules == set(STAGES) | SHARED_RULES
    for stage, folder in STAGES.items():
        library = ROOT / "zoom" if folder == "zoom" else ROOT / "workflow" / "benchmark" / folder
        tests = ROOT / "tests" / "zoom" if folder == "zoom" else ROOT / "tests" / "benchmark" / folder
        assert library.is_dir(), f"{stage}.smk calls {library}, which is not there"
        assert list(tests.glob("test_*.py")), f"{tests} holds no test of {stage}.smk"


def test_rule_files_do_not_include_each_other() -> None:
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        assert "include:" not in path.read_text(), f"{named(path)}: includes stand in workflow/Snakefile alone"


def rules() -> dict[str, str]:
    """The text of every rule by its name."""
    texts = [path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk")]
    return dict(re.findall(r"^(?:rule|checkpoint) (\w+):\n((?:[ \t].*\n|\n)+)", "\n".join(texts), re.M))


def test_every_rule_that_evaluates_networks_requests_a_gpu_and_runs_on_a_node() -> None:
    """Not on the login node of a cluster, and not on a GPU that another job has claimed."""
    evaluates = re.compile(r"\bRestoration\(|\bcompare_networks\(|\btrain\(|\bmeasure\(|\bzoom_")
    found = {}
    for name, text in rules().items():
        script = re.search(r'script:\s+"\.\./scripts/(\w+\.py)"', text)
        if script and evaluates.search((ROOT / "workflow" / "scripts" / script[1]).read_text()):
            found[name] = "on_gpu(" in text and "localrule" not in text
    assert {"train", "restore", "networks", "contest_figure", "network_speed"} <= set(found)
    assert [name for name, right in found.items() if not right] == []


def test_rules_that_download_are_not_tried_again_by_snakemake() -> None:
    """``benchmark.acquire.fetch`` repeats what may succeed; a wrong hash would mean another download of gigabytes."""
    downloads = {
        name: text for name, text in rules().items() if re.search(r"/(cohort|trunk|public_weights|rival).py", text)
    }
    assert len(downloads) == 4
    assert [name for name, text in downloads.items() if "    retries: 0 " not in text] == []


def test_shell_commands_of_rules_quote_their_paths() -> None:
    """`results: my results` is allowed."""
    commands = {name: text.partition("    shell:\n")[2] for name, text in rules().items()}
    assert [name for name, command in commands.items() if re.search(r"\{[^{}:]+\}", command)] == []
    assert commands["share"].count(":q}") == 5


@pytest.mark.parametrize("folder", ["models", "workflow/benchmark", "zoom", "mri_zoom"])
def test_no_file_is_located_by_counting_parent_folders(folder: str) -> None:
    """In a wheel the folders above differ: ``benchmark.project`` knows the files outside the packages."""
    counted = re.compile(r"__file__\)[^\n]*(\.parents\b|\.parent\.parent)")
    assert [named(path) for path in sources(folder) if counted.search(path.read_text())] == []


def test_every_package_is_listed_for_the_wheel() -> None:
    folders = {"models": "models", "benchmark": "workflow/benchmark", "zoom": "zoom", "mri_zoom": "mri_zoom"}
    held = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {
        ".".join((name, *path.parent.relative_to(ROOT / folder).parts))
        for name, folder in folders.items()
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert {name for name in held if not name.startswith("benchmark.shipped.")} == there


@pytest.mark.parametrize(
    ("pattern", "limit"),
    [
        ("Snakefile", 20),
        ("workflow/Snakefile", 60),
        ("workflow/scripts/**/*.py", 40),
        ("models/networks/**/*.py", 300),
        ("models/**/*.py", 400),
        ("workflow/**/*.py", 400),
        ("zoom/**/*.py", 400),
        ("tests/**/*.py", 400),
    ],
)
def test_files_are_below_their_line_limit(pattern: str, limit: int) -> None:
    lengths = {named(path): len(path.read_text().splitlines()) for path in ROOT.glob(pattern)}
    assert {name: length for name, length in lengths.items() if length >= limit} == {}


def test_every_kind_of_import_is_found(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text(
        "import a.b as c, d\nfrom e.f import g\nfrom . import h\nif True:\n    import i\n"
        "def j():\n    import k\n    importlib.import_module('l.m')\nclass N:\n    import o\nimport do\n"
    )
    everything = tuple("abcdefghijklmno")
    assert imports(path, everything) == {"a.b", "d", "e.f.g", "i", "k", "l.m", "o"}
    assert imports(path, everything, in_functions=False) == {"a.b", "d", "e.f.g", "i", "o"}
    assert imports(path, ("e.f", "a.b.c")) == {"e.f.g"}
