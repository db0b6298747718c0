"""Five checks of a finished study, from its files alone: is what the tables, figures and verdicts say what was
measured?

    python -m benchmark.audit RESULTS

Cells are recomputed from slice scores, detail from restored slices and the truth, EDSR's and interpolation's shares
from slice scores, regions from volumes; the rule for a verdict is tried on made-up patients. Each check is a line; the
command fails where one does.
"""

import argparse
import csv
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pandas as pd

from benchmark import volume
from benchmark.figures.between import detail_box
from benchmark.print.style import content
from benchmark.scores import significance
from benchmark.scores.region import LEAST_SHARE, region
from benchmark.scores.shares import CONTRASTS

METRICS = ("ssim", "psnr", "lpips")
Check = Callable[[Path], Iterator[str]]


class Wrong(Exception):
    """What a check found to be otherwise than the tables, figures or pages say."""


def by_hand(results: Path, cohort: str, method: str, column: str) -> float:
    """A cell of tables 1–4 with nothing but the standard library: mean over slices, then patients, then folds."""
    folds = []
    for path in sorted((results / "scores" / cohort).glob(f"fold*/{method}.csv")):
        patients: dict[str, list[float]] = {}
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["removed"] == "True" and row["signal"] == "True":
                    patients.setdefault(row["subject"], []).append(float(row[column]))
        folds.append(mean(mean(values) for values in patients.values()))
    if not folds:
        raise Wrong(f"no slice scores of {method} on {cohort}")
    return mean(folds)


def cells(results: Path) -> Iterator[str]:
    """Every mean of tables 1–4 against the slice scores."""
    for path in sorted((results / "tables").glob("table[1-4].csv")):
        table, count = pd.read_csv(path), 0
        for row in table.to_dict("records"):
            for column in (*METRICS, *(f"{metric}_region" for metric in METRICS)):
                found = by_hand(results, row["cohort"], row["method"], column)
                if not (found == row[column] or abs(found - row[column]) < 2e-6):
                    raise Wrong(f"{path.name}: {column} of {row['method']} is {row[column]}, by hand {found:.6f}")
                count += 1
        yield f"{path.name}: {count} cells as the slice scores have them"


def detail(results: Path) -> Iterator[str]:
    """The percentages in the captions of figures of new slices, against the true ends that the figures show."""
    restored = [_share(results, path) for path in sorted((results / "gaps").glob("*/*/*.nii.gz"))]
    for path in sorted((results / "figures").glob("fig*.rst")):
        caption = path.read_text(encoding="utf-8")
        if not (said := re.search(r"Mean over the new slices: (.*?%)\.", caption)):
            continue
        printed = [float(number) for number in re.findall(r"(\d+)\s*%", said[1])]
        for number in printed:
            if not any(abs(100 * share - number) <= 0.6 for share in restored):
                raise Wrong(f"{path.stem}: {number:g} % of the truth's detail, which no restored gap has")
        yield f"{path.stem}: {', '.join(f'{number:g} %' for number in printed)} of the true ends' detail"


def _share(results: Path, path: Path) -> float:
    """Detail of a gap's new slices in the box, as a share of that of the true slices on both sides."""
    cohort = path.parts[-3]
    named = re.fullmatch(r"(.+)_(\d+)-(\d+)_n\d+\.nii\.gz", path.name)
    if named is None:
        raise Wrong(f"{path}: not the name of a gap")
    truth = volume.read(results / "volumes" / cohort / f"{named[1]}.nii.gz")[0]
    new, ends = volume.read(path)[0], truth[[int(named[2]), int(named[3])]]
    rows, columns = content([ends])
    box = detail_box(ends, max(8, min(rows.stop - rows.start, columns.stop - columns.start) // 4))
    slopes = [np.sqrt(sum(part**2 for part in np.gradient(one.astype(float))))[box].mean() for one in (*new, *ends)]
    return float(np.mean(slopes[1 : len(new) - 1]) / np.mean(slopes[len(new) :]))


def shares(results: Path) -> Iterator[str]:
    """What EDSR and interpolation earn, from slice scores, and that the verdict page says the same."""
    page = (results / "verdict.rst").read_text(encoding="utf-8") if (results / "verdict.rst").exists() else ""
    for folder in sorted((results / "scores").iterdir()):
        methods = {path.stem for path in folder.glob("fold*/*.csv")}
        if not {method for pair in CONTRASTS.values() for method in pair} <= methods:
            continue
        gains = [
            by_hand(results, folder.name, first, "psnr") - by_hand(results, folder.name, second, "psnr")
            for first, second in CONTRASTS.values()
        ]
        edsr, latents = mean(gains[2:4]), mean(gains[:2])
        if abs(edsr + latents - gains[4]) > 1e-9:
            raise Wrong(f"{folder.name}: EDSR {edsr:+.4f} and interpolation {latents:+.4f} are not {gains[4]:+.4f}")
        for what, gain in (("EDSR accounts for", edsr), ("latents instead of pixels for", latents)):
            text = f"{what} {gain:+.2f} dB".replace("-", "−")
            if page and text not in page.replace("\\", ""):
                raise Wrong(f"verdict page: does not say “{text}”")
        yield f"{folder.name}: of {gains[4]:+.2f} dB, EDSR {edsr:+.2f}, interpolation in latents {latents:+.2f}"


def regions(results: Path) -> Iterator[str]:
    """Head or brain of every scored volume, made again, and its area next to that of the voxels above 0."""
    for folder in sorted((results / "scores").iterdir()):
        sheet = pd.read_csv(next(iter(sorted(folder.glob("fold*/*.csv")))), dtype={"subject": str})
        kinds, areas, above = set(), [], []
        for subject, rows in sheet.groupby("subject"):
            truth, affine = volume.read(results / "volumes" / folder.name / f"{subject}.nii.gz")
            found = region(truth, affine)
            if set(rows["region"]) != {found.kind} or np.abs(rows["share"].to_numpy() - found.share).max() > 2e-6:
                raise Wrong(f"{folder.name}: the region of {subject} is not the one that was scored")
            if rows["signal"].tolist() != (rows["share"] >= LEAST_SHARE).tolist():
                raise Wrong(f"{folder.name}: slices of {subject} were scored by another rule than their share")
            kinds.add(found.kind)
            areas.append(found.mask.mean())
            above.append((truth > 0).mean())
        yield (
            f"{folder.name}: {' or '.join(sorted(kinds))}, {mean(areas):.1%} of the frame (voxels above 0: "
            f"{mean(above):.1%}); {int((~sheet['signal']).sum())} of {len(sheet)} slices below {LEAST_SHARE:.0%} "
            f"left out"
        )


def verdicts(_: Path) -> Iterator[str]:
    """A planted winner is shown, a planted tie is not, and too few patients have no verdict, however far apart."""
    draw = np.random.default_rng(20250502)
    patients = draw.normal(27, 1, 30)
    options: dict[str, Any] = {"higher_is_better": True, "seed": 1, "iterations": 100, "comparisons": 60}
    few = significance.LEAST - 1
    for name, ours, other, expected in (
        ("a winner by 3 dB", patients + draw.normal(3, 0.2, 30), patients, significance.CLEARLY),
        ("the other way round", patients, patients + draw.normal(3, 0.2, 30), significance.NOT_SHOWN),
        ("a tie", patients + draw.normal(0, 0.3, 30), patients, significance.NOT_SHOWN),
        (f"{few} patients, 10 dB apart", patients[:few] + 10, patients[:few], significance.TOO_FEW),
    ):
        found = significance.paired(ours, other, **options)["verdict"]
        if found != expected:
            raise Wrong(f"{name}: {found}, expected {expected}")
        yield f"{name}: {found}"


CHECKS: dict[str, Check] = {
    "cells": cells,
    "detail": detail,
    "shares": shares,
    "regions": regions,
    "verdicts": verdicts,
}


def audit(results: Path) -> tuple[list[str], bool]:
    """Lines to print, and whether nothing was found wrong."""
    lines, good = [], True
    for name, check in CHECKS.items():
        found: list[str] = []
        try:
            found += check(results)
        except (Wrong, OSError, StopIteration, KeyError, ValueError) as error:
            good = False
            lines.append(f"{name}: WRONG: {error}")
        else:
            lines += [] if found else [f"{name}: nothing to check in {results}"]
        lines += [f"{name}: {text}" for text in found]
    return lines, good


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmark.audit", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path, help="the folder of a finished study, e.g. results/demo")
    results = parser.parse_args(arguments).results
    if not (results / "scores").is_dir():
        print(f"{results}: no scores in it; give the folder of a finished study", file=sys.stderr)
        return 1
    lines, good = audit(results)
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
