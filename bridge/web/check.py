"""GET and POST /api/bridge/check: what the doctor found last, and a wish that it looks again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec
import structlog
from aiohttp import web

from bridge.web.guard import private_json, require_visitor

log = structlog.get_logger()

FIRST_AFTER = 30.0
"""Seconds after the start: whoever starts with the bridge has come up by then."""
MOST_SECONDS = 300.0

Report: TypeAlias = Mapping[str, object]
"""What `torbox-bridge check --json` writes: `healthy` and `findings`."""

NOTHING_YET: Final[Report] = MappingProxyType({"healthy": None, "findings": ()})


class Checkup:
    """Has the doctor look in the background, one look at a time, and remembers what it found.

    Views of the page cost no look. A look that breaks is a finding like others.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked = asyncio.Event()
        self._looking = False
        self._report = NOTHING_YET
        self._taken_at: float | None = None

    def ask(self) -> None:
        """Wish for a look, now. While one is under way, that is the one."""
        self._asked.set()

    def told(self) -> dict[str, object]:
        """Tell what was found last, when (unix seconds, None: never), and if a look is coming."""
        running = self._looking or self._asked.is_set()
        return {**self._report, "taken_at": self._taken_at, "running": running}

    async def run(
        self, examine: Callable[[], Awaitable[Report]], *, first_after: float = FIRST_AFTER
    ) -> None:
        """Look after so many seconds, and then whenever it is wished. Ends by being cancelled."""
        with suppress(TimeoutError):
            async with asyncio.timeout(first_after):
                await self._asked.wait()
        while True:
            self._looking = True
            self._report = await _examined(examine)
            self._taken_at = self._clock()
            self._looking = False
            self._asked.clear()
            await self._asked.wait()


async def _examined(examine: Callable[[], Awaitable[Report]]) -> Report:
    try:
        async with asyncio.timeout(MOST_SECONDS):
            return await examine()
    except Exception as error:
        log.exception("check_failed")
        broken = {
            "subject": "check",
            "level": "problem",
            "text": f"the check itself did not come to an end ({type(error).__name__})",
            "fix": "Look again; if it stays so, the log says more, and a report is welcome",
        }
        return {"healthy": False, "findings": (broken,)}


CHECKUP = web.AppKey("checkup", Checkup)


async def show(request: web.Request) -> web.Response:
    """Answer what was found last. Costs no look."""
    require_visitor(request)
    return private_json(msgspec.json.encode(request.app[CHECKUP].told()))


async def ask(request: web.Request) -> web.Response:
    """Have the doctor look; 202 at once, and `show` tells when it is done."""
    require_visitor(request)
    checkup = request.app[CHECKUP]
    checkup.ask()
    return private_json(msgspec.json.encode(checkup.told()), HTTPStatus.ACCEPTED)
