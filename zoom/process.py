"""Settings of the whole process, for commands and jobs to make before they import PyTorch."""

import ctypes
import os


def set_up_memory() -> None:
    """Makes large blocks of memory quick to get, and returned to the system when they are freed (Linux, glibc).

    Huge pages hold what networks keep of a large slice: page faults were a third of their time. PyTorch reads the
    variable once, when it is imported.

    Left to itself, glibc keeps freed blocks under 32 MB, and slices that are held for long, lying between them, make
    the process grow. Networks allocate smaller blocks all the time: returning those below 4 MB costs a third of the
    time.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(-3, 4 << 20)  # M_MMAP_THRESHOLD
