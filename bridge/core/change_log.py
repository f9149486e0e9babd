"""Which entries changed since a version, so that a reader catches up at the cost of the changes."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice
from typing import Generic, TypeVar

import msgspec

Key = TypeVar("Key", bound=Hashable)
T = TypeVar("T")

MOST_IDS = 20_000
"""Ids remembered in total. A reader that is further behind has to read everything."""


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of at most `size` (itertools.batched of Python 3.12)."""
    remaining = iter(tuple(items))
    while batch := list(islice(remaining, size)):
        yield batch


class Backlog(Generic[Key]):
    """What a reader of a change log has not looked at yet.

    It can be taken in batches, so that a change of everything holds up nobody else.
    """

    def __init__(self) -> None:
        self.version = -1
        """The version up to which changes were noted."""
        self._ids: dict[Key, None] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def note(self, version: int, changed_since: Callable[[int], Iterable[Key]]) -> bool:
        """Note what has changed up to a version; return whether that is a new one.

        `changed_since` returns the ids that changed after a version.
        """
        if version == self.version:
            return False
        self.add(changed_since(self.version))
        self.version = version
        return True

    def add(self, ids: Iterable[Key]) -> None:
        """Note more ids."""
        self._ids.update(dict.fromkeys(ids))

    def take(self, most: int | None = None) -> list[Key]:
        """Return ids in the order in which they were noted, and forget them."""
        if most is None or most >= len(self._ids):
            taken, self._ids = list(self._ids), {}
            return taken
        taken = list(islice(self._ids, most))
        for key in taken:
            del self._ids[key]
        return taken


class _Change(msgspec.Struct, Generic[Key], frozen=True):
    version: int
    ids: frozenset[Key]


class ChangeLog(Generic[Key]):
    """Counts versions and remembers the ids that each recent version changed."""

    def __init__(self) -> None:
        self.version = 0
        self._changes: deque[_Change[Key]] = deque()
        self._forgotten = 0
        """The latest version whose ids are no longer known."""
        self._held = 0

    def record(self, ids: Iterable[Key]) -> None:
        """Begin a new version in which these ids changed."""
        self.version += 1
        changed = frozenset(ids)
        self._changes.append(_Change(self.version, changed))
        self._held += len(changed) + 1
        while self._held > MOST_IDS:
            oldest = self._changes.popleft()
            self._held -= len(oldest.ids) + 1
            self._forgotten = oldest.version

    def since(self, version: int) -> set[Key] | None:
        """Return the ids that changed after `version`; None if the log does not reach back so far."""
        if version < self._forgotten:
            return None
        found: set[Key] = set()
        for change in reversed(self._changes):
            if change.version <= version:
                break
            found |= change.ids
        return found
