"""What TorBox answers to everything but its lists, read as leniently as those (see `items`)."""

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from bridge.core.model import RemoteFile
from bridge.torbox import lenient
from bridge.torbox.envelope import UNREADABLE, Answer, fields
from bridge.torbox.items import BrokenEntryError, Complain, entries, files, readable
from bridge.torbox.verdicts import trouble

_SLOTS: Final = {0: 1, 1: 3, 2: 10, 3: 5}
"""Active downloads by plan id: Free, Essential, Pro, Standard."""
_ALREADY = re.compile(r"\balready\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """What became of an add. Without any id: look for the hash in the list and the queue."""

    torrent_id: int | None = None
    queued_id: int | None = None
    already: bool = False
    """It was on the account before, so it may not be ours."""
    cached: bool = False
    """TorBox had it cached; not said of what was on the account already."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedItem:
    """What TorBox has in its cache. `files` only when they were asked for."""

    hash: str
    name: str = ""
    size: int = 0
    files: tuple[RemoteFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TorrentInfo:
    """A torrent's metadata as TorBox found it in the swarm. Files are (name, bytes)."""

    hash: str
    name: str = ""
    size: int = 0
    seeds: int = 0
    peers: int = 0
    trackers: tuple[str, ...] = ()
    files: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """A torrent that TorBox's search found."""

    hash: str
    title: str = ""
    magnet: str = ""
    size: int = 0
    seeds: int = 0
    peers: int = 0
    cached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """The settings of the account that change what a mount or a seed looks like."""

    seed_torrents: int = 0
    """1 automatic, 2 seed, 3 do not seed."""
    webdav_flatten: bool = False
    webdav_use_folder_view: bool = False
    webdav_use_local_files: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account behind the key. Nothing in it names its owner. Times are unix seconds."""

    plan: int
    """0 Free, 1 Essential, 2 Pro, 3 Standard."""
    slots: int
    """Downloads at a time."""
    extra_slots: int = 0
    """How many of them were bought beside the plan."""
    subscribed: bool = False
    premium_expires_at: float | None = None
    cooldown_until: float | None = None
    settings: AccountSettings | None = None

    @property
    def plan_name(self) -> str:
        """Return what TorBox calls the plan."""
        return _PLANS.get(self.plan, f"plan {self.plan}")


_PLANS = {0: "Free", 1: "Essential", 2: "Pro", 3: "Standard"}


def created(answer: Answer) -> Created | None:
    """Read what became of an add; None when it was refused.

    A success may come as `success: false` with a sentence that says that it was queued, and a
    duplicate as an error: either way the torrent is on the account.
    """
    data = answer.fields()
    already = answer.code == "DUPLICATE_ITEM" or bool(_ALREADY.search(answer.detail))
    found = Created(
        torrent_id=lenient.identity(data.get("torrent_id")) or None,
        queued_id=lenient.identity(data.get("queued_id")) or None,
        already=already,
        cached=not already and "found cached" in answer.detail.lower(),
        detail=answer.detail,
    )
    return found if answer.ok or _held(answer, found) else None


def _held(answer: Answer, found: Created) -> bool:
    """Tell whether what looks like a refusal says that TorBox holds the torrent."""
    if answer.success is None:
        return False
    if answer.code == "DUPLICATE_ITEM":
        return True
    queued = "queued successfully" in answer.detail.lower() or found.queued_id or found.torrent_id
    return not answer.code and bool(queued)


def cached_items(answer: Answer, complain: Complain) -> dict[str, CachedItem]:
    """Read what is cached, by lower-case hash: an object, a list, or null when nothing is.

    Raises:
        ServerTrouble: it is something else.
    """
    items = readable(_cached_raws(answer), _cached_item, complain)
    return {item.hash: item for item in items}


def _cached_raws(answer: Answer) -> list[msgspec.Raw]:
    """Take apart what is cached. The keys are left: entries name their hash themselves."""
    try:
        return list(msgspec.json.decode(answer.data, type=dict[str, msgspec.Raw]).values())
    except UNREADABLE:
        return entries(answer)


def _cached_item(raw: msgspec.Raw, _complain: Complain) -> CachedItem:
    entry = fields(raw)
    info_hash = lenient.text(entry.get("hash")).strip().lower()
    if not info_hash:
        raise BrokenEntryError("a cached torrent has no hash")
    return CachedItem(
        hash=info_hash,
        name=lenient.text(entry.get("name")),
        size=lenient.count(entry.get("size")),
        files=files(entry.get("files")),
    )


def torrent_info(answer: Answer) -> TorrentInfo:
    """Read a torrent's metadata; what is missing stays empty."""
    found = answer.fields()
    return TorrentInfo(
        hash=lenient.text(found.get("hash")).strip().lower(),
        name=lenient.text(found.get("name")),
        size=lenient.count(found.get("size")),
        seeds=lenient.count(found.get("seeds")),
        peers=lenient.count(found.get("peers")),
        trackers=tuple(filter(None, map(lenient.text, lenient.sequence(found.get("trackers"))))),
        files=tuple(
            (lenient.text(entry.get("name")), lenient.count(entry.get("size")))
            for entry in lenient.sequence(found.get("files"))
            if isinstance(entry, dict)
        ),
    )


class _Found(msgspec.Struct):
    torrents: list[msgspec.Raw] | None


def search_results(answer: Answer, complain: Complain) -> tuple[SearchResult, ...]:
    """Read what a search found: a list, or an object that holds it."""
    return tuple(readable(_search_raws(answer), _search_result, complain))


def _search_raws(answer: Answer) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(answer.data, type=_Found).torrents or []
    except UNREADABLE:
        return entries(answer)


def _search_result(raw: msgspec.Raw, _complain: Complain) -> SearchResult:
    entry = fields(raw)
    info_hash = lenient.text(entry.get("hash")).strip().lower()
    if not info_hash:
        raise BrokenEntryError("a search result has no hash")
    return SearchResult(
        hash=info_hash,
        title=lenient.text(entry.get("raw_title")) or lenient.text(entry.get("title")),
        magnet=lenient.text(entry.get("magnet")),
        size=lenient.count(entry.get("size")),
        seeds=lenient.count(entry.get("last_known_seeders")),
        peers=lenient.count(entry.get("last_known_peers")),
        cached=lenient.flag(entry.get("cached")),
    )


def account(answer: Answer) -> Account:
    """Read the account, and keep nothing that names its owner.

    Raises:
        ServerTrouble: there is no account in the answer.
    """
    found = answer.fields()
    plan = lenient.identity(found.get("plan"))
    if plan is None:
        raise trouble(answer, "TorBox sent an account without a plan")
    extra = lenient.count(found.get("additional_concurrent_slots"))
    return Account(
        plan=plan,
        slots=_SLOTS.get(plan, 1) + extra,
        extra_slots=extra,
        subscribed=lenient.flag(found.get("is_subscribed")),
        premium_expires_at=lenient.moment(found.get("premium_expires_at")),
        cooldown_until=lenient.moment(found.get("cooldown_until")),
        settings=_account_settings(found.get("settings")),
    )


def _account_settings(value: object) -> AccountSettings | None:
    if not isinstance(value, dict):
        return None
    return AccountSettings(
        seed_torrents=lenient.count(value.get("seed_torrents")),
        webdav_flatten=lenient.flag(value.get("webdav_flatten")),
        webdav_use_folder_view=lenient.flag(value.get("webdav_use_folder_view")),
        webdav_use_local_files=lenient.flag(value.get("webdav_use_local_files")),
    )


def link(answer: Answer) -> str:
    """Read a link to a file.

    Raises:
        ServerTrouble: there is none in the answer.
    """
    found = string(answer)
    if not found.startswith(("https://", "http://")):
        raise trouble(answer, "TorBox sent no link")
    return found


def string(answer: Answer) -> str:
    """Read `data` as a string; the empty one when it is something else."""
    try:
        return msgspec.json.decode(answer.data, type=str).strip()
    except UNREADABLE:
        return ""
