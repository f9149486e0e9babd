"""The simulator's own face under /simulator: what is going on, and what should go wrong next."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from bridge.simulator.backend import Backend
from bridge.simulator.content import Content
from bridge.simulator.faultbook import Armed
from bridge.simulator.faults import Fault
from bridge.simulator.items import Torrent
from bridge.simulator.render import queued_json, torrent_json

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.Response]]


class Register(msgspec.Struct, forbid_unknown_fields=True):
    """A content for the catalogue, and whether it is on the account at once."""

    content: Content
    on_account: bool = False


class ClockChange(msgspec.Struct, forbid_unknown_fields=True):
    """A new speed, a jump forward in seconds, or both."""

    speed: float | None = None
    advance: float = 0.0


class KeyChange(msgspec.Struct, forbid_unknown_fields=True):
    """The new key; one is made up if none is given."""

    key: str | None = None


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """What can be changed while it runs; each part only as far as it is given."""

    account: dict[str, Any] = {}
    behaviour: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    cdn: dict[str, Any] = {}


class ControlFace:
    """JSON in, JSON out, no key asked. A bad body is a 400 that says what is wrong."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Every route of the control API."""
        for method, path, handler in (
            ("GET", "/state", self._state),
            ("GET", "/calls", self._calls),
            ("DELETE", "/calls", self._forget_calls),
            ("GET", "/faults", self._faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("DELETE", "/faults/{id:\\d+}", self._clear_faults),
            ("POST", "/contents", self._register),
            ("PATCH", "/items/{hash}", self._change_item),
            ("DELETE", "/items/{hash}", self._forget_item),
            ("POST", "/clock", self._clock),
            ("POST", "/key", self._key),
            ("PATCH", "/settings", self._settings),
            ("POST", "/links/kill", self._kill_links),
        ):
            router.add_route(method, f"/simulator{path}", _guarded(handler))

    async def _state(self, _request: web.Request) -> web.Response:
        world, now = self._backend.world, self._backend.clock()
        return _json(
            {
                "now": now,
                "speed": self._backend.clock.speed,
                "slots": world.slots,
                "active": world.active,
                "torrents": [torrent_json(world, item, now) for item in world.torrents()],
                "queue": [queued_json(world, entry) for entry in world.queue()],
                "calls": self._backend.calls.counts(),
                "faults": [_fault_json(armed) for armed in self._backend.faults],
                "cached": sorted(world.catalogue.cached),
            }
        )

    async def _calls(self, request: web.Request) -> web.Response:
        endpoint = request.query.get("endpoint")
        calls = self._backend.calls
        shown = list(calls) if endpoint is None else calls.to(endpoint)
        return _json({"counts": calls.counts(), "calls": shown})

    async def _forget_calls(self, _request: web.Request) -> web.Response:
        self._backend.calls.clear()
        return _json({})

    async def _faults(self, _request: web.Request) -> web.Response:
        return _json([_fault_json(armed) for armed in self._backend.faults])

    async def _add_fault(self, request: web.Request) -> web.Response:
        armed = self._backend.faults.put(await _read(request, Fault))
        return _json(_fault_json(armed))

    async def _clear_faults(self, request: web.Request) -> web.Response:
        given = request.match_info.get("id")
        self._backend.faults.clear(None if given is None else int(given))
        return _json({})

    async def _register(self, request: web.Request) -> web.Response:
        asked = await _read(request, Register)
        self._backend.world.catalogue.add(asked.content)
        item = self._backend.world.put(asked.content) if asked.on_account else None
        return _json({"hash": asked.content.hash, "torrent_id": item.id if item else None})

    async def _change_item(self, request: web.Request) -> web.Response:
        changes = await _read(request, dict[str, Any])
        return _json(self._backend.world.change(self._hash(request), **changes))

    async def _forget_item(self, request: web.Request) -> web.Response:
        item = self._backend.world.find(info_hash := self._hash(request))
        self._backend.world.forget(info_hash)
        if isinstance(item, Torrent):
            self._backend.links.kill(torrent_id=item.id)
        return _json({})

    async def _clock(self, request: web.Request) -> web.Response:
        asked = await _read(request, ClockChange)
        clock = self._backend.clock
        if asked.speed is not None:
            clock.speed = asked.speed
        clock.advance(asked.advance)
        self._backend.world.advance()
        return _json({"now": clock(), "speed": clock.speed})

    async def _key(self, request: web.Request) -> web.Response:
        asked = await _read(request, KeyChange)
        return _json({"key": self._backend.rotate_key(asked.key)})

    async def _settings(self, request: web.Request) -> web.Response:
        asked = await _read(request, Settings)
        backend = self._backend
        parts: tuple[tuple[msgspec.Struct, dict[str, Any]], ...] = (
            (backend.world.account, asked.account),
            (backend.world.behaviour, asked.behaviour),
            (backend.limiter.limits, asked.limits),
            (backend.links.cdn, asked.cdn),
        )
        found = [_merged(target, changes) for target, changes in parts]
        for (target, changes), merged in zip(parts, found, strict=True):
            for name in changes:
                setattr(target, name, getattr(merged, name))
        return _json({})

    async def _kill_links(self, _request: web.Request) -> web.Response:
        self._backend.links.kill()
        return _json({})

    def _hash(self, request: web.Request) -> str:
        """The hash in the path; a torrent id there is understood too."""
        given = request.match_info["hash"].lower()
        item = self._backend.world.torrent(int(given)) if given.isdigit() else None
        return item.hash if isinstance(item, Torrent) else given


def _guarded(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except (msgspec.ValidationError, json.JSONDecodeError, TypeError) as error:
            return _json({"error": str(error)}, status=400)

    return handle


async def _read(request: web.Request, kind: type[T]) -> T:
    return msgspec.convert(json.loads(await request.read() or b"{}"), kind)


def _merged(target: T, changes: dict[str, Any]) -> T:
    """A copy of a struct with these fields changed. Raises msgspec.ValidationError."""
    return msgspec.convert({**msgspec.to_builtins(target), **changes}, type(target))


def _fault_json(armed: Armed) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(armed.fault)
    return {"id": armed.id, "seen": armed.seen, "struck": armed.struck, "fault": told}


def _json(data: object, *, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(data), status=status, content_type="application/json"
    )
