"""Speeds over the last hour, sampled in memory."""

from collections import deque

SAMPLE_SECONDS = 15.0
SAMPLES = 240
"""An hour of them."""


class SpeedHistory:
    """The last hour of two speeds, in bytes/s. Nothing of it survives a restart."""

    def __init__(self) -> None:
        self._fetch: deque[int] = deque(maxlen=SAMPLES)
        self._torbox: deque[int] = deque(maxlen=SAMPLES)

    def add(self, *, fetch: int, torbox: int) -> None:
        """Append one sample of each."""
        self._fetch.append(fetch)
        self._torbox.append(torbox)

    @property
    def fetch(self) -> tuple[int, ...]:
        """Return what was fetched from TorBox, oldest first."""
        return tuple(self._fetch)

    @property
    def torbox(self) -> tuple[int, ...]:
        """Return what TorBox downloaded for the bridge, oldest first."""
        return tuple(self._torbox)
