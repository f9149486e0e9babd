"""How much is done between two turns of the event loop: what holds it up, without a clock."""

import asyncio
import sys
from collections import Counter
from types import CodeType, FrameType
from typing import Self

TURN = asyncio.BaseEventLoop._run_once.__code__  # type: ignore[attr-defined]
"""Called once a turn."""


class Turns:
    """Counts the calls of Python functions between two turns of the event loop.

    Use as `with Turns() as turns`, on the thread of the loop. A number of calls says how long other
    requests waited, and is the same on any machine.
    """

    def __init__(self) -> None:
        self.longest = 0
        self.what: list[tuple[str, int]] = []
        """The functions that were called most in the longest turn."""
        self.most: Counter[str] = Counter()
        """By function, its calls in the turn that had most of them."""
        self.all: Counter[str] = Counter()
        """By function, its calls in all turns."""
        self._calls: Counter[CodeType] = Counter()

    def __enter__(self) -> Self:
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        self._end_turn()

    def _count(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            if frame.f_code is TURN:
                self._end_turn()
            self._calls[frame.f_code] += 1

    def _end_turn(self) -> None:
        calls, self._calls = self._calls, Counter()
        if calls.total() > self.longest:
            self.longest = calls.total()
            self.what = [(code.co_qualname, count) for code, count in calls.most_common(5)]
        for code, count in calls.items():
            self.all[code.co_qualname] += count
            self.most[code.co_qualname] = max(self.most[code.co_qualname], count)
