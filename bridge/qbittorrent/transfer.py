"""Endpoints `transfer/*` and `sync/*`: speeds, limits, and what has changed since the last poll."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from http import HTTPStatus

import msgspec
from msgspec import UNSET, UnsetType

from bridge.qbittorrent.api_context import ApiRequest, torrent_id
from bridge.qbittorrent.responses import HttpError
from bridge.qbittorrent.sync_sessions import MAX_RID
from bridge.qbittorrent.sync_snapshot import encoded
from bridge.qbittorrent.torrent_list import SENT_WHOLE


async def maindata(request: ApiRequest) -> object:
    """Return everything, or what has changed since the reply that `rid` names."""
    now = await request.context.snapshots.take(request.context.clock())
    rid = request.params.integer("rid") or 0
    shared = request.principal is None or request.principal.shared
    answer = request.context.sync_sessions.answer(request.caller.id, rid, now, shared=shared)
    pieces = encoded(answer)
    if answer.full_update is UNSET or len(now.torrents) <= SENT_WHOLE:
        return b"".join(pieces)
    return _in_turns(pieces)


async def _in_turns(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        # Other requests are answered in between.
        await asyncio.sleep(0)


async def torrent_peers(request: ApiRequest) -> object:
    """List the peers of a download: TorBox does not tell them. A missing hash is 404 here, too."""
    if request.downloads.queries.get(torrent_id(request.params.text("hash"))) is None:
        raise HttpError(HTTPStatus.NOT_FOUND)
    rid = request.params.integer("rid") or 0
    # There are never peers, so a difference is nothing but its number.
    if rid > 0:
        return {"rid": rid % MAX_RID + 1}
    return b'{"full_update":true,"peers":{},"rid":1,"show_flags":false}'


class TransferInfo(msgspec.Struct, kw_only=True, frozen=True):
    """The reply of `transfer/info`: the part of `server_state` that is about transfers."""

    connection_status: str
    dht_nodes: int
    dl_info_data: int
    dl_info_speed: int
    dl_rate_limit: int
    last_external_address_v4: str | UnsetType
    last_external_address_v6: str | UnsetType
    up_info_data: int
    up_info_speed: int
    up_rate_limit: int


async def info(request: ApiRequest) -> object:
    """Return speeds and totals over all downloads."""
    state = await request.context.snapshots.server_state(request.context.clock())
    return TransferInfo(**{name: getattr(state, name) for name in TransferInfo.__struct_fields__})


async def limits_mode(request: ApiRequest) -> str:
    """Return which limits are in force: 1 for the alternative ones."""
    return str(int(request.downloads.preferences.alternative_limits))


async def toggle_limits_mode(request: ApiRequest) -> None:
    """Switch between the two pairs of limits."""
    preferences = request.downloads.preferences
    await preferences.set_alternative_limits(value=not preferences.alternative_limits)


async def set_limits_mode(request: ApiRequest) -> None:
    """Choose the pair of limits: anything but 0 is the alternative one."""
    request.params.require("mode")
    mode = request.params.integer("mode")
    if mode is None:
        raise HttpError(HTTPStatus.BAD_REQUEST, "'mode': invalid argument")
    await request.downloads.preferences.set_alternative_limits(value=mode != 0)


async def download_limit(request: ApiRequest) -> str:
    """Return the limit in force, in bytes/s; 0 is none."""
    return str(request.downloads.preferences.download_limit)


async def upload_limit(request: ApiRequest) -> str:
    """Return the limit in force, in bytes/s; 0 is none."""
    return str(request.downloads.preferences.upload_limit)


async def set_download_limit(request: ApiRequest) -> None:
    """Limit all fetches together, in bytes/s."""
    request.params.require("limit")
    await request.downloads.preferences.set_download_limit(request.params.integer("limit") or 0)


async def set_upload_limit(request: ApiRequest) -> None:
    """Keep a limit for uploads, in bytes/s. TorBox uploads as it likes."""
    request.params.require("limit")
    await request.downloads.preferences.set_upload_limit(request.params.integer("limit") or 0)
