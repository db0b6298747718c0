"""Which code a job runs: a digest of a file that the config names (a method, network, reader or figure).

Snakemake records the digest as a parameter of the job, so an edited file re-runs the jobs that use it. Comments,
docstrings and layout do not count. The rest of the library is not included: any change there would train all networks
again.
"""

import ast
from functools import cache

from benchmark import project
from benchmark.config import digest

FOLDERS = {
    "methods": lambda: project.models() / "methods",
    "networks": lambda: project.models() / "networks",
    "datasets": lambda: project.PACKAGE / "datasets",
    "figures": lambda: project.PACKAGE / "figures",
}


@cache
def code(folder: str, name: str) -> str:
    """Digest of ``{name}.py`` in ``folder`` (a key of ``FOLDERS``) and of the files in this folder that it imports.

    Empty if there is no such file; the job that needs it says so.
    """
    pending, trees = [name], dict[str, str]()
    while pending:
        stem = pending.pop()
        path = FOLDERS[folder]() / f"{stem}.py"
        if stem in trees or not path.is_file():
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError):
            return ""
        trees[stem] = ast.unparse(_without_docstrings(tree))
        pending += _imported(tree, folder)
    return digest(trees) if trees else ""


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _imported(tree: ast.Module, folder: str) -> list[str]:
    """Names of the files in ``folder`` that a module imports."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = [*node.module.split("."), *(alias.name for alias in node.names)]
            names += parts[parts.index(folder) + 1 :] if folder in parts else []
    return names
