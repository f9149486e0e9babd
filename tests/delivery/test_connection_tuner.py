"""The number of connections follows what they bring."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.fetch.fetch_attempt import ConnectionTuner


def run(tuner: ConnectionTuner, speed: Callable[[int], float], measurements: int) -> list[int]:
    """Measure so often; return the number of connections at each measurement."""
    counts = []
    for _ in range(measurements):
        counts.append(tuner.target)
        tuner.measured(speed(tuner.target))
    return counts


def each_limited(count: int) -> float:
    """30 MB/s a connection."""
    return 30.0 * count


def all_limited(count: int) -> float:
    """100 MB/s for the client, over one connection as over many."""
    return 100.0


def best_with_four(count: int) -> float:
    """More than four disturb each other."""
    return {1: 30.0, 2: 60.0, 4: 100.0}.get(count, 80.0)


@pytest.mark.parametrize(
    ("speed", "most", "settled"),
    [(each_limited, 8, 8), (each_limited, 5, 5), (all_limited, 8, 1), (best_with_four, 8, 4)],
)
def test_settles_where_it_is_fastest(
    speed: Callable[[int], float], most: int, settled: int
) -> None:
    """From four connections it finds the best number within a few measurements."""
    tuner = ConnectionTuner(4, most)
    run(tuner, speed, 6)
    assert run(tuner, speed, 10) == [settled] * 10


def test_grows_at_once() -> None:
    """The second measurement is already made with twice the connections."""
    assert run(ConnectionTuner(4, 8), each_limited, 3) == [4, 8, 8]


def test_tries_again_after_a_while() -> None:
    """A limit that has gone is noticed."""
    tuner = ConnectionTuner(4, 8)
    run(tuner, all_limited, 30)
    counts = run(tuner, each_limited, 60)
    assert counts[-1] == 8


@given(st.integers(1, 16), st.integers(1, 16), st.lists(st.floats(0, 1e12), max_size=80))
def test_stays_within_the_limits(start: int, most: int, speeds: list[float]) -> None:
    """Whatever is measured, there are between one and `most` connections."""
    tuner = ConnectionTuner(start, most)
    for speed in speeds:
        tuner.measured(speed)
        assert 1 <= tuner.target <= most
