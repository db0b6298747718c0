"""Files that an earlier run of a download may have left: the received bytes and the server's name for their version."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from benchmark.errors import UserError

TAG = 1000
"""Largest number of characters of a server's name for a version."""


def own(path: Path, flags: int) -> BinaryIO:
    """Opens a file that an earlier run may have left under a known name.

    In a folder that others can write, somebody can place a link there, whose target would be overwritten or sent to the
    server.

    ``UserError``: a link, not a regular file, or another user's file. ``FileNotFoundError``: no such file.
    """
    reason = "is a link or not a regular file"
    try:
        number = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EACCES):
            raise
        reason = "belongs to another user" if error.errno == errno.EACCES else reason
    else:
        about = os.fstat(number)
        if about.st_uid == os.geteuid() and about.st_nlink == 1 and stat.S_ISREG(about.st_mode):
            return os.fdopen(number, "rb" if flags == os.O_RDONLY else "r+b")
        os.close(number)
        if stat.S_ISREG(about.st_mode) and about.st_uid != os.geteuid():
            reason = "belongs to another user"
    raise UserError(f"{path}: {reason}; remove it, or set data: to a folder of your own")


def length(path: Path) -> int:
    """Number of bytes from an earlier run. ``UserError``: as ``own``."""
    try:
        with own(path, os.O_RDONLY) as file:
            return os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return 0


def tag(path: Path) -> str | None:
    """The server's name for the version, from an earlier run; None if it is missing or not a valid header."""
    try:
        with own(path, os.O_RDONLY) as file:
            text = file.read(TAG + 1).decode("latin-1")
    except FileNotFoundError:
        return None
    return text if text.isascii() and text.isprintable() and 0 < len(text) <= TAG else None
