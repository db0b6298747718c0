"""A server on loopback with the faults of real servers."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmark.acquire import fetch


@dataclass
class Server:
    """Serves ``files`` by path. The test sets its faults."""

    files: dict[str, bytes] = field(default_factory=dict)
    #: Status codes of the first answers, one per request.
    refusals: list[int] = field(default_factory=list)
    #: Number of bytes before the connection is dropped, one number per request, for the first requests.
    drops: list[int] = field(default_factory=list)
    #: Paths with one byte changed during the transfer.
    flips: set[str] = field(default_factory=set)
    ranges: bool = True
    tags: bool = True
    #: Whether ``If-Range`` is obeyed.
    conditions: bool = True
    retry_after: str = ""
    url: str = ""
    #: (path, Range header or "") of every request.
    asked: list[tuple[str, str]] = field(default_factory=list)
    busiest: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            self._now += 1
            self.busiest = max(self.busiest, self._now)
            self.asked.append((handler.path, handler.headers.get("Range", "")))
            refusal = self.refusals.pop(0) if self.refusals else None
            drop = self.drops.pop(0) if self.drops else None
        try:
            self._answer(handler, refusal, drop)
        finally:
            with self._lock:
                self._now -= 1

    def _answer(self, handler: BaseHTTPRequestHandler, refusal: int | None, drop: int | None) -> None:
        body = self.files.get(handler.path)
        if refusal is not None or body is None:
            handler.send_response(refusal or 404)
            if self.retry_after:
                handler.send_header("Retry-After", self.retry_after)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        tag = f'"{hashlib.md5(body).hexdigest()}"'
        if handler.path in self.flips:
            body = body[: len(body) // 2] + bytes([body[len(body) // 2] ^ 1]) + body[len(body) // 2 + 1 :]
        start, wanted = 0, handler.headers.get("Range", "")
        same = not self.conditions or handler.headers.get("If-Range", tag) == tag
        if wanted and self.ranges and same:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        if start >= len(body) > 0:
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(body)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if self.tags:
            handler.send_header("ETag", tag)
        handler.send_header("Content-Length", str(len(body) - start))
        handler.end_headers()
        handler.wfile.write(body[start:] if drop is None else body[start : start + drop])
        if drop is not None:
            handler.close_connection = True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server, running; downloads retry at once, and no proxy is used."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state.answer(self)

        def log_message(self, *_: object) -> None:
            """Silence."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch, "PATIENCE", fetch.Patience(tries=3, wait=0.0, longest=0.05, timeout=(5, 5)))
    yield state
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture
def serve_folder(server: Server):
    """Publishes every file below a folder; returns the server's address."""

    def publish(folder: Path) -> str:
        for path in folder.rglob("*"):
            if path.is_file():
                server.files[f"/{path.relative_to(folder).as_posix()}"] = path.read_bytes()
        return server.url

    return publish
