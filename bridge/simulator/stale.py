"""Answers that TorBox keeps for a while and hands out again."""

from collections.abc import Callable
from typing import Any


class StaleCopies:
    """The last answer by name."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Any]] = {}

    def get(self, name: str, now: float, max_age: float, make: Callable[[], Any]) -> Any:
        """The kept answer if it is younger than `max_age` seconds, else a new one."""
        kept = self._kept.get(name)
        if kept is not None and now - kept[0] < max_age:
            return kept[1]
        fresh = make()
        self._kept[name] = (now, fresh)
        return fresh
