"""How far raters agree.

Fleiss' kappa is computed here: statsmodels has it, but would be installed for these lines only. Gwet's AC2 is left out:
irrCAC, the only library with it, needs scipy 1.12.0 and pandas below 3, which conflicts with this study's versions.
"""

import numpy as np


def fleiss_kappa(counts: np.ndarray) -> float:
    """Fleiss' kappa (1971) of ``counts`` (items, levels): how many raters gave an item this level.

    Every item has the same number of raters, at least two. 1 is full agreement, 0 is agreement by chance; NaN if all
    answers are one level, since agreement by chance is then full too. Raises ``ValueError`` if these rules are broken.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if counts.ndim != 2 or not len(counts) or counts.min() < 0:
        raise ValueError(f"counts must be (items, levels) and not negative, not of shape {counts.shape}")
    raters = counts.sum(axis=1)
    if raters.min() != raters.max() or raters[0] < 2:
        raise ValueError("every item needs the same number of raters, at least two")
    n = raters[0]
    observed = float(((counts**2).sum(axis=1) - n).mean() / (n * (n - 1)))
    chance = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    return float("nan") if chance == 1 else (observed - chance) / (1 - chance)
