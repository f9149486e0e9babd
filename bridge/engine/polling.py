"""Reading TorBox's lists again and again: how often, and what a failure or a success means."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf

import structlog

from bridge.core.model import FINAL, Download
from bridge.engine.gates import Gates
from bridge.engine.services import Services
from bridge.engine.watch import poll
from bridge.torbox import CallClass, TorBoxError

log = structlog.get_logger()

SLOWER = 1.5
"""How much longer each pause is than the one before while nothing moves."""


class Polling:
    """The shared list. Its success is also what ends an outage."""

    def __init__(self, services: Services, gates: Gates) -> None:
        self._services = services
        self._ledger = services.ledger
        self._gates = gates
        self._pace = services.settings.torbox.poll_seconds
        self._failures = 0
        self.running = False
        self.polled_at = -inf
        """When the last one was begun."""
        self.seconds = self._pace.active
        """Pause before the next one."""

    @property
    def brisk_seconds(self) -> float:
        """Pause where the outcome of a create is unclear: short, unless the list fails."""
        return self.seconds if self._failures else self._pace.active

    @property
    def troubles(self) -> Sequence[str]:
        """Tell in words what is wrong with it."""
        return ["TorBox: its list cannot be read"] if self._failures > 1 else []

    def begin(self) -> None:
        """Count the poll that `poll` is about to make."""
        self.running = True
        self.polled_at = self._services.clock()

    async def poll(self, *, queue: bool) -> None:
        """Read the list, and the queue on request; never raises what TorBox does wrong."""
        try:
            if self._gates.bad_key:
                await self._services.key.renew()
            moved = await poll(self._services, queue=queue)
        except TorBoxError as error:
            self._failed(error)
        else:
            self._went_well(moved=moved)
        finally:
            self.running = False

    def _failed(self, error: TorBoxError) -> None:
        self._failures += 1
        pause = min(self._services.pace.backoff(self._failures), self._pace.idle)
        self.seconds = max(self._pace.active, pause)
        if self._gates.probe_at is not None:
            self._gates.probe_failed(error)
        else:
            self._gates.hold(error, CallClass.LIST)
        log.warning("poll_failed", why=str(error), again_in=round(self.seconds))

    def _went_well(self, *, moved: bool) -> None:
        self._failures = 0
        self.seconds = self._pace.active if moved else min(self.seconds * SLOWER, self._pace.idle)
        self._gates.passed(CallClass.LIST)
        if self._gates.answered():
            self._resume()

    def _resume(self) -> None:
        """Let nobody wait out a pause that the outage gave him; but not all go at once."""
        now = self._services.clock()

        def soon(latest: Download) -> Download:
            return replace(latest, next_attempt_at=now + self._services.pace.soon())

        for download in tuple(self._ledger.downloads.values()):
            if download.phase not in FINAL and download.next_attempt_at > now:
                self._ledger.note(download.hash, soon)
