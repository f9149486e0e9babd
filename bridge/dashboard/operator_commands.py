"""Commands that qBittorrent's API does not have. Each names a grab by its id."""

from collections.abc import Sequence

import structlog

from bridge.core.files import NamedFile
from bridge.core.model import Failover, Failure, Phase, Reason
from bridge.engine import Engine, EngineContext
from bridge.engine.failing import fail_grab, report_failure
from bridge.engine.removal import release

log = structlog.get_logger()

BY_USER = Failure(Reason.GAVE_UP, "Marked as failed on the page")
GONE = "It is gone already"


class OperatorCommands:
    """What the page can do to one grab. Each returns why not, empty when it was done."""

    def __init__(self, ctx: EngineContext, engine: Engine) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._engine = engine

    async def remove(self, grab_id: int, *, delete_files: bool, delete_remote: bool | None) -> str:
        """Remove a grab at once; files and the item at TorBox go by a retried job.

        `delete_remote` None: as `policy.remove_from_torbox` says.
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
        """Give a grab up now and tell its *arr, which then searches another release."""
        entry = self._state.entry(grab_id)
        if entry is None:
            return GONE
        if entry.complete:
            return "It is complete: mark it as failed in the *arr"
        category = entry.grab.category
        if not self._ctx.arrs.of(category):
            return f"No *arr of the settings has the category {category!r}"
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
        """Remember the files of a preview, so that they can be chosen before TorBox lists them."""
        download = self._state.by_hash(info_hash)
        if files and download is not None:
            self._state.set_expected_files(download.id, files)
