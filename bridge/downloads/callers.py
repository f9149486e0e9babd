"""Who asks, where several have one download: qBittorrent's API names a torrent by its hash alone.

An *arr lists its own category every minute, by a session of its own. So a client is known by the
categories that it has named, and before it has named any by the program that it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.core.model import Download

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
        self._named: dict[str, set[str]] = {}

    def named(self, caller: Caller, category: str) -> None:
        """Note that a client asked for a category, or put something into it."""
        if not caller.id or not category:
            return
        self._named[caller.id] = self._named.pop(caller.id, set()) | {category}
        if len(self._named) > REMEMBERED:
            del self._named[next(iter(self._named))]

    def concerned(self, caller: Caller, everyone: Mapping[int, Download]) -> list[int]:
        """Tell by number whom a client means of those who asked for a download.

        Those in a category that it has named; else those that its program added; else the first,
        which is what it sees in a list of everything.
        """
        if len(everyone) == 1:
            return list(everyone)
        named = self._named.get(caller.id, set())
        by_category = [number for number, seen in everyone.items() if seen.category in named]
        by_program = [
            number
            for number, seen in everyone.items()
            if caller.program and seen.asked_by == caller.program
        ]
        return by_category or by_program or [0]
