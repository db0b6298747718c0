"""Downloads over bad networks: resumed, retried, checked, a few at a time, with one progress bar.

``requests`` transfers the bytes, so proxies (``HTTPS_PROXY``, ``NO_PROXY``) and certificates (``REQUESTS_CA_BUNDLE``)
come from the environment. The usual library, ``pooch``, cannot resume a partial file, but archives of 1.4 to 12 GB must
be resumable.
"""

import logging
import os
import shutil
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from filelock import Timeout
from tqdm import tqdm

from benchmark import progress
from benchmark.acquire.partial import TAG, length, own
from benchmark.acquire.partial import tag as tag_of
from benchmark.acquire.turns import turn
from benchmark.errors import UserError, one_line, redacted
from benchmark.files import sha256, whole, written

log = logging.getLogger(__name__)

BLOCK = 1 << 20
PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers that may change soon
HINTS = {
    401: "the server needs credentials",
    403: "access is refused: has the agreement been signed, is the address still right?",
    404: "no such file: has the dataset moved?",
    407: "the proxy needs credentials: set them in HTTPS_PROXY",
    410: "the file was removed from the server",
}


@dataclass(frozen=True)
class Patience:
    """``tries`` failures in a row without new bytes end a download; the waiting time before the next try doubles from
    ``wait`` to ``longest`` seconds; ``timeout``: seconds to connect, seconds of silence. A whole download may take
    ``grace`` seconds plus one second for each ``pace`` received bytes, because a server that sends single bytes is
    never silent and always makes progress."""

    tries: int = 6
    wait: float = 1.0
    longest: float = 60.0
    timeout: tuple[float, float] = (20.0, 120.0)
    grace: float = 900.0
    pace: float = 10_000.0


PATIENCE = Patience()


@dataclass(frozen=True)
class Item:
    """One file to download: address, target, expected hash and size (None: not known)."""

    url: str = field(repr=False)  # may hold credentials; messages and logs use ``shown``
    target: Path
    sha256: str | None = None
    size: int | None = None

    @property
    def shown(self) -> str:
        """The address without credentials."""
        return redacted(self.url, [self.url])

    @property
    def part(self) -> Path:
        """The received bytes; kept between runs."""
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def tag(self) -> Path:
        """The server's name for the version of ``part``."""
        return self.target.with_name(f"{self.target.name}.part.tag")

    @property
    def lock(self) -> Path:
        """Held by the process that downloads this file."""
        return self.target.with_name(f".{self.target.name}.lock")


class _Passing(Exception):
    """A temporary failure; ``wait``: seconds that the server requested."""

    def __init__(self, reason: object, wait: float = 0.0) -> None:
        super().__init__(one_line(str(reason)[:300]))  # servers can send characters that control a terminal
        self.wait = wait


def need_space(folder: Path, size: int) -> None:
    """Raises ``UserError`` if the disk of ``folder`` has less than ``size`` bytes and a margin free."""
    free = shutil.disk_usage(folder).free
    if free < size + (64 << 20):
        raise UserError(
            f"{folder}: {size / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free; make room, or set data: "
            "to a folder on a larger disk"
        )


def download(items: Sequence[Item], parallel: int = 4, title: str = "download") -> None:
    """Downloads and checks every target; at most ``parallel`` at a time.

    Correct targets are not changed. Raises ``UserError`` for the first failure: refused by the server, wrong hash (the
    file is renamed to ``*.wrong``), too little disk space, or too many failures in a row (received bytes stay in
    ``*.part``).
    """
    items = [item for item in items if not _is_here(item)]
    if not items:
        return
    for folder in {item.target.parent for item in items}:
        folder.mkdir(parents=True, exist_ok=True)
    known = [item.size for item in items if item.size is not None]
    if len(known) == len(items):
        need_space(items[0].target.parent, sum(known) - sum(length(item.part) for item in items))
    stop = threading.Event()
    total = sum(known) if len(known) == len(items) else None
    with (
        progress.bar(title, total, "B", scaled=True) as bar,
        ThreadPoolExecutor(max_workers=max(1, min(parallel, len(items)))) as pool,
    ):
        jobs = [pool.submit(_Job(item, bar, stop).run) for item in items]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _is_here(item: Item) -> bool:
    if not item.target.exists():
        return False
    if item.sha256 is None or sha256(item.target) == item.sha256:
        return True
    _set_aside(item, item.target)  # changed since its download: keep it for inspection, download again
    return False


def _refuse_page(item: Item) -> None:
    """Removes the part and raises ``UserError`` if the server sent a web page, such as a login, with status 200."""
    from models.wrong_file import wrong_file

    if said := wrong_file(item.part):
        item.part.unlink()
        found = said.partition(";")[0]
        raise UserError(f"{item.shown}: the server sent {found}; open the address in a browser: a login, new terms?")


def _set_aside(item: Item, path: Path) -> Path:
    bad = item.target.with_name(f"{item.target.name}.wrong")
    path.replace(bad)
    log.warning("%s has a wrong hash; renamed to %s", item.target, bad)
    return bad


class _Job:
    """The download of one item."""

    def __init__(self, item: Item, bar: tqdm, stop: threading.Event) -> None:
        self.item, self.bar, self.stop = item, bar, stop
        self.counted = item.size is not None  # whether the bar's total includes this item
        self.started, self.came = time.monotonic(), 0  # bytes, in all tries of this run
        self.left = False  # whether the transferring thread was abandoned

    def run(self) -> None:
        """Downloads the file, unless another process downloads it meanwhile."""
        with suppress(Timeout), turn(self.item.lock, self.stop.is_set):
            if not _is_here(self.item):
                self.download()

    def download(self) -> None:
        item, failures = self.item, 0
        while not self.stop.is_set():
            before = length(item.part)
            try:
                self.watched()
                break
            except _Passing as error:
                self.check_pace()
                failures = 1 if length(item.part) > before else failures + 1
                if failures >= PATIENCE.tries:
                    raise UserError(
                        f"{item.shown}: given up after {failures} failures in a row ({error}); the received bytes are "
                        f"kept in {item.part}: start again later to resume"
                    ) from error
                wait = max(error.wait, min(PATIENCE.longest, PATIENCE.wait * 2 ** (failures - 1)))
                log.warning("%s: %s; trying again in %.0f s", item.shown, error, wait)
                self.stop.wait(wait)
        if not self.stop.is_set():
            self.finish()

    def watched(self) -> None:
        """``transfer`` in a separate thread, which is abandoned if it takes too long.

        A socket's time limit restarts at every byte, so a server could send its headers byte by byte, and no time limit
        covers the look-up of its address.
        """
        outcome: Future[None] = Future()

        def work() -> None:
            try:
                self.transfer()
            except BaseException as error:
                outcome.set_exception(error)
            else:
                outcome.set_result(None)

        threading.Thread(target=work, daemon=True).start()
        while not self.stop.is_set():
            try:
                return outcome.result(timeout=0.2)
            except TimeoutError:
                if outcome.done():  # the transfer's own
                    raise
            self.check_pace()

    def check_pace(self) -> None:
        """Raises ``UserError`` if the download has taken longer than ``PATIENCE`` allows for the received bytes."""
        seconds = time.monotonic() - self.started
        if seconds > PATIENCE.grace + self.came / PATIENCE.pace:
            self.left = True
            raise UserError(
                f"{self.item.shown}: given up: the server sent {self.came} bytes in {seconds:.0f} s; the received "
                f"bytes are kept in {self.item.part}: start again later to resume"
            )

    def finish(self) -> None:
        item = self.item
        item.tag.unlink(missing_ok=True)
        _refuse_page(item)
        if item.sha256 is not None and (digest := sha256(item.part)) != item.sha256:
            bad = _set_aside(item, item.part)
            raise UserError(
                f"{bad}: its SHA-256 is {digest}, not {item.sha256}; renamed. Start again to download "
                f"it again; if the hash stays wrong, {item.shown} has changed"
            )
        item.part.replace(item.target)

    def transfer(self) -> None:
        """One request: from the end of the part to the end of the file."""
        item = self.item
        have = length(item.part)
        tag = tag_of(item.tag)
        if tag is None and item.sha256 is None:
            have = 0  # it would be unknown whether the rest belongs to this part
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if tag is not None:
                headers["If-Range"] = tag
        try:
            with requests.get(
                item.url, headers=headers, stream=True, timeout=PATIENCE.timeout, hooks={"response": _stays_encrypted}
            ) as answer:
                reason = redacted(answer.reason, [item.url])
                if answer.status_code == 416 and _total(answer) == have > 0:
                    return  # the file was complete already
                unfit = _start(answer) != have or _changed(answer, tag)
                if answer.status_code == 416 or (answer.status_code == 206 and unfit):
                    item.part.unlink(missing_ok=True)
                    raise _Passing("the server cannot resume the download; starting again")
                if answer.status_code in PASSING:
                    raise _Passing(f"the server answers {answer.status_code} {reason}", _asked(answer))
                if not answer.ok:
                    hint = HINTS.get(answer.status_code, "open the address in a browser")
                    raise UserError(f"{item.shown}: the server answers {answer.status_code} {reason}; {hint}")
                self.write(answer, have if answer.status_code == 206 else 0)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            said = redacted(" ".join(str(error).split()), [item.url])
            raise _Passing(f"{type(error).__name__}: {said[:200]}") from error
        except OSError as error:
            raise UserError(
                f"{item.part}: cannot be written ({error.strerror or error}); check the disk and start again"
            ) from error
        except ValueError as error:  # an invalid redirection or header
            raise _Passing(f"an answer that cannot be read: {redacted(error, [item.url])}") from error

    def write(self, answer: requests.Response, have: int) -> None:
        """Writes the body of an answer to the part, from ``have`` on."""
        item, total, done = self.item, _total(answer), have
        if total is not None:
            need_space(item.part.parent, total - have)
            if not self.counted:
                self.bar.total, self.counted = (self.bar.total or 0) + total, True
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified", "W/")
        item.tag.unlink(missing_ok=True)
        if not mark.startswith("W/") and len(mark) <= TAG:  # a weak mark does not guarantee the same bytes
            with written(item.tag) as aside:
                aside.write_text(mark, encoding="utf-8")
        self.bar.update(have)
        try:
            with own(item.part, os.O_RDWR | os.O_CREAT) as file:
                file.seek(have)
                file.truncate()
                # read1 returns the available bytes, so a slow server cannot block the loop until a block is full
                while (block := answer.raw.read1(BLOCK, decode_content=False)) and not self.left:
                    file.write(block)
                    done += len(block)
                    self.came += len(block)
                    self.bar.update(len(block))
                    self.check_pace()
                    if self.stop.is_set():
                        return
            if total is not None and done != total:
                raise _Passing(f"the connection ended after {done} of {total} bytes")
        except BaseException:
            self.bar.update(-done)  # the next try counts the existing bytes
            raise


def _stays_encrypted(answer: requests.Response, **_: object) -> None:
    """Raises ``UserError`` for a redirection from https to anything else; ``requests`` would follow it."""
    here = urlsplit(answer.url)
    there = urlsplit(urljoin(answer.url, answer.headers.get("Location", ""))) if answer.is_redirect else here
    if here.scheme == "https" != there.scheme:
        raise UserError(
            f"{here.hostname}: refused: the server redirects from https to {there.scheme}://{there.hostname}, which "
            "is not encrypted; look for the dataset's new address"
        )


def _total(answer: requests.Response) -> int | None:
    """Length of the whole file, if the answer is the whole file, a part, or a refusal of a part."""
    span = answer.headers.get("Content-Range", "")
    return whole(span.rpartition("/")[2] if span else answer.headers.get("Content-Length", ""))


def _start(answer: requests.Response) -> int | None:
    return whole(answer.headers.get("Content-Range", "").removeprefix("bytes").strip().partition("-")[0])


def _changed(answer: requests.Response, tag: str | None) -> bool:
    """Whether a part of a file is of another version than ``tag``; some servers ignore ``If-Range``."""
    if tag is None:
        return False
    name = "ETag" if tag.startswith('"') else "Last-Modified"
    return answer.headers.get(name, tag).removeprefix("W/") != tag


def _asked(answer: requests.Response) -> float:
    """Seconds of ``Retry-After``, limited; 0 if the header is missing or a date."""
    return min(float(whole(answer.headers.get("Retry-After", "")) or 0), PATIENCE.longest)
