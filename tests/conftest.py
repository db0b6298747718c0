"""Fixtures for several folders, and readable names of parametrized tests."""

from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from readable_ids import readable

ROOT = Path(__file__).parents[1]
CODE_OF_TRUNKS = ROOT / "workflow" / "scripts" / "trunk.py"


def pytest_make_parametrize_id(val: Any) -> str | None:
    return readable(val)


@pytest.fixture(scope="session")
def trunks() -> dict[str, Path]:
    """The trunks of LPIPS by name (``alex``, ``vgg``), downloaded once (63.8 MB) into the git-ignored results."""
    from benchmark.acquire.trunks import fetch_trunk

    folder = ROOT / "results" / "data" / "trunks"
    folder.mkdir(parents=True, exist_ok=True)
    paths = {net: folder / f"{net}.safetensors" for net in ("alex", "vgg")}
    with FileLock(folder / "tests.lock"):  # tests of SLURM may run at the same time
        for net, path in paths.items():
            if not path.exists():
                fetch_trunk(net, path)
            elif path.stat().st_mtime < CODE_OF_TRUNKS.stat().st_mtime:
                path.touch()  # or each smoke study would download it again
    return paths
