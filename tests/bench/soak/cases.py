"""One wish for a release, and what has become of it."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.bench.soak.wishes import Life, Moment, Release, Wish


class Stage(StrEnum):
    """Where a case stands in the life that it is living."""

    WAITING = "waiting"
    """To be grabbed."""
    ACCEPTED = "accepted"
    IMPORTED = "imported"
    GIVEN_UP = "given up"
    """It has failed. The bridge tells the *arr, which removes it."""
    LEAVING = "leaving"
    """It is over with; the entry is to go."""
    OVER = "over"


class Bell:
    """Wakes everybody who waits for something to happen."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake them."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait until it rings, and so long at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)


@dataclass(slots=True, kw_only=True)
class Case:
    """A wish on its way. Whoever comes after it is woken at each step."""

    release: Release
    wish: Wish
    bell: Bell
    first: "Case | None" = None
    """The first who wants the release; None: this one is."""
    stage: Stage = Stage.WAITING
    lived: int = 0
    reached: Moment | None = None
    """The furthest that it has ever come."""
    come: Moment = Moment.BEGUN
    """The furthest in this life."""
    accepted_at: float = 0.0
    leaves_at: float = 0.0
    library: Path | None = None
    """Where the files were imported to."""
    output_path: str = ""
    """Where the entry was last seen complete."""

    @property
    def name(self) -> str:
        """Name it in a message."""
        life = f" #{self.lived + 1}" if len(self.wish.lives) > 1 else ""
        return f"{self.release.content.name} ({self.hash[:6]}) for {self.wish.category}{life}"

    @property
    def hash(self) -> str:
        """The info-hash."""
        return self.release.content.hash

    @property
    def life(self) -> Life:
        """The life that it lives, or is about to."""
        return self.wish.lives[min(self.lived, len(self.wish.lives) - 1)]

    def due(self, share: float) -> bool:
        """Return whether it may be grabbed when so much of the time is over."""
        if self.stage is not Stage.WAITING:
            return False
        if self.first is None:
            return self.release.turn <= share
        return self.first.reached is not None and self.first.reached >= self.wish.after

    def reach(self, moment: Moment) -> None:
        """Come so far."""
        self.come = max(self.come, moment)
        if self.reached is None or self.reached < moment:
            self.reached = moment
            self.bell.ring()

    def accept(self) -> None:
        """Begin a life."""
        self.stage, self.accepted_at = Stage.ACCEPTED, time.monotonic()
        self.output_path, self.come = "", Moment.ACCEPTED
        self.reach(Moment.ACCEPTED)

    def end(self) -> None:
        """End a life: it left the queue."""
        self.lived += 1
        self.stage = Stage.WAITING if self.lived < len(self.wish.lives) else Stage.OVER
        self.reach(Moment.REMOVED)


@dataclass(slots=True)
class Cases:
    """All of them, by category and in the order of their turns."""

    bell: Bell = field(default_factory=Bell)
    all: list[Case] = field(default_factory=list)

    def take(self, release: Release) -> None:
        """Make a case of each wish."""
        first: Case | None = None
        for wish in release.wishes:
            case = Case(release=release, wish=wish, bell=self.bell, first=first)
            first = first or case
            self.all.append(case)

    def of(self, category: str) -> list[Case]:
        """List those of one *arr."""
        return [case for case in self.all if case.wish.category == category]
