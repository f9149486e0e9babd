"""Who asks, where several have one download: qBittorrent's API names a torrent by its hash alone.

An *arr lists its own category every minute, by a session of its own. So a client is known by the
categories that it has named, and before it has named any by the program that it is. Where that leaves
a doubt the answer does less: what was not removed can be removed a minute later.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from bridge.core.model import Download

log = structlog.get_logger()

REMEMBERED = 1000
"""Clients whose categories are known; beyond, the one that named none for longest is forgotten."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A client, as far as requests tell one from another."""

    id: str = ""
    """Of its session; who come with the API key are told apart by program and address."""
    program: str = ""
    """What it calls itself: `Sonarr`."""


NOBODY = Caller()
"""One of whom nothing is known. It sees each download as the first who asked for it."""


def program_of(user_agent: str) -> str:
    """Tell the program by its User-Agent: `Sonarr` of `Sonarr/4.0.15 (alpine 3.23)`."""
    return user_agent.partition("/")[0].strip()


class Callers:
    """The categories that each client has named, until the bridge ends."""

    def __init__(self) -> None:
        self._named: dict[str, dict[str, None]] = {}
        """By client, the one that named one last at the end; and so its categories."""
        self._looked_round: dict[str, None] = {}
        """Clients that have listed everything, the one that did so first at the start."""

    def named(self, caller: Caller, category: str) -> None:
        """Note that a client asked for a category, or put something into it."""
        if not caller.id or not category:
            return
        known = self._named.pop(caller.id, {})
        known.pop(category, None)
        self._named[caller.id] = {**known, category: None}
        if len(self._named) > REMEMBERED:
            del self._named[next(iter(self._named))]

    def looked_round(self, caller: Caller) -> None:
        """Note that a client has listed everything, whatever its category."""
        if caller.id and caller.id not in self._looked_round:
            self._looked_round[caller.id] = None
            if len(self._looked_round) > REMEMBERED:
                del self._looked_round[next(iter(self._looked_round))]

    def concerned(self, caller: Caller, everyone: Mapping[int, Download]) -> list[int]:
        """Tell by number whom a client means of those who asked for a download.

        Those in the category that it has named last. A client that has listed other categories
        alone means nobody: its own was removed, or never here. Else the one that its program
        added, and nobody if there are several; else the first, which is what it sees in a list of
        everything.
        """
        named = self._named.get(caller.id, {})
        for category in reversed(named):
            there = [number for number, seen in everyone.items() if seen.category == category]
            if there:
                return there
        if named and caller.id not in self._looked_round:
            log.info("not_its_own", program=caller.program, hash=everyone[0].hash)
            return []
        if len(everyone) == 1:
            return list(everyone)
        added = [
            number
            for number, seen in everyone.items()
            if caller.program and seen.asked_by == caller.program
        ]
        if len(added) > 1:
            log.info("whose_is_it", program=caller.program, hash=everyone[0].hash)
            return []
        return added or [0]
