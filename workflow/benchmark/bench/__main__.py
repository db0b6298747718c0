"""``python -m benchmark.bench [--gpu]``: the command behind ``make bench`` and ``make bench-gpu``."""

import argparse
import sys
from pathlib import Path


def main() -> int:
    """Prints the table; exit code 1 and one line if there is no GPU for ``--gpu``."""
    parser = argparse.ArgumentParser(prog="bench", description="Speed of the benchmark on this machine.")
    parser.add_argument("--gpu", action="store_true", help="the article's size, on a GPU")
    parser.add_argument("--into", type=Path, default=Path("results/bench"), help="folder of the tables")
    parser.add_argument("--only", nargs="+", default=[], metavar="SECTION", help="with --gpu: only these sections")
    parser.add_argument("--minutes", type=float, default=3.0, help="with --gpu: skip sections that would end later")
    parser.add_argument("--dry", action="store_true", help="with --gpu: a small size on the CPU, to check that it runs")
    parser.add_argument("--warm", action="store_true", help="with --gpu: only fill the cache of compiled kernels")
    options = parser.parse_args()

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    if options.gpu:
        from benchmark.bench import gpu
        from benchmark.bench.gpu_sections import SECTIONS

        if unknown := set(options.only) - set(SECTIONS):
            parser.error(f"no section {', '.join(sorted(unknown))}: choose from {', '.join(SECTIONS)}")
        if not options.dry and not gpu.there():
            say("bench-gpu: no CUDA device was found; run it on a machine with one (make bench needs none)")
            return 1
        print(
            gpu.run(options.into, say, only=options.only, minutes=options.minutes, dry=options.dry, warm=options.warm)
        )
        return 0
    from benchmark.bench import cpu

    print(cpu.run(options.into, say))
    return 0


if __name__ == "__main__":
    sys.exit(main())
