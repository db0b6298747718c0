"""`minutes`: the trainings' shares follow their needs, and together they use the available time."""

import pytest
from configs import merged

from benchmark.cluster import budget
from benchmark.config import check
from benchmark.errors import UserError


def short_study(minutes, results, slots=5):
    config = check(merged("short", minutes=minutes, results=str(results)))
    config["compute"]["jobs_per_gpu"] = slots
    return config


def test_jobs_share_a_gpu_evenly_and_wait_for_their_inputs():
    a, b, c = (("n", "c", fold) for fold in (1, 2, 3))
    walls, end = budget.shared_evenly({a: 10.0, b: 20.0, c: 5.0}, {a: [], b: [], c: [a]}, slots=4)
    assert walls == {a: 20.0, c: 10.0, b: 35.0}  # a and b at the same time, then b and c, then b alone
    assert end == 35.0
    walls, end = budget.shared_evenly({a: 10.0, b: 20.0, c: 5.0}, {a: [], b: [], c: [a]}, slots=1)
    assert (sum(walls.values()), end) == (35.0, 35.0)


@pytest.mark.parametrize("slots", [1, 2, 5])
def test_training_limits_sum_to_the_available_time(tmp_path, slots):
    config = short_study(10, tmp_path, slots)
    seconds = budget.limits(config)
    chain = seconds["vq"] + seconds["ldm"] + seconds["edsr"]
    assert chain <= 600 - budget.OTHERWISE - 3 * budget.STARTING + 1e-6
    assert min(seconds.values()) > 10
    double = budget.limits(short_study(20, tmp_path, slots))
    assert all(double[name] > 2 * seconds[name] for name in seconds)  # the time without trainings does not grow


def test_longer_training_gets_a_longer_limit(tmp_path):
    config = short_study(10, tmp_path)
    before = budget.limits(config)["ldm"]
    config["networks"]["ldm"]["training"]["steps"] *= 3
    assert budget.limits(config)["ldm"] > 1.5 * before


def test_too_few_minutes_are_refused_in_one_line(tmp_path):
    with pytest.raises(UserError, match=r"minutes: 0.2 leaves .* give the study more minutes"):
        budget.limits(short_study(0.2, tmp_path))


def test_without_minutes_there_are_no_limits():
    assert budget.limits(check(merged())) == {}


def test_shared_network_is_trained_once_per_cohort(tmp_path):
    config = check(merged(minutes=100000))
    needs, after = budget.trainings(config)
    assert sum(name == "vq" for name, _, _ in needs) == 6
    assert after["ldm", "oasis", 3] == [("vq", "oasis", 1)]
