"""``python -m benchmark.bench [--gpu]``: what ``make bench`` and ``make bench-gpu`` call."""

import argparse
import sys
from pathlib import Path


def main() -> int:
    """Prints the table; exit code 1, and one line, where there is no GPU for ``--gpu``."""
    parser = argparse.ArgumentParser(prog="bench", description="How fast this is on the machine at hand.")
    parser.add_argument("--gpu", action="store_true", help="the article's size, on a GPU")
    parser.add_argument("--into", type=Path, default=Path("results/bench"), help="folder of the tables")
    given = parser.parse_args()

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    if given.gpu:
        from benchmark.bench import gpu

        if not gpu.there():
            say("bench-gpu: no CUDA device was found; run it on a machine with one (make bench needs none)")
            return 1
        print(gpu.run(given.into, say))
        return 0
    from benchmark.bench import cpu

    print(cpu.run(given.into, say))
    return 0


if __name__ == "__main__":
    sys.exit(main())
