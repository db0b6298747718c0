"""Downloads from a server on loopback that drops connections, refuses requests and sends wrong data."""

import contextlib
import hashlib
import io
import logging
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from benchmark import progress
from benchmark.acquire import fetch
from benchmark.acquire.fetch import Item, download
from benchmark.errors import UserError

BODY = np.random.default_rng(0).bytes(3_000_000)
HASH = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def item(server, tmp_path: Path) -> Item:
    server.files["/scan.bin"] = BODY
    return Item(f"{server.url}/scan.bin", tmp_path / "in" / "scan.bin", HASH, len(BODY))


def files_next_to(item: Item) -> set[str]:
    return {path.name for path in item.target.parent.iterdir()}


def test_download_leaves_only_the_file(server, item: Item) -> None:
    download([item])
    assert item.target.read_bytes() == BODY
    assert files_next_to(item) == {"scan.bin"}
    download([item])
    assert len(server.asked) == 1  # already correct, so there is no request


def test_dropped_connection_resumes_at_the_received_bytes(server, item: Item) -> None:
    server.drops = [1_000_000, 1_500_000]
    download([item])
    assert item.target.read_bytes() == BODY
    assert [span for _, span in server.asked] == ["", "bytes=1000000-", "bytes=2500000-"]


def test_interrupted_download_resumes_at_the_received_bytes(server, item: Item) -> None:
    server.drops = [1_000_000, 0, 0, 0]
    with pytest.raises(UserError, match=r"given up after 3 failures in a row .*kept in .*scan\.bin\.part"):
        download([item])
    assert item.part.stat().st_size == 1_000_000
    server.asked.clear()
    server.drops.clear()
    download([item])
    assert server.asked == [("/scan.bin", "bytes=1000000-")]
    assert item.target.read_bytes() == BODY


def test_complete_partial_file_is_renamed(server, item: Item) -> None:
    item.target.parent.mkdir()
    item.part.write_bytes(BODY)
    download([item])
    assert item.target.read_bytes() == BODY


@pytest.mark.parametrize("conditions", [True, False])
@pytest.mark.parametrize("hashed", [True, False])
def test_file_changed_on_the_server_is_downloaded_again(server, item: Item, conditions: bool, hashed: bool) -> None:
    server.conditions, server.drops = conditions, [1_000_000, 0, 0, 0]
    with pytest.raises(UserError):
        download([item])
    server.drops.clear()
    other = BODY[::-1]
    server.files["/scan.bin"] = other
    download([Item(item.url, item.target, hashlib.sha256(other).hexdigest() if hashed else None)])
    assert item.target.read_bytes() == other


@pytest.mark.parametrize(("ranges", "tags"), [(False, True), (False, False)])
def test_server_without_ranges_or_tags_gives_the_whole_file(server, item: Item, ranges: bool, tags: bool) -> None:
    server.ranges, server.tags, server.drops = ranges, tags, [1_000_000]
    download([item])
    assert item.target.read_bytes() == BODY


def test_partial_file_without_hash_and_tag_is_downloaded_again(server, item: Item) -> None:
    server.tags = False
    item.target.parent.mkdir()
    item.part.write_bytes(b"the beginning of something else")
    download([Item(item.url, item.target)])
    assert item.target.read_bytes() == BODY
    assert server.asked == [("/scan.bin", "")]


def test_download_with_a_wrong_hash_is_renamed(server, item: Item) -> None:
    server.flips = {"/scan.bin"}
    with pytest.raises(UserError, match=rf"scan\.bin\.wrong: its SHA-256 is [0-9a-f]{{64}}, not {HASH}"):
        download([item])
    assert files_next_to(item) == {"scan.bin.wrong"}
    server.flips.clear()
    download([item])
    assert item.target.read_bytes() == BODY


def test_file_with_a_wrong_hash_on_disk_is_downloaded_again(item: Item, caplog: pytest.LogCaptureFixture) -> None:
    item.target.parent.mkdir()
    item.target.write_bytes(BODY[:-1] + b"?")
    with caplog.at_level(logging.WARNING):
        download([item])
    assert item.target.read_bytes() == BODY
    assert files_next_to(item) == {"scan.bin", "scan.bin.wrong"}
    assert "renamed to" in caplog.text


def test_404_is_refused_without_a_retry(server, item: Item) -> None:
    with pytest.raises(UserError, match=r"http://127.*/gone: the server answers 404 Not Found; .*moved"):
        download([Item(f"{server.url}/gone", item.target)])
    assert len(server.asked) == 1


def test_503_is_retried(server, item: Item) -> None:
    server.refusals, server.retry_after = [503, 429], "1"
    download([item])
    assert item.target.read_bytes() == BODY
    assert len(server.asked) == 3


def test_repeated_503_is_given_up(server, item: Item) -> None:
    server.refusals = [503] * 10
    with pytest.raises(UserError, match=r"given up after 3 failures in a row .*503"):
        download([item])
    assert len(server.asked) == 3


def test_waiting_time_doubles_up_to_the_maximum(server, item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(fetch, "PATIENCE", fetch.Patience(tries=6, wait=1.0, longest=6.0))
    stop = threading.Event()  # only this one: a progress bar of another test may wait as well
    monkeypatch.setattr(stop, "wait", waits.append)
    server.refusals = [503] * 5
    job = fetch._Job(item, fetch.tqdm(disable=True), stop)
    item.target.parent.mkdir()
    job.run()
    assert [wait for wait in waits if wait] == [1.0, 2.0, 4.0, 6.0, 6.0]


def test_refused_connection_is_given_up(item: Item, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="given up after 3 failures"):
        download([Item("http://127.0.0.1:1/scan", tmp_path / "scan")])


def test_parallel_downloads_are_limited(server, tmp_path: Path) -> None:
    server.files = {f"/{i}": bytes([i]) * 200_000 for i in range(12)}
    items = [Item(f"{server.url}/{i}", tmp_path / str(i), None, 200_000) for i in range(12)]
    download(items, parallel=3)
    assert all(item.target.read_bytes() == server.files[f"/{item.target.name}"] for item in items)
    assert server.busiest <= 3


def test_failed_download_keeps_finished_files(server, item: Item, tmp_path: Path) -> None:
    bad = Item(f"{server.url}/gone", tmp_path / "in" / "gone")
    with pytest.raises(UserError, match="404"):
        download([item, bad], parallel=1)
    assert item.target.read_bytes() == BODY


def test_too_little_disk_space_is_refused_before_the_request(
    server, item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: type("U", (), {"free": 1_000_000})())
    with pytest.raises(UserError, match=r"GB are needed and 0\.00 GB are free"):
        download([item])
    assert not server.asked


def test_progress_counts_every_byte_once(server, item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    bars, bar = [], progress.bar

    def kept(*args: object, **options: object) -> object:
        bars.append(bar(*args, **options))
        return bars[-1]

    monkeypatch.setattr(progress, "bar", kept)
    server.drops = [1_000_000]
    download([Item(item.url, item.target, HASH)])
    assert (bars[0].n, bars[0].total) == (len(BODY), len(BODY))


def test_progress_is_written_to_the_jobs_stream(item: Item) -> None:
    screen = io.StringIO()
    with progress.shown_on(screen):
        download([item], title="scans")
    assert "scans: 100% 3.00M/3.00M [" in screen.getvalue()


def test_proxy_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"yes")

        def log_message(self, *_: object) -> None:
            """Silence."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
    download([Item("http://scans.invalid/one", tmp_path / "one")])
    proxy.shutdown()
    proxy.server_close()
    assert (tmp_path / "one").read_bytes() == b"yes"
    assert asked == ["http://scans.invalid/one"]


@contextlib.contextmanager
def serve(answer, monkeypatch: pytest.MonkeyPatch, certificate: Path | None = None) -> Iterator[str]:
    """Runs a server whose GET is ``answer``, with TLS if there is a certificate; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        do_GET = answer

        def log_message(self, *_: object) -> None:
            """Silence."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        running.socket = context.wrap_socket(running.socket, server_side=True)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a self-signed certificate for 127.0.0.1, in one file."""
    path = tmp_path / "own.pem"
    ask = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    made = ["-keyout", path, "-out", tmp_path / "cert.pem"]
    subprocess.run([*ask.split(), *made], check=True, capture_output=True)
    path.write_text(path.read_text() + (tmp_path / "cert.pem").read_text())
    return path


@pytest.mark.parametrize("hops", [1, 2])
def test_redirection_from_https_to_http_is_refused(
    server, item: Item, certificate: Path, monkeypatch: pytest.MonkeyPatch, hops: int
) -> None:
    def redirect(self: BaseHTTPRequestHandler) -> None:
        self.send_response(302)
        self.send_header("Location", "/last" if self.path == "/first" and hops == 2 else item.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    refusal = r"refused: the server redirects from https to http://127\.0\.0\.1, which"
    with serve(redirect, monkeypatch, certificate) as address, pytest.raises(UserError, match=refusal):
        download([Item(f"{address}/first", item.target, HASH)])
    assert not server.asked
    assert files_next_to(item) == set()


def test_redirection_within_https_or_http_is_followed(
    server, item: Item, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def redirect(self: BaseHTTPRequestHandler) -> None:
        self.send_response(302 if self.path == "/first" else 200)
        self.send_header("Location", "/last")
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"yes")

    for scheme, pem in (("http", None), ("https", certificate)):
        with serve(redirect, monkeypatch, pem) as address:
            download([Item(f"{address}/first", item.target.with_name(scheme))])
        assert item.target.with_name(scheme).read_bytes() == b"yes"


@pytest.mark.parametrize("drops", [False, True])
def test_too_slow_body_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drops: bool) -> None:
    asked = []

    def drip(self: BaseHTTPRequestHandler) -> None:
        asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(1 if drops else 200):
                self.wfile.write(b"a")
                time.sleep(0.05)

    patience = fetch.Patience(tries=10**6, wait=0.0, longest=0.01, timeout=(5, 5), grace=0.5, pace=1000.0)
    monkeypatch.setattr(fetch, "PATIENCE", patience)
    started = time.monotonic()
    refusal = r"given up: the server sent \d+ bytes in \d+ s; the received bytes are kept"
    with serve(drip, monkeypatch) as address, pytest.raises(UserError, match=refusal):
        download([Item(f"{address}/slow", tmp_path / "slow")])
    assert time.monotonic() - started < 4
    assert (len(asked) > 1) == drops


def test_steady_download_is_not_given_up(server, item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "PATIENCE", fetch.Patience(tries=3, wait=0.0, grace=0.0, pace=1000.0))
    download([item])
    assert item.target.read_bytes() == BODY


@pytest.mark.parametrize("when", ["headers", "chunks"])
def test_too_slow_headers_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    def drip(self: BaseHTTPRequestHandler) -> None:
        start = b"HTTP/1.1 200 OK\r\n"
        if when == "chunks":  # a comment of any length may follow the length of a chunk
            start += b"Transfer-Encoding: chunked\r\n\r\n5;"
        with contextlib.suppress(OSError):
            self.wfile.write(start)
            for _ in range(200):
                self.wfile.write(b"x")
                time.sleep(0.05)

    monkeypatch.setattr(fetch, "PATIENCE", fetch.Patience(timeout=(5, 5), grace=0.5, pace=1000.0))
    started = time.monotonic()
    with serve(drip, monkeypatch) as address, pytest.raises(UserError, match=r"given up: the server sent 0 bytes in"):
        download([Item(f"{address}/slow", tmp_path / "slow")])
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("suffix", ["part", "part.tag"])
@pytest.mark.parametrize("kind", ["link", "dangling", "hard link", "fifo", "folder"])
def test_partial_file_that_is_a_link_or_not_a_file_is_refused(
    server, item: Item, tmp_path: Path, suffix: str, kind: str
) -> None:
    item.target.parent.mkdir()
    placed, victim = item.target.with_name(f"scan.bin.{suffix}"), tmp_path / "thesis.txt"
    if kind != "dangling":
        victim.write_text("years of work")
    if "link" in kind or kind == "dangling":
        placed.hardlink_to(victim) if kind == "hard link" else placed.symlink_to(victim)
    else:
        os.mkfifo(placed) if kind == "fifo" else placed.mkdir()
    with pytest.raises(UserError, match=rf"scan\.bin\.{suffix}: is a link or not a regular file; remove it"):
        download([item])
    assert victim.exists() == (kind != "dangling")
    assert kind == "dangling" or victim.read_text() == "years of work"
    assert server.asked == []


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file to another user")
def test_partial_file_of_another_user_is_refused(server, item: Item) -> None:
    item.target.parent.mkdir()
    item.part.write_bytes(BODY[:10])
    os.chown(item.part, 65534, 65534)
    with pytest.raises(UserError, match=r"scan\.bin\.part: belongs to another user; remove it"):
        download([item])


def test_repeated_416_is_given_up(server, item: Item) -> None:
    server.refusals = [416] * 10
    with pytest.raises(UserError, match=r"given up after 3 failures in a row .*starting again"):
        download([item])


@pytest.mark.parametrize("text", ["²", "-5", "9" * 400, "1_0", "", "1e3", "٣"])
def test_malformed_header_numbers_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    raw = text.encode("utf-8")
    heads = iter([b"503 Busy\r\nRetry-After: ", b"206 Part\r\nContent-Range: bytes 0-2/", b"200 OK\r\nETag: "])

    def answer(self: BaseHTTPRequestHandler) -> None:
        self.wfile.write(b"HTTP/1.0 " + next(heads) + raw + b"\r\n\r\nyes")

    monkeypatch.setattr(fetch, "PATIENCE", fetch.Patience(wait=0.0, longest=0.01, timeout=(5, 5)))
    with serve(answer, monkeypatch) as address:
        for name in ("a", "b"):
            download([Item(f"{address}/{name}", tmp_path / name)])
            assert (tmp_path / name).read_bytes() == b"yes"
