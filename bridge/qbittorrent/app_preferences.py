"""`app/preferences` and `app/setPreferences`.

The bridge has settings of its own, in its own file. qBittorrent's preferences are here for clients
that read and write them: the values of a fresh qBittorrent come from `default_preferences.json`.
The *arr need `dht` (else they refuse magnets without a tracker), `queueing_enabled` (else their
priorities fail the connection test), and no global limit with an action that removes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import structlog

from bridge.qbittorrent.api_context import ApiRequest
from bridge.qbittorrent.responses import Profile

log = structlog.get_logger(__name__)

MIN_USERNAME, MIN_PASSWORD = 3, 6
"""Characters, as in qBittorrent; shorter ones are ignored."""


class _Defaults(msgspec.Struct, frozen=True):
    """The preferences of a fresh qBittorrent, by name."""

    all: dict[str, object]
    """Of 4.6."""
    only_in_4: tuple[str, ...]
    added_in_5: dict[str, object]


_DEFAULTS: Final = msgspec.json.decode(
    Path(__file__).with_name("default_preferences.json").read_bytes(), type=_Defaults
)
_KNOWN: Final[Mapping[str, object]] = {**_DEFAULTS.all, **_DEFAULTS.added_in_5}

FROM_SETTINGS: Final = frozenset(
    {"temp_path", "use_https", "max_ratio_act", "auto_delete_mode", "bypass_local_auth"}
)
"""Preferences that a client cannot change: the settings of the bridge say what they are, or they
promise what it does not do. So does every `web_ui_*`, `alternative_webui_*` and `bypass_auth_*`.
"""
FROM_SETTINGS_PREFIXES: Final = ("web_ui_", "alternative_webui_", "bypass_auth_")
CREDENTIALS: Final = frozenset({"web_ui_username", "web_ui_password"})

_reported: set[str] = set()


def preferences_of(
    save_path: str, parts: str, changed: Mapping[str, object], profile: Profile
) -> bytes:
    """Return the reply of `app/preferences`.

    `changed` are the values that differ from a fresh qBittorrent's; `parts` is the directory of
    incomplete downloads.
    """
    shown = {name: value for name, value in changed.items() if name in defaults_of(profile)}
    paths = {"save_path": save_path, "temp_path": parts}
    known = {**defaults_of(profile), "temp_path_enabled": True, **shown, **paths}
    return msgspec.json.encode(known, order="sorted")


def defaults_of(profile: Profile) -> dict[str, object]:
    """Return the preferences that this version has, with the values of a fresh qBittorrent."""
    if not profile.fields_of_5:
        return dict(_DEFAULTS.all)
    kept = {name: value for name, value in _DEFAULTS.all.items() if name not in _DEFAULTS.only_in_4}
    return {**kept, **_DEFAULTS.added_in_5}


async def set_preferences(request: ApiRequest) -> None:
    """Keep the preferences in `json`.

    As in qBittorrent, unknown names, values of a wrong type and malformed JSON are ignored with
    200. Preferences that cannot be changed here are logged, once for each name.
    """
    given = _parse(request.params.require("json"))
    fitting = {name: value for name, value in given.items() if _fits(name, value)}
    kept = {name: value for name, value in fitting.items() if not _is_fixed(name)}
    _report(fitting.keys() - kept.keys() - CREDENTIALS)
    await request.downloads.preferences.change(kept)
    await _set_login(request, given)


def _parse(text: str) -> Mapping[str, object]:
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except msgspec.DecodeError:
        return {}


def _fits(name: str, value: object) -> bool:
    """Return whether the value has the type of the preference."""
    default = _KNOWN.get(name)
    match default:
        case bool() | str():
            return isinstance(value, type(default))
        # The only number with decimals; its default -1 looks like an integer.
        case int() if name == "max_ratio":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case int():
            return isinstance(value, int) and not isinstance(value, bool)
        case _:
            return False


def _is_fixed(name: str) -> bool:
    return name in FROM_SETTINGS or name.startswith(FROM_SETTINGS_PREFIXES)


def _report(names: set[str]) -> None:
    for name in sorted(names - _reported):
        _reported.add(name)
        log.info("preference_not_kept", name=name, why="the settings of the bridge decide it")


async def _set_login(request: ApiRequest, given: Mapping[str, object]) -> None:
    access = request.context.access
    name, password = given.get("web_ui_username"), given.get("web_ui_password")
    username = name if isinstance(name, str) and len(name) >= MIN_USERNAME else None
    hashed = None
    if isinstance(password, str) and len(password) >= MIN_PASSWORD:
        hashed = await access.hash(password)
    if username is None and hashed is None:
        return
    if not await request.downloads.preferences.keep_login(username=username, password_hash=hashed):
        log.warning("login_not_changed", why="the settings give the password (server.password)")
        return
    session = request.principal.name if request.principal else ""
    access.change_login(username=username, password_hash=hashed, keep_session=session)
