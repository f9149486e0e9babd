"""The simulator's time: real time, which can run faster and jump forward."""

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Unix time that runs at `speed` times the real pace. Call it for the time."""

    def __init__(self, *, speed: float = 1.0, real: Callable[[], float] = time.monotonic) -> None:
        self._real = real
        self._speed = speed
        self._since = real()
        self._base = time.time()

    def __call__(self) -> float:
        """Return the simulated time in unix seconds."""
        return self._base + (self._real() - self._since) * self._speed

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._base, self._since = self(), self._real()
        self._speed = speed

    def advance(self, seconds: float) -> None:
        """Jump `seconds` into the future at once."""
        self._base += seconds


def timestamp(at: float) -> str:
    """Return a date as TorBox writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
