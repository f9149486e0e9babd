"""Brings stored times back to the present after the clock was put back."""

from msgspec.structs import replace

from bridge.core.times_ahead import download_at, grab_at, job_at
from bridge.state import State


async def bring_back_times(state: State, now: float) -> None:
    """Correct the times of live rows, of jobs and of TorBox's last report that lie ahead."""
    report = state.snapshot
    listed_at, queued_at = min(report.listed_at, now), min(report.queue_listed_at, now)
    if (listed_at, queued_at) != (report.listed_at, report.queue_listed_at):
        state.set_snapshot(replace(report, listed_at=listed_at, queue_listed_at=queued_at), ())
    async with state.unit_of_work() as work:
        for download in state.live:
            if (brought := download_at(download, now)) != download:
                work.observe_download(brought)
            for grab in state.grabs_of(download.id):
                if (brought_grab := grab_at(grab, now)) != grab:
                    work.observe_grab(brought_grab)
        for job in state.jobs.values():
            if (brought_job := job_at(job, now)) != job:
                work.put_job(brought_job)
