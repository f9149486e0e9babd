"""The face the *arr sees: qBittorrent's WebUI API v2."""

from bridge.qbittorrent.api import PREFIX, create_api
from bridge.qbittorrent.http import dress
from bridge.qbittorrent.profile import PROFILES, Profile

__all__ = ["PREFIX", "PROFILES", "Profile", "create_api", "dress"]
