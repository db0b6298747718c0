"""A training ends with its schedule, and with its time limit if that comes first: then the schedule is shortened."""

from itertools import pairwise

import pytest

from models.training.course import UNTIMED, Course


class Clock:
    """A clock that advances only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run(course: Course, clock: Clock, seconds: float, most: int = 10**6) -> list[int]:
    """Runs steps of these seconds until the course is over; returns the positions in the schedule."""
    positions = []
    while not course.over and len(positions) < most:
        clock.now += seconds
        course.advance(course.stride())
        positions.append(course.at)
    return positions


def test_without_a_time_limit_each_step_advances_by_one():
    clock = Clock()
    assert run(Course(7, clock=clock), clock, 100.0) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("seconds", [0.01, 0.13, 1.0])
def test_schedule_is_shortened_evenly_to_end_at_the_time_limit(seconds):
    clock = Clock()
    course = Course(1000, limit=60.0, clock=clock)
    positions = run(course, clock, seconds)
    assert positions[-1] == 1000
    assert course.done == len(positions)
    if 1000 * seconds <= 60:
        assert positions == list(range(1, 1001))  # enough time for all steps
    else:
        assert clock.now == pytest.approx(60.0, abs=2 * seconds)
        middle = positions[len(positions) // 2]
        assert middle == pytest.approx(500, abs=60)  # evenly, not in one jump at the end


def test_slower_steps_still_end_at_the_time_limit():
    clock = Clock()
    course = Course(400, limit=40.0, clock=clock)
    run(course, clock, 0.1, most=200)
    assert course.at == 200
    positions = run(course, clock, 0.5)
    assert positions[-1] == 400
    assert clock.now == pytest.approx(40.0, abs=1.0)
    steps = [b - a for a, b in pairwise(positions)]
    assert max(steps) < 60


def test_slow_first_step_does_not_count_as_the_pace():
    clock = Clock()
    course = Course(1000, limit=120.0, clock=clock)
    clock.now += 60
    course.advance(course.stride())
    run(course, clock, 0.05, most=UNTIMED + 1)
    assert course.at <= UNTIMED + 3


def test_expired_time_limit_skips_to_the_end_of_the_schedule():
    clock = Clock()
    course = Course(1000, limit=10.0, clock=clock)
    clock.now = 11.0
    assert course.stride() == 1000


def test_resumed_training_counts_the_seconds_already_spent():
    clock = Clock()
    first = Course(100, limit=50.0, clock=clock)
    run(first, clock, 1.0, most=20)
    clock.now += 1000  # it waits for a new start
    second = Course(100, limit=50.0, clock=clock)
    second.resume(first.state() | {"spent": 20.0})
    assert second.done == 20
    run(second, clock, 1.0)
    assert second.seconds == pytest.approx(50.0, abs=2.0)
