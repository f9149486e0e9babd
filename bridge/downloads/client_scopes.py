"""Which grab a client means when it names a hash: qBittorrent's API identifies by hash only.

An *arr lists its own category every minute in a session of its own. So a client is known by the
categories that it listed or used, by the grabs that it added, and by its program name.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import structlog

from bridge.core.change_log import batched
from bridge.core.model import Entry
from bridge.state import State

log = structlog.get_logger(__name__)

CLIENTS_REMEMBERED = 1000
HASHES_REMEMBERED = 5000
"""Maximum hashes remembered for each client; the oldest are dropped."""

REMOVED_SECONDS = 3600.0
"""Seconds for which a client that removed its own grab does not mean another grab by that hash."""

BATCH = 100
"""Hashes whose grabs are changed in one go: other requests are answered in between."""

K = TypeVar("K")
V = TypeVar("V")
E = TypeVar("E", bound=Entry)


class Caller(msgspec.Struct, frozen=True):
    """A client, as far as requests allow to distinguish clients."""

    id: str = ""
    """The session id. Clients with the API key are distinguished by program and address."""
    program: str = ""
    """Its own name: `Sonarr`."""
    grab_ids: frozenset[int] | None = None
    """The grabs that it means, as the page knows them; None: that has to be found out."""


NOBODY = Caller()
"""A client about which nothing is known."""


def program_of(user_agent: str) -> str:
    """Return the program of a User-Agent: `Sonarr` of `Sonarr/4.0.15 (alpine 3.23)`."""
    return user_agent.partition("/")[0].strip()


@dataclass(slots=True)
class _Client:
    categories: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """The category that was listed or used last is at the end."""
    grabs: OrderedDict[str, int] = field(default_factory=OrderedDict)
    """By hash: the grab that the client added, or was shown when it listed the hash."""


class ClientScopes:
    """Remembers for each client what it listed, used, added and removed since the start."""

    def __init__(self, state: State, clock: Callable[[], float]) -> None:
        self._state = state
        self._clock = clock
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._removed: OrderedDict[tuple[str, str], float] = OrderedDict()

    def saw_category(self, caller: Caller, category: str) -> None:
        """Record that a client listed a category or put something into it."""
        client = self._client(caller)
        if client is not None and category:
            _put_last(client.categories, category, None, HASHES_REMEMBERED)

    def saw_grab(self, caller: Caller, info_hash: str, grab_id: int) -> None:
        """Record that a client added a grab, or was shown it for a hash."""
        client = self._client(caller)
        if client is not None:
            _put_last(client.grabs, info_hash, grab_id, HASHES_REMEMBERED)

    def removed(self, caller: Caller, info_hash: str) -> None:
        """Record that a client removed its grab of a hash."""
        # By program as well, because an *arr may log in again between two deletes.
        for name in filter(None, (caller.id, caller.program)):
            _put_last(self._removed, (name, info_hash), self._clock(), HASHES_REMEMBERED)

    def added(self, caller: Caller, info_hash: str) -> None:
        """Record that a client added a hash again, so that it may mean it once more."""
        for name in (caller.id, caller.program):
            self._removed.pop((name, info_hash), None)

    def resolve(self, caller: Caller, entries: Sequence[E], *, deletes: bool = False) -> list[E]:
        """Return the entries of a hash that a client means, oldest first.

        The entries in the category that the client listed or used last. If there are none: the only
        entry; or the entry that the client added or has listed by its hash; or those added by a
        program of the same name; or all. For a delete, the result is empty if the client has just
        removed its own grab, or if two programs of its name have a grab each: the client's grab
        becomes known when it lists its category.
        """
        if caller.grab_ids is not None:
            return [entry for entry in entries if entry.grab.id in caller.grab_ids]
        if not entries:
            return []
        client = self._clients.get(caller.id)
        # Backwards: the category that was used last says best what the client means now.
        for category in reversed(client.categories) if client else ():
            here = [entry for entry in entries if entry.grab.category == category]
            if here:
                return here
        # A client may repeat a delete whose answer was lost. The repetition must not hit another
        # program's grab of the same hash.
        if deletes and self._has_removed(caller, entries):
            log.info("already_removed", program=caller.program, hash=entries[0].hash)
            return []
        if len(entries) == 1:
            return list(entries)
        grab_id = client.grabs.get(entries[0].hash) if client else None
        known = [entry for entry in entries if entry.grab.id == grab_id]
        program = caller.program
        alike = [one for one in entries if program and one.grab.client == program]
        # Two Radarrs, and this session has listed nothing yet: a wrong guess deletes the files of
        # the other one.
        if deletes and not known and len(alike) > 1:
            log.info("not_clear_which", program=program, hash=entries[0].hash)
            return []
        return known or alike or list(entries)

    def one(
        self, caller: Caller, entries: Sequence[Entry], *, deletes: bool = False
    ) -> list[Entry]:
        """Return the entries that a write applies to: as `resolve`, but the oldest of several.

        Several entries in the client's own category all belong to it, and the page names its own.
        """
        found = self.resolve(caller, entries, deletes=deletes)
        own = {entry.grab.category for entry in found}
        # qBittorrent has one torrent per hash, so a write without a known category changes one
        # grab.
        return found if len(own) == 1 or caller.grab_ids is not None else found[:1]

    def meant(
        self, hashes: Iterable[str], caller: Caller | None, *, deletes: bool = False
    ) -> list[Entry]:
        """Return the entries that a write to these hashes applies to; every grab without a client."""
        found: list[Entry] = []
        for info_hash in dict.fromkeys(info_hash.lower() for info_hash in hashes):
            download = self._state.by_hash(info_hash)
            entries = self._state.entries_of(download) if download is not None else ()
            if caller is None:
                found += entries
            else:
                found += self.one(caller, entries, deletes=deletes)
        return found

    async def batches(
        self, hashes: Iterable[str], caller: Caller | None, *, deletes: bool = False
    ) -> AsyncIterator[list[Entry]]:
        """Yield what `meant` returns for some of the hashes, and then for the next."""
        for some in batched(dict.fromkeys(info_hash.lower() for info_hash in hashes), BATCH):
            yield self.meant(some, caller, deletes=deletes)
            await asyncio.sleep(0)

    def _has_removed(self, caller: Caller, entries: Sequence[Entry]) -> bool:
        info_hash = entries[0].hash
        names = filter(None, (caller.id, caller.program))
        times = [self._removed.get((name, info_hash)) for name in names]
        # From before a restart only the program of the grab is known, which may have another one.
        if caller.program and all(entry.grab.client != caller.program for entry in entries):
            left = self._state.recently_removed.left.get(info_hash, {})
            times.append(left.get(caller.program))
        return any(at is not None and self._clock() - at < REMOVED_SECONDS for at in times)

    def _client(self, caller: Caller) -> _Client | None:
        if not caller.id:
            return None
        client = self._clients.get(caller.id) or _Client()
        _put_last(self._clients, caller.id, client, CLIENTS_REMEMBERED)
        return client


def _put_last(known: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > most:
        known.popitem(last=False)
