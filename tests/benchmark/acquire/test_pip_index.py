"""A file from the index that pip is configured with, with folders and servers made by the tests."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmark.acquire.pip_index import fetch_file, settings
from benchmark.errors import UserError

NAME, CONTENT = "thing-1.0.tar.gz", b"content"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip reads this file and not the machine's own settings."""
    path = tmp_path / "pip.conf"
    path.write_text("")
    for variable in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX", "CERT"):
        monkeypatch.delenv(f"PIP_{variable}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return path


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A simple index: its page names a file in another folder by a relative link."""
    (tmp_path / "index" / "files").mkdir(parents=True)
    (tmp_path / "index" / "files" / NAME).write_bytes(CONTENT)
    page = tmp_path / "index" / "simple" / "thing" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<html><body><a href="../../files/{NAME}#sha256={DIGEST}">{NAME}</a></body></html>')
    return tmp_path / "index" / "simple"


@pytest.fixture
def server(index: Path) -> Iterator[str]:
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=index.parent)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/simple"
        running.shutdown()


def test_environment_overrides_section_and_section_overrides_global(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration.write_text(
        "[global]\nindex-url = https://a\nextra-index-url = https://b\n    https://c\ntimeout = 7\n"
        "[download]\nindex-url = https://d\n[install]\nindex-url = https://e\n"
    )
    monkeypatch.setenv("PIP_TIMEOUT", "9")
    found = settings()
    assert found["index-url"] == "https://d"
    assert found["extra-index-url"].split() == ["https://b", "https://c"]
    assert found["timeout"] == "9"


def test_file_is_fetched_from_a_find_links_folder(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path / 'absent'} {index.parent / 'files'}")
    assert fetch_file("thing", NAME, DIGEST, tmp_path / "got").read_bytes() == CONTENT


def test_file_is_fetched_from_a_file_index(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "absent").as_uri())
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", index.as_uri())
    assert fetch_file("thing", NAME, DIGEST, tmp_path / "got").read_bytes() == CONTENT


def test_file_is_fetched_from_a_server(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_INDEX_URL", server)
    assert fetch_file("thing", NAME, DIGEST, tmp_path / "got").read_bytes() == CONTENT
    with pytest.raises(UserError, match="404"):
        fetch_file("other", NAME, DIGEST, tmp_path / "other")


def test_file_with_another_hash_is_refused(
    tmp_path: Path, index: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / NAME).write_bytes(b"other")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "fake"))
    with pytest.raises(UserError, match="SHA-256 is"):
        fetch_file("thing", NAME, DIGEST, tmp_path / "got")
    assert list((tmp_path / "got").iterdir()) == []
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_INDEX_URL", server)
    assert fetch_file("thing", NAME, DIGEST, tmp_path / "got").read_bytes() == CONTENT
    (index.parent / "files" / NAME).write_bytes(b"other")
    with pytest.raises(UserError, match="hash"):
        fetch_file("thing", NAME, DIGEST, tmp_path / "again")
    assert list((tmp_path / "again").iterdir()) == []


def test_valid_file_is_kept_and_a_broken_one_replaced(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / NAME
    target.write_bytes(CONTENT)
    assert fetch_file("thing", NAME, DIGEST, tmp_path) == target  # with no index at all
    target.write_bytes(CONTENT[:3])
    with pytest.raises(UserError, match=r"could not be downloaded .*it has none"):
        fetch_file("thing", NAME, DIGEST, tmp_path)
    monkeypatch.setenv("PIP_FIND_LINKS", str(index.parent / "files"))
    assert fetch_file("thing", NAME, DIGEST, tmp_path).read_bytes() == CONTENT
