"""The API that the *arr call: qBittorrent's WebUI API v2."""

from bridge.qbittorrent.api import PREFIX, create_api
from bridge.qbittorrent.responses import PROFILES, Profile, add_security_headers

__all__ = ["PREFIX", "PROFILES", "Profile", "add_security_headers", "create_api"]
