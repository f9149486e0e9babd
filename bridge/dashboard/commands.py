"""Commands that qBittorrent's API does not have.

Rows are named by (info-hash, number): the number tells the grabs of one hash apart.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from bridge.core.files import NamedFile
from bridge.core.model import Download, Failover, Failure, Phase, Reason
from bridge.engine import Engine, Services, outcome
from bridge.engine.remove import let_go

log = structlog.get_logger()

TOLD_AGAIN = "waits for its turn to be told to the *arr once more"
BY_USER = Failure(Reason.GAVE_UP, "Marked as failed on the page")


class Commands:
    """What the page can do to one row. Each returns why not, empty when it was done."""

    def __init__(self, services: Services, engine: Engine) -> None:
        self._services = services
        self._ledger = services.ledger
        self._engine = engine

    def _seen(self, info_hash: str, number: int) -> Download | None:
        download = self._ledger.downloads.get(info_hash)
        return self._services.everyone(download).get(number) if download else None

    async def remove(
        self, info_hash: str, number: int, *, delete_files: bool, delete_remote: bool | None
    ) -> str:
        """Remove a row at once; files and the remote item go by a retried job.

        `delete_remote` None: as `policy.remove_from_torbox` says.
        """
        seen = self._seen(info_hash, number)
        if seen is None:
            return "It is gone already"
        if await let_go(
            self._services,
            seen,
            delete_files=delete_files,
            delete_remote=delete_remote,
            why="removed on the page",
        ):
            self._engine.cancel(info_hash)
        self._engine.wake()
        return ""

    async def report_failure(self, info_hash: str, number: int) -> str:
        """Give a download up now and tell its *arr, which then looks for another release."""
        seen = self._seen(info_hash, number)
        if seen is None:
            return "It is gone already"
        if seen.complete:
            return "It is complete: mark it as failed in the *arr"
        if not self._services.arrs.of(seen.category):
            return f"No *arr of the settings has the category {seen.category!r}"
        if seen.phase is Phase.FAILED:
            return await self._report_again(seen)
        await outcome.failed(self._services, info_hash, BY_USER)
        self._engine.cancel(info_hash)
        self._engine.wake()
        return ""

    async def _report_again(self, seen: Download) -> str:
        jobs = self._ledger.failovers.values()
        if any(
            job.hash == seen.hash and job.category == seen.category and job.ended_at is None
            for job in jobs
        ):
            return "The *arr is being told already"
        job = Failover(hash=seen.hash, category=seen.category, created_at=self._services.clock())
        await self._ledger.change(
            seen.hash, lambda latest: replace(latest, note=TOLD_AGAIN), failovers=[job]
        )
        self._engine.wake()
        return ""

    def expect_files(self, info_hash: str, files: Sequence[NamedFile]) -> None:
        """Remember the files of a preview, so that they can be chosen before TorBox lists them."""
        if files:
            self._ledger.learn(info_hash, files)
