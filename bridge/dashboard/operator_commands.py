"""Commands that qBittorrent's API does not have. Each names grabs by their ids."""

from collections.abc import Iterable, Mapping, Sequence

import structlog

from bridge.core.files import NamedFile
from bridge.core.model import Failover, Failure, Phase, Reason
from bridge.engine import Engine, EngineContext
from bridge.engine.failing import fail_grab_in, report_failure
from bridge.engine.removal import release_all
from bridge.state import UnitOfWork

log = structlog.get_logger(__name__)

BY_USER = Failure(Reason.GAVE_UP, "Marked as failed on the page")
GONE = "It is gone already"


class OperatorCommands:
    """The page's commands. Each changes all that it is given in one commit."""

    def __init__(self, ctx: EngineContext, engine: Engine) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._engine = engine

    async def remove(
        self, grab_ids: Sequence[int], *, delete_files: bool, delete_remote: bool | None
    ) -> None:
        """Remove grabs at once. Retried jobs delete their files and TorBox's items.

        With `delete_remote` None, `policy.remove_from_torbox` decides about TorBox's items.
        """
        await release_all(
            self._ctx,
            grab_ids,
            delete_files=delete_files,
            delete_remote=delete_remote,
            why="removed on the page",
        )
        self._cancel(grab_ids)

    async def report_failures(self, grab_ids: Sequence[int]) -> Mapping[int, str]:
        """Fail grabs now and report them to their *arr, which then search for other releases.

        Return why that was refused, for each grab where it was.
        """
        async with self._state.unit_of_work() as work:
            answers = {grab_id: self._report_failure(work, grab_id) for grab_id in grab_ids}
        self._cancel([grab_id for grab_id, why in answers.items() if not why])
        return {grab_id: why for grab_id, why in answers.items() if why}

    def _report_failure(self, work: UnitOfWork, grab_id: int) -> str:
        entry = work.entry(grab_id)
        if entry is None:
            return GONE
        if entry.complete:
            return "It is complete: mark it as failed in the *arr"
        category = entry.grab.category
        if not self._ctx.arrs.of(category):
            return f"No *arr of the settings has the category {category!r}"
        if entry.phase is not Phase.FAILED or entry.failure is None:
            fail_grab_in(self._ctx, work, grab_id, BY_USER)
            return ""
        # Already failed: report it again, because the first report may have been given up.
        reports = work.jobs_about(entry.hash, Failover)
        if any(task.category == category for _, task in reports):
            return "The *arr is being told already"
        report_failure(self._ctx, work, entry, entry.failure)
        return ""

    def _cancel(self, grab_ids: Iterable[int]) -> None:
        for grab_id in grab_ids:
            self._engine.cancel_grab(grab_id)
        self._engine.wake()

    def expect_files(self, info_hash: str, files: Sequence[NamedFile]) -> None:
        """Store the files of a preview, so that the user can choose before TorBox lists them."""
        download = self._state.by_hash(info_hash)
        if files and download is not None:
            self._state.set_expected_files(download.id, files)
