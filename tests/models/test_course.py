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


def test_without_a_limit_a_step_is_a_step():
    clock = Clock()
    assert run(Course(7, clock=clock), clock, 100.0) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("seconds", [0.01, 0.13, 1.0])
def test_the_schedule_ends_with_the_time(seconds):
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


def test_a_machine_that_becomes_slower_still_ends_in_time():
    clock = Clock()
    course = Course(400, limit=40.0, clock=clock)
    run(course, clock, 0.1, most=200)
    assert course.at == 200
    positions = run(course, clock, 0.5)
    assert positions[-1] == 400
    assert clock.now == pytest.approx(40.0, abs=1.0)
    steps = [b - a for a, b in pairwise(positions)]
    assert max(steps) < 60


def test_a_first_step_of_a_minute_is_not_taken_for_the_pace():
    clock = Clock()
    course = Course(1000, limit=120.0, clock=clock)
    clock.now += 60
    course.advance(course.stride())
    run(course, clock, 0.05, most=UNTIMED + 1)
    assert course.at <= UNTIMED + 3


def test_time_that_is_over_ends_it_at_once():
    clock = Clock()
    course = Course(1000, limit=10.0, clock=clock)
    clock.now = 11.0
    assert course.stride() == 1000


def test_seconds_of_an_interrupted_training_count():
    clock = Clock()
    first = Course(100, limit=50.0, clock=clock)
    run(first, clock, 1.0, most=20)
    clock.now += 1000  # it waits for a new start
    second = Course(100, limit=50.0, clock=clock)
    second.resume(first.state() | {"spent": 20.0})
    assert second.done == 20
    run(second, clock, 1.0)
    assert second.seconds == pytest.approx(50.0, abs=2.0)
