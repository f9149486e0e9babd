"""TorBox's answers to everything but its lists, parsed as tolerantly as those (see `items`)."""

from typing import Final

import msgspec

from bridge.core.model import RemoteFile
from bridge.torbox import json_values, tolerant_json
from bridge.torbox.envelope import Answer
from bridge.torbox.error_codes import says_already_there, server_error
from bridge.torbox.items import BrokenEntryError, Warn, entries, files, readable
from bridge.torbox.tolerant_json import BrokenJsonError

_SLOTS: Final = {0: 1, 1: 3, 2: 10, 3: 5}
"""Active downloads by plan id: Free, Essential, Pro, Standard."""


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of an add. Without any id: look for the hash in the list and the queue."""

    torrent_id: int | None = None
    queued_id: int | None = None
    already: bool = False
    """It was on the account before this add, so it may not be ours."""
    cached: bool = False
    """TorBox had it cached; not said of what was on the account already."""
    detail: str = ""


class CachedItem(msgspec.Struct, frozen=True, kw_only=True):
    """A torrent in TorBox's cache. `files` only if they were requested."""

    hash: str
    name: str = ""
    size: int = 0
    files: tuple[RemoteFile, ...] = ()


class SwarmMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """A torrent's metadata as TorBox found it in the swarm. Files are (name, bytes)."""

    name: str = ""
    files: tuple[tuple[str, int], ...] = ()


class SearchResult(msgspec.Struct, frozen=True, kw_only=True):
    """A torrent that TorBox's search found."""

    hash: str
    title: str = ""
    magnet: str = ""
    size: int = 0
    seeds: int = 0
    peers: int = 0
    cached: bool = False


FREE_PLAN: Final = 0


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The account behind the key. Nothing in it names its owner. Times are unix seconds."""

    plan: int
    """0 Free, 1 Essential, 2 Pro, 3 Standard."""
    slots: int
    """Downloads at a time."""
    extra_slots: int = 0
    """The slots that were bought in addition to the plan's."""
    premium_expires_at: float | None = None
    cooldown_until: float | None = None

    @property
    def plan_name(self) -> str:
        """TorBox's name for the plan."""
        return _PLANS.get(self.plan, f"number {self.plan}")

    def has_expired(self, now: float) -> bool:
        """Return whether the plan was paid for until a time that is over.

        The free plan has no expiry; an old date may remain from a plan before it.
        """
        ends = self.premium_expires_at
        return self.plan != FREE_PLAN and ends is not None and ends < now


_PLANS = {0: "Free", 1: "Essential", 2: "Pro", 3: "Standard"}


def created(answer: Answer) -> Created | None:
    """Return the outcome of an add; None if it was refused.

    A success may come as `success: false` with a sentence that says that the torrent was queued, and
    a torrent that is on the account already as an error. Either way the account has it.
    """
    data = answer.fields()
    already = says_already_there(answer)
    found = Created(
        # A queued create has a null torrent_id, or no ids at all. The hash in the answer is not
        # used: we have computed our own.
        torrent_id=json_values.parse_id(data.get("torrent_id")) or None,
        queued_id=json_values.parse_id(data.get("queued_id")) or None,
        already=already,
        # "Found Cached Torrent. Already added." means an existing item, not a cached create.
        cached=not already and "found cached" in answer.detail.lower(),
        detail=answer.detail,
    )
    return found if answer.ok or already or _queued(answer, found) else None


def _queued(answer: Answer, found: Created) -> bool:
    """Return whether what looks like a refusal says that TorBox queued the torrent."""
    if answer.success is None:
        return False
    queued = "queued successfully" in answer.detail.lower() or found.queued_id or found.torrent_id
    return not answer.code and bool(queued)


def cached_items(answer: Answer, warn_once: Warn) -> dict[str, CachedItem]:
    """Return what is cached, by lower-case hash. TorBox sends an object, a list, or null for nothing.

    Raises:
        ServerError: it is something else.
    """
    items = readable(_cached_raws(answer), _cached_item, warn_once)
    return {item.hash: item for item in items}


def _cached_raws(answer: Answer) -> list[msgspec.Raw]:
    """Return the entries. The keys of the object are ignored: entries name their hash themselves."""
    try:
        return list(tolerant_json.members(answer.data).values())
    except BrokenJsonError:
        return entries(answer)


def _cached_item(raw: msgspec.Raw, _warn: Warn) -> CachedItem:
    entry = tolerant_json.parse_object(raw)
    info_hash = json_values.parse_text(entry.get("hash")).strip().lower()
    if not info_hash:
        raise BrokenEntryError("a cached torrent has no hash")
    return CachedItem(
        hash=info_hash,
        name=json_values.parse_text(entry.get("name")),
        size=json_values.parse_count(entry.get("size")),
        files=files(entry.get("files")),
    )


def torrent_info(answer: Answer) -> SwarmMetadata:
    """Return a torrent's metadata; what is missing stays empty."""
    found = answer.fields()
    return SwarmMetadata(
        name=json_values.parse_text(found.get("name")),
        files=tuple(
            (json_values.parse_text(entry.get("name")), json_values.parse_count(entry.get("size")))
            for entry in json_values.parse_list(found.get("files"))
            if isinstance(entry, dict)
        ),
    )


def search_results(answer: Answer, warn_once: Warn) -> tuple[SearchResult, ...]:
    """Return what a search found. TorBox sends a list, or an object that holds it."""
    return tuple(readable(_search_raws(answer), _search_result, warn_once))


def _search_raws(answer: Answer) -> list[msgspec.Raw]:
    try:
        return tolerant_json.elements(tolerant_json.members(answer.data)["torrents"])
    except (BrokenJsonError, KeyError):
        return entries(answer)


def _search_result(raw: msgspec.Raw, _warn: Warn) -> SearchResult:
    entry = tolerant_json.parse_object(raw)
    info_hash = json_values.parse_text(entry.get("hash")).strip().lower()
    if not info_hash:
        raise BrokenEntryError("a search result has no hash")
    return SearchResult(
        hash=info_hash,
        title=json_values.parse_text(entry.get("raw_title"))
        or json_values.parse_text(entry.get("title")),
        magnet=json_values.parse_text(entry.get("magnet")),
        size=json_values.parse_count(entry.get("size")),
        seeds=json_values.parse_count(entry.get("last_known_seeders")),
        peers=json_values.parse_count(entry.get("last_known_peers")),
        cached=json_values.parse_flag(entry.get("cached")),
    )


def account(answer: Answer) -> Account:
    """Return the account, without anything that names its owner.

    Raises:
        ServerError: there is no account in the answer.
    """
    found = answer.fields()
    plan = json_values.parse_id(found.get("plan"))
    if plan is None:
        raise server_error(answer, "TorBox sent an account without a plan")
    extra = json_values.parse_count(found.get("additional_concurrent_slots"))
    return Account(
        plan=plan,
        slots=_SLOTS.get(plan, 1) + extra,
        extra_slots=extra,
        premium_expires_at=json_values.parse_timestamp(found.get("premium_expires_at")),
        cooldown_until=json_values.parse_timestamp(found.get("cooldown_until")),
    )


def link(answer: Answer) -> str:
    """Return a link to a file.

    Raises:
        ServerError: there is none in the answer.
    """
    found = string(answer)
    if not found.startswith(("https://", "http://")):
        raise server_error(answer, "TorBox sent no link")
    return found


def string(answer: Answer) -> str:
    """Return `data` if it is a string; otherwise the empty string."""
    found = tolerant_json.parse_value(answer.data)
    return json_values.parse_text(found).strip() if isinstance(found, str) else ""
