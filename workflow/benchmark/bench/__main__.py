"""``python -m benchmark.bench [--gpu]``: what ``make bench`` and ``make bench-gpu`` call."""

import argparse
import sys
from pathlib import Path


def main() -> int:
    """Prints the table; exit code 1, and one line, where there is no GPU for ``--gpu``."""
    parser = argparse.ArgumentParser(prog="bench", description="How fast this is on the machine at hand.")
    parser.add_argument("--gpu", action="store_true", help="the article's size, on a GPU")
    parser.add_argument("--into", type=Path, default=Path("results/bench"), help="folder of the tables")
    parser.add_argument("--only", nargs="+", default=[], metavar="SECTION", help="with --gpu: these sections alone")
    parser.add_argument("--minutes", type=float, default=3.0, help="with --gpu: no section is begun that ends later")
    parser.add_argument("--dry", action="store_true", help="with --gpu: a small size on the CPU, to see that it runs")
    parser.add_argument("--warm", action="store_true", help="with --gpu: only fill the cache of compiled kernels")
    given = parser.parse_args()

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    if given.gpu:
        from benchmark.bench import gpu
        from benchmark.bench.gpu_sections import SECTIONS

        if unknown := set(given.only) - set(SECTIONS):
            parser.error(f"no section {', '.join(sorted(unknown))}: choose of {', '.join(SECTIONS)}")
        if not given.dry and not gpu.there():
            say("bench-gpu: no CUDA device was found; run it on a machine with one (make bench needs none)")
            return 1
        print(gpu.run(given.into, say, only=given.only, minutes=given.minutes, dry=given.dry, warm=given.warm))
        return 0
    from benchmark.bench import cpu

    print(cpu.run(given.into, say))
    return 0


if __name__ == "__main__":
    sys.exit(main())
