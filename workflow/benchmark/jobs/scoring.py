"""One scoring job: compares a method's restored volumes with the truth, slice by slice, and writes one CSV."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmark import volume
from benchmark.cohort.protocol import read_removal
from benchmark.files import subject_of, write_csv
from benchmark.scores.metrics import score
from benchmark.scores.region import region


def score_method(
    truths: Sequence[str], removals: Sequence[str], restored: str, *, trunk: str, target: str
) -> pd.DataFrame:
    """Scores every slice of every subject in the folder ``restored`` and writes ``target``.

    Columns: subject, slice, removed (bool), then those of ``benchmark.scores.metrics.score``.
    """
    from models.perceptual import Perceptual

    perceptual = Perceptual(trunk, net="alex")
    tables = []
    for truth, removal in zip(truths, removals, strict=True):
        prediction, _ = volume.read(Path(restored) / Path(truth).name)
        true, affine = volume.read(truth)
        table = score(prediction, true, region(true, affine), perceptual)
        table.insert(0, "subject", subject_of(truth))
        table.insert(2, "removed", table["slice"].isin(read_removal(removal).removed))
        tables.append(table)
    scores = pd.concat(tables, ignore_index=True)
    write_csv(target, scores)
    return scores
