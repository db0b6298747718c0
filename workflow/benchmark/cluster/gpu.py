"""One job for each GPU of a workstation, and one GPU for each job. On a cluster SLURM sees to it."""

import fcntl
import os
import tempfile
import time
from pathlib import Path
from typing import IO

_HELD: list[IO[str]] = []  # open files: the kernel frees a lock when its process ends, however it ends


def gpus(devices: Path = Path("/dev")) -> list[str]:
    """The GPUs that jobs may use: ``CUDA_VISIBLE_DEVICES`` where it is set, else every NVIDIA device."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name]
    return sorted(path.name.removeprefix("nvidia") for path in devices.glob("nvidia[0-9]*"))


def claim(count: int, found: list[str] | None = None, pause: float = 1.0) -> list[str]:
    """Takes ``count`` GPUs for this process alone, waiting until they are free, and makes only these visible.

    Returns their names; nothing happens (an empty list) where there are none, where SLURM has assigned them, and in
    a process that a training over several GPUs has started. To be called before CUDA starts.
    """
    found = gpus() if found is None else found
    if not count or not found or "SLURM_JOB_ID" in os.environ or "LOCAL_RANK" in os.environ:
        return []
    wanted = min(count, len(found))
    while True:
        locks = {name: lock for name in found if (lock := _lock(name))}
        for name in list(locks)[wanted:]:
            locks.pop(name).close()
        if len(locks) == wanted:
            _HELD.extend(locks.values())
            os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(locks)
            return list(locks)
        for lock in locks.values():  # two jobs that each hold what the other waits for would wait for ever
            lock.close()
        time.sleep(pause * (1 + os.getpid() % 7 / 7))


def _lock(name: str) -> IO[str] | None:
    file = open(Path(tempfile.gettempdir()) / f"zoom-{os.getuid()}-gpu-{name}.lock", "w")  # noqa: SIM115 (held)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
