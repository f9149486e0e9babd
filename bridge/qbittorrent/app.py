"""Scope app: what this server says of itself."""

from http import HTTPStatus
from types import MappingProxyType

import msgspec
from aiohttp import web

from bridge.qbittorrent.category_rows import category_rows
from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import HttpError, done, json, text
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


async def build_info(call: Call) -> web.Response:
    """Name libraries, as real builds do."""
    platform = {"platform": "linux"} if call.face.profile.fields_of_5 else {}
    return json(msgspec.json.encode({**BUILD_INFO, **platform}, order="sorted"))


async def preferences(call: Call) -> web.Response:
    """Tell the settings that a client may look for."""
    save_path = str(call.downloads.labels.default_save_path)
    changed = {
        **call.face.preferences,
        **call.downloads.preferences.shown,
        "web_ui_username": call.face.access.username,
    }
    return json(preferences_of(save_path, changed, call.face.profile))


async def default_save_path(call: Call) -> web.Response:
    """Name the directory of downloads without a category."""
    return text(str(call.downloads.labels.default_save_path))


async def process_info(call: Call) -> web.Response:
    """Tell since when the bridge runs, in unix seconds."""
    return json(msgspec.json.encode({"launch_time": int(call.face.started_at)}))


async def set_cookies(call: Call) -> web.Response:
    """Take cookies for links, a JSON list of objects, and keep none."""
    try:
        msgspec.json.decode(call.params.require("cookies"), type=list[dict[str, object]])
    except msgspec.DecodeError as error:
        raise HttpError(HTTPStatus.BAD_REQUEST) from error
    return done()


async def directory_content(call: Call) -> web.Response:
    """List nothing of a directory of ours, and know no other: the bridge's disk is not for show."""
    path = call.params.require("dirPath")
    if not path.startswith("/"):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid path")
    if path.rstrip("/") not in _directories(call):
        raise HttpError(HTTPStatus.NOT_FOUND)
    return json(b"[]")


async def free_space(call: Call) -> web.Response:
    """Tell the free bytes where downloads go, of our own directories and no other."""
    path = call.params.require("path")
    if path.rstrip("/") not in _directories(call):
        raise HttpError(HTTPStatus.BAD_REQUEST)
    return text(str(await call.downloads.free_space()))


def _directories(call: Call) -> set[str]:
    """List the directories that are known from elsewhere: of all downloads and of the categories."""
    rows = category_rows(call.downloads).values()
    return {str(call.downloads.labels.default_save_path), *(str(row["savePath"]) for row in rows)}
