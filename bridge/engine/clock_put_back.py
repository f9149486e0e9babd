"""Brings stored times back to the present after the clock was put back.

Rows store unix times. When the clock is put back by an hour, each wait would last an hour longer,
and each age would be negative for an hour. `added_at`, `completed_at` and `imported_at` stay as they
are: while those lie ahead, things are kept for longer and nothing is deleted sooner.
"""

from msgspec.structs import replace

from bridge.core.model import Download, Grab, Job
from bridge.state import State

LONGEST_WAIT = 1000.0
"""No wait is ever stored further ahead than this (seconds)."""


async def bring_back_times(state: State, now: float) -> None:
    """Correct the times of live rows, of jobs and of TorBox's last report that lie ahead."""
    report = state.snapshot
    listed_at, queued_at = min(report.listed_at, now), min(report.queue_listed_at, now)
    if (listed_at, queued_at) != (report.listed_at, report.queue_listed_at):
        state.set_snapshot(replace(report, listed_at=listed_at, queue_listed_at=queued_at), ())
    async with state.unit_of_work() as work:
        for download in state.live:
            if (brought := _download_at(download, now)) != download:
                work.observe_download(brought)
            for grab in state.grabs_of(download.id):
                if (brought_grab := _grab_at(grab, now)) != grab:
                    work.observe_grab(brought_grab)
        for job in state.jobs.values():
            if (brought_job := _job_at(job, now)) != job:
                work.put_job(brought_job)


def _download_at(download: Download, now: float) -> Download:
    """Return the download without times that cannot be true at `now`."""
    return replace(
        download,
        next_attempt_at=_wait(download.next_attempt_at, now),
        lookup_until=_wait(download.lookup_until, now),
        phase_at=min(download.phase_at, now),
        remote_at=_past(download.remote_at, now),
        seen_at=_past(download.seen_at, now),
        failing_since=_past(download.failing_since, now),
    )


def _grab_at(grab: Grab, now: float) -> Grab:
    """Return the grab without times that cannot be true at `now`."""
    return replace(
        grab,
        next_attempt_at=_wait(grab.next_attempt_at, now),
        phase_at=min(grab.phase_at, now),
        incomplete_list_at=_past(grab.incomplete_list_at, now),
    )


def _job_at(job: Job, now: float) -> Job:
    """Return the job without a wait that cannot be true at `now`."""
    return replace(job, next_attempt_at=_wait(job.next_attempt_at, now))


def _wait(at: float, now: float) -> float:
    return now if at > now + LONGEST_WAIT else at


def _past(at: float | None, now: float) -> float | None:
    return at if at is None else min(at, now)
