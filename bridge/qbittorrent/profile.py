"""Which qBittorrent the bridge looks like. A client that reads a version must find its words."""

from dataclasses import dataclass
from types import MappingProxyType

from bridge.core.status import State


@dataclass(frozen=True, slots=True)
class Profile:
    """A real pair of versions, and whose words and fields these have.

    The API version has three parts: .NET orders `2.11` below `2.11.0`.
    """

    app_version: str
    api_version: str
    fields_of_5: bool
    """Says `stopped` for `paused`, and has the fields and preferences that 5.x added."""

    def state(self, state: State) -> str:
        """Name a state as this version does."""
        return _STOPPED.get(state, state.value) if self.fields_of_5 else state.value


_STOPPED = {State.PAUSED_UP: "stoppedUP", State.PAUSED_DL: "stoppedDL"}

PROFILES = MappingProxyType(
    {
        "4.6": Profile("v4.6.7", "2.9.3", fields_of_5=False),
        "5.1": Profile("v5.1.4", "2.11.4", fields_of_5=True),
    }
)
"""By the setting `qbittorrent.profile`. Every *arr reads 4.6; Readarr knows no `stoppedUP`."""
