"""The number of jobs on each GPU of a workstation or of a SLURM session, and a GPU for each job.

For jobs that Snakemake submits to a cluster, SLURM does this.
"""

import contextlib
import fcntl
import os
import platform
import stat
import subprocess
import time
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from urllib.parse import quote

from benchmark.errors import UserError

_HELD: list[int] = []  # open files: the kernel releases a lock when its process ends in any way
AGAIN = 600.0
"""Seconds after which a waiting job prints its message again."""


def gpus(devices: Path = Path("/dev")) -> list[str]:
    """The GPUs that jobs may use: ``CUDA_VISIBLE_DEVICES`` if set, else every NVIDIA device by its number in CUDA.

    CUDA and ``nvidia-smi`` count from 0, whatever the file is called: a container with the third GPU of its host
    has only ``/dev/nvidia2``.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:  # CUDA ignores blanks, and every GPU from the first name that is not one
        names = takewhile(lambda name: name and not name.startswith("-"), map(str.strip, visible.split(",")))
        return list(dict.fromkeys(names))
    return [str(number) for number, _ in enumerate(devices.glob("nvidia[0-9]*"))]


def _assigned(count: int, names: list[str]) -> bool:
    """Whether SLURM has assigned GPUs to this job alone; in a session with several GPUs (``salloc``, ``srun --pty``),
    jobs of a Snakemake without the SLURM profile choose among the session's GPUs."""
    return "SLURM_JOB_ID" in os.environ and not ("CUDA_VISIBLE_DEVICES" in os.environ and len(names) > count)


def card_memory(name: str) -> tuple[float, float] | None:
    """Free and total megabytes (2²⁰ bytes) of a GPU; None if ``nvidia-smi`` gives no answer."""
    command = ["nvidia-smi", "-i", name, "--query-gpu=memory.free,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        free, total = (float(number) for number in done.stdout.split(","))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return free, total


def claim(
    count: int,
    names: list[str] | None = None,
    pause: float = 1.0,
    *,
    share: int = 1,
    megabytes: float = 0,
    say: Callable[[str], object] = print,
    memory: Callable[[str], tuple[float, float] | None] = card_memory,
) -> list[str]:
    """Reserves a place on ``count`` GPUs for this process, waits until there is one, and makes only these GPUs visible.

    ``names``: the GPUs (default: ``gpus``). ``share``: places on each GPU; ``megabytes``: memory that the job needs on
    each GPU, which must be free if the GPU is shared (``memory``: free and total memory of a GPU). ``say`` gets a line
    if the job has to wait. Call this before CUDA starts.

    Returns the GPUs' names. Does nothing (an empty list) if there are no GPUs, if SLURM has assigned no more GPUs than
    the job needs, and in a process that a training over several GPUs has started. Raises ``UserError`` if the job
    cannot fit, or if other users can write to the folder of the locks.
    """
    names = gpus() if names is None else names
    if not count or not names or _assigned(count, names) or "LOCAL_RANK" in os.environ:
        return []
    number = min(count, len(names))
    folder = _folder()
    said = time.monotonic() - AGAIN + pause
    while True:
        places: dict[str, int] = {}
        reasons: dict[str, str] = {}
        never: set[str] = set()
        for place in range(share):  # a second place on a GPU only if no GPU is free
            for name in names:
                if len(places) < number and name not in places:
                    lock = _take(folder, name, place, share, megabytes, memory, reasons, never)
                    if lock is not None:
                        places[name] = lock
        if len(places) == number:
            _HELD.extend(places.values())
            os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # the numbering of nvidia-smi
            os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(places)
            return list(places)
        for lock in places.values():  # else two jobs that hold each other's GPU would wait for ever
            os.close(lock)
        why = "; ".join(reasons[name] for name in sorted(reasons)) or "all places are taken"
        if len(names) - len(never) < number:
            raise UserError(f"{why}: free memory, lower the batch or compute.chunk, or set compute.jobs_per_gpu to 1")
        if time.monotonic() - said >= AGAIN:
            say(f"waiting for {number} of the GPUs {', '.join(names)}, {share} jobs each: {why}")
            said = time.monotonic()
        time.sleep(pause * (1 + os.getpid() % 7 / 7))


def _take(
    folder: int,
    name: str,
    place: int,
    share: int,
    megabytes: float,
    memory: Callable[[str], tuple[float, float] | None],
    reasons: dict[str, str],
    never: set[str],
) -> int | None:
    """The lock of a place, or None.

    If the job does not fit, ``reasons`` gets the reason, and ``never`` the name if it can never fit.
    """
    guard = _lock(folder, f"{name}-guard")  # one job at a time computes the free memory
    if guard is None:
        return None
    try:
        lock = _lock(folder, f"{name}-{place}")
        if lock is None or share == 1 or not megabytes:
            return lock
        memory_now = memory(name)
        if memory_now is None:
            return lock
        free, total = memory_now
        promises = [_promised(folder, f"{name}-{other}") for other in range(share) if other != place]
        held = [promise for promise in promises if promise is not None]
        # Memory of other programs was measured when none of our jobs was on the GPU, and is assumed constant since
        # then: a job's use so far of the memory that it announced is unknown.
        foreign = max((others for _, others in held), default=total - free)
        available = min(free, total - foreign - sum(needed for needed, _ in held))
        if megabytes <= available:
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{megabytes:.0f} {foreign:.0f}".encode(), 0)
            return lock
        os.close(lock)
        reasons[name] = (
            f"GPU {name} has {max(0.0, available) / 1024:.1f} of {total / 1024:.1f} GiB free, a job needs about "
            f"{megabytes / 1024:.1f}"
        )
        if megabytes > total or not held:
            never.add(name)
        return None
    finally:
        os.close(guard)


def _promised(folder: int, name: str) -> tuple[float, float] | None:
    """Megabytes that the job in a place needs, and megabytes of other programs at its start; None if the place is
    free."""
    lock = _lock(folder, name)
    if lock is not None:
        os.close(lock)
        return None
    file = _open(folder, name)
    try:
        needed, foreign = os.pread(file, 64, 0).split()
        return float(needed), float(foreign)
    except ValueError:  # the job shares its GPU with no other and wrote no numbers
        return 0.0, 0.0
    finally:
        os.close(file)


def _lock(folder: int, name: str) -> int | None:
    """An open file locked by this process, or None if another process holds the lock."""
    file = _open(folder, name)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _open(folder: int, name: str) -> int:
    """Opens a regular file of this user in ``folder``; does not follow links, truncate or block."""
    session = os.environ.get("SLURM_JOB_ID", "")  # on a node, SLURM may number the GPUs of every session from 0
    called = f"gpu-{platform.node()}-{session and f'{session}-'}{quote(name, safe='')}.lock"
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.open(called, flags, 0o600, dir_fd=folder)
    except OSError as error:
        raise UserError(
            f"{_path(folder)}/{called}: cannot be opened as a lock ({error.strerror}); remove it"
        ) from error
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode) or about.st_uid != os.getuid() or about.st_nlink > 1:
        os.close(file)
        raise UserError(f"{_path(folder)}/{called}: must be a regular file of yours; remove it")
    return file


def _folder() -> int:
    """The opened folder of the locks, for this user only, in the runtime folder or else in the cache."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    base = Path(runtime if os.access(runtime, os.W_OK) else cache)
    path = base / "zoom-benchmark"
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise UserError(
            f"{path}: the GPU locks cannot be stored there ({error.strerror}); set XDG_RUNTIME_DIR to a folder "
            "of your own"
        ) from error
    about = os.fstat(folder)
    if about.st_uid != os.getuid() or about.st_mode & 0o077:
        os.close(folder)
        raise UserError(f"{path}: the folder of the GPU locks must be yours with mode 700; remove it")
    return folder


def _path(folder: int) -> str:
    return os.readlink(f"/proc/self/fd/{folder}")
