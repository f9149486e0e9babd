"""Scope app: what this server says of itself."""

from types import MappingProxyType

import msgspec
from aiohttp import web

from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import done, json, text
from bridge.qbittorrent.preferences import preferences_of

BUILD_INFO = MappingProxyType(
    {
        "bitness": 64,
        "boost": "1.86.0",
        "libtorrent": "1.2.19.0",
        "openssl": "3.3.2",
        "qt": "6.7.3",
        "zlib": "1.3.1",
    }
)


async def version(call: Call) -> web.Response:
    """Name the version of qBittorrent."""
    return text(call.face.profile.app_version)


async def api_version(call: Call) -> web.Response:
    """Name the version of the API: three numbers, no `v`. *arr choose their words by it."""
    return text(call.face.profile.api_version)


async def build_info(_call: Call) -> web.Response:
    """Name libraries, as real builds do."""
    return json(msgspec.json.encode(dict(BUILD_INFO)))


async def preferences(call: Call) -> web.Response:
    """Tell the settings that a client may look for."""
    save_path = str(call.downloads.default_save_path)
    return json(preferences_of(save_path, call.face.preferences))


async def set_preferences(call: Call) -> web.Response:
    """Accept `json` (required) and change nothing: the bridge's settings are in its own file."""
    call.params.require("json")
    return done()


async def default_save_path(call: Call) -> web.Response:
    """Name the directory of downloads without a category."""
    return text(str(call.downloads.default_save_path))
