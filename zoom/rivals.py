"""Programs of other authors, run next to the methods of this project on the same simulated scan.

A program is a command line in the config (``rivals``), so that it keeps its own environment and its own licence. It
gets a thick-sliced scan and writes a finer volume, which is read in world coordinates.
"""

import contextlib
import os
import shlex
import signal
import string
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import UserError
from benchmark.volume import read_scan, to_upright

#: The largest distance of the output's grid from the scan's grid, in voxels in plane.
NEAR = 0.02


@dataclass(frozen=True)
class Task:
    """The values of the placeholders in a program's command, by name.

    ``spacing``: distance of the slices of ``scan``, mm; ``wanted``: distance of the output's slices, mm; ``thickness``:
    of a slice of the scan, mm (full width at half maximum of a Gaussian); ``voxel``: the smaller side of a voxel in
    plane, mm; ``profile``: of a slice; ``folder``: an empty folder that is removed afterwards; ``gpu``: a number, −1
    for none.
    """

    scan: Path
    folder: Path
    n: int
    spacing: float
    thickness: float
    voxel: float
    profile: str
    threads: int
    gpu: int

    def words(self) -> dict[str, str]:
        numbers = {"n": self.n, "threads": self.threads, "gpu": self.gpu, "spacing": self.spacing}
        numbers |= {"thickness": self.thickness, "wanted": self.spacing / (self.n + 1)}
        numbers |= {"relative_thickness": self.thickness / self.voxel}
        files = {"input": self.scan, "folder": self.folder, "output": self.folder / "output.nii.gz"}
        texts = {name: f"{value:.6g}" for name, value in numbers.items()}
        return texts | {name: str(path) for name, path in files.items()} | {"profile": self.profile}


def run(name: str, rival: Mapping[str, Any], task: Task, data: str | Path, log: Path) -> Path:
    """Runs the program ``name`` of the config (its block: ``rival``) and returns the file that it wrote.

    ``data``: the config's folder for downloads, for ``{data}``. The program's output is appended to ``log``.
    ``UserError``, one line that names the program: it cannot be started, fails, takes longer than its ``minutes``, or
    writes no file; ``profiles`` lacks the slices' profile; or the command has an unknown placeholder.
    """
    where = f"rivals.{name}"
    words = task.words() | {"data": str(Path(data).absolute())}
    if rival["profiles"]:
        if task.profile not in rival["profiles"]:
            known = ", ".join(rival["profiles"])
            raise UserError(f"{where}: its profiles lack {task.profile}; they are {known}")
        words["profile"] = rival["profiles"][task.profile]
    command = [_filled(where, word, words) for word in shlex.split(rival["command"])]
    if not command:
        raise UserError(f"{where}.command: is empty; give the program and its arguments")
    if "/" in command[0]:
        command[0] = str(Path(command[0]).expanduser().absolute())  # the program runs in another folder
    output = Path(_filled(where, rival["output"], words))
    _call(where, command, task.folder, 60 * rival["minutes"], log)
    if not output.is_file():
        raise UserError(
            f"{where}: {command[0]} ended without error but wrote no {output.name}; correct output: (log: {log})"
        )
    return output


def _filled(where: str, text: str, words: Mapping[str, str]) -> str:
    try:
        return string.Formatter().vformat(text, (), words)
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        known = ", ".join(sorted(words))
        raise UserError(f"{where}: '{text}': no such placeholder ({error}); there are {known}") from None


def _call(where: str, command: list[str], folder: Path, seconds: float, log: Path) -> None:
    """Runs the command to its end; at the time limit, or if we are stopped, it is killed with its child processes."""
    own = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as said:
        begins = said.tell()
        how: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said, "cwd": folder, "env": own}
        try:
            with _signals_later() as came:
                process = subprocess.Popen(command, start_new_session=True, **how)
        except OSError as error:
            raise UserError(
                f"{where}: {command[0]} cannot be started ({error.strerror}); install it in its own environment, "
                "or correct the command (docs/zoom.md, Rivals)"
            ) from error
        try:
            for number in came:
                signal.raise_signal(number)
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise UserError(
                f"{where}: {command[0]} was stopped after {seconds / 60:g} minutes; raise minutes: (log: {log})"
            ) from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if code:
        with open(log, "rb") as said:
            said.seek(begins)
            lines = said.read().decode("utf-8", "replace").split("\n")
        last = next((line.split("\r")[-1].strip() for line in reversed(lines) if line.strip()), "it printed nothing")
        raise UserError(f"{where}: {command[0]} failed ({_code(code)}): {last[:200]} (log: {log})")


@contextlib.contextmanager
def _signals_later() -> Iterator[list[int]]:
    """Collects signals that would interrupt us, so that every started program can be killed."""
    came: list[int] = []
    caught = [number for number in signal.Signals if callable(signal.getsignal(number))]
    before = {number: signal.signal(number, lambda number, frame: came.append(number)) for number in caught}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _code(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"signal {-code}"


def read(
    name: str, output: Path, plane: str, affine: np.ndarray, shape: tuple[int, int], index: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """A program's output, the position of its first slice and the distance of its slices, in slices of the truth.

    The output (H, W, S') has the axes of ``plane``. ``affine`` and ``shape``: of the truth (H, W, S). ``UserError``:
    the file is not a volume of finite numbers, its voxels in plane are not at the scan's positions, or it does not
    extend from the first to the last slice of ``index``.
    """
    where = f"rivals.{name}: its output"
    scan = read_scan(output)
    data, own = to_upright(scan.data, scan.affine, plane)
    step = np.linalg.inv(affine) @ own  # voxel of the output → voxel of the truth
    expected = np.diag([1.0, 1.0, step[2, 2], 1.0])
    expected[2, 3] = step[2, 3]
    corners = np.array([[r, c, s, 1.0] for r in (0, shape[0]) for c in (0, shape[1]) for s in (0, data.shape[2])])
    off = np.abs(corners @ (step - expected).T).max()
    if data.shape[:2] != tuple(shape) or not off < NEAR:
        sides = f"{data.shape[0]} × {data.shape[1]} voxels, up to {off:.3g} voxels from their places"
        raise UserError(f"{where} has {sides} in plane; it must keep the scan's {shape[0]} × {shape[1]}")
    begins, apart = float(step[2, 3]), float(step[2, 2])
    last = begins + apart * (data.shape[2] - 1)
    if index[0] < begins - 0.5 * apart or index[-1] > last + 0.5 * apart:
        ends = np.round([begins, last], 3) + 0.0
        raise UserError(
            f"{where} extends from {ends[0]:.4g} to {ends[1]:.4g} in slices of the truth; it must contain all from "
            f"{index[0]} to {index[-1]}"
        )
    return data, begins, apart
