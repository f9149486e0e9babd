"""Which grab a client means when it names a hash: qBittorrent's API knows nothing but hashes.

An *arr lists its own category every minute, by a session of its own. So a client is known by the
categories that it has listed or used, by what it added, and by the program that it is.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from bridge.core.model import Entry

log = structlog.get_logger()

CLIENTS_REMEMBERED = 1000
HASHES_REMEMBERED = 5000
"""Of each client; what is older is forgotten."""

REMOVED_SECONDS = 3600.0
"""For how long a client that removed its own grab does not mean another one by the same hash."""

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Caller:
    """A client, as far as requests tell one from another."""

    id: str = ""
    """Of its session; clients with the API key are told apart by program and address."""
    program: str = ""
    """What it calls itself: `Sonarr`."""
    grab_id: int | None = None
    """The one grab that it means, as the page knows it; None: that has to be found out."""


NOBODY = Caller()
"""A client of which nothing is known."""


def program_of(user_agent: str) -> str:
    """Return the program of a User-Agent: `Sonarr` of `Sonarr/4.0.15 (alpine 3.23)`."""
    return user_agent.partition("/")[0].strip()


@dataclass(slots=True)
class _Client:
    categories: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """The one it listed or used last is at the end."""
    grabs: OrderedDict[str, int] = field(default_factory=OrderedDict)
    """The grab it added, or was shown when it listed a hash, by hash."""


class ClientScopes:
    """What each client has listed, used, added and removed, until the bridge ends."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._removed: OrderedDict[tuple[str, str], float] = OrderedDict()

    def saw_category(self, caller: Caller, category: str) -> None:
        """Note that a client listed a category, or put something into it."""
        client = self._client(caller)
        if client is not None and category:
            _put_last(client.categories, category, None, HASHES_REMEMBERED)

    def saw_grab(self, caller: Caller, info_hash: str, grab_id: int) -> None:
        """Note that a client added a grab, or listed its hash and was shown this one."""
        client = self._client(caller)
        if client is not None:
            _put_last(client.grabs, info_hash, grab_id, HASHES_REMEMBERED)

    def removed(self, caller: Caller, info_hash: str) -> None:
        """Note that a client removed its grab of a hash."""
        for name in filter(None, (caller.id, caller.program)):
            _put_last(self._removed, (name, info_hash), self._clock(), HASHES_REMEMBERED)

    def added(self, caller: Caller, info_hash: str) -> None:
        """Note that a client added a hash again: it may mean it once more."""
        for name in (caller.id, caller.program):
            self._removed.pop((name, info_hash), None)

    def resolve(
        self, caller: Caller, entries: Sequence[Entry], *, deletes: bool = False
    ) -> list[Entry]:
        """Return the entries of one hash that a client means, the oldest first.

        Those in the category that it listed or used last. Without one there: the only one; the one
        that it added or has listed by its hash; those added by a program of its name; all of them.
        A delete means none where the client has just removed its own, or where two programs of its
        name have one each: which it means is known as soon as it lists its category.
        """
        if caller.grab_id is not None:
            return [entry for entry in entries if entry.grab.id == caller.grab_id]
        if not entries:
            return []
        client = self._clients.get(caller.id)
        for category in reversed(client.categories) if client else ():
            here = [entry for entry in entries if entry.grab.category == category]
            if here:
                return here
        if deletes and self._has_removed(caller, entries[0].hash):
            log.info("already_removed", program=caller.program, hash=entries[0].hash)
            return []
        if len(entries) == 1:
            return list(entries)
        grab_id = client.grabs.get(entries[0].hash) if client else None
        known = [entry for entry in entries if entry.grab.id == grab_id]
        program = caller.program
        alike = [one for one in entries if program and one.grab.client == program]
        if deletes and not known and len(alike) > 1:
            log.info("not_clear_which", program=program, hash=entries[0].hash)
            return []
        return known or alike or list(entries)

    def one(
        self, caller: Caller, entries: Sequence[Entry], *, deletes: bool = False
    ) -> list[Entry]:
        """Return what a write is made to: as `resolve`, but of several only the oldest.

        Several in the client's own category are all its own.
        """
        found = self.resolve(caller, entries, deletes=deletes)
        own = {entry.grab.category for entry in found}
        return found if len(own) == 1 else found[:1]

    def _has_removed(self, caller: Caller, info_hash: str) -> bool:
        names = filter(None, (caller.id, caller.program))
        times = (self._removed.get((name, info_hash)) for name in names)
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
