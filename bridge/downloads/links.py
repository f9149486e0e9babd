"""Links in `torrents/add`: followed at once if that is quick, else in the background."""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from typing import assert_never
from urllib.parse import urlsplit
from uuid import uuid4

import structlog

from bridge.core.model import Download, Phase, Reason
from bridge.core.roots import OutsideRoots
from bridge.downloads.adopting import Adopting
from bridge.downloads.categories import valid_category
from bridge.downloads.fetching import FoundFile, FoundMagnet, LinkFetcher, NotFetched
from bridge.downloads.values import AddResult, Options, Pending, Rejected
from bridge.engine.engine import Engine
from bridge.engine.services import Services

log = structlog.get_logger()

PAUSES = (10.0, 60.0, 300.0)
"""Seconds before each further attempt at a link that could not be reached."""
FACT = "pending_links"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLink:
    """A link that is still to be followed. Kept in the database, which holds other secrets too."""

    id: str
    url: str
    options: Options


class Links(Adopting):
    """Adds by link."""

    def __init__(
        self, services: Services, engine: Engine, fetcher: LinkFetcher | None = None
    ) -> None:
        super().__init__(services, engine)
        self._fetcher = fetcher
        self._pending: dict[str, PendingLink] = {}

    async def add_link(self, url: str, options: Options) -> AddResult:
        """Follow a link to a .torrent or a magnet.

        A link that takes longer than a few seconds is followed in the background, also after a
        restart, and the result is `Pending`. So it is when the link leads to nothing, which only
        the log tells: clients expect that of qBittorrent. A link to a private address that the
        settings do not allow is rejected, or shown as a failed download when that takes longer.
        """
        if self._fetcher is None:
            return Rejected("links are not followed here")
        link = PendingLink(id=uuid4().hex, url=url, options=options)
        task = self._begin(link)
        await asyncio.wait({task}, timeout=self._services.pace.link)
        if task.done() and not task.cancelled() and task.exception() is None:
            result = task.result()
            dead = isinstance(result, Rejected) and not result.not_allowed
            return Pending() if dead else result
        self._pending[link.id] = link
        await self._save()
        return Pending()

    async def resume_links(self) -> None:
        """Go on with what was pending before a restart."""
        kept = await self._ledger.store.fact(FACT, list[PendingLink]) or []
        self._pending = {link.id: link for link in kept}
        for link in kept:
            self._begin(link)

    def _begin(self, link: PendingLink) -> asyncio.Task[AddResult]:
        return self._engine.background(self._to_the_end(link), name=f"link {link.id}")

    async def _to_the_end(self, link: PendingLink) -> AddResult:
        """Try until the link leads somewhere, or has been tried often enough."""
        result = await self._follow(link)
        for pause in PAUSES:
            if not isinstance(result, Pending):
                break
            await asyncio.sleep(pause)
            result = await self._follow(link)
        if isinstance(result, Pending):
            log.warning("link_given_up", host=_host(link.url))
        if self._pending.pop(link.id, None) is not None:
            if isinstance(result, Rejected) and result.not_allowed:
                await self._show_rejected(link, result.reason)
            await self._save()
        return result

    async def _show_rejected(self, link: PendingLink, reason: str) -> None:
        """Add a failed download in place of a link that must not be followed.

        Its client was told `Ok.` and would wait for it in vain. There is no info-hash, so the
        link's own hash stands for it.
        """
        options = link.options
        category = options.category if valid_category(options.category) else ""
        digest = hashlib.sha1(link.url.encode("utf-8", "replace"), usedforsecurity=False)
        try:
            save_path = self._save_path(category, "")
        except OutsideRoots:
            save_path = self._roots.default
        await self._make_category(category)
        bare = Download(
            hash=digest.hexdigest(),
            name=options.name or f"link to {_host(link.url)}",
            save_path=save_path,
            added_at=self._services.clock(),
        )
        made = replace(
            self._with_options(bare, options, category, save_path),
            phase=Phase.FAILED,
            failure_reason=Reason.REFUSED,
            failure_message=reason,
        )
        await self._ledger.insert(made)

    async def _save(self) -> None:
        await self._ledger.put_fact(FACT, list(self._pending.values()))

    async def _follow(self, link: PendingLink) -> AddResult:
        """Try once. `Pending` is "perhaps later"."""
        if self._fetcher is None:
            return Rejected("links are not followed here")
        found = await self._fetcher.follow(link.url, link.options.cookie)
        match found:
            case FoundMagnet(text):
                return await self.add_magnet(text, link.options)
            case FoundFile(data):
                return await self.add_torrent(data, link.options)
            case NotFetched(reason, again, forbidden):
                log.warning("link_not_followed", host=_host(link.url), why=reason)
                return Pending() if again else Rejected(reason, not_allowed=forbidden)
            case _:
                assert_never(found)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
