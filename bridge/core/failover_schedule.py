"""When a failed grab is reported to its *arr.

The *arr then blocklists the release and searches for an alternative. That cannot be undone, so
reports are made one at a time, and only so many an hour.
"""

from collections.abc import Iterator
from typing import NamedTuple

from bridge.core.actions import RunJob, Step, Wait
from bridge.core.model import Failover, Job
from bridge.core.planner_input import PlannerInput

HOUR = 3600.0


class _Report(NamedTuple):
    job: Job
    task: Failover


def next_failover(known: PlannerInput) -> Iterator[Step]:
    """Yield the report that is due first, or the time at which it will be.

    While a report is in progress nothing is yielded: its end wakes the planner.
    """
    reports = [_Report(job, job.task) for job in known.jobs if isinstance(job.task, Failover)]
    waiting = [
        (_due_at(report, reports, known), report.job.id)
        for report in reports
        if report.job.finished_at is None
    ]
    if not waiting or any(report.job.id in known.busy_jobs for report in reports):
        return
    at, job_id = min(waiting)
    yield Wait(at) if at > known.now else RunJob(job_id)


def _due_at(report: _Report, reports: list[_Report], known: PlannerInput) -> float:
    """Return when a report may proceed. The hourly limit does not hold back a sent report."""
    if report.task.sent_at is not None:
        return report.job.next_attempt_at
    free_at = _free_at(reports, known.failovers_per_hour, known.now)
    return max(report.job.next_attempt_at, free_at)


def _free_at(reports: list[_Report], per_hour: int, now: float) -> float:
    """Return when the hourly limit allows the next report."""
    times = [one.task.sent_at for one in reports if one.task.sent_at is not None]
    # A time in the future is of a clock that was put back since, and would hold up all until then.
    sent = sorted(at for at in times if at <= now)
    return 0.0 if len(sent) < per_hour else sent[-per_hour] + HOUR
