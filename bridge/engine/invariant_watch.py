"""Looks for violated invariants while the bridge runs: what should never happen must not stay unseen."""

import structlog

from bridge.core.invariants import Observed, violations
from bridge.core.planner_input import MAX_DELIVERIES, PlannerInput
from bridge.engine.blockers import Blockers
from bridge.engine.context import EngineContext
from bridge.torbox import CallClass

log = structlog.get_logger(__name__)

VIOLATIONS_SECONDS = 60.0
"""Between two looks for violated invariants."""


class InvariantWatch:
    """Compares what the engine sees with `core.invariants`."""

    def __init__(self, ctx: EngineContext, blockers: Blockers) -> None:
        self._budgets = ctx.torbox.budgets
        self._blockers = blockers
        self._blocked_at = self._full_at = self._looked_at = ctx.clock()
        self._steady_since = 0.0
        self._logged: frozenset[str] = frozenset()

    def violations(self, known: PlannerInput) -> list[str]:
        """Return a sentence for each violated invariant; normally none."""
        blocked = self._note_waits(known)
        return violations(
            Observed(
                now=known.now,
                live=known.live,
                jobs=known.jobs,
                snapshot=known.snapshot,
                busy_downloads=known.busy_downloads,
                busy_grabs=known.busy_grabs,
                delivering=len(known.delivering),
                blocked=blocked,
                blocked_at=self._blocked_at,
                full_at=self._full_at,
            )
        )

    def log(self, known: PlannerInput) -> None:
        """Log each violated invariant once for as long as it is violated."""
        self._note_waits(known)
        if abs(known.now - self._looked_at) < VIOLATIONS_SECONDS:
            return
        self._looked_at = known.now
        found = frozenset(self.violations(known))
        for text in sorted(found - self._logged):
            log.error("invariant_violated", what=text)
        self._logged = found

    def _note_waits(self, known: PlannerInput) -> bool:
        """Note what keeps due work waiting for good reason; return whether it is a blocker."""
        # Nothing could be done while the machine was suspended, and a jump of the clock is no time.
        if known.steady_since != self._steady_since:
            self._steady_since = self._blocked_at = self._full_at = known.steady_since
        blocked = (
            self._blockers.probe_at is not None
            or known.slot_at > known.now
            or any(self._budgets.ready_at(kind, known.now) > known.now for kind in CallClass)
        )
        if blocked or known.submitting >= known.max_creates:
            self._blocked_at = known.now
        if len(known.delivering) >= MAX_DELIVERIES:
            self._full_at = known.now
        return blocked
