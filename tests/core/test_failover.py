"""When an *arr is told of a failed download."""

from typing import Any

import pytest

from bridge.core.actions import FailOver, Wait
from bridge.core.failover import HOUR, failovers
from bridge.core.model import Failover
from tests.support.scenes import NOW, hash_of, scene


def failover(number: int = 1, **fields: Any) -> Failover:
    """Make a job that is due."""
    made: dict[str, Any] = {
        "id": number,
        "hash": hash_of(number),
        "category": "tv",
        "created_at": NOW - 1,
    }
    return Failover(**made | fields)


def told(number: int, ago: float, **fields: Any) -> Failover:
    """Make a job that was done so many seconds ago."""
    return failover(number, **{"sent_at": NOW - ago, "ended_at": NOW - ago} | fields)


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([], []),
        ([failover()], [FailOver(1)]),
        ([failover(next_attempt_at=NOW + 5)], [Wait(NOW + 5)]),
        ([failover(1, next_attempt_at=NOW + 5), failover(2)], [FailOver(2)]),
        ([failover(2), failover(1)], [FailOver(1)]),
        ([told(1, 10)], []),
        ([told(1, 10, sent_at=None)], []),
        ([told(1, 10), failover(2)], [FailOver(2)]),
        ([told(1, 10), told(2, 20), failover(3)], [Wait(NOW - 20 + HOUR)]),
        ([told(1, 10), told(2, HOUR), failover(3)], [FailOver(3)]),
        ([told(1, 10), told(2, 20), failover(3, sent_at=NOW - 5)], [FailOver(3)]),
        ([told(1, 10, sent_at=None), told(2, 20), failover(3)], [FailOver(3)]),
        ([told(1, 10), failover(2, sent_at=NOW - 5), failover(3)], [FailOver(2)]),
    ],
)
def test_one_at_a_time_and_two_an_hour(
    jobs: list[Failover], expected: list[FailOver | Wait]
) -> None:
    """The first that is due, if the limit allows; what was begun is always ended."""
    assert list(failovers(scene(failovers=jobs, failovers_per_hour=2))) == expected


def test_the_next_one_waits_for_the_one_under_way() -> None:
    """Its end wakes the plan."""
    assert list(failovers(scene(failovers=[failover()], failing_over=True))) == []
