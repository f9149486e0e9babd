"""Torrents that are on the account without the bridge: listing them, and taking them over."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bridge.core.model import Download, Phase, RemoteItem
from bridge.core.roots import OutsideRoots
from bridge.downloads.adding import Adding
from bridge.downloads.categories import valid_category
from bridge.downloads.values import AddResult, NoAnswer, Options, Rejected
from bridge.torbox import TorBoxError

HEX = frozenset("0123456789abcdef")
HASH_DIGITS = 40


class Adopting(Adding):
    """What was added on TorBox's site, or by the program that was used before."""

    async def strangers(self) -> Sequence[RemoteItem] | NoAnswer:
        """List what is on the account and nobody here has, the newest first. One call of TorBox."""
        try:
            listed = await self._services.torbox.list_items()
        except TorBoxError as error:
            return NoAnswer(str(error))
        items = self._ledger.buried.living(listed, self._services.clock())
        known = {*self._ledger.downloads, *(one.hash for one in self._ledger.removals.values())}
        strange = [item for item in items if not known & {item.hash, *item.other_hashes}]
        return sorted(strange, key=lambda item: item.id, reverse=True)

    async def adopt(
        self, hashes: Iterable[str] | None, category: str
    ) -> dict[str, AddResult] | NoAnswer:
        """Take items of the account over into a category; answers what became of each hash.

        None means all that nobody here has. They are delivered like any download, and never deleted
        at TorBox unless the settings say `always`. Nothing is created there.
        """
        found = await self.strangers()
        if isinstance(found, NoAnswer):
            return found
        strange = {item.hash: item for item in found}
        named = strange if hashes is None else (info_hash.lower() for info_hash in hashes)
        wanted = dict.fromkeys(named)
        return {
            info_hash: await self._adopt(info_hash, strange.get(info_hash), category)
            for info_hash in wanted
        }

    async def _adopt(self, info_hash: str, item: RemoteItem | None, category: str) -> AddResult:
        if not valid_category(category):
            return Rejected(f"{category!r} is no name for a category")
        known = self._ledger.downloads.get(info_hash)
        if item is None and (known is None or known.phase is Phase.FAILED):
            return Rejected("it is not on the account, or something of it is still to be removed")
        if len(info_hash) != HASH_DIGITS or not HEX.issuperset(info_hash):
            return Rejected("TorBox does not tell its info-hash")
        try:
            save_path = self._save_path(category, "")
        except OutsideRoots as error:
            return Rejected(str(error))
        await self._make_category(category)
        found = _found(info_hash, item, self._services.clock())
        result = await self._keep(self._with_options(found, Options(), category, save_path), None)
        self._engine.wake()
        return result


def _found(info_hash: str, item: RemoteItem | None, now: float) -> Download:
    """Make a download of what is on the account; None is here already and is only joined."""
    bare = Download(
        hash=info_hash,
        name=info_hash,
        save_path="",
        added_at=now,
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
        phase=Phase.REMOTE,
        torrent_id=item.id,
        remote_at=now,
        seen_at=now,
    )
