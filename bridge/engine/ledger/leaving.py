"""Downloads go, and what they leave behind becomes a job."""

from collections.abc import Callable

import structlog

from bridge.core.claims import heir, left_behind, same
from bridge.core.model import Claim, Download, Event, Failover, Phase, Removal
from bridge.engine.ledger.claims import Claims
from bridge.engine.ledger.rows import say

log = structlog.get_logger()

Cleanup = Callable[[Download, Claim | None, bool], Removal]
"""Makes a removal of the download, of the leaver's claim (None: it has the row), and of whether
somebody else has a use for it still."""


class Leaving(Claims):
    """One of several leaves, or the last one."""

    async def remove(self, seen: Download, cleanup: Cleanup, *, why: str = "") -> bool:
        """Let one who asked for a download go, and keep the job that cleans up. Committed on return.

        `seen` is the download as the leaver sees it. If it has the download's own row the answer is
        True, and the next one takes its place; with the last one the download goes. `cleanup` makes
        the job out of the download as it stands then (a moment earlier it may not have had its
        torrent_id, or have stood at another place). A failover of the leaver's that was not begun
        is called off: whoever removes a failed download knows of it.
        """
        async with self._lock:
            download, claims = self._downloads.get(seen.hash), self.claims(seen.hash)
            if download is None:
                return False
            leaver = self._claim(seen)
            if leaver is None and not same(download, seen):
                return False
            everyone: tuple[Download | Claim, ...] = (download, *claims)
            rest = [one for one in everyone if not same(one, seen)]
            needed = any(one.phase is not Phase.FAILED for one in rest)
            removal = cleanup(download, leaver, needed)
            if claims:
                await self._leave(download, leaver, removal, why)
            else:
                await self._drop(download, removal, why)
        return leaver is None

    async def _drop(self, download: Download, removal: Removal, why: str) -> None:
        why = _joined(why, _removal_words(removal))
        called_off = self._not_begun(removal.hash, download.category)
        async with self.store.transaction() as write:
            for failover in called_off:
                await write.drop_failover(failover.id)
            await write.drop_download(removal.hash)
            removal = await write.add_removal(removal)
            await write.add_event(
                Event(hash=removal.hash, at=removal.created_at, kind="removed",
                      before=download.phase, why=why)
            )  # fmt: skip
        del self._downloads[removal.hash]
        self._files.pop(removal.hash, None)
        self._forget(called_off)
        self.contents.pop(removal.hash, None)
        self._removals[removal.id] = removal
        self.version += 1
        say("removed", download, why=why)

    async def _leave(
        self, download: Download, leaver: Claim | None, removal: Removal, why: str
    ) -> None:
        """Go without the others; who leaves the download's own row leaves it to another."""
        claims = self.claims(download.hash)
        to = heir(claims, download) if leaver is None else None
        others = tuple(claim for claim in claims if claim not in (leaver, to))
        category = (leaver or download).category
        called_off = self._not_begun(download.hash, category)
        words = f"category {category!r}, {_removal_words(removal)}; others have it still"
        why = _joined(why, words)

        def without(latest: Download) -> Download:
            return left_behind(latest, leaver or latest)

        async with self.store.transaction() as write:
            for failover in called_off:
                await write.drop_failover(failover.id)
            jobs: list[Removal | Failover] = [await write.add_removal(removal)]
            await write.add_event(
                Event(hash=download.hash, at=removal.created_at, kind="left", why=why)
            )
            if to is not None:
                jobs += await self._pass_on(write, without(download), to, others)
            else:
                await write.put_download(without(download))
                await write.put_claims(download.hash, others)
        if to is not None:
            self._passed_on(to, others, without)
        else:
            self.note(download.hash, without)
            self._set_claims(download.hash, others)
        self._forget(called_off)
        self._take_on(jobs)
        self.version += 1
        log.info("left", hash=download.hash, category=category, why=why)


def _joined(why: str, words: str) -> str:
    return f"{why}; {words}" if why else words


def _removal_words(removal: Removal) -> str:
    what = [f"{len(removal.files)} files"] if removal.files else []
    what += ["the remote item"] if removal.delete_remote else []
    return "with " + " and ".join(what) if what else "leaving files and remote item alone"
