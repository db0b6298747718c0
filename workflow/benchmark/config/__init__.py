"""The configuration and its check against the schema, with errors of one line.

Snakemake's ``validate`` uses the same library, but prints a page of schema; this check names the key, and the similar
key that was probably intended.
"""

import contextlib
import copy
import difflib
import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from benchmark import project
from benchmark.config import recipe
from benchmark.config.networks import about, class_of
from benchmark.errors import UserError, redacted
from benchmark.files import yaml_of
from benchmark.project import shipped

SCHEMA = shipped("workflow/schemas/config.schema.yaml")
CONFIG = shipped("config/config.yaml")


def plain(value: Any) -> Any:
    """Numbers and truth values out of text: Snakemake's ``--config 'sampling={steps: 50}'`` passes the text ``50``."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, str):
        words = {"true": True, "false": False, "null": None}
        if value.lower() in words:
            return words[value.lower()]
        for number in (int, float):
            with contextlib.suppress(ValueError):
                return number(value)
    return value


def _holds_values(rule: dict) -> bool:
    """Whether a key holds numbers, or a free block of numbers (``size``, ``training``, ``options``), not text."""
    if rule.get("type") == "object":
        return "additionalProperties" not in rule
    kinds = [rule.get("type"), rule.get("items", {}).get("type")]
    return "$ref" not in rule and not any("string" in kind for kind in kinds if kind)


def _with_defaults() -> type:
    """A validator that first fills in ``default``, converts text to numbers, and replaces ``~`` in paths by the home
    folder."""
    unchanged = Draft202012Validator.VALIDATORS["properties"]

    def properties(validator: Any, rules: dict, instance: Any, schema: dict) -> Iterable[ValidationError]:
        if isinstance(instance, dict):
            for key, rule in rules.items():
                if "default" in rule:
                    instance.setdefault(key, json.loads(json.dumps(rule["default"])))
                if key in instance and _holds_values(rule):
                    instance[key] = plain(instance[key])
                if rule.get("format") == "path" and isinstance(instance.get(key), str):
                    instance[key] = os.path.expanduser(instance[key])
        yield from unchanged(validator, rules, instance, schema)

    kinds = Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number})
    return validators.extend(Draft202012Validator, {"properties": properties}, type_checker=kinds)


def _is_integer(_: Any, value: Any) -> bool:
    """Not 2.0, which JSON Schema takes for one, nor what no 64-bit number holds."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_number(checker: Any, value: Any) -> bool:
    """Whether a value is a number, but not NaN (which passes every bound) or infinity."""
    return math.isfinite(value) if isinstance(value, float) else _is_integer(checker, value)


def _ordinary(value: Any, where: str) -> None:
    """``UserError`` for values that YAML allows but the config does not: a key that is not text, a date, a NUL."""
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise UserError(f"config: {where or 'top level'}: the key {key!r} is not text; put it in quotes")
            _ordinary(key, where)
            _ordinary(part, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            _ordinary(part, f"{where}.{number}")
    elif isinstance(value, str):
        if "\0" in value or value != value.encode("utf-8", "replace").decode():
            raise UserError(f"config: {where}: {value!r} holds a character that is not allowed in text; remove it")
    elif not isinstance(value, int | float | None):
        raise UserError(f"config: {where}: {value!r} is neither text nor a number; put it in quotes")


def check(config: dict[str, Any]) -> dict[str, Any]:
    """Fills in defaults, in place, and returns the config. ``UserError``: one line with the key and the expected
    value."""
    _ordinary(config, "")
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    error = next(iter(_with_defaults()(schema).iter_errors(config)), None)
    if error is not None:
        raise UserError(redacted(_explain(error)))
    _known("recipe", [config["recipe"]], config["recipes"])
    recipe.under(config)
    if not config["protocol"]["antialias"]:
        # Only then a setting of the trainings, so that the hash of weights trained with the default stays valid.
        for network in config["networks"].values():
            network["training"]["antialias"] = False
    _trainable(config)
    for what in ("cohorts", "methods"):
        _known(f"study.{what}", config["study"][what], config[what])
    _test_patients(config)
    _contest(config)
    _weights(config)
    _known("zoom.prefer", config["zoom"]["prefer"], config["methods"])
    _known("zoom.train", config["zoom"]["train"], config["methods"])
    for where in ("study", "contest"):
        for name in config[where]["methods"]:
            if keeps_resolution(config, name):
                raise UserError(
                    f"config: {where}.methods: '{name}' keeps the in-plane resolution (factor: 1 in its network's "
                    "size), the study's slices are 4 times coarser; use it only for zoom"
                )
    for name in config["study"]["methods"]:
        _known(f"methods.{name}.networks", config["methods"][name]["networks"], config["networks"])
    for name in dict.fromkeys(config["study"]["methods"] + config["contest"]["methods"]):
        _has_file(name, config["methods"][name].get("class", name))
    for name, network in config["networks"].items():
        _known(f"networks.{name}.needs", network["needs"], config["networks"])
        about(class_of(config, name))
    _needs_end(config["networks"])
    solvers = dict.fromkeys(schema["$defs"]["solver"]["properties"]["sampler"]["enum"])
    for where, sampling in _samplings(config):
        _known(f"{where}.sampler", [sampling["sampler"]], solvers | config["samplers"]["named"])
        sampling.update(config["samplers"]["named"].get(sampling["sampler"], {}))
    return config


def _has_file(method: str, class_: str) -> None:
    """Refuses a method without a file before hours of training, not after."""
    if not (project.models() / "methods" / f"{class_}.py").is_file():
        raise UserError(f"config: methods.{method}: no file models/methods/{class_}.py; add it, or name another class")


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


def _samplings(config: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    """The sampling blocks of the config, with their places; a named choice is replaced by its settings."""
    yield "sampling", config["sampling"]
    for name, chosen in config["methods"].items():
        if "sampler" in chosen["options"]:
            yield f"methods.{name}.options", chosen["options"]


def _explain(error: ValidationError) -> str:
    where = ".".join(map(str, error.absolute_path)) or "top level"
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        stray = sorted(set(error.instance) - set(known))[0]
        return f"config: {where}: unknown key '{stray}'{meant(stray, known)}"
    meaning = error.schema.get("description")
    return f"config: {where}: {error.message}" + (f" ({meaning})" if meaning else "")


def _test_patients(config: Mapping[str, Any]) -> None:
    """``UserError`` if a cohort names more or fewer test patients than it has."""
    for name, cohort in config["cohorts"].items():
        named, number = cohort["patients"].get("test_ids"), cohort["patients"]["test"]
        if named is not None and len(named) != number:
            raise UserError(
                f"config: cohorts.{name}.patients: test_ids names {len(named)} patients and test is {number}; make "
                "them equal"
            )


def _contest(config: Mapping[str, Any]) -> None:
    """``UserError`` if the contest's tables could not be made from its scores."""
    contest = config["contest"]
    parts = [v for group in contest["parts"] for v in (group["of"], *group["variants"])]
    _known("contest.cohorts", contest["cohorts"], config["cohorts"])
    _known("contest.methods", [*contest["methods"], *contest["against"], *parts], config["methods"])
    if not contest["cohorts"]:
        return
    for key, names in (("champion", [contest["champion"]]), ("against", contest["against"])):
        if stray := [name for name in names if name not in contest["methods"]]:
            raise UserError(f"config: contest.{key}: '{stray[0]}' is not one of contest.methods; add it there")
    if not contest_rivals(contest, config["methods"]):
        raise UserError(
            "config: contest.methods: none is a rival of the champion; add a method with other networks that is not an "
            "oracle"
        )
    if max(contest["parts_folds"]) > config["study"]["folds"]:
        raise UserError(
            f"config: contest.parts_folds: {max(contest['parts_folds'])} is more than study.folds, "
            f"{config['study']['folds']}"
        )


def contest_rivals(contest: Mapping[str, Any], methods: Mapping[str, Any]) -> list[str]:
    """The contest's methods except the champion, oracles, and variants of the champion with the same networks."""
    champion = methods[contest["champion"]]["networks"]
    return [
        name
        for name in contest["methods"]
        if name != contest["champion"] and methods[name]["kind"] != "oracle"
        if not champion or methods[name]["networks"] != champion
    ]


def _weights(config: Mapping[str, Any]) -> None:
    """``UserError`` for a network or share that `snakemake weights` cannot use."""
    weights = config["weights"]
    _known("weights.networks", weights["networks"], config["networks"])
    _known("weights.cohorts", weights["cohorts"], config["cohorts"])
    for name in weights["networks"]:
        if needs := config["networks"][name]["needs"]:
            raise UserError(
                f"config: weights.networks: '{name}' needs {', '.join(needs)}, which are trained for each cohort; "
                "choose networks without `needs`"
            )
    for cohort, share in weights["cohorts"].items():
        if isinstance(share, bool) or not isinstance(share, int | float) or share < 0:
            raise UserError(f"config: weights.cohorts.{cohort}: {share!r} must be a number of at least 0")


def _trainable(config: dict[str, Any]) -> None:
    """Checks that every network has a length, a batch and existing starting weights; fills in defaults."""
    for name, network in config["networks"].items():
        network.setdefault("init", None)
        network.setdefault("shared", False)
        training, where = network["training"], f"config: networks.{name}.training"
        if sum(key in training for key in recipe.LENGTHS) != 1:
            raise UserError(f"{where}: set either steps or epochs (recipe {config['recipe']} sets none)")
        if "batch" not in training:
            raise UserError(f"{where}: batch is missing (slices per step and device)")
        if (public := recipe.public_name(network["init"])) is not None:
            _known(f"networks.{name}.init", [public], config["public_weights"])


def _needs_end(networks: Mapping[str, Any]) -> None:
    """``UserError`` for a network that needs itself, directly or through other networks."""
    ended: set[str] = set()
    for name in networks:
        path = [(name, iter(networks[name]["needs"]))]
        while path:
            other = next(path[-1][1], None)
            if other is None:
                ended.add(path.pop()[0])
            elif other in (names := [one for one, _ in path]):
                circle = " → ".join([*names[names.index(other) :], other])
                raise UserError(f"config: networks.{other}.needs: it would need itself ({circle}); take one out")
            elif other not in ended:
                path.append((other, iter(networks[other]["needs"])))


def _known(where: str, names: Iterable[str], catalogue: dict[str, Any]) -> None:
    for name in names:
        if name not in catalogue:
            raise UserError(f"config: {where}: '{name}' is not defined{meant(name, catalogue)}")


def meant(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: a similar known name, or all known names."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(sorted(known))}"


def keeps_resolution(config: Mapping[str, Any], method: str) -> bool:
    """Whether a method's networks make new slices without magnification (``size: {factor: 1}``)."""
    factors = [
        config["networks"].get(name, {}).get("size", {}).get("factor") for name in config["methods"][method]["networks"]
    ]
    return bool(factors) and all(factor == 1 for factor in factors)


def needed_networks(config: Mapping[str, Any], method: str) -> list[str]:
    """A method's networks and all networks that these need, each after the networks it needs."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        for other in config["networks"][name]["needs"]:
            visit(other)
        if name not in ordered:
            ordered.append(name)

    for name in config["methods"][method]["networks"]:
        visit(name)
    return ordered


def study_networks(config: Mapping[str, Any]) -> list[str]:
    """All networks that the study's methods need, each after the networks it needs."""
    return list(dict.fromkeys(n for method in config["study"]["methods"] for n in needed_networks(config, method)))


def digest(value: Any) -> str:
    """Short hash of a part of the configuration, stored with weights to identify their training."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
