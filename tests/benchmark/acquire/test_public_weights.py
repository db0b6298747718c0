"""Public weights: downloaded and checked; a failed download gives one line."""

import hashlib
from pathlib import Path

import pytest

from benchmark.acquire.public_weights import fetch_weights
from benchmark.errors import UserError

BODY = bytes(range(256)) * 100
HASH = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def address(server) -> str:
    server.files["/f/578/?dl=1"] = BODY
    return f"{server.url}/f/578/?dl=1"


def test_weights_are_downloaded_and_their_hash_checked(address, tmp_path: Path) -> None:
    target = tmp_path / "public" / "sr.ckpt"
    said = fetch_weights("sr", target, url=address, sha256=HASH)
    assert target.read_bytes() == BODY
    assert HASH in said
    assert "as expected" in said


def test_unknown_hash_is_reported(address, tmp_path: Path) -> None:
    said = fetch_weights("sr", tmp_path / "sr.ckpt", url=address, sha256=None)
    assert HASH in said
    assert "not known" in said


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><title>Sign in</title>", b"\n<html>", b"<?xml version='1.0'?>"])
@pytest.mark.parametrize("sha256", [HASH, None])
def test_web_page_instead_of_the_file_is_named_and_not_kept(address, server, tmp_path: Path, page, sha256) -> None:
    """A server may answer with a login, with status 200."""
    server.files["/f/578/?dl=1"] = page
    with pytest.raises(UserError, match=r"the server sent a web page, .*; open the address in a browser"):
        fetch_weights("sr", tmp_path / "sr.ckpt", url=address, sha256=sha256)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["other", "gone"])
def test_failed_download_is_refused_in_one_line_with_alternatives(address, server, tmp_path: Path, fault: str) -> None:
    if fault == "gone":
        server.files.clear()
    target = tmp_path / "sr.ckpt"
    with pytest.raises(UserError) as caught:
        fetch_weights("sr", target, url=address, sha256="0" * 64)
    line = str(caught.value)
    assert line.startswith("public weights sr: ")
    assert "public_weights.sr.local" in line
    assert "recipe: scratch" in line
    assert "\n" not in line
    assert not target.exists()
