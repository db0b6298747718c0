"""Checks whether locks that Snakemake left in a folder may be removed: ``python -m benchmark.cluster.locks``.

``snakemake --unlock`` also removes the locks of a running study; two studies would then write the same files.
"""

import sys
from pathlib import Path

import psutil

from benchmark.errors import UserError


def stale(folder: str | Path) -> bool:
    """Whether ``folder`` has locks and no process of this machine works there.

    Raises ``UserError`` with the processes that do. Processes on other machines that share the folder are not seen.
    """
    folder = Path(folder).resolve()
    locks = folder / ".snakemake" / "locks"
    owners = {lock.stat().st_uid for lock in locks.iterdir()} if locks.is_dir() else set()
    if not owners:
        return False
    living = [process.pid for process in psutil.process_iter() if _works(process, folder, owners)]
    if living:
        raise UserError(
            f"{folder}: Snakemake is running here (process {', '.join(map(str, living))}), so its locks are kept; "
            "wait for the end of that study, or stop the process and start again"
        )
    return True


def _works(process: psutil.Process, folder: Path, owners: set[int]) -> bool:
    """Whether a process is Snakemake, or a script of a rule, in ``folder``; scripts continue after Snakemake is killed.

    If the system does not show the folder of another user's process, that user's locks count as held.
    """
    try:
        words = [Path(word) for word in process.cmdline()]
        if not any(word.name == "snakemake" or word.parts[-3:-1] == (".snakemake", "scripts") for word in words):
            return False
        try:
            return Path(process.cwd()) == folder
        except psutil.AccessDenied:
            return process.uids().real in owners
    except psutil.Error:  # the process has ended, or the system hides it
        return False


if __name__ == "__main__":
    try:
        sys.exit(not stale("."))
    except UserError as error:
        sys.exit(str(error))
