"""Is one method better than another on patients? Almost stochastic order and a paired bootstrap, one verdict.

Almost stochastic order (§3.4; del Barrio et al., 2018; Dror et al., 2019): ``deepsig.aso`` estimates ε_min, an upper
bound on how far the scores of A are from being stochastically larger than those of B. 0 is full dominance; below 0.5 A
is better; a value near 1 means that A is not shown to be better, not that B is better. The test uses two unpaired
samples, although every method restores the same patients; so the mean of the paired differences is computed too, with a
bootstrap-t interval over patients. A verdict needs both, and at least ``LEAST`` patients.

The Bonferroni correction is ours, confidence 1 − α/M for M comparisons: deepsig's correction is 1 − α + α/M instead,
which is right for M = 2 only and approaches 1 − α as comparisons are added.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmark.errors import UserError

# The article declares a method better below 0.5; deepsig's authors advise 0.2.
THRESHOLD_PAPER, THRESHOLD_STRICT = 0.5, 0.2
LEAST = 20
"""Least number of patients for a verdict: a smaller sample says little, whatever ε_min is."""
SHOWN, CLEARLY, NOT_SHOWN, TOO_FEW = "shown", "clearly shown", "not shown", "not enough patients"
RESAMPLES, IN_TAIL = 20000, 20

# deepsig seeds NumPy's legacy generator with seed + 1 … seed + iterations: 32 bits.
_SEEDS = 2**32 - 2**20


def compare(
    ours: Sequence[float] | np.ndarray,
    other: Sequence[float] | np.ndarray,
    *,
    higher_is_better: bool,
    seed: int,
    alpha: float = 0.05,
    comparisons: int = 1,
    max_scores: int | None = None,
    iterations: int = 1000,
) -> dict[str, float | int]:
    """Test whether ``ours`` is almost stochastically better than ``other``, two samples of scores of any sizes.

    ``alpha`` is divided by ``comparisons``, the number of tests that one statement rests on. ``max_scores`` limits each
    sample by a seeded draw without replacement, because the time is quadratic: 4 s at 30 scores, 70 s at 1000; a
    smaller sample is used completely. ``iterations`` are bootstrap iterations.

    Returns ``epsilon_min`` in [0, 1]; ``n_ours`` and ``n_other``, the sizes tested; ``confidence``.

    A sample of infinite scores only, as the PSNR of the truth, is above any finite score, and equal to another infinite
    sample. Raises ``UserError`` for samples that are empty, hold NaN or −∞, or are partly infinite: their order is
    defined, but not how far the order is violated.
    """
    if not 0 < alpha < 1 or comparisons < 1 or iterations < 1 or (max_scores is not None and max_scores < 1):
        raise UserError(
            "a comparison needs 0 < alpha < 1 and at least one comparison, iteration and score, got "
            f"alpha {alpha}, comparisons {comparisons}, iterations {iterations}, max_scores {max_scores}"
        )
    sign = 1 if higher_is_better else -1
    draw = np.random.default_rng(seed)
    a, b = (
        _capped(sign * _sample(scores, name), max_scores, draw) for scores, name in ((ours, "first"), (other, "second"))
    )
    confidence = 1 - alpha / comparisons
    epsilon = _aso(*_finite(a, b), confidence, iterations, seed % _SEEDS)
    return {
        "epsilon_min": epsilon,
        "n_ours": len(a),
        "n_other": len(b),
        "confidence": confidence,
    }


def paired(
    ours: Sequence[float] | np.ndarray,
    other: Sequence[float] | np.ndarray,
    *,
    higher_is_better: bool,
    seed: int,
    **test: Any,
) -> dict[str, float | int | str]:
    """Test whether ``ours`` is better than ``other``, with one score of each method for the same patients in the same
    order.

    ``test``: arguments of ``compare``. Returns the result of ``compare`` and ``patients``, ``gain`` (mean difference,
    positive if ours is better), ``gain_low`` and ``gain_high`` (bootstrap interval over patients at the corrected
    confidence; NaN with fewer than ``LEAST`` patients or infinite scores) and ``verdict``.
    """
    outcome = compare(ours, other, higher_is_better=higher_is_better, seed=seed, **test)
    with np.errstate(invalid="ignore"):
        gains = (np.asarray(ours, float) - np.asarray(other, float)) * (1 if higher_is_better else -1)
    low, high = interval(gains, confidence=outcome["confidence"], seed=seed)
    result: dict[str, float | int | str] = {"patients": len(gains), "gain": float(gains.mean())}
    result |= {"gain_low": low, "gain_high": high}
    return outcome | result | {"verdict": verdict(len(gains), outcome["epsilon_min"], low)}


def interval(gains: np.ndarray, *, confidence: float, seed: int) -> tuple[float, float]:
    """Bootstrap-t interval of the mean of ``gains`` (N,) over patients (Efron & Tibshirani 1993, chapter 12.5).

    Each resample's mean is divided by the resample's own standard error. A percentile interval of 20 patients is too
    short, most of all in the far tails that a correction for many comparisons needs: at α/M of 0.05/30 it declares
    equal methods better about 4 times too often (normal gains) to 20 times (a few patients far behind). Resamples: at
    least ``RESAMPLES``, and ``IN_TAIL`` beyond each end. An end is infinite if the gain depends on one patient. NaN
    with fewer than ``LEAST`` patients or if a gain is not finite.
    """
    count = len(gains)
    if count < LEAST or not np.isfinite(gains).all():
        return float("nan"), float("nan")
    mean, error, tail = gains.mean(), gains.std(ddof=1) / math.sqrt(count), (1 - confidence) / 2
    if error <= 1e-12 * abs(mean):  # the same gain on every patient, but for rounding
        return float(mean), float(mean)
    resamples = max(RESAMPLES, math.ceil(IN_TAIL / tail))
    draw, ratios = np.random.default_rng(seed), []
    for first in range(0, resamples, RESAMPLES):
        drawn = (gains - mean)[draw.integers(0, count, (min(RESAMPLES, resamples - first), count))]
        means, errors = drawn.mean(axis=1), drawn.std(axis=1, ddof=1) / math.sqrt(count)
        equal = errors <= 1e-12 * error
        ratios.append(np.where(equal, np.copysign(np.inf, means), means / np.where(equal, 1, errors)))
    low, high = np.quantile(np.concatenate(ratios), (tail, 1 - tail), method="inverted_cdf")
    return float(mean - high * error), float(mean - low * error)


def verdict(patients: int, epsilon: float, low: float) -> str:
    """One of four verdicts: none with too few patients; shown if both ε_min and the paired interval agree."""
    if patients < LEAST:
        return TOO_FEW
    if not low > 0 or epsilon >= THRESHOLD_PAPER:
        return NOT_SHOWN
    return CLEARLY if epsilon < THRESHOLD_STRICT else SHOWN


def _sample(scores: Sequence[float] | np.ndarray, name: str) -> np.ndarray:
    sample = np.asarray(scores, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0 or np.isnan(sample).any():
        raise UserError(
            f"the {name} sample of a comparison must be a list of numbers without NaN, got shape {sample.shape}"
            + (f" with {np.isnan(sample).sum()} NaN" if sample.size else "")
            + "; leave out slices without signal"
        )
    return sample


def _capped(sample: np.ndarray, largest: int | None, draw: np.random.Generator) -> np.ndarray:
    if largest is None or len(sample) <= largest:
        return sample
    return draw.choice(sample, largest, replace=False)


def _finite(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Replaces infinite samples by finite samples above the other sample; the distance does not change a verdict."""
    infinite = [np.isinf(sample) for sample in (a, b)]
    if not any(mask.any() for mask in infinite):
        return a, b
    for mask, sample in zip(infinite, (a, b), strict=True):
        if (mask.any() and not mask.all()) or (sample == -np.inf).any():
            raise UserError(
                f"{mask.sum()} of {len(sample)} scores of a sample are infinite, so ε_min is not defined; "
                "only a sample of PSNR that is infinite throughout (the truth) can be compared"
            )
    above = max((sample.max() for sample in (a, b) if np.isfinite(sample).all()), default=0.0) + 1
    return tuple(np.where(np.isinf(sample), above, sample) for sample in (a, b))  # type: ignore[return-value]


def _aso(a: np.ndarray, b: np.ndarray, confidence: float, iterations: int, seed: int) -> float:
    try:
        from deepsig import aso
    except ModuleNotFoundError as error:
        raise UserError(
            f"almost stochastic order needs the package {error.name}, which is not installed: pip install '.[aso]' "
            "in a clone (deepsig is under GPL-3)"
        ) from error
    state = np.random.get_state()  # noqa: NPY002  deepsig reseeds the global generator: its state is restored below
    try:
        with warnings.catch_warnings():
            # Equal samples (also within the bootstrap): deepsig then correctly sets the ratio to 0.5.
            warnings.filterwarnings("ignore", message="Division by zero encountered in violation ratio")
            epsilon = aso(
                a,
                b,
                confidence_level=confidence,
                num_bootstrap_iterations=iterations,
                show_progress=False,
                seed=seed,
            )
    finally:
        np.random.set_state(state)  # noqa: NPY002
    return float(epsilon)
