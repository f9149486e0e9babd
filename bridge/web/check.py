"""GET and POST /api/bridge/check: the last result of the setup check, and a new run."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final, TypeAlias

import structlog
from aiohttp import web

log = structlog.get_logger(__name__)

FIRST_AFTER = 30.0
"""Seconds after the start: containers that start together with the bridge are up by then."""
MOST_SECONDS = 300.0

Report: TypeAlias = Mapping[str, object]
"""The output of `torbox-bridge check --json`: `healthy` and `findings`."""

NOTHING_YET: Final[Report] = MappingProxyType({"healthy": None, "findings": ()})


class Checkup:
    """Runs the setup check in the background, one run at a time, and keeps the last result.

    Reading the result starts no run. A run that raises is reported as a finding.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked = asyncio.Event()
        self._looking = False
        self._report = NOTHING_YET
        self._taken_at: float | None = None

    def ask(self) -> None:
        """Request a run. A request during a run starts no second run."""
        if not self._looking:
            self._asked.set()

    def outdated(self) -> None:
        """Request a run because what it looks at has changed; after the current run, if there is one."""
        self._asked.set()

    def told(self) -> dict[str, object]:
        """Return the last result, its time (unix seconds; None: never), and if a run is due."""
        running = self._looking or self._asked.is_set()
        return {**self._report, "taken_at": self._taken_at, "running": running}

    async def run(
        self, examine: Callable[[], Awaitable[Report]], *, first_after: float = FIRST_AFTER
    ) -> None:
        """Run the check after `first_after` seconds and then on each request, until cancelled."""
        with suppress(TimeoutError):
            async with asyncio.timeout(first_after):
                await self._asked.wait()
        while True:
            self._asked.clear()
            self._looking = True
            self._report = await _examined(examine)
            self._taken_at = self._clock()
            self._looking = False
            await self._asked.wait()


async def _examined(examine: Callable[[], Awaitable[Report]]) -> Report:
    try:
        async with asyncio.timeout(MOST_SECONDS):
            return await examine()
    except Exception as error:  # the page must show a broken check, not the last good result
        log.exception("check_failed")
        broken = {
            "subject": "check",
            "level": "problem",
            "text": f"the check itself did not come to an end ({type(error).__name__})",
            "fix": "Look again; if it stays so, the log says more, and a report is welcome",
        }
        return {"healthy": False, "findings": (broken,)}


CHECKUP = web.AppKey("checkup", Checkup)


async def show(request: web.Request) -> Report:
    """Answer the last result. Starts no run."""
    return request.app[CHECKUP].told()


async def ask(request: web.Request) -> Report:
    """Start a run; answer 202 at once. `show` has `running` false when it is done."""
    checkup = request.app[CHECKUP]
    checkup.ask()
    return checkup.told()
