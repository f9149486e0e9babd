"""When an *arr is told of a failed grab."""

from typing import Any

import pytest

from bridge.core.actions import RunJob, Wait
from bridge.core.failover_schedule import HOUR, next_failover
from bridge.core.model import Job
from bridge.core.planner import plan
from tests.support.scenes import NOW, failover, known


def told(number: int, ago: float, **fields: Any) -> Job:
    """Make a report that was made so many seconds ago."""
    return failover(number, **{"sent_at": NOW - ago, "finished_at": NOW - ago} | fields)


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([], []),
        ([failover()], [RunJob(1)]),
        ([failover(next_attempt_at=NOW + 5)], [Wait(NOW + 5)]),
        ([failover(1, next_attempt_at=NOW + 5), failover(2)], [RunJob(2)]),
        ([failover(2), failover(1)], [RunJob(1)]),
        ([told(1, 10)], []),
        ([told(1, 10, sent_at=None)], []),
        ([told(1, 10), failover(2)], [RunJob(2)]),
        ([told(1, 10), told(2, 20), failover(3)], [Wait(NOW - 20 + HOUR)]),
        ([told(1, 10), told(2, HOUR), failover(3)], [RunJob(3)]),
        ([told(1, 10), told(2, 20), failover(3, sent_at=NOW - 5)], [RunJob(3)]),
        ([told(1, 10, sent_at=None), told(2, 20), failover(3)], [RunJob(3)]),
        ([told(1, -HOUR), told(2, -HOUR), failover(3)], [RunJob(3)]),  # the clock was put back
        ([told(1, 10), failover(2, sent_at=NOW - 5), failover(3)], [RunJob(2)]),
    ],
)
def test_one_at_a_time_and_two_an_hour(jobs: list[Job], expected: list[RunJob | Wait]) -> None:
    """The first that is due is told, if the limit allows; what was begun is always ended."""
    assert list(next_failover(known(jobs=jobs, failovers_per_hour=2))) == expected


def test_the_next_one_waits_for_the_one_under_way() -> None:
    """Two reports are never made at once; the end of the first wakes the plan."""
    two = known(jobs=[failover(1), failover(2)], busy_jobs=frozenset({2}))
    assert list(next_failover(two)) == []


def test_an_outage_of_torbox_holds_up_no_report() -> None:
    """The *arr can be told of a failure while TorBox gives no answer."""
    out = known(jobs=[failover()], probe_at=NOW + 20)
    assert plan(out).actions == (RunJob(1),)
