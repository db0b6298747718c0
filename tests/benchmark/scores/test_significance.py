"""Almost stochastic order: deepsig's example, known orders, and this project's additions."""

import sys

import numpy as np
import pytest
from scipy import stats

from benchmark.errors import UserError
from benchmark.scores.significance import (
    CLEARLY,
    LEAST,
    NOT_SHOWN,
    SHOWN,
    THRESHOLD_PAPER,
    TOO_FEW,
    compare,
    interval,
    paired,
    verdict,
)

# Few bootstrap iterations: the tests do not depend on their number, and each takes milliseconds.
ITERATIONS = 60
# A fully dominated sample differs from 1 by the one quantile of 199 that deepsig leaves out.
ALMOST_ONE = 0.99


def normal(seed: int, mean: float, size: int, spread: float = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, spread, size)


def test_epsilon_equals_the_published_example_of_deepsig() -> None:
    """Its README: N(0.9, 0.8) against N(0, 1), five scores each, seed 1234, gives 0.225."""
    draw = np.random.RandomState(1234)
    ours, other = draw.normal(0.9, 0.8, 5), draw.normal(0, 1, 5)
    result = compare(ours, other, higher_is_better=True, seed=1234)
    assert result["epsilon_min"] == pytest.approx(0.225, abs=5e-4)
    assert result["confidence"] == 0.95


def test_epsilon_is_0_for_dominance_and_1_for_the_reverse() -> None:
    low, high = normal(1, 0, 25), normal(2, 10, 30)
    result = compare(high, low, higher_is_better=True, seed=0, iterations=ITERATIONS)
    assert result["epsilon_min"] == 0
    assert (result["n_ours"], result["n_other"]) == (30, 25)
    result = compare(low, high, higher_is_better=True, seed=0, iterations=ITERATIONS)
    assert result["epsilon_min"] > ALMOST_ONE


def test_lower_is_better_reverses_the_order() -> None:
    near, far = normal(1, 0.1, 10, 0.01), normal(2, 0.3, 10, 0.01)
    assert compare(near, far, higher_is_better=False, seed=0, iterations=ITERATIONS)["epsilon_min"] == 0
    assert compare(near, far, higher_is_better=True, seed=0, iterations=ITERATIONS)["epsilon_min"] > ALMOST_ONE


def test_two_samples_of_one_distribution_are_not_ordered() -> None:
    for seeds in ((1, 2), (2, 1)):
        ours, other = (normal(seed, 0, 200) for seed in seeds)
        found = compare(ours, other, higher_is_better=True, seed=0, iterations=ITERATIONS)
        assert found["epsilon_min"] >= THRESHOLD_PAPER


@pytest.mark.filterwarnings("error")
def test_equal_constants_have_epsilon_one_half() -> None:
    result = compare([0.9] * 3, [0.9] * 5, higher_is_better=True, seed=0, iterations=ITERATIONS)
    assert result["epsilon_min"] == 0.5


def test_more_comparisons_raise_confidence_and_epsilon() -> None:
    """1 − α/M: grows with M, unlike deepsig's own correction."""
    ours, other = normal(1, 0.5, 20), normal(2, 0, 20)
    results = [
        compare(ours, other, higher_is_better=True, seed=3, comparisons=m, iterations=ITERATIONS) for m in (1, 2, 20)
    ]
    assert [result["confidence"] for result in results] == pytest.approx([0.95, 0.975, 0.9975])
    epsilons = [result["epsilon_min"] for result in results]
    assert 0 < epsilons[0] < epsilons[1] < epsilons[2] < 1


def test_result_depends_on_the_seed_and_leaves_numpys_state() -> None:
    ours, other = normal(1, 0.3, 12), normal(2, 0, 12)

    def epsilon(seed: int) -> float:
        return compare(ours, other, higher_is_better=True, seed=seed, iterations=ITERATIONS)["epsilon_min"]

    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random(3)  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    first = epsilon(7)
    np.testing.assert_array_equal(np.random.random(3), expected)  # noqa: NPY002
    assert epsilon(7) == first
    assert epsilon(8) != first
    assert 0 <= epsilon(2**63 - 1) <= 1  # as long as benchmark.seeds makes them


def test_max_scores_limits_the_sample_by_seed() -> None:
    ours, other = normal(1, 0.5, 400), normal(2, 0, 30)

    def capped(seed: int) -> dict:
        return compare(ours, other, higher_is_better=True, seed=seed, max_scores=30, iterations=ITERATIONS)

    assert (capped(0)["n_ours"], capped(0)["n_other"]) == (30, 30)
    assert capped(0) == capped(0)
    assert capped(0)["epsilon_min"] != capped(1)["epsilon_min"]


OPTIONS = {"higher_is_better": True, "seed": 0, "iterations": ITERATIONS}


def patient_scores(seed: int, count: int) -> np.ndarray:
    """Patients who differ by a decibel among themselves, whatever the method."""
    return normal(seed, 27, count, 1)


def test_clear_winner_is_shown_and_the_reverse_is_not() -> None:
    other = patient_scores(1, 30)
    ours = other + normal(2, 3, 30, 0.2)
    won = paired(ours, other, **OPTIONS)
    assert won["verdict"] == CLEARLY
    assert won["gain_low"] < won["gain"] < won["gain_high"]
    assert won["gain_low"] > 2.5
    assert paired(other, ours, **OPTIONS)["verdict"] == NOT_SHOWN
    assert paired(-ours, -other, **OPTIONS | {"higher_is_better": False})["gain"] == pytest.approx(won["gain"])


def test_tie_is_not_shown_in_either_direction() -> None:
    ours, other = patient_scores(1, 40), patient_scores(1, 40) + normal(5, 0, 40, 0.3)
    for pair in ((ours, other), (other, ours), (ours, ours)):
        assert paired(*pair, **OPTIONS)["verdict"] == NOT_SHOWN


def test_too_few_patients_have_no_verdict_and_no_interval() -> None:
    other = patient_scores(1, LEAST - 1)
    few = paired(other + 10, other, **OPTIONS)
    assert few["verdict"] == TOO_FEW
    assert few["patients"] == LEAST - 1
    assert few["gain"] == pytest.approx(10)
    assert np.isnan(few["gain_low"])
    assert paired(patient_scores(1, LEAST) + 10, patient_scores(1, LEAST), **OPTIONS)["verdict"] == CLEARLY


def test_paired_interval_excludes_zero_where_the_unpaired_one_does_not() -> None:
    """Each patient gains 0.3 dB, a third of the difference between patients: the interval is above 0, so pairing
    matters."""
    other = patient_scores(1, 40)
    gains = normal(2, 0.3, 40, 0.1)
    low, high = interval(gains, confidence=0.95, seed=0)
    assert 0.2 < low < 0.3 < high < 0.4
    shuffled = interval(np.random.default_rng(0).permutation(other + gains) - other, confidence=0.95, seed=0)
    assert shuffled[0] < 0


def test_equal_methods_are_called_different_as_often_as_the_confidence_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Gains of mean 0, a few patients far behind: 2.5 % are due at one end; a percentile interval errs on 8 to 9 %."""
    monkeypatch.setattr("benchmark.scores.significance.RESAMPLES", 800)
    draw = np.random.default_rng(4)
    tables = [1 - draw.exponential(1, LEAST) for _ in range(400)]
    lows = np.array([interval(gains, confidence=0.95, seed=0)[0] for gains in tables])
    assert (lows > 0).mean() < 0.06


@pytest.mark.parametrize(("count", "confidence"), [(LEAST, 0.95), (60, 0.99)])
def test_interval_of_normal_gains_is_students(count: int, confidence: float) -> None:
    half = normal(3, 0, count // 2, 0.5)
    gains = 0.3 + np.concatenate([half, -half])  # without the skewness of a small sample
    expected = stats.t.interval(confidence, count - 1, gains.mean(), stats.sem(gains))
    assert interval(gains, confidence=confidence, seed=0) == pytest.approx(expected, abs=0.08 * stats.sem(gains))


@pytest.mark.parametrize("sign", [1, -1])
def test_interval_is_longer_towards_the_tail_of_the_gains(sign: int) -> None:
    """Of exponential gains the mean of few patients is too low more often than too high (chapter 12.5)."""
    gains = sign * np.random.default_rng(1).exponential(1, 40)
    below, above = np.abs(np.array(interval(gains, confidence=0.95, seed=0)) - gains.mean())[::sign]
    assert above > 1.3 * below


def gains_with_one_outlier(usual: float, apart: float) -> np.ndarray:
    """Gains of 30 patients: 29 about ``usual``, and one ``apart``."""
    return np.append(usual + normal(7, 0, 29, 0.2), apart)


@pytest.mark.parametrize("comparisons", [1, 100])
@pytest.mark.parametrize(
    ("usual", "apart", "shown"),
    [
        (0, 50, False),  # equal but for one patient
        (3, -60, False),  # the mean is ahead only on patients that are not that one
        (3, -20, False),  # one failure in 30 patients: the mean of other patients may be anything
        (3, 50, True),  # ahead on all
        (3, 3, True),
    ],
)
def test_one_outlier_does_not_change_the_verdict(usual: float, apart: float, shown: bool, comparisons: int) -> None:
    other = patient_scores(1, 30)
    outcome = paired(other + gains_with_one_outlier(usual, apart), other, comparisons=comparisons, **OPTIONS)
    assert (outcome["verdict"] in (SHOWN, CLEARLY)) == shown


def test_interval_of_equal_gains_is_that_gain() -> None:
    assert interval(np.full(LEAST, 0.1), confidence=0.999, seed=0) == pytest.approx((0.1, 0.1))
    assert interval(np.zeros(LEAST), confidence=0.999, seed=0) == (0, 0)


def test_interval_of_a_gain_on_one_patient_includes_zero_and_infinity() -> None:
    low, high = interval(np.append(np.zeros(LEAST - 1), 1), confidence=0.95, seed=0)
    assert low < 0
    assert high == np.inf


def test_ends_of_a_corrected_interval_hardly_depend_on_the_seed() -> None:
    """450 comparisons: 1 of 18,000 resamples is beyond an end, and the ends still hardly depend on the seed."""
    gains = normal(2, 0.3, 30, 0.5)
    lows = [interval(gains, confidence=1 - 0.05 / 450, seed=seed)[0] for seed in range(3)]
    assert np.ptp(lows) < 0.1 * gains.std()


def test_more_comparisons_widen_the_interval() -> None:
    gains = normal(2, 0.3, 40, 0.5)
    (low, high), (lower, higher) = (interval(gains, confidence=1 - 0.05 / m, seed=0) for m in (1, 200))
    assert lower < low
    assert higher > high


@pytest.mark.parametrize(
    ("count", "epsilon", "low", "expected"),
    [
        (LEAST, 0.1, 0.01, CLEARLY),
        (LEAST, 0.3, 0.01, SHOWN),
        (LEAST, 0.6, 0.01, NOT_SHOWN),
        (LEAST, 0.1, -0.01, NOT_SHOWN),
        (LEAST, 0.1, float("nan"), NOT_SHOWN),
        (LEAST - 1, 0.0, 5.0, TOO_FEW),
    ],
)
def test_verdict_requires_enough_patients_and_both_tests(count: int, epsilon: float, low: float, expected: str) -> None:
    assert verdict(count, epsilon, low) == expected


@pytest.mark.filterwarnings("error")
def test_infinite_psnr_of_the_truth_is_compared() -> None:
    truth, finite = [np.inf] * 3, [30.0, 31.0, 900.0]
    for ours, other, epsilon in ((truth, finite, 0), (finite, truth, 1), (truth, truth, 0.5)):
        result = compare(ours, other, higher_is_better=True, seed=0, iterations=ITERATIONS)
        assert result["epsilon_min"] == pytest.approx(epsilon, abs=1 - ALMOST_ONE)


@pytest.mark.parametrize(
    ("ours", "says"),
    [
        ([np.inf, 30.0], "1 of 2 scores of a sample are infinite"),
        ([-np.inf, -np.inf], "infinite"),
        ([np.nan, 30.0], "without NaN"),
        ([], "first sample"),
        ([[1.0, 2.0]], r"shape \(1, 2\)"),
    ],
)
def test_invalid_samples_are_refused(ours: list, says: str) -> None:
    with pytest.raises(UserError, match=says):
        compare(ours, [1.0, 2.0], higher_is_better=True, seed=0, iterations=2)


@pytest.mark.parametrize(
    "wrong", [{"alpha": 0}, {"alpha": 1}, {"comparisons": 0}, {"max_scores": 0}, {"iterations": 0}]
)
def test_invalid_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(UserError, match="comparison needs"):
        compare([1.0], [2.0], higher_is_better=True, seed=0, **wrong)


def test_missing_deepsig_is_refused_with_the_package_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deepsig", None)
    with pytest.raises(UserError, match=r"needs the package deepsig.*'\.\[aso\]'"):
        compare(normal(0, 0, 20), normal(1, 1, 20), higher_is_better=True, seed=1, iterations=ITERATIONS)
