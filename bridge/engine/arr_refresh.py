"""Telling an *arr to look at its download clients, when something of its own is complete or failed.

It looks by itself once a minute, so nothing depends on this: a call that fails is logged, and that is
all.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from bridge.arr import Arr, ArrError, Arrs
from bridge.core.model import Entry

log = structlog.get_logger()

GATHER_SECONDS = 2.0
"""What becomes complete or fails within this time is one call."""


class ArrRefresh:
    """Calls each *arr once for all that happened within seconds; never twice at one time."""

    def __init__(self, arrs: Arrs, spawn: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        self._arrs = arrs
        self._spawn = spawn
        self._due: set[str] = set()
        self._calling: set[str] = set()

    def entry_changed(self, before: Entry | None, after: Entry) -> None:
        """Take note of a change; one that an *arr waits for leads to a call."""
        if _is_settled(after) and not (before is not None and _is_settled(before)):
            for arr in self._arrs.of(after.grab.category):
                self._ask(arr)

    def _ask(self, arr: Arr) -> None:
        self._due.add(arr.name)
        if arr.name not in self._calling:
            self._calling.add(arr.name)
            self._spawn(self._call(arr))

    async def _call(self, arr: Arr) -> None:
        try:
            while arr.name in self._due:
                await asyncio.sleep(GATHER_SECONDS)
                self._due.discard(arr.name)
                try:
                    await arr.refresh_downloads()
                except ArrError as error:
                    log.info("arr_not_refreshed", arr=arr.name, why=str(error))
        finally:
            self._calling.discard(arr.name)


def _is_settled(entry: Entry) -> bool:
    return entry.complete or entry.failure is not None
