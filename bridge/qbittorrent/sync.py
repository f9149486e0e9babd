"""Scope sync: what has changed since a client asked last."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from bridge.access import KEY_HOLDER
from bridge.qbittorrent.conversation import MAX_RID
from bridge.qbittorrent.face import Call, torrent_id
from bridge.qbittorrent.http import HttpError, json


async def maindata(call: Call) -> web.Response:
    """Tell everything, or what has changed since the answer that `rid` names."""
    now = await call.face.pictures.take(call.face.clock())
    visitor = call.visitor or KEY_HOLDER
    answer = call.face.conversations.answer(visitor, call.params.integer("rid") or 0, now)
    return json(msgspec.json.encode(answer))


async def torrent_peers(call: Call) -> web.Response:
    """List the peers of a download: TorBox tells of none. A missing hash is 404 here, too."""
    if call.downloads.queries.get(torrent_id(call.params.text("hash"))) is None:
        raise HttpError(HTTPStatus.NOT_FOUND)
    rid = call.params.integer("rid") or 0
    if rid > 0:
        return json(msgspec.json.encode({"rid": rid % MAX_RID + 1}))
    return json(b'{"full_update":true,"peers":{},"rid":1,"show_flags":false}')
