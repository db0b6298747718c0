"""Settings of a cluster (the site file), and the remaining time of a job."""

import math
import os
import platform
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.files import yaml_of
from benchmark.project import shipped

SITE = shipped("profiles/slurm/site.yaml")
MARGIN = 600
"""A training stops this many seconds before a time limit, or after four fifths of the remaining time if this is
later."""


@dataclass(frozen=True)
class Site:
    """One cluster; every field is described in profiles/slurm/site.yaml."""

    account: str | None = None
    qos: str | None = None
    cpu_partition: str | None = None
    gpu_partition: str | None = None
    gpu_model: str | None = None
    gpu_speed: float = 1.0
    longest: float = 48.0
    retries: int = 5
    jobs: int = 100
    scratch: str | None = None

    @property
    def tmpdir(self) -> str:
        """The folder for a job's temporary files, as an expression that Snakemake evaluates on the node."""
        module = "__import__('os')"
        if self.scratch:  # may name variables of the node: /scratch/$USER/$SLURM_JOB_ID
            return f"{module}.path.expandvars({self.scratch!r})"
        return f"{module}.environ.get('SLURM_TMPDIR') or system_tmpdir"

    def quoted(self, field: str) -> str:
        """A field as a Python literal, which Snakemake needs for strings in ``default-resources``."""
        return repr(getattr(self, field))

    def limit(self, minutes: float, attempt: int) -> int:
        """Minutes to request at each attempt: more at each, never over ``longest``."""
        return max(1, round(min(minutes * attempt, self.longest * 60)))


def site(path: str | Path | None = None) -> Site:
    """The site file (``path``, else ``$ZOOM_SITE``, else profiles/slurm/site.yaml) under ``$ZOOM_{FIELD}``.

    Raises ``UserError`` for an unknown key or a value of the wrong type.
    """
    path = Path(path or os.environ.get("ZOOM_SITE") or SITE)
    if not os.path.isfile(path):  # false of a name too long, too
        raise UserError(f"{path}: no such site file; copy profiles/slurm/site.yaml there or unset ZOOM_SITE")
    values = yaml_of(path, texts=True) or {}  # the account 0123 must not become the number 83
    if not isinstance(values, dict):
        raise UserError(f"{path}: not a site file; give lines such as `account: lab`")
    kinds = {field.name: field.type for field in fields(Site)}
    for key in values:
        if key not in kinds:
            raise UserError(f"{path}: unknown key '{key}'; known keys are {', '.join(kinds)}")
    sources = {key: f"{path}: {key}" for key in values}
    for key in kinds:
        variable = f"ZOOM_{key.upper()}"
        if variable in os.environ:
            values[key], sources[key] = os.environ[variable] or None, f"environment variable {variable}"
    settings = {key: value for key, value in values.items() if value is not None}
    return Site(**{key: _convert(sources[key], key, kinds[key], value) for key, value in settings.items()})


def _convert(source: str, key: str, kind: Any, value: Any) -> Any:
    if not isinstance(value, str):
        raise UserError(f"{source} must be a single value, not a list or a block")
    if kind not in (int, float):
        return value
    try:
        number = kind(value)
    except (TypeError, ValueError):
        raise UserError(f"{source} must be a number, not '{value}'") from None
    if not (0 if key == "retries" else 1e-6) <= number < math.inf:
        raise UserError(f"{source} must be {'at least 0' if key == 'retries' else 'above 0'}, not {value}")
    return number


def job_location() -> str:
    """The place where a job runs, for the first line of its log."""
    job, gpus = os.environ.get("SLURM_JOB_ID"), os.environ.get("CUDA_VISIBLE_DEVICES")
    node = os.environ.get("SLURMD_NODENAME", platform.node())
    return f"on {node}" + (f", SLURM job {job}" if job else "") + (f", GPU {gpus}" if gpus else "")


def seconds_left(runtime: float | None = None) -> float | None:
    """Seconds until SLURM ends this job, or None outside a job or without a limit.

    The answer comes from SLURM; on a node without SLURM's commands it comes from ``runtime``, the requested minutes.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if not job:
        return None
    try:
        answer = subprocess.run(
            ["squeue", "--noheader", "--job", job, "--format", "%L"], capture_output=True, text=True, timeout=60
        )
        return duration(answer.stdout.strip())
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        print(f"squeue does not give the time left ({error}); using the {runtime} requested minutes")
        return None if runtime is None else runtime * 60


def duration(text: str) -> float | None:
    """Seconds of a SLURM duration (``[days-][[hours:]minutes:]seconds``); None for UNLIMITED.

    Raises ``ValueError`` for anything else, such as SLURM's ``INVALID`` and ``NOT_SET``.
    """
    if text == "UNLIMITED":
        return None
    days, _, clock = text.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    return int(days or 0) * 86400.0 + sum(part * 60.0**place for place, part in enumerate(reversed(parts)))


def stop_after(runtime: float | None = None) -> float | None:
    """Seconds after which a training writes a checkpoint and stops, before the time limit."""
    left = seconds_left(runtime)
    return None if left is None else left - min(MARGIN, 0.2 * left)
