"""The configuration: read, completed with defaults and the recipe, and checked, with errors of one line.

``schema`` checks each value, ``cross_check`` the parts against each other, ``recipe`` fills in the trainings, and
``networks`` has the facts about networks.
"""

import copy
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.config import recipe
from benchmark.config.cross_check import cross_check
from benchmark.config.schema import fill_in
from benchmark.errors import UserError, known
from benchmark.files import yaml_of
from benchmark.project import shipped

CONFIG = shipped("config/config.yaml")

SETTINGS = ("protocol", "preprocess", "sampling", "significance", "efficiency", "zoom", "survey", "viewer", "compute")
"""Blocks in which the order of the keys means nothing."""
CATALOGUES = ("cohorts", "methods", "networks", "figures")
"""Blocks whose entries keep their order; within an entry the order means nothing."""


def check(config: dict[str, Any]) -> dict[str, Any]:
    """Fills in defaults, in place, and returns the config. ``UserError``: one line with the key and the expected
    value."""
    fill_in(config)
    known("recipe", [config["recipe"]], config["recipes"])
    recipe.under(config)
    if not config["protocol"]["antialias"]:
        # Only then a setting of the trainings, so that the hash of weights trained with the default stays valid.
        for network in config["networks"].values():
            network["training"]["antialias"] = False
    cross_check(config)
    for name in SETTINGS:
        config[name] = _ordered(config[name])
    for name in CATALOGUES:
        config[name] = {key: _ordered(block) for key, block in config[name].items()}
    return config


def _ordered(value: Any) -> Any:
    """The settings with sorted keys at every depth. Snakemake compares parameters as texts: a default that the user
    writes down, or a line that moves, must not run jobs again."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=str)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def load_config(overlay: str | Path | None = None) -> dict[str, Any]:
    """``config/config.yaml``, changed by the file ``overlay``, as with ``snakemake --configfile``."""
    config = _read(CONFIG)
    if overlay is None:
        return check(config)
    merge(config, _read(Path(overlay)))
    try:
        return check(config)
    except UserError as error:
        raise UserError(f"{overlay}: {error}") from error


def complete(config: dict[str, Any]) -> bool:
    """Adds an incomplete config to the shipped config, in place; returns whether the config was incomplete.

    Such are ``--configfile smoke.yaml`` in a folder without ``config/config.yaml``, and a few lines for a module.
    """
    try:
        check(copy.deepcopy(config))
    except UserError:
        settings = copy.deepcopy(config)
        config.clear()
        config.update(_read(CONFIG))
        config["zoom"]["sheet"] = str(CONFIG.with_name("zoom.tsv"))
        merge(config, settings)
        return True
    return False


def _read(path: Path) -> dict[str, Any]:
    loaded = yaml_of(path)
    if not isinstance(loaded, dict):
        raise UserError(f"{path}: not a configuration")
    return loaded


def merge(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Updates ``into`` with ``other``, in place, block by block at every depth, as Snakemake merges configurations."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def digest(value: Any) -> str:
    """Short hash of a part of the configuration, stored with weights to identify their training."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
