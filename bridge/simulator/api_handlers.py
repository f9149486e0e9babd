"""The endpoints that the bridge calls: their parameters, and one call to the account each."""

import re
from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec
from msgspec.structs import replace

from bridge.simulator import envelopes, item_json
from bridge.simulator.api_call import Call
from bridge.simulator.backend import UNCACHED, Backend
from bridge.simulator.content import Content
from bridge.simulator.envelopes import Refusal, Reply, ok, rate_limited, refused, unprocessable
from bridge.simulator.lifecycle import Order
from bridge.simulator.releases import Source, parse_hash, parse_magnet, parse_torrent, torrent_of
from bridge.simulator.remote_account import CreateOutcome

API = "/v1/api"
MAX_UPLOAD = 100 * 1024 * 1024
MAX_PAGE = 1000
TORRENT = "application/x-bittorrent"

P = TypeVar("P", bound=msgspec.Struct)
Auth = Literal["bearer", "token", "none"]

_PATH = re.compile(r" - at `\$\.([\w.]+)")
_MISSING = re.compile(r"missing required field `(\w+)`")


class Nothing(msgspec.Struct):
    """No parameters."""


class Create(msgspec.Struct):
    """createtorrent. The file is a part of the form of its own."""

    magnet: str | None = None
    seed: int | None = None
    allow_zip: bool = True
    as_queued: bool = False
    add_only_if_cached: bool = False


class Control(msgspec.Struct):
    """controltorrent."""

    operation: str
    torrent_id: int | None = None


class ControlQueued(msgspec.Struct):
    """controlqueued, new and old."""

    operation: str
    queued_id: int | None = None


class RequestLink(msgspec.Struct):
    """requestdl."""

    token: str
    torrent_id: int
    file_id: int = 0


class ListParams(msgspec.Struct):
    """mylist and getqueued. `bypass_cache` stays text: only "true" counts."""

    id: int | None = None
    bypass_cache: str = "false"
    offset: int = 0
    limit: int = MAX_PAGE
    type: str = "torrent"


class CheckCachedParams(msgspec.Struct):
    """checkcached."""

    hashes: list[str]
    list_files: bool = False


class Info(msgspec.Struct):
    """torrentinfo."""

    hash: str
    timeout: int = 10


class Export(msgspec.Struct):
    """exportdata."""

    torrent_id: int


class Search(msgspec.Struct):
    """The search, on either host."""

    query: str = ""


def create(backend: Backend, call: Call, asked: Create) -> Reply:
    """Add a magnet or a file."""
    source = _source(call, asked.magnet)
    if isinstance(source, Refusal):
        return refused(source)
    if not backend.world.catalogue.is_cached(source.hash):
        # An uncached add counts twice at TorBox: for the minute as any call, and for the hour.
        hourly = backend.limiter.take(UNCACHED, backend.clock())
        if not hourly.allowed:
            return rate_limited(backend.limiter.limits.shape, hourly.rule)
    order = Order(
        source=source,
        magnet=asked.magnet,
        seed=asked.seed,
        allow_zip=asked.allow_zip,
        as_queued=asked.as_queued,
        only_if_cached=asked.add_only_if_cached,
    )
    outcome = backend.world.create(order)
    return refused(outcome) if isinstance(outcome, Refusal) else _created(backend, outcome)


def _source(call: Call, magnet: str | None) -> Source | Refusal:
    if call.upload is not None and magnet:
        return envelopes.TWO_SOURCES
    if call.upload is not None and len(call.upload) > MAX_UPLOAD:
        return envelopes.FILE_TOO_LARGE
    if call.upload is not None:
        return parse_torrent(call.upload) or envelopes.BAD_FILE
    if not magnet:
        return envelopes.NO_SOURCE
    return parse_magnet(magnet) or envelopes.BAD_MAGNET


def _created(backend: Backend, made: CreateOutcome) -> Reply:
    data: item_json.Json = {
        "hash": made.hash,
        "torrent_id": made.torrent_id,
        "auth_id": backend.world.auth_id,
    }
    if made.torrent_id is not None:
        return ok(made.detail, data)
    # The exact answer to a queued create is not documented, and clients have seen all of these.
    match backend.world.behaviour.queued_reply:
        case "empty":
            return ok(made.detail)
        case "refusal":
            return refused(envelopes.QUEUED_REFUSED)
        case "id":
            data |= {
                "queued_id": made.queued_id,
                "active_limit": backend.world.slots,
                "current_active_downloads": backend.world.active,
            }
            return ok(made.detail, data)


def control(backend: Backend, _call: Call, asked: Control) -> Reply:
    """Reannounce, delete, resume or stop seeding."""
    refusal = backend.world.control(asked.torrent_id, asked.operation)
    if refusal is not None:
        return refused(refusal)
    if asked.operation == "delete":
        backend.links.kill(torrent_id=asked.torrent_id)
    # TorBox builds the sentence like this: "deleted", but also "stop_seedingd".
    return ok(f"Torrent {asked.operation}d successfully.")


def request_link(backend: Backend, call: Call, asked: RequestLink) -> Reply:
    """Return a link as a bare string."""
    found = backend.world.open_file(asked.torrent_id, asked.file_id)
    if isinstance(found, Refusal):
        return refused(found)
    item, file = found
    link = backend.links.make(item.id, asked.file_id, item.content, file)
    return ok("Torrent download requested successfully.", call.base_url + link.url_path)


def my_list(backend: Backend, call: Call, asked: ListParams) -> Reply:
    """Return an array, or one object if an id is given."""
    now, world = backend.clock(), backend.world
    stale = _stale(backend, call, asked)
    if asked.id is not None:
        torrent_id = asked.id

        def look() -> item_json.Json | None:
            item = world.torrent(torrent_id)
            return None if item is None else item_json.torrent_json(world, item, now)

        one = backend.copies.get(f"mylist:{torrent_id}", now, stale, look)
        # An unknown id is a 404 with success:true.
        return refused(envelopes.NO_TORRENTS) if one is None else ok("Torrent retrieved.", one)

    def look_at_all() -> list[item_json.Json]:
        return [item_json.torrent_json(world, item, now) for item in world.torrents()]

    page = _page(backend.copies.get("mylist", now, stale, look_at_all), asked)
    if not page:
        return refused(envelopes.NO_TORRENTS)
    return ok("Torrents list retrieved successfully.", page)


def _stale(backend: Backend, call: Call, asked: ListParams) -> float:
    """Return how old, in seconds, the answer may be: `bypass_cache` counts as exactly "true"."""
    # Other spellings (True, 1) did not refresh TorBox's list.
    fresh = asked.bypass_cache == "true"
    return max(call.stale, 0.0 if fresh else backend.world.behaviour.list_stale_seconds)


def _page(told: list[item_json.Json], asked: ListParams) -> list[item_json.Json]:
    return told[asked.offset : asked.offset + min(asked.limit, MAX_PAGE)]


def get_queued(backend: Backend, call: Call, asked: ListParams) -> Reply:
    """Return the queue, at the newer endpoint."""
    stale = _stale(backend, call, asked)
    told = backend.copies.get("getqueued", backend.clock(), stale, lambda: _queue(backend))
    return _queued(_page(told, asked) if asked.type == "torrent" else [])


def get_queued_old(backend: Backend, _call: Call, _asked: Nothing) -> Reply:
    """Return the queue at the older endpoint: no parameters, never stale."""
    return _queued(_queue(backend))


def _queue(backend: Backend) -> list[item_json.Json]:
    return [item_json.queued_json(backend.world, entry) for entry in backend.world.queue()]


def _queued(told: list[item_json.Json]) -> Reply:
    if not told:
        return refused(envelopes.NO_QUEUED)
    return ok("Queued downloads retrieved successfully.", told)


def control_queued(backend: Backend, _call: Call, asked: ControlQueued) -> Reply:
    """Start or delete a queued download."""
    refusal = backend.world.control_queued(asked.queued_id, asked.operation)
    if refusal is not None:
        return refused(refusal)
    return ok(f"Queued download {asked.operation}d successfully.")


def check_cached(backend: Backend, _call: Call, asked: CheckCachedParams) -> Reply:
    """Return those of the hashes that are cached, as an object."""
    found = {
        content.hash: item_json.cached_json(backend.world, content, with_files=asked.list_files)
        for content in _cached_contents(backend, asked.hashes)
    }
    # It is not known whether TorBox sends {} or null here.
    null = not found and backend.world.behaviour.nothing_cached == "null"
    return ok("Torrent cache status retrieved successfully.", None if null else found)


def _cached_contents(backend: Backend, hashes: list[str]) -> list[Content]:
    catalogue = backend.world.catalogue
    wanted = [text.strip().lower() for text in hashes]
    known = [catalogue.get(info_hash) for info_hash in wanted if catalogue.is_cached(info_hash)]
    return [content for content in known if content is not None]


def info(backend: Backend, _call: Call, asked: Info) -> Reply:
    """Return what the swarm knows, or an error after `timeout` seconds if it knows nothing."""
    found = parse_hash(asked.hash)
    if found is None:
        return refused(envelopes.BAD_TORRENT)
    content = backend.world.catalogue.resolve(Source(found, found))
    if not content.metadata:
        return replace(refused(envelopes.NO_METADATA), delay=asked.timeout)
    data = item_json.info_json(content, seeds=12, peers=34)
    return ok("Successfully retrieved torrent metadata for the hash.", data)


def export(backend: Backend, _call: Call, asked: Export) -> Reply:
    """Return a .torrent as raw bytes."""
    item = backend.world.torrent(asked.torrent_id)
    if item is None:
        return refused(envelopes.NO_TORRENTS)
    if item.from_cache:
        return refused(envelopes.CACHED_EXPORT)
    return Reply(200, torrent_of(item.content), TORRENT)


def me(backend: Backend, _call: Call, _asked: Nothing) -> Reply:
    """Return the account."""
    data = item_json.user_json(backend.world)
    return ok("Successfully retrieved your user information.", data)


def search(backend: Backend, _call: Call, asked: Search) -> Reply:
    """Return the registered contents whose name has all the words."""
    words = asked.query.lower().split()
    found = [
        item_json.search_json(backend.world, content)
        for content in backend.world.catalogue
        if all(word in content.name.lower() for word in words)
    ]
    return ok("Search results found.", {"metadata": None, "torrents": found})


class Endpoint(msgspec.Struct, frozen=True):
    """A route. `run` reads the parameters and does the work."""

    method: str
    path: str
    name: str
    run: Callable[[Backend, Call], Reply]
    auth: Auth = "bearer"


def _endpoint(
    route: str,
    kind: type[P],
    handler: Callable[[Backend, Call, P], Reply],
    *,
    auth: Auth = "bearer",
    name: str | None = None,
) -> Endpoint:
    method, path = route.split(" ")
    where = "query" if method == "GET" else "body"

    def run(backend: Backend, call: Call) -> Reply:
        if call.broken:
            return unprocessable("body", "", "the body cannot be read", "value_error.jsondecode")
        try:
            asked = msgspec.convert(call.everything, kind, strict=False)
        except msgspec.ValidationError as error:
            return _invalid(str(error), where)
        return handler(backend, call, asked)

    return Endpoint(method, path, name or path.rsplit("/", 1)[-1], run, auth)


def _invalid(message: str, where: str) -> Reply:
    """Return FastAPI's 422, which names the first bad parameter."""
    if missing := _MISSING.search(message):
        return unprocessable(where, missing[1], "field required", "value_error.missing")
    path = _PATH.search(message)
    kind = "integer" if "`int" in message else "bool" if "`bool" in message else "value"
    name = path[1] if path else ""
    return unprocessable(where, name, f"value is not a valid {kind}", f"type_error.{kind}")


ENDPOINTS = (
    _endpoint(f"POST {API}/torrents/createtorrent", Create, create),
    _endpoint(f"POST {API}/torrents/controltorrent", Control, control),
    _endpoint(f"GET {API}/torrents/requestdl", RequestLink, request_link, auth="token"),
    _endpoint(f"GET {API}/torrents/mylist", ListParams, my_list),
    _endpoint(f"POST {API}/torrents/checkcached", CheckCachedParams, check_cached),
    _endpoint(f"GET {API}/torrents/torrentinfo", Info, info, auth="none"),
    _endpoint(f"GET {API}/torrents/exportdata", Export, export),
    _endpoint(f"GET {API}/torrents/getqueued", Nothing, get_queued_old),
    _endpoint(f"POST {API}/torrents/controlqueued", ControlQueued, control_queued),
    _endpoint(f"GET {API}/queued/getqueued", ListParams, get_queued),
    _endpoint(f"POST {API}/queued/controlqueued", ControlQueued, control_queued),
    _endpoint(f"GET {API}/user/me", Nothing, me),
    _endpoint(f"GET {API}/torrents/search", Search, search),
    _endpoint("GET /torrents/search/{query}", Search, search, name="search"),
)
