"""How the five *arr differ when they talk to qBittorrent."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class App(StrEnum):
    """The applications."""

    SONARR = "sonarr"
    RADARR = "radarr"
    LIDARR = "lidarr"
    READARR = "readarr"
    PROWLARR = "prowlarr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one application does otherwise. The defaults are Radarr's."""

    user_agent: str
    category: str
    """The category it proposes at set-up."""
    speaks_bearer: bool = False
    """Can send an API key instead of logging in."""
    basic_always: bool = True
    """Sends `Authorization: Basic` even with nothing in it."""
    empty_login_is_fine: bool = True
    """Takes an empty body for a login that worked; else only `Ok.`."""
    bad_credentials: frozenset[int] = frozenset({401, 403})
    plus_for_space: bool = False
    """Encodes forms with `+`; the others write `%20`."""
    shares_cookies: bool = True
    """Keeps cookies by host, whatever the port, and sends them with every call."""
    cookie_container: bool = False
    """Keeps every cookie, and drops `Secure` ones over http; the others keep the first alone."""
    knows_stopped: bool = True
    """Knows qBittorrent 5's words: `stopped`, `stoppedUP`, `stoppedDL`."""
    knows_inactive_limit: bool = True
    ratio_tolerance: float = 0.001
    heeds_remove_option: bool = True
    """`Remove Completed` off means that nothing can be removed."""


DIALECTS: Mapping[App, Dialect] = MappingProxyType(
    {
        App.SONARR: Dialect(
            user_agent="Sonarr/4.0.16.2944 (alpine 3.22.2)",
            category="tv-sonarr",
            speaks_bearer=True,
            basic_always=False,
            shares_cookies=False,
        ),
        App.RADARR: Dialect(user_agent="Radarr/6.0.4.10291 (alpine 3.22.2)", category="radarr"),
        App.LIDARR: Dialect(
            user_agent="Lidarr/2.14.5.4836 (alpine 3.22.2)",
            category="lidarr",
            empty_login_is_fine=False,
            bad_credentials=frozenset({403}),
        ),
        App.READARR: Dialect(
            user_agent="Readarr/0.4.18.2805 (alpine 3.22.2)",
            category="readarr",
            empty_login_is_fine=False,
            bad_credentials=frozenset({403}),
            knows_stopped=False,
            knows_inactive_limit=False,
            ratio_tolerance=0.0,
            heeds_remove_option=False,
        ),
        App.PROWLARR: Dialect(
            user_agent="Prowlarr/2.3.0.5236 (alpine 3.22.2)",
            category="prowlarr",
            plus_for_space=True,
            shares_cookies=False,
            cookie_container=True,
            knows_inactive_limit=False,
        ),
    }
)
