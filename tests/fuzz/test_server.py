"""Servers that answer with odd headers, lie about lengths, send what nobody asked for, or end in the middle."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fuzz import assert_valid_or_refused, fuzz
from fuzz_texts import edited
from hypothesis import given
from hypothesis import strategies as st

from benchmark.acquire import fetch
from benchmark.acquire.fetch import Item, download

NUMBERS = st.sampled_from(
    [b"5", b"0", b"-5", b"\xb2", b"9" * 30, b"9" * 5000, b"1_0", b"1e3", b" 5", b"", b"5, 5", b"+5"]
)
RANGES = st.sampled_from(
    [b"bytes 0-4/5", b"bytes */0", b"bytes */5", b"bytes 3-4/5", b"bytes 0-4/\xb2", b"x", b"bytes -"]
)
PLACES = st.sampled_from(
    [b"/again", b"http://[", b"file:///etc/passwd", b"//", b"http://\xff/", b"ftp://x/", b"", b"a" * 5000]
)
TAGS = st.sampled_from([b'"a"', b"W/1", b"x" * 60000, b"\x1b[31m", b"\xff", b'"a\tb"'])
HEADERS = st.one_of(
    st.tuples(st.just(b"Content-Length"), NUMBERS),
    st.tuples(st.just(b"Content-Range"), RANGES),
    st.tuples(st.just(b"Retry-After"), NUMBERS),
    st.tuples(st.just(b"Location"), PLACES),
    st.tuples(st.just(b"ETag"), TAGS),
    st.tuples(st.just(b"Transfer-Encoding"), st.sampled_from([b"chunked", b"gzip, chunked", b"x"])),
    st.tuples(st.just(b"Content-Encoding"), st.sampled_from([b"gzip", b"br", b"x"])),
    st.tuples(st.binary(max_size=10), st.binary(max_size=20)),
)
CODES = st.sampled_from(
    [b"200", b"206", b"301", b"302", b"404", b"407", b"416", b"503", b"100", b"999", b"\xb2", b"-1"]
)
BODIES = st.sampled_from(
    [b"hello", b"", b"hell", b"hello, hello", b"5\r\nhello\r\n0\r\n\r\n", b"fffffffff\r\nhello", b"-1\r\n"]
)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """One answer of a server: a status, headers, a body; or that with a few bytes changed."""
    status = b"HTTP/1.1 " + draw(CODES) + b" " + draw(st.binary(max_size=10)).replace(b"\n", b"")
    headers = [b": ".join(pair) for pair in draw(st.lists(HEADERS, max_size=4))]
    whole = b"\r\n".join([status, *headers, b"Connection: close", b"", b""]) + draw(BODIES)
    return draw(st.one_of(st.just(whole), edited(whole)))


@dataclass
class HostileServer:
    """A server that gives its ``answers`` one after the other, the last one again and again."""

    port: int
    answers: list[bytes]


@pytest.fixture(scope="module")
def hostile_server() -> Iterator[HostileServer]:
    listening = socket.create_server(("127.0.0.1", 0))
    state = HostileServer(listening.getsockname()[1], [b""])

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(2)
                    connection.recv(1 << 16)
                    connection.sendall(state.answers.pop(0) if len(state.answers) > 1 else state.answers[0])
                except OSError:
                    pass

    threading.Thread(target=serve, daemon=True).start()
    yield state
    listening.close()


@fuzz(examples=150)
@given(said=st.lists(answers(), min_size=1, max_size=3), part=st.sampled_from([None, b"", b"hel"]), known=st.booleans())
def test_server_answer_is_downloaded_or_refused(
    said: list[bytes], part: bytes | None, known: bool, hostile_server: HostileServer, tmp_path: Path
) -> None:
    """A target that is made has the hash that it should have; else one line names the address or the file."""
    folder = tmp_path / "fetched"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" if known else None  # of hello
    item = Item(f"http://127.0.0.1:{hostile_server.port}/fetched", folder / "scan", sha256)
    if part is not None:
        item.part.write_bytes(part)
        item.tag.write_text('"a"')
    hostile_server.answers = list(said)

    def call() -> None:
        fetch.PATIENCE = fetch.Patience(tries=2, wait=0.0, longest=0.01, timeout=(2, 2), grace=5.0)
        download([item])
        assert item.target.is_file()
        assert not known or item.target.read_bytes() == b"hello"

    assert_valid_or_refused("server", call, "fetched")
