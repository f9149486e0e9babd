"""What a clock that was put back has left in the future, brought back to the present.

Rows store unix times. When the clock is put back by an hour, each wait would last an hour longer,
and each age would be negative for an hour. `added_at`, `completed_at` and `imported_at` stay as they
are: while those lie ahead, things are kept for longer and nothing is deleted sooner.
"""

from msgspec.structs import replace

from bridge.core.model import Download, Grab, Job

LONGEST_WAIT = 1000.0
"""No wait is ever stored further ahead than this (seconds)."""


def download_at(download: Download, now: float) -> Download:
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


def grab_at(grab: Grab, now: float) -> Grab:
    """Return the grab without times that cannot be true at `now`."""
    return replace(
        grab,
        next_attempt_at=_wait(grab.next_attempt_at, now),
        phase_at=min(grab.phase_at, now),
        incomplete_list_at=_past(grab.incomplete_list_at, now),
    )


def job_at(job: Job, now: float) -> Job:
    """Return the job without a wait that cannot be true at `now`."""
    return replace(job, next_attempt_at=_wait(job.next_attempt_at, now))


def _wait(at: float, now: float) -> float:
    return now if at > now + LONGEST_WAIT else at


def _past(at: float | None, now: float) -> float | None:
    return at if at is None else min(at, now)
