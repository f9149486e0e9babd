"""The versions of qBittorrent that the bridge can look like (setting `qbittorrent.profile`)."""

from dataclasses import dataclass
from types import MappingProxyType

from bridge.core.status import State


@dataclass(frozen=True, slots=True)
class Profile:
    """The version numbers of a real qBittorrent, and which names and fields it uses.

    The API version has three parts, because .NET orders `2.11` below `2.11.0`.
    """

    app_version: str
    api_version: str
    fields_of_5: bool
    """`stopped` instead of `paused`, and the fields and preferences that 5.x added."""

    def state(self, state: State) -> str:
        """Return the name of a state in this version."""
        return _STOPPED.get(state, state.value) if self.fields_of_5 else state.value


_STOPPED = {State.PAUSED_UP: "stoppedUP", State.PAUSED_DL: "stoppedDL"}

PROFILES = MappingProxyType(
    {
        "4.6": Profile("v4.6.7", "2.9.3", fields_of_5=False),
        "5.1": Profile("v5.1.4", "2.11.4", fields_of_5=True),
    }
)
"""By the value of the setting. Every *arr understands 4.6; Readarr does not know `stoppedUP`."""
