"""Scope app: `setPreferences`. What means something here is kept; the rest is taken and forgotten.

A value of the wrong kind is passed over like an unknown key, and so is JSON that cannot be read:
qBittorrent answers 200 to all of that.
"""

import asyncio
from collections.abc import Mapping

import msgspec
import structlog
from aiohttp import web

from bridge.access import hash_password
from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import done
from bridge.qbittorrent.preferences import DEFAULTS

log = structlog.get_logger()

SHORTEST_NAME, SHORTEST_PASSWORD = 3, 6
"""As in qBittorrent; shorter ones are passed over."""


async def set_preferences(call: Call) -> web.Response:
    """Keep what is meaningful of `json`."""
    given = _object(call.params.require("json"))
    changes = {name: value for name, value in given.items() if _fits(name, value)}
    await call.downloads.preferences.change(changes)
    await _set_login(call, given)
    return done()


def _object(text: str) -> Mapping[str, object]:
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except msgspec.DecodeError:
        return {}


def _fits(name: str, value: object) -> bool:
    """Tell whether the value is of the kind that the preference has."""
    default = DEFAULTS.get(name)
    match default:
        case bool() | str():
            return isinstance(value, type(default))
        case int() if name == "max_ratio":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case int():
            return isinstance(value, int) and not isinstance(value, bool)
        case _:
            return False


async def _set_login(call: Call, given: Mapping[str, object]) -> None:
    name, password = given.get("web_ui_username"), given.get("web_ui_password")
    username = name if isinstance(name, str) and len(name) >= SHORTEST_NAME else None
    hashed = None
    if isinstance(password, str) and len(password) >= SHORTEST_PASSWORD:
        hashed = await asyncio.to_thread(hash_password, password)
    if username is None and hashed is None:
        return
    if not await call.downloads.preferences.keep_login(username=username, password_hash=hashed):
        log.warning("login_not_changed", why="server.password in the settings says what it is")
        return
    call.face.access.change_login(username=username, password_hash=hashed)
