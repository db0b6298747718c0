"""One process at a time downloads a file or unpacks into a folder, which several users may share."""

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from benchmark.errors import UserError

log = logging.getLogger(__name__)

READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def turn(path: Path, stopped: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Holds the lock file ``path``, after other processes; makes its folder, and removes the file at the end.

    There is no lock where this user cannot write: this process changes no file there, and other processes rename only
    complete files. ``stopped``: whether to end the wait, with ``Timeout``. ``UserError``: the lock cannot be made, for
    instance because the disk is full.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=1, cancel_check=stopped)
        except Timeout:
            if not stopped():
                log.warning("%s: another process works on this; waiting", path)
            lock.acquire(cancel_check=stopped)
    except Timeout:
        raise
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise UserError(f"{path}: the lock cannot be made ({error.strerror}); check the disk") from error
    try:
        yield
    finally:
        if lock.is_locked:
            with suppress(OSError):
                path.unlink()  # while it is locked: a waiting process notices, and locks a new file
            lock.release()
