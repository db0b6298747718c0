"""The headers of a tar, checked before data are read or skipped.

Python's ``tarfile`` trusts headers: it would skip 2^87 bytes for ever, read a whole extended header into memory, and
follow extended headers in a row by recursion. Its patterns also take quadratic time on a long extended header
(CVE-2024-6232).
"""

import tarfile
import time
from collections.abc import Callable, Iterator
from typing import IO

BLOCK = 1 << 20
HEADER = 32 << 10  # bytes of an extended header; enough for a path of 4,096 bytes and some attributes
CHAIN = 8  # extended headers of one member; 4 are usual: global, own, long name, long link
MEMBERS = 1_000_000
SECONDS = 60.0  # of CPU time, plus one for each PACE bytes read
PACE = 1 << 20
EXTENDED = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}


def members(
    plain: IO[bytes], allow: Callable[[int], None], taken: Callable[[], int]
) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """The members of the tar ``plain``, one at a time, each with the open tar; extract a member before the next.

    ``allow`` raises an error for a member of too many bytes; ``taken``: number of bytes read from the tar. Raises
    ``tarfile.ReadError``: a size below 0, an extended header over ``HEADER`` bytes, more than ``CHAIN`` extended
    headers in a row, more than ``MEMBERS`` members, a sparse member, or headers that take too long to read.
    """
    started = time.thread_time()
    with _understood():
        tar = tarfile.open(fileobj=plain, mode="r|", bufsize=BLOCK, tarinfo=_checked(allow))  # noqa: SIM115 (the next line closes it)
    with tar:
        for _ in range(MEMBERS):
            with _understood():
                member = tar.next()
            if member is None:
                return
            tar.members = []  # type: ignore[attr-defined]  # tarfile keeps every header, also of a stream
            _check_size(member.size, allow)  # again: an extended header may have set it
            if time.thread_time() - started > SECONDS + taken() / PACE:
                raise tarfile.ReadError("its headers take too long to read")
            yield tar, member
    raise tarfile.ReadError(f"more than {MEMBERS:,} members")


class _understood:
    """Turns errors of ``tarfile`` for invalid numbers and texts into ``tarfile.ReadError``."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ValueError | LookupError | OverflowError | RecursionError):
            raise tarfile.ReadError(f"a header that cannot be read: {error}") from error


def _check_size(size: int, allow: Callable[[int], None]) -> None:
    if size < 0:
        raise tarfile.ReadError(f"a member of {size} bytes")
    allow(size)


def _checked(allow: Callable[[int], None]) -> type[tarfile.TarInfo]:
    """Headers of one tar, which are checked before their data are read."""
    chain = 0

    class Checked(tarfile.TarInfo):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "Checked":
            nonlocal chain
            header = super().frombuf(buf, encoding, errors)
            chain = chain + 1 if header.type in EXTENDED else 0
            if chain > CHAIN:
                raise tarfile.ReadError(f"more than {CHAIN} extended headers in a row")
            if chain and header.size > HEADER:
                raise tarfile.ReadError(f"an extended header of {header.size} bytes, over {HEADER}")
            if header.type == tarfile.GNUTYPE_SPARSE:
                raise tarfile.ReadError(f"a sparse member, {header.name!r}")
            _check_size(header.size, allow)
            return header

        def _proc_gnusparse_10(self, *_: object) -> None:
            """A map of holes in the member's bytes, which may be as long as the member."""
            raise tarfile.ReadError(f"a sparse member, {self.name!r}")

    return Checked
