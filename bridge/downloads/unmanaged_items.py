"""Torrents on the account that the bridge does not manage: listing and adopting them."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from bridge.core.metainfo import HASH_DIGITS
from bridge.core.model import AddOptions, Download, DownloadPhase, RemoteItem, Removal
from bridge.core.paths import OutsideRoots
from bridge.downloads.adds import Adds
from bridge.downloads.labels import Labels, valid_category
from bridge.downloads.results import AddResult, NoAnswer, Rejected
from bridge.engine import Engine, EngineContext
from bridge.engine.outside import TorBoxSilent

HEX = frozenset("0123456789abcdef")


class UnmanagedItems:
    """Items that were added on TorBox's site or by another program."""

    def __init__(self, ctx: EngineContext, engine: Engine, adds: Adds, labels: Labels) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._engine = engine
        self._adds = adds
        self._labels = labels

    async def unmanaged_items(self) -> Sequence[RemoteItem] | NoAnswer:
        """Return the items on the account that no download has, newest first.

        Makes one call to TorBox.
        """
        try:
            items = await self._engine.outside.account_items()
        except TorBoxSilent as error:
            return NoAnswer(str(error))
        unmanaged = [
            item
            for item in items
            if not any(self._is_known(one) for one in (item.hash, *item.other_hashes))
        ]
        return sorted(unmanaged, key=lambda item: item.id, reverse=True)

    def _is_known(self, info_hash: str) -> bool:
        removed = bool(self._state.jobs_about(info_hash, Removal))
        return removed or self._state.by_hash(info_hash) is not None

    async def adopt(
        self, hashes: Iterable[str] | None, category: str
    ) -> dict[str, AddResult] | NoAnswer:
        """Adopt items of the account into a category; return the outcome for each hash.

        `None` adopts every item that no download has. Adopted items are delivered like any
        download, and never deleted at TorBox unless the settings say `always`. Nothing is created
        there.
        """
        found = await self.unmanaged_items()
        if isinstance(found, NoAnswer):
            return found
        unmanaged = {item.hash: item for item in found}
        named = unmanaged if hashes is None else (info_hash.lower() for info_hash in hashes)
        return {
            info_hash: await self._adopt(info_hash, unmanaged.get(info_hash), category)
            for info_hash in dict.fromkeys(named)
        }

    async def _adopt(self, info_hash: str, item: RemoteItem | None, category: str) -> AddResult:
        if not valid_category(category):
            return Rejected(f"{category!r} is no name for a category")
        known = self._state.by_hash(info_hash)
        if item is None and (known is None or known.phase is DownloadPhase.FAILED):
            return Rejected("it is not on the account, or something of it is still to be deleted")
        if len(info_hash) != HASH_DIGITS or not HEX.issuperset(info_hash):
            return Rejected("TorBox does not tell its info-hash")
        try:
            save_path = self._labels.save_path(category, "")
        except OutsideRoots as error:
            return Rejected(str(error))
        await self._labels.ensure_category(category)
        grab = self._adds.grab_of(AddOptions(), category, save_path)
        result = await self._adds.keep(_found(info_hash, item, self._ctx.clock()), grab, None)
        self._engine.wake()
        return result


def _found(info_hash: str, item: RemoteItem | None, now: float) -> Download:
    """Return a download for an item on the account; None if its hash gets one more grab."""
    bare = Download(
        hash=info_hash,
        name=info_hash,
        infohash_v1=info_hash,
        magnet=f"magnet:?xt=urn:btih:{info_hash}",
    )
    if item is None:
        return bare
    return replace(
        bare,
        name=item.name or info_hash,
        size=item.size,
        private=item.private,
        phase=DownloadPhase.ACTIVE,
        torrent_id=item.id,
        remote_at=now,
        seen_at=now,
    )
