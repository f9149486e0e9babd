"""The API over HTTP: parse a request, apply a fault, check key and limits, answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec
from aiohttp import web

from bridge.simulator import envelopes
from bridge.simulator.api_call import Call, read_call
from bridge.simulator.api_handlers import ENDPOINTS, Endpoint
from bridge.simulator.backend import Backend
from bridge.simulator.envelopes import (
    Envelope,
    Reply,
    cut,
    instead_of,
    kind_of,
    rate_limited,
    refused,
    send,
)
from bridge.simulator.faults import (
    AnyEffect,
    Cut,
    Hang,
    Lost,
    Malformed,
    NoData,
    RotateKey,
    Slow,
    StaleList,
)
from bridge.simulator.file_server import FileServer

MAX_BODY = 128 * 1024 * 1024
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(backend: Backend) -> web.Application:
    """Return the simulator as an aiohttp application: API and CDN."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_unknown_routes])
    server = ApiServer(backend)
    for endpoint in ENDPOINTS:
        app.router.add_route(endpoint.method, endpoint.path, server.handler(endpoint))
    FileServer(backend).add_routes(app.router)
    return app


@web.middleware
async def _unknown_routes(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return send(refused(envelopes.ENDPOINT_NOT_FOUND))
    except web.HTTPMethodNotAllowed as error:
        allowed = {"Allow": ", ".join(sorted(error.allowed_methods))}
        return send(Reply(405, {"detail": "Method Not Allowed"}, headers=allowed))


class ApiServer:
    """Answers the endpoints."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def handler(self, endpoint: Endpoint) -> Handler:
        """Return the aiohttp handler of an endpoint."""

        async def handle(request: web.Request) -> web.StreamResponse:
            call = await read_call(request, endpoint.name)
            subject = call.subject()
            record = self._backend.note(request, subject)
            effect = self._backend.faults.take(subject)
            reply = await self._play(endpoint, call, effect)
            record.fault = kind_of(effect)
            record.status = None if reply is None else reply.status
            record.outcome = reply.outcome if reply is not None else f"fault:{record.fault}"
            return cut(request) if reply is None else send(reply)

        return handle

    async def _play(self, endpoint: Endpoint, call: Call, effect: AnyEffect | None) -> Reply | None:
        """Return the answer; None to close the connection without an answer."""
        if (instead := instead_of(effect, self._backend.clock())) is not None:
            return instead
        match effect:
            case Cut():
                return None
            case Hang(seconds):
                await asyncio.sleep(seconds)
                return None
            case RotateKey():
                self._backend.rotate_key()
            case StaleList(seconds):
                call = msgspec.structs.replace(call, stale=seconds)
        reply = self._answer(endpoint, call)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        return await _spoil(reply, effect)

    def _answer(self, endpoint: Endpoint, call: Call) -> Reply:
        if (refusal := self._check_key(endpoint, call)) is not None:
            return refused(refusal)
        now, limits = self._backend.clock(), self._backend.limiter.limits
        usage = self._backend.limiter.take(endpoint.name, now)
        headers = usage.headers(now)
        if not usage.allowed:
            return rate_limited(limits.shape, usage.rule, headers)
        reply = endpoint.run(self._backend, call)
        if reply.status != 200:  # noqa: PLR2004
            return reply
        return msgspec.structs.replace(reply, headers=headers | dict(reply.headers))

    def _check_key(self, endpoint: Endpoint, call: Call) -> envelopes.Refusal | None:
        if endpoint.auth == "none":
            return None
        given = call.query.get("token", call.bearer) if endpoint.auth == "token" else call.bearer
        if endpoint.auth == "token" and "token" not in call.query:
            return None  # the parameter is missing: a 422 says so
        if not given:
            return envelopes.NO_AUTH
        return None if given == self._backend.key else envelopes.BAD_TOKEN


async def _spoil(reply: Reply, effect: AnyEffect | None) -> Reply | None:
    """Apply a fault to the right answer; None to close the connection instead."""
    match effect:
        case Lost(seconds):
            await asyncio.sleep(seconds)
            return None
        case Slow(seconds):
            await asyncio.sleep(seconds)
            return reply
        case Malformed(body):
            return Reply(200, body.encode())
        case NoData(detail) if isinstance(reply.body, Envelope) and reply.body.success:
            told = reply.body.detail if detail is None else detail
            return msgspec.structs.replace(reply, body=Envelope(True, None, told, None))
        case _:
            return reply
