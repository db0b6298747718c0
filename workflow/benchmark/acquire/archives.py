"""Archives read as streams: only the chosen members are written to disk, always inside their folder.

Tar (bare, gzip, bzip2, xz), zip, and a tar inside a zip (as Kaggle packs it). The amount of data is limited, so that a
decompression bomb ends the job and does not fill the disk; checksums of the compression are read to the end; names and
links that point outside are refused.
"""

import bz2
import errno
import gzip
import io
import json
import lzma
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from benchmark.acquire.fetch import need_space
from benchmark.acquire.tar_headers import members
from benchmark.errors import UserError
from benchmark.files import json_of, opened, written

BLOCK = 1 << 20
RATIO = 30  # decompressed to compressed; scans reach about 10 with much empty background
FLOOR = 16 << 20  # small archives may hold mostly padding
DIRECTORY = 16 << 20  # bytes of a zip's directory, which is read at once; enough for 100,000 members
NAME = 255  # bytes of a part of a member's path, the limit of file systems
# zipfile: RuntimeError for an encrypted member, its NotImplementedError for an unknown method, the rest for odd numbers
SPOILT = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    *(RuntimeError, ValueError, OverflowError, struct.error),
)


@dataclass(frozen=True)
class Entry:
    """A file in an archive; read it before you request the next file."""

    name: str
    size: int
    stream: IO[bytes]


class Archive:
    """``path``: the file; ``limit``: bytes that the whole archive may unpack to.

    ``opener``: opens the archive, if it needs decryption. ``provide`` downloads a missing archive; a downloaded archive
    that is damaged is renamed to ``*.wrong``, a user's archive is left unchanged.
    """

    def __init__(
        self,
        path: Path,
        limit: int,
        opener: Callable[[Path], IO[bytes]] | None = None,
        provide: Callable[[], object] | None = None,
    ) -> None:
        self.path, self.limit = path, limit
        self._open, self._provide = opener or _plainly, provide
        self._sizes: dict[str, int] = {}

    def entries(self, choose: Callable[[str], bool]) -> Iterator[Entry]:
        """Chosen regular files, in the order of the archive.

        Raises ``UserError``: damaged, a name that leaves its folder, a chosen link or device, too large.
        """
        if self._provide is not None and not self.path.exists():
            self._provide()
        with _plainly(self.path) as file:
            head, size = file.read(8), os.fstat(file.fileno()).st_size
        bound = _Bound(min(self.limit, max(FLOOR, RATIO * size)), self.path)
        with _disk(self.path, "read"), self._reading(), self._open(self.path) as raw:
            if head.startswith(b"PK\x03\x04"):
                yield from self._zip(raw, choose, bound)
            else:
                yield from self._tar(raw, choose, bound)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turns the libraries' errors for a damaged archive into one line."""
        try:
            yield
        except OSError as error:
            if error.errno not in (None, errno.EINVAL):  # an error of the disk, not a wrong position in the archive
                raise
            raise self._damaged(error) from error
        except SPOILT as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> UserError:
        said = str(error) or type(error).__name__
        if self._provide is None:
            from models.wrong_file import wrong_file

            said = wrong_file(self.path) or f"damaged or not an archive ({said}); replace it by a complete copy"
            return UserError(f"{self.path}: {said}")
        bad = self.path.replace(self.path.with_name(f"{self.path.name}.wrong"))
        return UserError(
            f"{self.path}: damaged or not an archive ({said}); renamed to {bad}; start again to download it again"
        )

    def _tar(self, raw: IO[bytes], choose: Callable[[str], bool], bound: "_Bound") -> Iterator[Entry]:
        plain = bound.watch(_decompressed(raw))
        for tar, member in members(plain, bound.allow, bound.taken):
            self._check(member.name)
            if member.isdir() or not choose(member.name):
                continue
            if not member.isreg() or member.issparse():
                self._refuse_link(member.name)
            if (stream := tar.extractfile(member)) is not None:
                yield Entry(member.name, member.size, stream)
        while plain.read(BLOCK):  # to the end, which holds the checksum
            pass

    def _zip(self, raw: IO[bytes], choose: Callable[[str], bool], bound: "_Bound") -> Iterator[Entry]:
        with zipfile.ZipFile(cast(IO[bytes], _ShortReads(raw))) as archive:
            for info in archive.infolist():
                self._check(info.filename)
                if info.is_dir():
                    continue
                if choose(info.filename):
                    if stat.S_ISLNK(info.external_attr >> 16):
                        self._refuse_link(info.filename)
                    with archive.open(info) as stream:
                        yield Entry(info.filename, info.file_size, bound.watch(stream))
                elif info.filename.endswith((".tar", ".tar.gz", ".tgz")):
                    with archive.open(info) as stream:
                        yield from self._tar(stream, choose, bound)

    def _check(self, name: str) -> None:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or name[1:2] == ":":
            raise UserError(
                f"{self.path}: refused: its member {name!r} points outside its folder; do not trust this file"
            )
        if any(len(os.fsencode(part)) > NAME for part in path.parts):
            raise UserError(
                f"{self.path}: refused: its member {name!r} has a name that no file system allows; is it damaged?"
            )

    def _refuse_link(self, name: str) -> None:
        raise UserError(f"{self.path}: refused: its member {name!r} is a link or a device; do not trust this file")

    def listing(self, choose: Callable[[str], bool], cache: Path) -> tuple[dict[str, int], bool]:
        """Name → bytes of the chosen members, and whether this list is new.

        Kept in ``cache`` (JSON), because listing reads the whole archive. The cache is valid while the archive has the
        same size and time, and after the archive was removed. A damaged cache is made again; ``UserError`` with the
        cache's name if the archive does not exist any more.
        """
        if cache.exists():
            try:
                mark, sizes = self._cached(cache)
            except UserError:
                if not self.path.exists():
                    raise
            else:
                if mark == self._mark() or not self.path.exists():
                    self._sizes = sizes
                    return self._sizes, False
        sizes = {entry.name: entry.size for entry in self.entries(choose)}
        with _disk(cache), written(cache) as aside:
            aside.write_text(json.dumps({"archive": self._mark(), "members": sizes}, indent=1) + "\n", encoding="utf-8")
        self._sizes = sizes
        return sizes, True

    def _cached(self, cache: Path) -> tuple[Any, dict[str, int]]:
        """The archive's mark and its members, from the cache. ``UserError``: the cache has another format."""
        known = json_of(cache)
        members = known.get("members") if isinstance(known, dict) else None
        if not isinstance(members, dict) or any(type(size) is not int or size < 0 for size in members.values()):
            raise UserError(f"{cache}: not a list of an archive's members; remove it and fetch the archive again")
        for name in members:
            self._check(name)
        return known.get("archive"), members

    def _mark(self) -> list[int]:
        if not self.path.exists():
            return []
        state = self.path.stat()
        return [state.st_size, state.st_mtime_ns]

    def extract(self, targets: Mapping[str, Path]) -> None:
        """Writes members to files, in one pass: name → file. All or none; call ``listing`` first."""
        if not targets:
            return
        folder = next(iter(targets.values())).parent
        with _disk(folder):
            folder.mkdir(parents=True, exist_ok=True)
        need_space(folder, sum(self._sizes.get(name, 0) for name in targets))
        made: list[Path] = []
        try:
            for entry in self.entries(targets.__contains__):
                path = targets[entry.name]
                with _disk(path), self._reading(), written(path) as aside, open(aside, "wb") as file:
                    shutil.copyfileobj(entry.stream, file, BLOCK)
                made.append(path)
                if made[-1].stat().st_size != entry.size:
                    raise UserError(f"{self.path}: {entry.name} is cut short; replace it by a complete copy")
            if missing := set(targets.values()) - set(made):
                raise UserError(f"{self.path}: no {sorted(missing)[0].name} in it any more; was it changed?")
        except BaseException:  # the checksum comes last, and may show that the written files are wrong
            for path in made:
                path.unlink(missing_ok=True)
            raise


@contextmanager
def _disk(path: Path, doing: str = "written") -> Iterator[None]:
    """``UserError`` if a file or folder cannot be read or made, or if the disk is full."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path}: cannot be {doing} ({error.strerror}); check the disk and your rights, then start again"
        ) from error


def _plainly(path: Path) -> IO[bytes]:
    return opened(path, "an archive")


def _decompressed(raw: IO[bytes]) -> IO[bytes]:
    """A decompressed stream; the first bytes decide the format, not the name."""
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw), BLOCK)
    head = buffered.peek(6)[:6]
    for magic, opener in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open)):
        if head.startswith(magic):
            return cast(Callable[[IO[bytes]], IO[bytes]], opener)(buffered)
    return buffered


class _Bound:
    """Counts the bytes read from all watched streams."""

    def __init__(self, limit: int, path: Path) -> None:
        self.left, self.limit, self.path = limit, limit, path

    def watch(self, stream: IO[bytes]) -> IO[bytes]:
        return cast(IO[bytes], _Watched(stream, self))

    def taken(self) -> int:
        return self.limit - self.left

    def take(self, count: int) -> None:
        self.allow(count)
        self.left -= count

    def allow(self, count: int) -> None:
        """Raises ``UserError`` if ``count`` further bytes would be too many."""
        if count > self.left:
            raise UserError(
                f"{self.path}: refused: unpacks to more than {self.limit / 1e9:.3g} GB, far more than the dataset can "
                "be; do not trust this file"
            )


class _ShortReads:
    """A file that allows reads of at most ``DIRECTORY`` bytes: ``zipfile`` reads members in small blocks."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > DIRECTORY:
            raise zipfile.BadZipFile(f"a directory of {size} bytes, over {DIRECTORY}")
        return self._file.read(size if size >= 0 else DIRECTORY)


class _Watched:
    def __init__(self, stream: IO[bytes], bound: _Bound) -> None:
        self._stream, self._bound = stream, bound

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._bound.take(len(block))
        return block
