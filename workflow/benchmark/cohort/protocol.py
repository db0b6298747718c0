"""The 10 % protocol (article, section 3.1): the removed slices and the restored positions."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.errors import UserError
from benchmark.files import reading_result, written
from benchmark.seeds import generator


@dataclass(frozen=True)
class Removal:
    """``removed``: sorted indices of the removed slices, out of ``slices``."""

    slices: int
    removed: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Positions of the kept slices, (S − removed,)."""
        return np.setdiff1d(np.arange(self.slices), self.removed)


def draw_removed(slices: int, fraction: float, seed: int, dataset: str, subject: str) -> Removal:
    """round(fraction · S) interior slices, no two adjacent, uniformly among all such sets.

    n = 1 needs both neighbours of a removed slice, which the article does not ensure; so neighbours are never
    both removed, and the first and last slice stay. The draw depends on dataset and subject only, so it is the same for
    all methods, folds and modalities. Raises ``UserError`` if the fraction is too large.
    """
    count = round(fraction * slices)
    interior = slices - 2
    places = interior - count + 1
    if count < 1 or places < count:
        raise UserError(
            f"protocol.remove {fraction}: {count} of {slices} slices of {subject} cannot be removed with both "
            "neighbours kept; choose a fraction that removes between 1 and half of the interior slices"
        )
    # Non-adjacent sets of k out of m correspond to sets of k out of m − k + 1, spread by one position each.
    chosen = np.sort(generator(seed, "removal", dataset, subject).choice(places, count, replace=False))
    return Removal(slices, chosen + np.arange(count) + 1)


def write_removal(path: str | Path, removal: Removal) -> None:
    """TSV with a row for each slice: its index, and whether it is removed (1) or kept (0)."""
    with written(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["slice", "removed"])
        gone = set(removal.removed.tolist())
        writer.writerows([index, int(index in gone)] for index in range(removal.slices))


def read_removal(path: str | Path) -> Removal:
    """Reads a file of ``write_removal``. ``UserError``: missing or damaged."""
    with reading_result(path), open(path, encoding="utf-8", newline="") as file:
        flags = [int(row["removed"]) for row in csv.DictReader(file, delimiter="\t")]
        if not flags:
            raise ValueError("no slices")
    return Removal(len(flags), np.flatnonzero(flags))
