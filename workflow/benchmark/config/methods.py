"""The networks that a method needs, before any network is trained.

A method's class lists them as ``made_of``. Importing it imports PyTorch, which takes seconds, so the literal is read
from the source text, as in ``benchmark.config.networks``.
"""

import ast
from collections.abc import Mapping
from functools import cache
from typing import Any

from benchmark import project
from benchmark.config.networks import class_of
from benchmark.errors import UserError


def check_networks(config: Mapping[str, Any], method: str) -> None:
    """``UserError``: the method has no file, lacks a network that its class needs, or has two networks of one class."""
    block = config["methods"][method]
    class_ = block.get("class", method)
    if not (project.models() / "methods" / f"{class_}.py").is_file():
        raise UserError(f"config: methods.{method}: no file models/methods/{class_}.py; add it, or name another class")
    held = [class_of(config, network) for network in block["networks"]]
    if missing := [kind for kind in made_of(class_) if kind not in held]:
        raise UserError(
            f"config: methods.{method}.networks: models/methods/{class_}.py needs a network of class "
            f"{' and one of '.join(missing)}; add it, or name another class"
        )
    if twice := [kind for kind in dict.fromkeys(held) if held.count(kind) > 1]:
        raise UserError(f"config: methods.{method}.networks: two networks of class {twice[0]}; take one out")


@cache
def made_of(class_: str) -> tuple[str, ...]:
    """Classes of the networks that ``Method`` in ``models/methods/{class_}.py`` needs; () if its file names none."""
    return _made_of(f"models.methods.{class_}", "Method")


def _made_of(module: str, name: str) -> tuple[str, ...]:
    """``made_of`` of a class, or of the first of its bases in models that has it."""
    path = project.models().joinpath(*module.split(".")[1:]).with_suffix(".py")
    if not path.is_file():
        return ()
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise UserError(f"{path}: line {error.lineno}: {error.msg}") from error
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    imported = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("models.")
        for alias in node.names
    }
    if name not in classes:
        return _made_of(*imported[name]) if name in imported else ()  # type: ignore[arg-type]
    for node in classes[name].body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        if "made_of" in map(ast.unparse, targets) and node.value is not None:  # type: ignore[attr-defined]
            try:
                return tuple(ast.literal_eval(node.value))  # type: ignore[attr-defined]
            except ValueError as error:
                raise UserError(f"{path}: made_of: {error}; use only literal values") from error
    found = (_made_of(module, ast.unparse(base)) for base in classes[name].bases)
    return next((one for one in found if one), ())
