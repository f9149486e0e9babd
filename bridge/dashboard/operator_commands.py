"""Commands that qBittorrent's API does not have. Each names a grab by its id."""

from collections.abc import Sequence

import structlog

from bridge.core.files import NamedFile
from bridge.core.model import Failover, Failure, Phase, Reason
from bridge.engine import Engine, EngineContext
from bridge.engine.failing import fail_grab, report_failure
from bridge.engine.removal import release

log = structlog.get_logger(__name__)

BY_USER = Failure(Reason.GAVE_UP, "Marked as failed on the page")
GONE = "It is gone already"


class OperatorCommands:
    """The page's commands. Each returns why it was refused, or an empty string."""

    def __init__(self, ctx: EngineContext, engine: Engine) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._engine = engine

    async def remove(self, grab_id: int, *, delete_files: bool, delete_remote: bool | None) -> str:
        """Remove a grab at once. A retried job deletes its files and TorBox's item.

        With `delete_remote` None, `policy.remove_from_torbox` decides about TorBox's item.
        """
        if self._state.entry(grab_id) is None:
            return GONE
        await release(
            self._ctx,
            grab_id,
            delete_files=delete_files,
            delete_remote=delete_remote,
            why="removed on the page",
        )
        self._engine.cancel_grab(grab_id)
        self._engine.wake()
        return ""

    async def report_failure(self, grab_id: int) -> str:
        """Fail a grab now and report it to its *arr, which then searches for another release."""
        entry = self._state.entry(grab_id)
        if entry is None:
            return GONE
        if entry.complete:
            return "It is complete: mark it as failed in the *arr"
        category = entry.grab.category
        if not self._ctx.arrs.of(category):
            return f"No *arr of the settings has the category {category!r}"
        # Already failed: report it again, because the first report may have been given up.
        if entry.phase is Phase.FAILED:
            return await self._report_again(grab_id)
        await fail_grab(self._ctx, grab_id, BY_USER)
        self._engine.cancel_grab(grab_id)
        self._engine.wake()
        return ""

    async def _report_again(self, grab_id: int) -> str:
        async with self._state.unit_of_work() as work:
            entry = work.entry(grab_id)
            if entry is None or entry.failure is None:
                return GONE
            jobs = [job.task for job in work.jobs_about(entry.hash, Failover)]
            if any(
                isinstance(task, Failover) and task.category == entry.grab.category for task in jobs
            ):
                return "The *arr is being told already"
            report_failure(self._ctx, work, entry, entry.failure)
        self._engine.wake()
        return ""

    def expect_files(self, info_hash: str, files: Sequence[NamedFile]) -> None:
        """Store the files of a preview, so that the user can choose before TorBox lists them."""
        download = self._state.by_hash(info_hash)
        if files and download is not None:
            self._state.set_expected_files(download.id, files)
