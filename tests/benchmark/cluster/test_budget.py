"""`minutes`: the trainings' shares follow their needs, and together they use the available time."""

import pytest
from configs import merged

from benchmark.cluster import budget
from benchmark.config import check
from benchmark.errors import UserError


def short(minutes, results, slots=5):
    config = check(merged("short", minutes=minutes, results=str(results)))
    config["compute"]["jobs_per_gpu"] = slots
    return config


def test_jobs_share_one_gpu_evenly_and_wait_for_what_they_need():
    a, b, c = (("n", "c", fold) for fold in (1, 2, 3))
    walls, end = budget.shared_evenly({a: 10.0, b: 20.0, c: 5.0}, {a: [], b: [], c: [a]}, slots=4)
    assert walls == {a: 20.0, c: 10.0, b: 35.0}  # a and b at the same time, then b and c, then b alone
    assert end == 35.0
    walls, end = budget.shared_evenly({a: 10.0, b: 20.0, c: 5.0}, {a: [], b: [], c: [a]}, slots=1)
    assert (sum(walls.values()), end) == (35.0, 35.0)


@pytest.mark.parametrize("slots", [1, 2, 5])
def test_the_chain_of_trainings_ends_in_time(tmp_path, slots):
    config = short(10, tmp_path, slots)
    seconds = budget.limits(config)
    chain = seconds["vq"] + seconds["ldm"] + seconds["edsr"]
    assert chain <= 600 - budget.OTHERWISE - 3 * budget.STARTING + 1e-6
    assert min(seconds.values()) > 10
    double = budget.limits(short(20, tmp_path, slots))
    assert all(double[name] > 2 * seconds[name] for name in seconds)  # the time without trainings does not grow


def test_what_needs_more_gets_more(tmp_path):
    config = short(10, tmp_path)
    before = budget.limits(config)["ldm"]
    config["networks"]["ldm"]["training"]["steps"] *= 3
    assert budget.limits(config)["ldm"] > 1.5 * before


def test_too_few_minutes_are_one_line(tmp_path):
    with pytest.raises(UserError, match=r"minutes: 0.2 leaves .* give the study more minutes"):
        budget.limits(short(0.2, tmp_path))


def test_without_minutes_nothing_is_limited():
    assert budget.limits(check(merged())) == {}


def test_a_shared_network_has_one_training(tmp_path):
    config = check(merged(minutes=100000))
    needs, after = budget.trainings(config)
    assert sum(name == "vq" for name, _, _ in needs) == 6
    assert after["ldm", "oasis", 3] == [("vq", "oasis", 1)]
