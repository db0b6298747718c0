"""Five checks of a finished study from its files: do tables, figures and verdicts agree with the measurements?

    python -m benchmark.audit RESULTS

Cells are recomputed from slice scores, detail from restored slices and the truth, EDSR's and interpolation's shares
from slice scores, regions from volumes; the rule for a verdict is tested on simulated patients. Each check prints a
line; the command fails if a check fails.
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

from benchmark import volume
from benchmark.figures.between import detail_box
from benchmark.files import read_csv
from benchmark.print.style import content
from benchmark.scores import significance
from benchmark.scores.metrics import METRICS
from benchmark.scores.region import LEAST_SHARE, region
from benchmark.scores.shares import CONTRASTS

Check = Callable[[Path], Iterator[str]]


class Wrong(Exception):
    """A difference between a check's result and the tables, figures or pages."""


def by_hand(results: Path, cohort: str, method: str, column: str) -> float:
    """A cell of tables 1–4, computed with the standard library only: mean over slices, then patients, then folds."""
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
    """Compares every mean of tables 1–4 with the slice scores."""
    for path in sorted((results / "tables").glob("table[1-4].csv")):
        table, count = read_csv(path), 0
        for row in table.to_dict("records"):
            for column in (*METRICS, *(f"{metric}_region" for metric in METRICS)):
                mean_by_hand = by_hand(results, row["cohort"], row["method"], column)
                if not (mean_by_hand == row[column] or abs(mean_by_hand - row[column]) < 2e-6):
                    raise Wrong(
                        f"{path.name}: {column} of {row['method']} is {row[column]}, by hand {mean_by_hand:.6f}"
                    )
                count += 1
        yield f"{path.name}: {count} cells agree with the slice scores"


def detail(results: Path) -> Iterator[str]:
    """Checks the percentages in captions of figures with new slices against the gap and the method of the figure."""
    keys = {
        row["label"]: row["method"]
        for path in (results / "tables").glob("table[1-4].csv")
        for row in read_csv(path).to_dict("records")
    }
    for path in sorted((results / "figures").glob("fig*.rst")):
        caption = path.read_text(encoding="utf-8").replace("\\", "")
        if not (said := re.search(r"Mean over the new slices: (.*?%)\.", caption)):
            continue
        place = re.search(r"^(\d+) new slices.* test patient (\S+) \(.* slices (\d+) and (\d+): ", caption, re.S)
        if place is None:
            raise Wrong(f"{path.stem}: its caption does not name patient, slices and number of new slices")
        name = f"{place[2]}_{int(place[3]):03d}-{int(place[4]):03d}_n{place[1]}.nii.gz"
        for label, printed in re.findall(r"(?:^|, )(.+?) (\d+)\s*%(?=,|$)", said[1]):
            restored = [_share(results, gap) for gap in (results / "gaps").glob(f"*/{keys.get(label, label)}/{name}")]
            if not any(abs(100 * share - float(printed)) <= 0.6 for share in restored):
                found = ", ".join(f"{share:.1%}" for share in restored) or "no restored gap"
                raise Wrong(f"{path.stem}: {label} has {printed} % of the truth's detail; by hand: {found}")
        yield f"{path.stem}: {said[1]} of the true ends' detail"


def _share(results: Path, path: Path) -> float:
    """Detail of a gap's new slices in the box, as a share of the detail of the true slices on both sides."""
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
    """Recomputes the gains by EDSR and interpolation from slice scores, and compares them with the verdict page."""
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
            text = f"{what} {gain:+z.2f} dB".replace("-", "−")
            if page and text not in page.replace("\\", ""):
                raise Wrong(f"verdict page: does not say “{text}”")
        yield f"{folder.name}: of {gains[4]:+.2f} dB, EDSR {edsr:+.2f}, interpolation in latents {latents:+.2f}"


def regions(results: Path) -> Iterator[str]:
    """Recomputes head or brain of every scored volume, and prints its area next to the area of voxels above 0."""
    for folder in sorted((results / "scores").iterdir()):
        sheet = read_csv(next(iter(sorted(folder.glob("fold*/*.csv")))))
        kinds, areas, above = set(), [], []
        for subject, rows in sheet.groupby("subject"):
            truth, affine = volume.read(results / "volumes" / folder.name / f"{subject}.nii.gz")
            again = region(truth, affine)
            if set(rows["region"]) != {again.kind} or np.abs(rows["share"].to_numpy() - again.share).max() > 2e-6:
                raise Wrong(f"{folder.name}: the region of {subject} is not the one that was scored")
            if rows["signal"].tolist() != (rows["share"] >= LEAST_SHARE).tolist():
                raise Wrong(f"{folder.name}: slices of {subject} were not scored by the rule about their share")
            kinds.add(again.kind)
            areas.append(again.mask.mean())
            above.append((truth > 0).mean())
        yield (
            f"{folder.name}: {' or '.join(sorted(kinds))}, {mean(areas):.1%} of the frame (voxels above 0: "
            f"{mean(above):.1%}); {int((~sheet['signal']).sum())} of {len(sheet)} slices below {LEAST_SHARE:.0%} "
            f"left out"
        )


def verdicts(_: Path) -> Iterator[str]:
    """Checks that a simulated winner is shown, a simulated tie is not, and too few patients give no verdict, for any
    difference."""
    draw = np.random.default_rng(20250502)
    patients = draw.normal(27, 1, 30)
    options: dict[str, Any] = {"higher_is_better": True, "seed": 1, "iterations": 100, "comparisons": 60}
    few = significance.LEAST - 1
    for name, ours, other, expected in (
        ("a winner by 3 dB", patients + draw.normal(3, 0.2, 30), patients, significance.CLEARLY),
        ("the other way round", patients, patients + draw.normal(3, 0.2, 30), significance.NOT_SHOWN),
        (
            "a tie but for one patient, 50 dB ahead",
            patients + np.r_[draw.normal(0, 0.3, 29), 50],
            patients,
            significance.NOT_SHOWN,
        ),
        ("a tie", patients + draw.normal(0, 0.3, 30), patients, significance.NOT_SHOWN),
        (f"{few} patients, 10 dB apart", patients[:few] + 10, patients[:few], significance.TOO_FEW),
    ):
        verdict = significance.paired(ours, other, **options)["verdict"]
        if verdict != expected:
            raise Wrong(f"{name}: {verdict}, expected {expected}")
        yield f"{name}: {verdict}"


CHECKS: dict[str, Check] = {
    "cells": cells,
    "detail": detail,
    "shares": shares,
    "regions": regions,
    "verdicts": verdicts,
}


def audit(results: Path) -> tuple[list[str], bool]:
    """Lines to print, and whether all checks passed."""
    lines, good = [], True
    for name, check in CHECKS.items():
        texts: list[str] = []
        try:
            texts += check(results)
        except (Wrong, OSError, StopIteration, KeyError, ValueError) as error:
            good = False
            lines.append(f"{name}: WRONG: {error}")
        else:
            lines += [] if texts else [f"{name}: nothing to check in {results}"]
        lines += [f"{name}: {text}" for text in texts]
    return lines, good


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmark.audit", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path, help="the folder of a finished study, e.g. results/demo")
    results = parser.parse_args(arguments).results
    if not (results / "scores").is_dir():
        print(f"{results}: holds no scores; give the folder of a finished study", file=sys.stderr)
        return 1
    lines, good = audit(results)
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
