"""Speeds over the last hour, sampled in memory."""

from collections import deque

SAMPLE_SECONDS = 15.0
SAMPLES = 240
"""Samples of one hour."""


class SpeedHistory:
    """The last hour of two speeds, in bytes/s. A restart clears it."""

    def __init__(self) -> None:
        self._fetch: deque[int] = deque(maxlen=SAMPLES)
        self._torbox: deque[int] = deque(maxlen=SAMPLES)

    def add(self, *, fetch: int, torbox: int) -> None:
        """Append a sample of both speeds."""
        self._fetch.append(fetch)
        self._torbox.append(torbox)

    @property
    def fetch(self) -> tuple[int, ...]:
        """Return the speed of fetches from TorBox, oldest first."""
        return tuple(self._fetch)

    @property
    def torbox(self) -> tuple[int, ...]:
        """Return the speed of TorBox's own downloads, oldest first."""
        return tuple(self._torbox)
