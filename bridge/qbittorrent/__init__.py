"""The API that the *arr call: qBittorrent's WebUI API v2."""

from bridge.qbittorrent.api import add_api
from bridge.qbittorrent.responses import PROFILES, add_security_headers

__all__ = ["PROFILES", "Profile", "add_api", "add_security_headers"]
