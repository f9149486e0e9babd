"""In what the five differ: their API's version, and what they call the things they collect."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.config import ArrKind


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of *arr."""

    app: str
    """What it calls itself, in `appName` and in its User-Agent."""
    api: str
    """The path below its URL."""
    unknown: tuple[str, ...]
    """Query parameters that make the queue list what the *arr cannot match, too."""


_V3, _V1 = "/api/v3", "/api/v1"
_SERIES, _MOVIES = "includeUnknownSeriesItems", "includeUnknownMovieItems"

DIALECTS: Final[Mapping[ArrKind, Dialect]] = {
    "sonarr": Dialect("Sonarr", _V3, (_SERIES,)),
    "radarr": Dialect("Radarr", _V3, (_MOVIES,)),
    "lidarr": Dialect("Lidarr", _V1, ("includeUnknownArtistItems",)),
    "readarr": Dialect("Readarr", _V1, ("includeUnknownAuthorItems",)),
    # Whisparr 2 descends from Sonarr, Whisparr 3 from Radarr.
    "whisparr": Dialect("Whisparr", _V3, (_SERIES, _MOVIES)),
}
