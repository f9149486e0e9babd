"""Scope transfer: speeds and totals over all downloads."""

from http import HTTPStatus

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import HttpError, done, json, text
from bridge.qbittorrent.totals import totals_of


class TransferInfo(msgspec.Struct, kw_only=True, frozen=True):
    """Bytes and bytes per second; a limit of 0 is none."""

    connection_status: str = "connected"
    dht_nodes: int = 0
    dl_info_data: int
    dl_info_speed: int
    dl_rate_limit: int = 0
    last_external_address_v4: str | UnsetType = UNSET
    last_external_address_v6: str | UnsetType = UNSET
    up_info_data: int
    up_info_speed: int
    up_rate_limit: int = 0


async def info(call: Call) -> web.Response:
    """Sum up what goes on."""
    totals = totals_of(call.downloads.queries.primaries.values())
    address = "" if call.face.profile.fields_of_5 else UNSET
    shown = TransferInfo(
        dl_info_data=totals.downloaded,
        dl_info_speed=totals.download_speed,
        dl_rate_limit=call.downloads.preferences.download_limit,
        last_external_address_v4=address,
        last_external_address_v6=address,
        up_info_data=totals.uploaded,
        up_info_speed=totals.upload_speed,
        up_rate_limit=call.downloads.preferences.upload_limit,
    )
    return json(msgspec.json.encode(shown))


async def limits_mode(call: Call) -> web.Response:
    """Tell which limits are in force: 1 for the alternative ones."""
    return text(str(int(call.downloads.preferences.alternative_limits)))


async def toggle_limits_mode(call: Call) -> web.Response:
    """Switch between the two pairs of limits."""
    await call.downloads.preferences.set_alternative_limits(value=not call.downloads.preferences.alternative_limits)
    return done()


async def set_limits_mode(call: Call) -> web.Response:
    """Choose the pair of limits: anything but 0 is the alternative one."""
    call.params.require("mode")
    mode = call.params.integer("mode")
    if mode is None:
        raise HttpError(HTTPStatus.BAD_REQUEST, "'mode': invalid argument")
    await call.downloads.preferences.set_alternative_limits(value=mode != 0)
    return done()


async def download_limit(call: Call) -> web.Response:
    """Tell the limit in force, in bytes/s; 0 is none."""
    return text(str(call.downloads.preferences.download_limit))


async def upload_limit(call: Call) -> web.Response:
    """Tell the limit in force, in bytes/s; 0 is none."""
    return text(str(call.downloads.preferences.upload_limit))


async def set_download_limit(call: Call) -> web.Response:
    """Limit all fetches together, in bytes/s."""
    call.params.require("limit")
    await call.downloads.preferences.set_download_limit(call.params.integer("limit") or 0)
    return done()


async def set_upload_limit(call: Call) -> web.Response:
    """Note a limit for uploads, in bytes/s."""
    call.params.require("limit")
    await call.downloads.preferences.set_upload_limit(call.params.integer("limit") or 0)
    return done()
