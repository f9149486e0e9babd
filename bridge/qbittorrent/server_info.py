"""Endpoints `app/*` and `log/*`: versions, preferences, directories, and the latest log messages."""

from http import HTTPStatus
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from bridge import logs
from bridge.qbittorrent.api_context import ApiRequest
from bridge.qbittorrent.app_preferences import preferences_of
from bridge.qbittorrent.responses import HttpError
from bridge.qbittorrent.sync_sessions import category_rows

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

LOG_TYPES = MappingProxyType(
    {
        "normal": logs.NORMAL,
        "info": logs.INFO,
        "warning": logs.WARNING,
        "critical": logs.CRITICAL,
    }
)


async def version(request: ApiRequest) -> str:
    """Return the version of qBittorrent."""
    return request.context.profile.app_version


async def api_version(request: ApiRequest) -> str:
    """Return the version of the API: three numbers, no `v`. The *arr choose their parameters by it."""
    return request.context.profile.api_version


async def build_info(request: ApiRequest) -> bytes:
    """Return the versions of libraries, as a real build does."""
    platform = {"platform": "linux"} if request.context.profile.fields_of_5 else {}
    return msgspec.json.encode({**BUILD_INFO, **platform}, order="sorted")


async def preferences(request: ApiRequest) -> object:
    """Return qBittorrent's preferences."""
    save_path = str(request.downloads.labels.default_save_path)
    # The user may have changed the name with setPreferences since the settings were read.
    changed = {
        **request.context.preferences,
        **request.downloads.preferences.shown,
        "web_ui_username": request.context.access.username,
    }
    parts = str(request.downloads.incomplete_directory)
    return preferences_of(save_path, parts, changed, request.context.profile)


async def default_save_path(request: ApiRequest) -> str:
    """Return the directory of downloads without a category."""
    return str(request.downloads.labels.default_save_path)


async def process_info(request: ApiRequest) -> object:
    """Return when the bridge was started, in unix seconds."""
    return {"launch_time": int(request.context.started_at)}


async def set_cookies(request: ApiRequest) -> None:
    """Accept cookies for links, a JSON list of objects. None are kept."""
    try:
        msgspec.json.decode(request.params.require("cookies"), type=list[dict[str, object]])
    except msgspec.DecodeError as error:
        raise HttpError(HTTPStatus.BAD_REQUEST) from error


async def directory_content(request: ApiRequest) -> object:
    """List nothing of any directory: the bridge's disk is nobody's business.

    Web UIs complete paths with this while the user types, so an unknown directory is not an error.
    """
    if not request.params.require("dirPath").startswith("/"):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid path")
    return b"[]"


async def free_space(request: ApiRequest) -> str:
    """Return the free bytes of a download directory; 400 for any other directory."""
    path = request.params.require("path")
    if path.rstrip("/") not in _directories(request):
        raise HttpError(HTTPStatus.BAD_REQUEST)
    return str(await request.downloads.free_space())


def _directories(request: ApiRequest) -> set[str]:
    """Return the directories that other endpoints name: the default one and those of categories."""
    rows = category_rows(request.downloads).values()
    return {
        str(request.downloads.labels.default_save_path),
        *(str(row["savePath"]) for row in rows),
    }


async def log_messages(request: ApiRequest) -> object:
    """List the messages after `last_known_id`, oldest first, of the types that are not `false`."""
    last_known = request.params.integer("last_known_id")
    types = sum(kind for name, kind in LOG_TYPES.items() if request.params.flag(name) is not False)
    found = request.context.logs.since(-1 if last_known is None else last_known, types)
    return [replace(record, timestamp=int(record.timestamp)) for record in found]
