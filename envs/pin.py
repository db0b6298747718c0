"""Writes the pins next to this file: ``python envs/pin.py``, in an environment with the wanted versions. pyproject.toml
lists the needed packages; this script adds their dependencies, at the installed versions, with the hashes in the
package index. To add a package: name it in pyproject.toml, install it, run this script.
"""

import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

HERE = Path(__file__).parent
BUILDS = ("torch", "torchvision")  # each machine needs its own build, so hashes differ
OF_BUILDS = ("cuda-", "nvidia-", "triton", "pytorch-triton")  # what PyTorch's builds for GPUs install themselves
OLDEST = 11  # of Python 3

REQUIREMENTS = """\
# Packages of the project. Written by `python envs/pin.py`; `make setup` installs it with --require-hashes.
"""
TORCH = """\
# Written by `python envs/pin.py`. Without hashes, unlike the others: every index has its own build for CPU, CUDA or
# ROCm under these version numbers, and a machine may support only one build. PyTorch's CUDA build installs the
# libraries that it needs, at fixed versions.
"""
DEV = """\
# Packages that only tests and checks need. Written by `python envs/pin.py`; `make test` and `make lint` install it.
"""
CONDA = """\
# For `snakemake --sdm conda` and for those who start from conda: `conda env create -f envs/benchmark.yaml`.
# Written by `python envs/pin.py`. The pins are also in this file because Snakemake copies only this file.
name: zoom-benchmark
channels: [conda-forge]
dependencies:
  - python=3.11
  - pip
  - pip:
"""

Pins = dict[str, str]
Hashes = Callable[[str, str], Iterable[str]]


def closure(wanted: Iterable[str]) -> Pins:
    """Name → version of what is installed of ``wanted``, and of all that they need here, except ``OF_BUILDS``."""
    waiting, seen, found = [Requirement(text) for text in wanted], set(), {}
    while waiting:
        need = waiting.pop()
        name = canonicalize_name(need.name)
        if (need.marker and not need.marker.evaluate({"extra": ""})) or name.startswith(OF_BUILDS):
            continue
        for extra in {"", *need.extras}:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            distribution = metadata.distribution(name)
            found[name] = distribution.version.split("+")[0]
            for further in map(Requirement, distribution.requires or ()):
                if further.marker is None or further.marker.evaluate({"extra": extra}):
                    further.marker = None
                    waiting.append(further)
    return dict(sorted(found.items()))


def groups() -> tuple[Pins, Pins, Pins]:
    """What the project runs on, its builds for a machine, and what only development needs."""
    about = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    project, extras = about["project"], about["project"]["optional-dependencies"]
    wanted = [*about["build-system"]["requires"], *project["dependencies"]]
    running = closure([*wanted, *(name for extra in extras.values() for name in extra)])
    builds = {name: running.pop(name) for name in BUILDS}
    developing = closure(about["dependency-groups"]["dev"])
    return running, builds, {name: developing[name] for name in sorted(developing.keys() - {*running, *builds})}


def index(name: str, version: str) -> Iterator[str]:
    """SHA-256 of each file of a release that a supported Python can use, as the package index lists them."""
    from pypi_simple import PyPISimple

    with PyPISimple() as client:
        for file in client.get_project_page(name).packages:
            if file.version == version and (file.package_type == "sdist" or usable(file.filename)):
                yield file.digests["sha256"]


def usable(wheel: str) -> bool:
    """Whether a wheel is for CPython from ``OLDEST`` on."""
    return any(
        tag.interpreter == "py3"
        or tag.abi == "abi3"
        or (tag.interpreter.startswith("cp3") and int(tag.interpreter[3:]) >= OLDEST)
        for tag in parse_wheel_filename(wheel)[3]
    )


def hashed(pins: Pins, hashes: Hashes) -> str:
    """Lines of a requirements file."""
    lines = []
    for name, version in pins.items():
        found = sorted(set(hashes(name, version)))
        if not found:
            sys.exit(f"{name} {version}: the index lists no file that can be used")
        lines.append(" \\\n    ".join([f"{name}=={version}", *(f"--hash=sha256:{digest}" for digest in found)]))
        print(f"{name} {version}: {len(found)} files")
    return "\n".join(lines) + "\n"


def plain(pins: Pins, before: str = "") -> str:
    """Lines of pins alone."""
    return "".join(f"{before}{name}=={version}\n" for name, version in pins.items())


def files(hashes: Hashes = index) -> dict[str, str]:
    """The text of each file."""
    running, builds, developing = groups()
    return {
        "requirements.txt": REQUIREMENTS + hashed(running, hashes),
        "torch.txt": TORCH + plain(builds),
        "dev.txt": DEV + hashed(developing, hashes),
        "benchmark.yaml": CONDA + plain(dict(sorted((running | builds).items())), "      - "),
    }


if __name__ == "__main__":
    for name, text in files().items():
        (HERE / name).write_text(text, encoding="utf-8")
