"""Each value of the config against the schema (workflow/schemas/config.schema.yaml), and the schema's defaults.

Snakemake's ``validate`` uses the same library, but prints a page of schema; this check names the key, and the similar
key that was probably intended.
"""

import contextlib
import functools
import json
import math
import os
from collections.abc import Iterable
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from benchmark.errors import UserError, meant, redacted
from benchmark.project import shipped

SCHEMA = shipped("workflow/schemas/config.schema.yaml")


def fill_in(config: dict[str, Any]) -> None:
    """Fills in the schema's defaults, in place. ``UserError``: the first value that the schema does not allow."""
    _ordinary(config, "")
    error = next(iter(_with_defaults()(_schema()).iter_errors(config)), None)
    if error is not None:
        raise UserError(redacted(_explain(error)))


def default(block: str, key: str) -> Any:
    """The schema's default of a key of one of the config's blocks."""
    return _schema()["properties"][block]["properties"][key]["default"]


@functools.cache
def _schema() -> dict[str, Any]:
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


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
                elif "null" in rule.get("type", ()) and instance.get(key) == "null":
                    instance[key] = None  # `--config 'viewer={cohort: null}'` passes the text
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


def _explain(error: ValidationError) -> str:
    where = ".".join(map(str, error.absolute_path)) or "top level"
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        stray = sorted(set(error.instance) - set(known))[0]
        return f"config: {where}: unknown key '{stray}'{meant(stray, known)}"
    meaning = error.schema.get("description")
    return f"config: {where}: {error.message}" + (f" ({meaning})" if meaning else "")
