"""Adding: committed and visible before it returns, whatever TorBox does."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import structlog

from bridge.core.claims import claim_of, taken_up
from bridge.core.magnet import BadMagnet, canonical_magnet, magnet_of, parse_magnet
from bridge.core.metainfo import NotATorrent, parse_torrent
from bridge.core.model import BEFORE_READY, Download, Phase
from bridge.core.roots import OutsideRoots
from bridge.downloads.callers import program_of
from bridge.downloads.categories import Categories, valid_category
from bridge.downloads.contents import Contents
from bridge.downloads.informing import Informing
from bridge.downloads.reads import named_files
from bridge.downloads.values import Added, AddResult, Joined, Known, Options, Rejected
from bridge.engine.remove import remote_removal
from bridge.torbox import TorBoxError

log = structlog.get_logger()

SONARR = "Sonarr/"
"""How its User-Agent begins."""

CACHED_CHECK_SECONDS = 3.0
"""How long an add may wait for TorBox's word whether it is cached."""


class Adding(Categories, Contents, Informing):
    """New downloads."""

    async def start(self, hashes: Iterable[str]) -> None:
        """Go on with these (see `Again.start`), and ask what is in the magnets among them."""
        known = self._known(hashes)
        await super().start(download.hash for download in known)
        for download in known:
            if download.phase in BEFORE_READY and not download.has_torrent:
                self._inform_later(download.hash)

    async def add_magnet(self, text: str, options: Options) -> AddResult:
        """Accept a magnet link or a bare info-hash. Committed and visible before this returns."""
        magnet = parse_magnet(text)
        if isinstance(magnet, BadMagnet):
            return Rejected(magnet.reason)
        download = Download(
            hash=magnet.infohash,
            name=options.name or magnet.name or magnet.infohash,
            save_path="",
            added_at=self._services.clock(),
            infohash_v1=magnet.infohash_v1,
            infohash_v2=magnet.infohash_v2,
            magnet=canonical_magnet(magnet),
        )
        result = await self._add(download, None, options)
        if isinstance(result, Added):
            self._inform_later(result.hash)
            self._services.throttles.set_own(result.hash, options.download_limit)
        return result

    async def add_torrent(self, data: bytes, options: Options) -> AddResult:
        """Accept a .torrent file. Committed and visible before this returns."""
        metainfo = await asyncio.to_thread(parse_torrent, data)
        if isinstance(metainfo, NotATorrent):
            return Rejected(metainfo.reason, bad_torrent=True)
        download = Download(
            hash=metainfo.infohash,
            name=options.name or metainfo.name,
            save_path="",
            added_at=self._services.clock(),
            infohash_v1=metainfo.infohash_v1,
            infohash_v2=metainfo.infohash_v2,
            magnet=magnet_of(metainfo),
            has_torrent=True,
            private=metainfo.private,
            size=metainfo.size,
        )
        result = await self._add(download, data, options)
        if isinstance(result, Added):
            self._ledger.learn(result.hash, named_files(metainfo))
            self._services.throttles.set_own(result.hash, options.download_limit)
        return result

    async def _add(self, download: Download, torrent: bytes | None, options: Options) -> AddResult:
        known = self._ledger.downloads.get(download.hash)
        category = options.category if valid_category(options.category) else ""
        if known is not None and self._has(known, category):
            return Known(download.hash)
        try:
            # Under automatic management the category alone says where it goes.
            asked = "" if options.auto_tmm else options.save_path
            save_path = self._save_path(category, asked)
        except OutsideRoots as error:
            return Rejected(str(error))
        if not options.insist and self._may_refuse(category, options):
            hopeless = await self._hopeless(download, category)
            if hopeless:
                return Rejected(hopeless)
        await self._make_category(category)
        await self._ledger.put_tags(options.tags)
        made = self._with_options(download, options, category, save_path)
        result = await self._keep(made, torrent)
        self._engine.wake()
        return result

    async def _make_category(self, category: str) -> None:
        if category and category not in self._ledger.categories:
            await self.create_category(category, "")

    def _has(self, download: Download, category: str) -> bool:
        """Tell whether a category sees a download already, or none is asked for."""
        everyone = self._services.everyone(download).values()
        mine = next((seen for seen in everyone if seen.category == category), None)
        return (mine is not None or not category) and (mine or download).phase is not Phase.FAILED

    async def _keep(self, made: Download, torrent: bytes | None) -> AddResult:
        """Put a download in its place, or let its category see the one that is there.

        Who else waited for one that has failed waits for the new one.
        """
        while True:  # until nobody comes between the look and the write
            known = self._ledger.downloads.get(made.hash)
            if known is not None and self._has(known, made.category):
                return Known(made.hash)
            if known is not None and known.phase is not Phase.FAILED:
                why = f"category {made.category!r} wants it, too"
                if await self._ledger.join(claim_of(made), why):
                    return Joined(made.hash)
            elif await self._ledger.insert(
                taken_up(made, known),
                torrent=torrent,
                replacing=known,
                cleanup=remote_removal(self._services, known) if known else None,
            ):
                return Added(made.hash)

    def _with_options(
        self, download: Download, options: Options, category: str, save_path: str
    ) -> Download:
        return replace(
            download,
            category=category,
            save_path=save_path,
            tags=tuple(dict.fromkeys(options.tags)),
            phase_at=download.added_at,
            stopped=options.stopped,
            force_start=options.force_start,
            sequential=options.sequential,
            first_last_first=options.first_last_first,
            priority=self._first_place() if options.to_top else self._last_place(),
            content_layout=options.content_layout,
            ratio_limit=options.ratio_limit,
            seeding_time_limit=options.seeding_time_limit,
            inactive_seeding_time_limit=options.inactive_seeding_time_limit,
            download_limit=options.download_limit,
            upload_limit=options.upload_limit,
            auto_tmm=options.auto_tmm,
            asked_by=program_of(options.asked_by),
        )

    def _save_path(self, category: str, save_path: str) -> str:
        known = self._ledger.categories.get(category)
        base = self._roots.default
        if category:
            base = self._roots.category_path(category, known.save_path if known else "")
        return self._roots.resolve(save_path, base) if save_path else base

    def _may_refuse(self, category: str, options: Options) -> bool:
        """Tell whether what is hopeless is refused at once, so that the next release is tried.

        Sonarr parks all its torrents after a refusal. Where it can be told of a failure by its own
        API the download is accepted, fails, and Sonarr finds another release.
        """
        parks = options.asked_by.startswith(SONARR)
        can_be_told = bool(self._services.arrs.of(category))
        always = self._services.settings.policy_for(category).refuse == "always"
        return always or not (parks and can_be_told)

    async def _hopeless(self, download: Download, category: str) -> str:
        """Tell why TorBox will not take it, as far as that is known at once; empty when it may."""
        now = self._services.clock()
        refused = self._services.refusals.why(download.hash, download.size, now)
        if refused:
            return refused
        only_cached = self._services.settings.policy_for(category).cached == "only"
        if only_cached and await self._uncached(download.hash):
            return "TorBox has not cached it, and this category takes only what it has"
        return ""

    async def _uncached(self, info_hash: str) -> bool:
        """Ask TorBox, in the time an *arr can wait. No answer in time is no refusal."""
        try:
            async with asyncio.timeout(CACHED_CHECK_SECONDS):
                cached = await self._services.torbox.cached([info_hash])
        except (TimeoutError, TorBoxError) as error:
            log.info("cached_check_failed", hash=info_hash, why=str(error) or "no answer in time")
            return False
        return info_hash not in cached
