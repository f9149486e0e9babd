"""Everything behind the simulator's HTTP face, in one place."""

import time
from collections.abc import Callable

import msgspec

from bridge.simulator.calls import CallLog
from bridge.simulator.catalogue import Catalogue
from bridge.simulator.clock import Clock
from bridge.simulator.faultbook import FaultBook
from bridge.simulator.limits import RateLimiter
from bridge.simulator.links import LinkBook
from bridge.simulator.scenario import Scenario
from bridge.simulator.stale import StaleCopies
from bridge.simulator.world import World


class Backend:
    """An account, its key, what goes wrong, and what was asked so far."""

    def __init__(self, scenario: Scenario, *, real: Callable[[], float] = time.monotonic) -> None:
        self.key = scenario.key
        self.keys_made = 0
        self.clock = Clock(speed=scenario.speed, real=real)
        self.world = World(
            self.clock,
            account=scenario.account,
            behaviour=scenario.behaviour,
            catalogue=Catalogue(scenario.contents),
        )
        self.faults = FaultBook(seed=scenario.seed)
        self.calls = CallLog()
        self.limiter = RateLimiter(scenario.limits)
        self.links = LinkBook(scenario.cdn, seed=scenario.seed)
        self.copies = StaleCopies()
        self._set_up(scenario)

    def rotate_key(self, key: str | None = None) -> str:
        """Make the key invalid, and every link with it; the new one."""
        self.keys_made += 1
        self.key = key or f"simulator-key-{self.keys_made}"
        self.links.kill()
        return self.key

    def _set_up(self, scenario: Scenario) -> None:
        for info_hash, tricks in scenario.tricks.items():
            self.world.change(info_hash, **msgspec.structs.asdict(tricks))
        for content in scenario.contents:
            if content.hash in scenario.items:
                self.world.put(content)
        for fault in scenario.faults:
            self.faults.put(fault)
