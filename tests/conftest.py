"""What several folders share: a slow download, readable names, the order of the tests, and the number of processes."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock
from fuzz import COUNTS, MORE, SEED
from readable_ids import readable

ROOT = Path(__file__).parents[1]
CODE_OF_TRUNKS = ROOT / "workflow" / "scripts" / "trunk.py"
WORKER_MEMORY = 4 << 30
"""Bytes for one process of `pytest -n auto`, with the studies that it starts."""


def pytest_make_parametrize_id(val: Any) -> str | None:
    return readable(val)


@pytest.fixture(scope="session")
def trunks() -> dict[str, Path]:
    """The trunks of LPIPS by name (``alex``, ``vgg``), downloaded once (63.8 MB) into the git-ignored results."""
    from benchmark.acquire.trunks import fetch_trunk

    folder = ROOT / "results" / "data" / "trunks"
    folder.mkdir(parents=True, exist_ok=True)
    paths = {net: folder / f"{net}.safetensors" for net in ("alex", "vgg")}
    with FileLock(folder / "tests.lock"):  # other processes of pytest may run at the same time
        for net, path in paths.items():
            if not path.exists():
                fetch_trunk(net, path)
            elif path.stat().st_mtime < CODE_OF_TRUNKS.stat().st_mtime:
                path.touch()  # or the smoke studies, several at a time, would each download it again
    return paths


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of long tests first, so that no process of `pytest -n auto` begins one while the others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process for each core, as far as the memory allows."""
    return max(1, min(len(os.sched_getaffinity(0)), psutil.virtual_memory().available // WORKER_MEMORY))


def pytest_report_header() -> str:
    return f"fuzz: seed {SEED}, {MORE:g} times the usual number of inputs (FUZZ_SEED={SEED} FUZZ={MORE:g} repeats this)"


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # a process of `pytest -n auto`
        session.config.workeroutput["fuzz"] = {kind: dict(count) for kind, count in COUNTS.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for kind_of_input, count in getattr(node, "workeroutput", {}).get("fuzz", {}).items():
        COUNTS[kind_of_input] += Counter(count)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The outcomes of the inputs of the fuzz tests."""
    if not COUNTS:
        return
    terminalreporter.section(f"fuzz: outcomes of the inputs of seed {SEED}")
    for kind_of_input, count in COUNTS.items():
        shares = ", ".join(f"{count[kind]} {kind}" for kind in ("valid", "refused", "failed"))
        terminalreporter.write_line(f"{kind_of_input}: {count.total()} inputs, {shares}")
