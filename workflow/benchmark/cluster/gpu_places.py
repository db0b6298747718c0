"""How many jobs a GPU of a workstation has at once, and a GPU for each job. On a cluster SLURM sees to it."""

import contextlib
import fcntl
import os
import platform
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from benchmark.errors import UserError

_HELD: list[int] = []  # open files: the kernel frees a lock when its process ends, however it ends
AGAIN = 600.0
"""Seconds after which a job that waits says so again."""


def gpus(devices: Path = Path("/dev")) -> list[str]:
    """The GPUs that jobs may use: ``CUDA_VISIBLE_DEVICES`` where it is set, else every NVIDIA device."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name]
    return sorted(path.name.removeprefix("nvidia") for path in devices.glob("nvidia[0-9]*"))


def card_memory(name: str) -> tuple[float, float] | None:
    """Megabytes (2²⁰ bytes) of a GPU that are free, and that it has; None where ``nvidia-smi`` does not say."""
    command = ["nvidia-smi", "-i", name, "--query-gpu=memory.free,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        free, total = (float(number) for number in done.stdout.split(","))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return free, total


def claim(
    count: int,
    found: list[str] | None = None,
    pause: float = 1.0,
    *,
    share: int = 1,
    megabytes: float = 0,
    say: Callable[[str], object] = print,
    memory: Callable[[str], tuple[float, float] | None] = card_memory,
) -> list[str]:
    """Takes a place on ``count`` GPUs for this process, waiting until there is one, and makes only these visible.

    ``share``: places on each GPU; ``megabytes``: that the job needs on each, which has to be free where a GPU is shared
    (``memory``: of a GPU, free and in all). ``say`` gets a line where the job has to wait. To be called before CUDA
    starts.

    Returns the GPUs' names; nothing happens (an empty list) where there are none, where SLURM has assigned them, and in
    a process that a training over several GPUs has started. Raises ``UserError`` where the job will not fit, or the
    folder of the locks is not this user's alone.
    """
    found = gpus() if found is None else found
    if not count or not found or "SLURM_JOB_ID" in os.environ or "LOCAL_RANK" in os.environ:
        return []
    wanted = min(count, len(found))
    folder = _folder()
    said = time.monotonic() - AGAIN + pause
    while True:
        places: dict[str, int] = {}
        reasons: dict[str, str] = {}
        never: set[str] = set()
        for place in range(share):  # a second place on a GPU only where no GPU is free
            for name in found:
                if len(places) < wanted and name not in places:
                    lock = _take(folder, name, place, share, megabytes, memory, reasons, never)
                    if lock is not None:
                        places[name] = lock
        if len(places) == wanted:
            _HELD.extend(places.values())
            os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # as nvidia-smi and /dev number them
            os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(places)
            return list(places)
        for lock in places.values():  # two jobs that each hold what the other waits for would wait for ever
            os.close(lock)
        why = "; ".join(reasons[name] for name in sorted(reasons)) or "all places are taken"
        if len(found) - len(never) < wanted:
            raise UserError(f"{why}: free it, lower the batch or compute.chunk, or set compute.jobs_per_gpu to 1")
        if time.monotonic() - said >= AGAIN:
            say(f"waiting for {wanted} of the GPUs {', '.join(found)}, {share} jobs each: {why}")
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
    """The lock of a place, or None. Where it does not fit, ``reasons`` says why, and ``never`` that it never will."""
    door = _lock(folder, f"{name}-door")  # one job at a time counts what is free
    if door is None:
        return None
    try:
        lock = _lock(folder, f"{name}-{place}")
        if lock is None or share == 1 or not megabytes:
            return lock
        there = memory(name)
        if there is None:
            return lock
        free, total = there
        found = [_promised(folder, f"{name}-{other}") for other in range(share) if other != place]
        held = [promise for promise in found if promise is not None]
        # What is not ours was seen when none of our jobs was there, and since then is taken to be the same: how much of
        # its promise a job has taken so far, nobody says.
        strangers = max((others for _, others in held), default=total - free)
        room = min(free, total - strangers - sum(needed for needed, _ in held))
        if megabytes <= room:
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{megabytes:.0f} {strangers:.0f}".encode(), 0)
            return lock
        os.close(lock)
        reasons[name] = (
            f"GPU {name} has {max(0.0, room) / 1024:.1f} of {total / 1024:.1f} GiB free, a job needs about "
            f"{megabytes / 1024:.1f}"
        )
        if megabytes > total or not held:
            never.add(name)
        return None
    finally:
        os.close(door)


def _promised(folder: int, name: str) -> tuple[float, float] | None:
    """Megabytes that the job in a place needs, and that were not ours when it came; None where the place is free."""
    lock = _lock(folder, name)
    if lock is not None:
        os.close(lock)
        return None
    file = _open(folder, name)
    try:
        needed, strangers = os.pread(file, 64, 0).split()
        return float(needed), float(strangers)
    except ValueError:  # it said nothing, as it shares with nobody
        return 0.0, 0.0
    finally:
        os.close(file)


def _lock(folder: int, name: str) -> int | None:
    """An open file that this process alone has locked, or None."""
    file = _open(folder, name)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _open(folder: int, name: str) -> int:
    """A regular file of this user's in ``folder``; nothing is followed, emptied or waited for."""
    called = f"gpu-{platform.node()}-{quote(name, safe='')}.lock"
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
        raise UserError(f"{_path(folder)}/{called}: is no file of yours alone; remove it")
    return file


def _folder() -> int:
    """The folder of the locks, opened: this user's alone, in the runtime folder or else in the cache."""
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
            f"{path}: the locks of the GPUs cannot be kept there ({error.strerror}); set XDG_RUNTIME_DIR to a folder "
            "of your own"
        ) from error
    about = os.fstat(folder)
    if about.st_uid != os.getuid() or about.st_mode & 0o077:
        os.close(folder)
        raise UserError(f"{path}: must be yours alone (mode 700) to hold the locks of the GPUs; remove it")
    return folder


def _path(folder: int) -> str:
    return os.readlink(f"/proc/self/fd/{folder}")
