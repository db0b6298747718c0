"""``python tests/gpu``: the tests that need a GPU, in one call of a few minutes (``make gpu-test``).

One line per check at once, a file after each check, a table at the end; exit code 1 if a check failed.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow"), str(HERE)]

from board import CUT, FAILED, Board  # noqa: E402
from crew import Crew  # noqa: E402
from groups import groups  # noqa: E402


def main() -> int:
    """Runs the checks and returns the exit code."""
    parser = argparse.ArgumentParser(prog="gpu-test", description="What only a GPU can show, in a few minutes.")
    parser.add_argument("--minutes", type=float, default=4.0, help="that it may take; what does not fit is skipped")
    parser.add_argument("--output", type=Path, default=Path("results/gpu-test/gpu_test.md"), help="the table's file")
    parser.add_argument("--trunks", type=Path, default=Path("results/data/trunks"), help="with alex.safetensors")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: to see that the checks run")
    parser.add_argument("--only", nargs="+", default=[], metavar="PART", help="groups whose names hold one of these")
    parser.add_argument("--eager", action="store_true", help="without the checks that compile")
    parser.add_argument("--at-once", type=int, help="processes at once (three quarters of the cores)")
    given = parser.parse_args()
    until = time.time() + 60 * given.minutes

    chosen = {
        name: checks
        for name, checks in groups(not given.eager).items()
        if not given.only or any(part in name for part in given.only)
    }
    board = Board(given.output, f"gpu-test: {_device(given.device)}", lambda line: print(line, flush=True))
    board.say(f"{board.title}: {sum(map(len, chosen.values()))} checks in {len(chosen)} groups")
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="gpu-test-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        # Compilers of all processes share their results; sums in a fixed order need the workspace.
        os.environ |= {
            "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),
            "TORCHINDUCTOR_COMPILE_THREADS": "2",
            "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
            "OMP_NUM_THREADS": "1",
        }
        arguments = ["--device", given.device, "--trunks", str(given.trunks.absolute()), "--cores", str(cores)]
        arguments += ["--eager"] if given.eager else []
        crew = Crew(board, folder, until, arguments)
        crew.run(chosen, given.at_once or max(1, 3 * cores // 4))
    print(board.table(), flush=True)
    print(f"{board.summary()}; {given.output}", flush=True)
    return int(board.count(FAILED) + board.count(CUT) > 0 or not board.outcomes)


def _device(device: str) -> str:
    """The card, and the versions that matter."""
    import torch

    if device == "cpu":
        return f"CPU (dry), torch {torch.__version__}"
    if not torch.cuda.is_available():
        sys.exit("gpu-test: no CUDA device was found; run it on a machine with one (--device cpu: a dry run)")
    return f"{torch.cuda.get_device_name()}, torch {torch.__version__}, CUDA {torch.version.cuda}"


if __name__ == "__main__":
    sys.exit(main())
