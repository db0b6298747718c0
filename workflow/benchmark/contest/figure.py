"""The contest as a picture: the three best methods, the controls and the truth on the removed slice with the most
detail."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmark import volume
from benchmark.cohort.protocol import Removal, read_removal
from benchmark.contest.measure import REMOVED
from benchmark.contest.table import patient_means
from benchmark.errors import UserError
from benchmark.figures.between import detail_box
from benchmark.figures.detail import gradient_energy
from benchmark.figures.showcase import panels
from benchmark.files import subject_of
from benchmark.print.style import content
from benchmark.scores.metrics import HIGHER_IS_BETTER, METRICS

BEST, WINDOW = 3, 0.3


def shown(scores: pd.DataFrame, cohort: str, methods: Mapping[str, Any], classes: Mapping[str, str]) -> list[str]:
    """The ``BEST`` methods by mean rank over the three metrics of the 10 % protocol, then the controls.

    Of methods of one class, which differ only in their networks or options, the best is shown: so there may be fewer.
    """
    patients = patient_means(scores[(scores["cohort"] == cohort) & (scores["setting"] == REMOVED)])
    means = patients.groupby("method", sort=False)[list(METRICS)].mean()
    trained = means[[methods[m]["kind"] == "method" for m in means.index]]
    ranks = sum(trained[m].rank(ascending=not HIGHER_IS_BETTER[m]) for m in METRICS)
    best: dict[str, str] = {}
    for method in ranks.sort_values(kind="stable").index:
        best.setdefault(classes[method], method)
    return list(best.values())[:BEST] + [m for m in means.index if methods[m]["kind"] == "control"]


def most_detail(
    truths: Sequence[str], removals: Sequence[str], may_show: Callable[[str], bool] = lambda subject: True
) -> tuple[str, np.ndarray, Removal, int]:
    """The removed slice with the most gradient energy among the patients that may be pictured (``may_show``): subject,
    truth, removal, slice. ``UserError`` if no patient may be pictured."""
    candidates = []
    for truth_path, removal_path in zip(truths, removals, strict=True):
        if not may_show(subject_of(truth_path)):
            continue
        truth, removal = volume.read(truth_path)[0], read_removal(removal_path)
        energy = gradient_energy(truth[removal.removed])
        index = int(removal.removed[energy.argmax()])
        candidates.append((float(energy.max()), subject_of(truth_path), truth, removal, index))
    if not candidates:
        raise UserError(
            "no patient of fold 1 may be pictured (their faces are not removed), so the contest has no figure"
        )
    return max(candidates, key=lambda one: one[0])[1:]


def draw(
    subject: str,
    truth: np.ndarray,
    place: int,
    restored: Mapping[str, np.ndarray],
    labels: Mapping[str, str],
    cohort: str,
) -> tuple[Figure, str]:
    """Slices, the window with the most detail, and errors, in three rows; a column for each method and the truth.

    ``truth`` (H, W); ``restored``: by method, (H, W).
    """
    rows, columns = crop = content([truth[None]])
    side = max(16, int(WINDOW * min(rows.stop - rows.start, columns.stop - columns.start)))
    images = {textwrap.fill(labels[method], 14): image for method, image in restored.items()}
    errors = {name: np.abs(image - truth) for name, image in images.items()}
    figure = panels(images | {"truth": truth}, errors, truth, crop, detail_box(truth[None], side))
    caption = (
        f"{cohort}, patient {subject}, slice {place}: the removed slice with the most gradient energy among "
        "the patients of fold 1 that may be pictured, restored with networks that never saw the patient. Boxed: the "
        "square in which the truth has the most detail; below: the absolute error and the slice's PSNR; one slice says "
        "little. "
        "The methods that rank best over the three metrics, at most three, and of methods that differ only in their "
        "networks or options the best; then the controls. All panels share grey levels and the scale of the errors."
    )
    return figure, caption
