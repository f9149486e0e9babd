"""Scope transfer: speeds and totals over all downloads."""

import msgspec
from aiohttp import web

from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import json


class TransferInfo(msgspec.Struct, kw_only=True, frozen=True):
    """Bytes and bytes per second; a limit of 0 is none."""

    connection_status: str = "connected"
    dht_nodes: int = 0
    dl_info_data: int
    dl_info_speed: int
    dl_rate_limit: int = 0
    up_info_data: int
    up_info_speed: int
    up_rate_limit: int = 0


async def info(call: Call) -> web.Response:
    """Sum up what goes on."""
    views = call.downloads.all()
    sums = TransferInfo(
        dl_info_data=sum(int(view.status.size * view.status.progress) for view in views),
        dl_info_speed=sum(view.status.download_speed for view in views),
        up_info_data=sum(view.download.uploaded for view in views),
        up_info_speed=sum(view.status.upload_speed for view in views),
    )
    return json(msgspec.json.encode(sums))
