"""Downloads one file from the package index that pip is configured with.

For files that ``pip download`` may fail to download: it builds a source archive to get its metadata, and fails if the
build fails. Mirrors, folders, certificates and proxies are those of ``pip config`` and the ``PIP_*`` variables, so this
works where pip works. No code of the archive is run.
"""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from benchmark.acquire.turns import turn
from benchmark.errors import RedactingFilter, UserError, redacted
from benchmark.files import sha256, written

PYPI = "https://pypi.org/simple"


def settings(command: str = "download") -> dict[str, str]:
    """pip's options for ``command``, long names without dashes: variables override the command's section, which
    overrides [global]."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    lines = listed.stdout.splitlines()
    if listed.returncode != 0:  # an environment without pip (as made by uv): use the variables
        variables = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        lines = [f":env:.{name[4:].lower().replace('_', '-')}={value!r}" for name, value in variables.items()]
    options: dict[str, str] = {}
    for section in ("global", command, ":env:"):
        for line in lines:
            key, _, value = line.partition("=")
            if key.startswith(f"{section}."):
                options[key.removeprefix(f"{section}.")] = ast.literal_eval(value)
    return options


def fetch_file(project: str, filename: str, digest: str, folder: Path) -> Path:
    """Downloads ``filename`` of ``project`` into ``folder`` and returns its path; a complete existing file is kept.

    ``digest`` is the file's SHA-256, so any index may provide the file. Raises ``UserError`` if no configured index has
    the file, or if the downloaded file differs.
    """
    target = folder / filename
    with turn(folder / f".{filename}.lock"):
        if not (target.exists() and sha256(target) == digest):
            _fetch(project, target, digest)
    return target


def _fetch(project: str, target: Path, digest: str) -> None:
    filename, options = target.name, settings()
    failures = []
    addresses = _addresses(project, options)
    for address in addresses:
        try:
            _retrieve(_find(address, project, filename, options), target, digest, options)
            return
        except (OSError, ValueError, LookupError) as error:  # errors of requests are OSErrors
            secret = [address, *addresses, options.get("proxy", "")]
            said = redacted(" ".join(str(error).split()), secret)[:200]
            failures.append(f"{redacted(address, secret)}: {said}")
    raise UserError(
        f"{target}: could not be downloaded from the package index that pip is configured with "
        f"({'; '.join(failures) or 'it has none'}); check `pip config list` and the network, or download {filename} of "
        f"{project} elsewhere and put it there"
    )


def _addresses(project: str, options: dict[str, str]) -> list[str]:
    """Every address that pip would search, local addresses first."""
    places = options.get("find-links", "").split()
    if options.get("no-index", "").lower() not in ("1", "true", "yes", "on", "y", "t"):
        indices = [options.get("index-url", PYPI), *options.get("extra-index-url", "").split()]
        places += [f"{index.rstrip('/')}/{project}/" for index in indices]
    return places


def _local(address: str) -> Path | None:
    """The path of a file URL or a plain path; None for an address on the network."""
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if parts.scheme in ("http", "https") else Path(address).expanduser()


def _find(address: str, project: str, filename: str, options: dict[str, str]) -> str:
    """The file's address, from a page of links or a plain folder. Raises ``LookupError`` if the file is missing."""
    import requests
    from pypi_simple import ACCEPT_ANY, ProjectPage

    path = _local(address)
    if path is None:
        response = requests.get(address, headers={"Accept": ACCEPT_ANY}, **_network(address, options))
        response.raise_for_status()
        page = ProjectPage.from_response(response, project)
    elif (path / filename).is_file():
        return str(path / filename)
    else:
        page_file = path / "index.html" if path.is_dir() else path
        page = ProjectPage.from_html(project, page_file.read_bytes(), page_file.absolute().as_uri())
    for package in page.packages:
        if package.filename == filename:
            return package.url
    raise LookupError(f"does not list {filename}")


def _retrieve(url: str, target: Path, digest: str, options: dict[str, str]) -> None:
    """Download or copy, verify, then rename. Raises ``ValueError`` if the SHA-256 differs."""
    if (source := _local(url)) is not None:
        with written(target) as aside:
            shutil.copyfile(source, aside)
            if (own_digest := sha256(aside)) != digest:
                raise ValueError(f"SHA-256 is {own_digest}, expected {digest}")
        return
    import pooch

    if not any(isinstance(one, RedactingFilter) for one in pooch.get_logger().filters):
        pooch.get_logger().addFilter(RedactingFilter())  # pooch logs the address of the download
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), **_network(url, options))
    pooch.retrieve(url, known_hash=f"sha256:{digest}", fname=target.name, path=target.parent, downloader=downloader)


def _network(address: str, options: dict[str, str]) -> dict[str, Any]:
    """pip's network options as arguments of ``requests.get``."""
    arguments: dict[str, Any] = {"timeout": float(options.get("timeout", options.get("default-timeout", 60)))}
    trusted = {host.partition(":")[0] for host in options.get("trusted-host", "").split()}
    if urlsplit(address).hostname in trusted:
        arguments["verify"] = False
    elif "cert" in options:
        arguments["verify"] = options["cert"]
    if "proxy" in options:
        arguments["proxies"] = dict.fromkeys(("http", "https"), options["proxy"])
    return arguments
