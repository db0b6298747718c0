"""Fixtures for several folders."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def trunks() -> dict[str, Path]:
    """The trunks of LPIPS by name (``alex``, ``vgg``), downloaded once (63.8 MB) into the git-ignored results."""
    from benchmark.acquire.trunks import fetch_trunk

    paths = {net: ROOT / "results" / "data" / "trunks" / f"{net}.safetensors" for net in ("alex", "vgg")}
    for net, path in paths.items():
        if not path.exists():
            fetch_trunk(net, path)
    return paths
