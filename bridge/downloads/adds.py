"""Adds downloads and grabs. An add is committed and visible before it returns."""

import asyncio
import hashlib

import structlog
from msgspec.structs import replace

from bridge.core import transitions
from bridge.core.magnet import BadMagnet, canonical_magnet, magnet_of, parse_magnet
from bridge.core.metainfo import NotATorrent, parse_torrent
from bridge.core.model import (
    AddOptions,
    Download,
    DownloadPhase,
    Entry,
    Failover,
    Grab,
    GrabPhase,
    MetadataLookup,
    Reason,
    Recheck,
)
from bridge.core.paths import OutsideRoots
from bridge.core.remote_tracking import follow_again
from bridge.downloads.client_scopes import Caller, ClientScopes, program_of
from bridge.downloads.labels import Labels, valid_category
from bridge.downloads.queries import named_files
from bridge.downloads.results import Added, AddResult, Joined, Known, Pending, Rejected
from bridge.engine import Engine, EngineContext
from bridge.engine.link_fetcher import NotFetched
from bridge.engine.link_follow import host_of
from bridge.engine.removal import remote_removal
from bridge.state import UnitOfWork

log = structlog.get_logger(__name__)

SONARR = "Sonarr/"
"""The start of its User-Agent."""


class Adds:
    """Adds downloads and grabs: from magnets, hashes, .torrent files and links."""

    def __init__(
        self, ctx: EngineContext, engine: Engine, labels: Labels, scopes: ClientScopes
    ) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._engine = engine
        self._labels = labels
        self._scopes = scopes
        engine.links.add_with(self.magnet, self.torrent, self._show_refused)

    async def magnet(
        self, text: str, options: AddOptions, caller: Caller | None = None
    ) -> AddResult:
        """Accept a magnet link or a bare info-hash. Committed and visible before this returns."""
        magnet = parse_magnet(text)
        if isinstance(magnet, BadMagnet):
            return Rejected(magnet.reason)
        download = Download(
            hash=magnet.infohash,
            name=options.name or magnet.name or magnet.infohash,
            infohash_v1=magnet.infohash_v1,
            infohash_v2=magnet.infohash_v2,
            magnet=canonical_magnet(magnet),
        )
        return await self._add(download, None, options, caller)

    async def torrent(
        self, data: bytes, options: AddOptions, caller: Caller | None = None
    ) -> AddResult:
        """Accept a .torrent file. Committed and visible before this returns."""
        # Off the event loop: large ones take a while.
        metainfo = await asyncio.to_thread(parse_torrent, data)
        if isinstance(metainfo, NotATorrent):
            return Rejected(metainfo.reason, bad_torrent=True)
        download = Download(
            hash=metainfo.infohash,
            name=options.name or metainfo.name,
            infohash_v1=metainfo.infohash_v1,
            infohash_v2=metainfo.infohash_v2,
            magnet=magnet_of(metainfo),
            has_torrent=True,
            private=metainfo.private,
            size=metainfo.size,
        )
        result = await self._add(download, data, options, caller)
        known = self._state.by_hash(metainfo.infohash)
        if isinstance(result, Added) and known is not None:
            self._state.set_expected_files(known.id, named_files(metainfo))
        return result

    async def link(self, url: str, options: AddOptions, caller: Caller | None = None) -> AddResult:
        """Follow a link to a .torrent or a magnet.

        A link that takes more than seconds is followed in the background, also after a restart, and
        the result is `Pending`. The same applies if the link leads nowhere, which is logged:
        clients expect that of qBittorrent. A link to a private address that the settings do not
        allow is rejected, or shown as a failed download if that takes longer.
        """
        if not self._engine.links.can_follow:
            return Rejected("links are not followed here")
        job = await self._engine.links.begin(url, options)
        self._engine.begin_jobs([job])
        result = await self._engine.links.result(job)
        if isinstance(result, NotFetched) and result.forbidden:
            return Rejected(result.reason)
        if not isinstance(result, Added | Known | Joined):
            return Pending()
        self._remember(caller, result.hash, options.category)
        return result

    async def _show_refused(self, url: str, options: AddOptions, reason: str) -> None:
        """Add a failed download in place of a link that must not be followed.

        Its client was answered `Ok.` and would wait for ever. The info-hash is unknown, so a hash
        of the link takes its place.
        """
        category = options.category if valid_category(options.category) else ""
        digest = hashlib.sha1(url.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
        try:
            save_path = self._labels.save_path(category, "")
        except OutsideRoots:
            save_path = str(self._labels.default_save_path)
        await self._labels.ensure_category(category)
        download = Download(
            hash=digest,
            name=options.name or f"link to {host_of(url)}",
            phase=DownloadPhase.FAILED,
            failure_reason=Reason.REFUSED,
            failure_message=reason,
        )
        async with self._state.unit_of_work() as work:
            known = work.by_hash(digest)
            made = known if known is not None else work.add_download(download)
            self._make_room(work, made, category)
            grab = replace(
                self.grab_of(options, category, save_path),
                phase=GrabPhase.FAILED,
                failure_reason=Reason.REFUSED,
                failure_message=reason,
            )
            self._add_grab(work, made, grab)

    async def _add(
        self, download: Download, torrent: bytes | None, options: AddOptions, caller: Caller | None
    ) -> AddResult:
        category = options.category if valid_category(options.category) else ""
        if torrent is not None:
            await self._replace_stuck(download, torrent)
        if self._has(self._state.by_hash(download.hash), category):
            return await self._known(download.hash, category)
        try:
            # Under automatic management the category alone decides the save path.
            asked = "" if options.auto_tmm else options.save_path
            save_path = self._labels.save_path(category, asked)
        except OutsideRoots as error:
            return Rejected(str(error))
        if not options.insist and self._may_reject(category, options):
            hopeless = await self._why_hopeless(download, category)
            if hopeless:
                return Rejected(hopeless)
        await self._labels.ensure_category(category)
        grab = self.grab_of(options, category, save_path)
        result = await self.keep(download, grab, torrent, tags=options.tags)
        self._remember(caller, download.hash, category)
        self._engine.wake()
        return result

    async def _known(self, info_hash: str, category: str) -> AddResult:
        """Return the answer for a known hash; deliver it again if its files were moved away.

        An *arr that imports by moving leaves a complete download without files. An *arr that grabs
        the release again needs the files.
        """
        known = self._state.by_hash(info_hash)
        entries = self._state.entries_of(known) if known is not None else ()
        gone = [
            entry
            for entry in entries
            if entry.grab.category == category and await self._engine.content.is_gone(entry)
        ]
        jobs = []
        async with self._state.unit_of_work() as work:
            for entry in gone:
                work.update_grab(entry.grab.id, lambda latest: replace(latest, missing_files=True))
                task = Recheck(
                    grab_id=entry.grab.id, redeliver=True, why="added again, its files are gone"
                )
                jobs.append(work.add_job(task, info_hash))
        await self._engine.perform_jobs(jobs)
        return Joined(info_hash) if jobs else Known(info_hash)

    async def _replace_stuck(self, fresh: Download, torrent: bytes) -> None:
        """Create a magnet whose metadata TorBox does not find anew, from its .torrent file.

        TorBox would answer that it has the torrent already, so its item goes first, if it is ours.
        """
        known = self._state.by_hash(fresh.hash)
        if known is None or known.has_torrent or known.phase is not DownloadPhase.ACTIVE:
            return
        item = self._state.snapshot.items.get(known.torrent_id or 0)
        if item is None or item.size or not known.ours:
            return
        async with self._state.unit_of_work() as work:
            entries = [Entry(known, grab) for grab in work.grabs_of(known.id)]
            removal = remote_removal(self._ctx, entries[0]) if entries else None
            if removal is None:
                return
            work.add_job(removal, known.hash)
            work.put_torrent(known.id, torrent)
            now = work.now

            def anew(latest: Download) -> Download:
                again = follow_again(latest, now, at_torbox=False)
                return replace(again, has_torrent=True, private=fresh.private, size=fresh.size)

            why = "TorBox finds no metadata for the magnet, and now there is a .torrent"
            work.update_download(known.id, anew, why=why)

    def _remember(self, caller: Caller | None, info_hash: str, category: str) -> None:
        """Remember the grab as the client's own, which it means when it names the hash."""
        known = self._state.by_hash(info_hash)
        if caller is None or known is None:
            return
        self._scopes.added(caller, info_hash)
        for grab in self._state.grabs_of(known.id):
            if grab.category == category:
                self._scopes.saw_grab(caller, info_hash, grab.id)

    def _has(self, download: Download | None, category: str) -> bool:
        """Return whether the category, or any category if it is empty, has a live grab."""
        if download is None:
            return False
        return any(
            (entry.grab.category == category or not category) and entry.failure is None
            for entry in self._state.entries_of(download)
        )

    def grab_of(self, options: AddOptions, category: str, save_path: str) -> Grab:
        """Return a new grab with the options of the client."""
        return Grab(
            category=category,
            save_path=save_path,
            added_at=self._ctx.clock(),
            client=program_of(options.asked_by),
            name=options.name,
            tags=tuple(dict.fromkeys(options.tags)),
            stopped=options.stopped,
            force_start=options.force_start,
            sequential=options.sequential,
            first_last_first=options.first_last_first,
            priority=self._first_place() if options.to_top else self._last_place(),
            content_layout=options.content_layout,
            auto_tmm=options.auto_tmm,
            download_limit=max(options.download_limit, 0),
            upload_limit=max(options.upload_limit, 0),
            ratio_limit=options.ratio_limit,
            seeding_time_limit=options.seeding_time_limit,
            inactive_seeding_time_limit=options.inactive_seeding_time_limit,
        )

    def _first_place(self) -> int:
        live = self._state.live_entries()
        return min((entry.grab.priority for entry in live), default=0) - 1

    def _last_place(self) -> int:
        """Return the priority of the last grab in the queue. Of equal priorities older go first."""
        live = self._state.live_entries()
        return max((entry.grab.priority for entry in live if not entry.complete), default=0)

    async def keep(
        self, download: Download, grab: Grab, torrent: bytes | None, *, tags: tuple[str, ...] = ()
    ) -> AddResult:
        """Store a download with its first grab, or add a grab to an existing download."""
        async with self._state.unit_of_work() as work:
            work.put_tags(tags)
            known = work.by_hash(download.hash)
            if known is None:
                made = work.add_download(download)
                self._begin(work, made, grab, torrent)
                return Added(download.hash)
            # A failed hash that is added again is a new attempt, on the row that events refer to.
            if known.phase is DownloadPhase.FAILED:
                self._restart(work, download, known)
                self._begin(work, replace(download, id=known.id), grab, torrent)
                return Added(download.hash)
            return self._join(work, known, grab)

    def _begin(
        self, work: UnitOfWork, download: Download, grab: Grab, torrent: bytes | None
    ) -> None:
        """Add a grab to a download that is new or starts again."""
        self._make_room(work, download, grab.category)
        if torrent is not None:
            work.put_torrent(download.id, torrent)
        if not download.has_torrent and not work.jobs_about(download.hash, MetadataLookup):
            # TorBox's item usually shows the metadata within seconds, and then the lookup is not
            # needed.
            due_at = self._ctx.clock() + self._ctx.retry.metadata
            work.add_job(MetadataLookup(), download.hash, due_at=due_at)
        self._add_grab(work, download, grab)

    def _add_grab(self, work: UnitOfWork, download: Download, grab: Grab) -> None:
        made = work.add_grab(
            replace(grab, download_id=download.id), why=f"category {grab.category!r}"
        )
        log.info("added", release=made.name or download.name, hash=download.hash,
                 category=grab.category, client=grab.client)  # fmt: skip

    def _restart(self, work: UnitOfWork, fresh: Download, failed: Download) -> None:
        """Start a failed download again. Grabs that failed with it wait again, unreported."""
        work.update_download(failed.id, lambda _: transitions.restarted(fresh, failed, work.now))
        waiting = {
            grab.category for grab in work.grabs_of(failed.id) if grab.phase is not GrabPhase.FAILED
        }
        for grab in work.grabs_of(failed.id):
            if grab.phase is GrabPhase.WAITING:
                work.update_grab(grab.id, lambda latest: replace(latest, note="", attempts=0))
        for job in work.jobs_about(failed.hash, Failover):
            if isinstance(job.task, Failover) and job.task.category in waiting:
                work.delete_job(job.id)

    def _make_room(self, work: UnitOfWork, download: Download, category: str) -> None:
        """Delete the category's failed grab of a hash, and cancel its report to the *arr."""
        for grab in work.grabs_of(download.id):
            if grab.category == category and not grab.complete:
                work.delete_grab(grab.id)
        for job in work.jobs_about(download.hash, Failover):
            if isinstance(job.task, Failover) and job.task.category == category:
                work.delete_job(job.id)

    def _join(self, work: UnitOfWork, known: Download, grab: Grab) -> AddResult:
        """Add a grab to a download that exists for another category."""
        mine = [one for one in work.grabs_of(known.id) if one.category == grab.category]
        if any(one.phase is not GrabPhase.FAILED for one in mine):
            return Known(known.hash)
        self._make_room(work, known, grab.category)
        joined = replace(
            # A torrent that stalled for hours before this grab asked for it must not fail it at
            # once.
            grab,
            idle_at_join=known.idle_seconds,
            observed_at_join=known.observed_seconds,
        )
        self._add_grab(work, known, joined)
        # TorBox's item was deleted after delivery: the new grab needs it again.
        if known.phase is DownloadPhase.READY and known.torrent_id is None:
            now = self._ctx.clock()
            work.update_download(
                known.id,
                lambda latest: follow_again(latest, now, at_torbox=False),
            )
        return Joined(known.hash)

    def _may_reject(self, category: str, options: AddOptions) -> bool:
        """Return whether a hopeless add is rejected at once, so that the next release is tried.

        Sonarr treats a rejection like a client that is down, and holds back all its other torrents.
        So its grabs are accepted and fail, and the failure is reported if the settings name its API.
        """
        always = self._ctx.settings.policy_for(category).refuse == "always"
        return always or not options.asked_by.startswith(SONARR)

    async def _why_hopeless(self, download: Download, category: str) -> str:
        """Return why TorBox will refuse it, as far as that is known; empty if it may accept it."""
        now = self._ctx.clock()
        refused = self._ctx.refusals.why(download.hash, download.size, now)
        if refused:
            return refused
        only_cached = self._ctx.settings.policy_for(category).cached == "only"
        if only_cached and await self._engine.outside.is_uncached(download.hash):
            return "TorBox has not cached it, and this category accepts only cached torrents"
        return ""
