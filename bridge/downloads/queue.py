"""What a user does with downloads: remove, stop, start, force, order."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import structlog

from bridge.core.magnet import canonical_magnet
from bridge.core.model import BEFORE_READY, Download, Phase
from bridge.downloads.callers import NOBODY, Caller
from bridge.downloads.reads import Reads
from bridge.engine.remove import let_go
from bridge.torbox import TorBoxError

log = structlog.get_logger()


class Queue(Reads):
    """Writes that concern whole downloads."""

    async def remove(
        self, hashes: Iterable[str], *, delete_files: bool, caller: Caller | None = NOBODY
    ) -> None:
        """Hide the downloads at once; files and remote items go by a persisted, retried job.

        Where several have one, it goes for those whom the caller means; None means all of them.
        """
        for download in self._known(hashes):
            for seen in reversed(self._concerned(download, caller)):
                if await let_go(self._services, seen, delete_files=delete_files):
                    self._engine.cancel(download.hash)
        self._engine.wake()

    async def stop(self, hashes: Iterable[str]) -> None:
        """Begin nothing new for these until they are started again."""
        for download in self._known(hashes):
            if download.phase in BEFORE_READY | {Phase.READY, Phase.DELIVERING}:
                await self._change(download, "stopped by the user", stopped=True)
                if download.phase is Phase.DELIVERING:
                    self._engine.cancel(download.hash)
        self._engine.wake()

    async def start(self, hashes: Iterable[str]) -> None:
        """Go on with these; whatever waits for another attempt is tried at once."""
        for download in self._known(hashes):
            await self._change(
                download, "started by the user", stopped=False, force_start=False,
                next_attempt_at=0.0,
            )  # fmt: skip
        self._engine.wake()

    async def set_force_start(self, hashes: Iterable[str], *, value: bool) -> None:
        """Mark as forced: submitted before all others, shown as forcedDL while it runs."""
        for download in self._known(hashes):
            stopped = download.stopped and not value
            await self._change(download, "force start", force_start=value, stopped=stopped)
        self._engine.wake()

    async def toggle_sequential(self, hashes: Iterable[str]) -> None:
        """Turn over what is shown as `seq_dl`. TorBox orders the pieces as it likes."""
        for download in self._known(hashes):
            await self._change(download, "sequential", sequential=not download.sequential)

    async def toggle_first_last(self, hashes: Iterable[str]) -> None:
        """Turn over what is shown as `f_l_piece_prio`."""
        for download in self._known(hashes):
            first = not download.first_last_first
            await self._change(download, "first and last pieces first", first_last_first=first)

    async def to_top(self, hashes: Iterable[str]) -> None:
        """Move to the head of the submit queue."""
        for download in reversed(self._known(hashes)):
            await self._change(download, "moved to the top", priority=self._first_place())
        self._engine.wake()

    async def to_bottom(self, hashes: Iterable[str]) -> None:
        """Move to the end of the submit queue."""
        for download in self._known(hashes):
            last = self._last_place() + 1
            await self._change(download, "moved to the bottom", priority=last)
        self._engine.wake()

    async def shift(self, hashes: Iterable[str], *, up: bool) -> None:
        """Move one place up or down in the submit queue, the order among them kept."""
        moved = {download.hash for download in self._known(hashes)}
        await self._put_in_order(shifted([known.hash for known in self._waiting()], moved, up=up))
        self._engine.wake()

    def _waiting(self) -> list[Download]:
        """List what is not complete, in the order of the queue."""
        waiting = [known for known in self._ledger.downloads.values() if not known.complete]
        return sorted(waiting, key=lambda known: (known.priority, known.added_at, known.hash))

    async def _put_in_order(self, order: Sequence[str]) -> None:
        """Number the queue so that it reads in this order; nothing is written that fits already."""
        last = self._first_place()
        for download in self._known(order):
            if download.priority <= last:
                await self._change(download, "moved in the queue", priority=last + 1)
            last = max(last + 1, download.priority)

    def _first_place(self) -> int:
        return min((known.priority for known in self._ledger.downloads.values()), default=0) - 1

    def _last_place(self) -> int:
        """Name the place of who goes last; who shares it and came later goes after."""
        return max((known.priority for known in self._waiting()), default=0)

    async def set_share_limits(
        self,
        hashes: Iterable[str],
        *,
        ratio: float | None,
        seeding_minutes: int | None,
        inactive_minutes: int | None,
        caller: Caller = NOBODY,
    ) -> None:
        """Set when seeding is done. None keeps a limit as it is."""
        given = {
            "ratio_limit": ratio,
            "seeding_time_limit": seeding_minutes,
            "inactive_seeding_time_limit": inactive_minutes,
        }
        changes: dict[str, Any] = {
            name: value for name, value in given.items() if value is not None
        }
        for download in self._known(hashes):
            for seen in self._concerned(download, caller):
                await self._ledger.change_own(seen, "seed limits set", **changes)
        self._engine.wake()

    async def set_trackers(self, info_hash: str, urls: Sequence[str]) -> None:
        """Give its magnet other trackers. TorBox hears of them if it has not been asked yet."""
        magnet = self._magnet(info_hash)
        if magnet is not None:
            text = canonical_magnet(replace(magnet, trackers=tuple(urls)))
            for download in self._known([info_hash]):
                await self._change(download, "trackers", magnet=text)

    async def set_webseeds(self, info_hash: str, urls: Sequence[str]) -> None:
        """Give its magnet other web seeds. TorBox hears of them if it has not been asked yet."""
        magnet = self._magnet(info_hash)
        if magnet is not None:
            text = canonical_magnet(replace(magnet, webseeds=tuple(urls)))
            for download in self._known([info_hash]):
                await self._change(download, "web seeds", magnet=text)

    async def rename(self, info_hash: str, name: str) -> None:
        """Change the name that is shown; the files keep theirs."""
        for download in self._known([info_hash]):
            await self._change(download, f"renamed to {name!r}", name=name)

    async def set_comment(self, hashes: Iterable[str], comment: str) -> None:
        """Write a comment to each."""
        for download in self._known(hashes):
            await self._change(download, "comment", comment=comment)

    async def set_super_seeding(self, hashes: Iterable[str], *, value: bool) -> None:
        """Note what is shown as `super_seeding`. TorBox seeds as it likes."""
        for download in self._known(hashes):
            await self._change(download, "super seeding", super_seeding=value)

    async def set_auto_management(self, hashes: Iterable[str], *, value: bool) -> None:
        """Note what is shown as `auto_tmm`; files stay where they are."""
        for download in self._known(hashes):
            await self._change(download, "automatic management", auto_tmm=value)

    async def set_download_limits(self, hashes: Iterable[str], limit: int) -> None:
        """Hold back the fetches of each to so many bytes/s; 0 or less is no limit."""
        for download in self._known(hashes):
            await self._change(download, "download limit", download_limit=max(limit, 0))
            self._services.throttles.set_own(download.hash, limit)

    async def set_upload_limits(self, hashes: Iterable[str], limit: int) -> None:
        """Note a limit of bytes/s to be shown. TorBox uploads as it likes."""
        for download in self._known(hashes):
            await self._change(download, "upload limit", upload_limit=max(limit, 0))

    async def export(self, info_hash: str) -> bytes | None:
        """Give the .torrent that we were handed, or TorBox's; None when nobody has one."""
        for download in self._known([info_hash]):
            data = await self._ledger.store.torrent(download.hash)
            return data if data is not None else await self._export(download)
        return None

    async def _export(self, download: Download) -> bytes | None:
        if download.torrent_id is None:
            return None
        try:
            return await self._services.torbox.export(download.torrent_id)
        except TorBoxError as error:
            log.info("not_exported", hash=download.hash, why=str(error))
            return None


def shifted(order: Sequence[str], moved: Collection[str], *, up: bool) -> list[str]:
    """Move some one place towards the start (or the end); the outermost stay where they are."""
    result = list(order if up else reversed(order))
    for place in range(1, len(result)):
        if result[place] in moved and result[place - 1] not in moved:
            result[place - 1], result[place] = result[place], result[place - 1]
    return result if up else result[::-1]
