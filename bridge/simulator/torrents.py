"""The torrents endpoints: one call to the world each, then an envelope."""

from urllib.parse import quote

from bridge.simulator import refusals, render
from bridge.simulator.backend import Backend
from bridge.simulator.call import Call
from bridge.simulator.content import Content
from bridge.simulator.items import Order
from bridge.simulator.limits import UNCACHED
from bridge.simulator.metainfo import (
    Source,
    magnet_of,
    parse_hash,
    parse_magnet,
    parse_torrent,
    torrent_of,
)
from bridge.simulator.parameters import (
    CheckCached,
    CheckCachedBody,
    Control,
    Create,
    Edit,
    Export,
    Info,
    Listing,
    Magnet,
    RequestLink,
)
from bridge.simulator.refusals import Refusal
from bridge.simulator.replies import Reply, ok, rate_limited, refused
from bridge.simulator.world import Created

MAX_UPLOAD = 100 * 1024 * 1024
TORRENT = "application/x-bittorrent"
MAX_PAGE = 1000
TOO_MANY = 429


def create(backend: Backend, call: Call, asked: Create) -> Reply:
    """POST createtorrent: a magnet or a file."""
    source = _source(call, asked.magnet)
    if isinstance(source, Refusal):
        return refused(source)
    if (limited := _uncached_limit(backend, source)) is not None:
        return limited
    order = Order(
        source=source,
        magnet=asked.magnet,
        seed=asked.seed,
        allow_zip=asked.allow_zip,
        name=asked.name or None,
        as_queued=asked.as_queued,
        only_if_cached=asked.add_only_if_cached,
    )
    outcome = backend.world.create(order)
    return refused(outcome) if isinstance(outcome, Refusal) else _created(backend, outcome)


def create_later(backend: Backend, call: Call, asked: Create) -> Reply:
    """asynccreatetorrent: done at once all the same, but without telling what became of it."""
    outcome = create(backend, call, asked)
    if outcome.status == TOO_MANY:
        return outcome
    return ok(
        "Torrent creation request has been queued."
        " You will receive a notification when it is processed."
    )


def control(backend: Backend, _call: Call, asked: Control) -> Reply:
    """POST controltorrent: reannounce, delete, resume, stop_seeding."""
    refusal = backend.world.control(asked.torrent_id, asked.operation, everything=asked.all)
    if refusal is not None:
        return refused(refusal)
    if asked.operation == "delete":
        backend.links.kill(torrent_id=asked.torrent_id)
    return ok(f"Torrent {asked.operation}d successfully.")


def request_link(backend: Backend, call: Call, asked: RequestLink) -> Reply:
    """requestdl: the link as a bare string, or a 307 to it."""
    found = backend.world.open_file(asked.torrent_id, asked.file_id, zipped=asked.zip_link)
    if isinstance(found, Refusal):
        return refused(found)
    item, file = found
    link = backend.links.make(item.id, asked.file_id, item.content, file, backend.clock())
    named = asked.append_name or backend.world.account.append_filename
    url = call.base_url + link.url_path + (f"&filename={quote(file.short_name)}" if named else "")
    if asked.redirect:
        return Reply(307, b"", "text/plain", {"Location": url})
    return ok("Torrent download requested successfully.", url)


def my_list(backend: Backend, call: Call, asked: Listing) -> Reply:
    """mylist: an array, or one object if an id is given."""
    now = backend.clock()
    world = backend.world
    fresh = asked.bypass_cache == "true"
    stale = max(call.stale, 0.0 if fresh else world.behaviour.list_stale_seconds)
    if asked.id is not None:
        return _one(backend, asked.id, now, stale)
    told = backend.copies.get("mylist", now, stale, lambda: _all(backend, now))
    page = told[asked.offset : asked.offset + min(asked.limit, MAX_PAGE)]
    return ok("Torrents list retrieved successfully.", page) if page else _no_torrents()


def check_cached(backend: Backend, _call: Call, asked: CheckCached) -> Reply:
    """checkcached, GET."""
    return _cached(backend, asked.hash.split(","), asked.format, with_files=asked.list_files)


def check_cached_many(backend: Backend, _call: Call, asked: CheckCachedBody) -> Reply:
    """checkcached, POST."""
    return _cached(backend, asked.hashes, asked.format, with_files=asked.list_files)


def info(backend: Backend, call: Call, asked: Info) -> Reply:
    """torrentinfo: what the swarm would tell, after `timeout` seconds if it tells nothing."""
    source = _any_source(call, asked)
    if source is None:
        return refused(refusals.BAD_TORRENT)
    content = backend.world.catalogue.resolve(source)
    if not content.metadata:
        return _late(refused(refusals.NO_METADATA), asked.timeout)
    told = render.info_json(content, seeds=12, peers=34)
    return ok("Successfully retrieved torrent metadata for the hash.", told)


def magnet_to_file(backend: Backend, _call: Call, asked: Magnet) -> Reply:
    """magnettofile: raw bytes."""
    source = parse_magnet(asked.magnet)
    if source is None:
        return refused(refusals.BAD_MAGNET)
    return Reply(200, torrent_of(backend.world.catalogue.resolve(source)), TORRENT)


def export(backend: Backend, _call: Call, asked: Export) -> Reply:
    """exportdata: a magnet in an envelope, a .torrent as raw bytes."""
    item = backend.world.torrent(asked.torrent_id)
    if asked.type not in {"magnet", "file"}:
        return refused(refusals.BAD_EXPORT)
    if item is None:
        return refused(refusals.NO_TORRENTS)
    if item.from_cache:
        return refused(refusals.CACHED_EXPORT)
    if asked.type == "file":
        return Reply(200, torrent_of(item.content), TORRENT)
    return ok("Torrent data exported successfully.", magnet_of(item.content))


def edit(backend: Backend, _call: Call, asked: Edit) -> Reply:
    """PUT edittorrent: lists are overwritten."""
    refusal = backend.world.edit(
        asked.torrent_id,
        name=asked.name,
        tags=asked.tags,
        alternative_hashes=asked.alternative_hashes,
        airlocked=asked.airlocked,
    )
    return ok("Torrent edited successfully.") if refusal is None else refused(refusal)


def _source(call: Call, magnet: str | None) -> Source | Refusal:
    if call.upload is not None and magnet:
        return refusals.TWO_SOURCES
    if call.upload is None and not magnet:
        return refusals.NO_SOURCE
    if call.upload is not None and len(call.upload) > MAX_UPLOAD:
        return refusals.FILE_TOO_LARGE
    if call.upload is not None:
        return parse_torrent(call.upload) or refusals.BAD_FILE
    return parse_magnet(magnet or "") or refusals.BAD_MAGNET


def _any_source(call: Call, asked: Info) -> Source | None:
    if call.upload is not None:
        return parse_torrent(call.upload)
    if asked.magnet is not None:
        return parse_magnet(asked.magnet)
    found = parse_hash(asked.hash or "")
    return None if found is None else Source(found, found)


def _uncached_limit(backend: Backend, source: Source) -> Reply | None:
    if backend.world.catalogue.is_cached(source.hash):
        return None
    verdict = backend.limiter.take(UNCACHED, backend.clock())
    shape = backend.limiter.limits.shape
    return None if verdict.allowed else rate_limited(shape, verdict.rule)


def _created(backend: Backend, made: Created) -> Reply:
    auth_id = backend.world.auth_id
    if made.torrent_id is not None:
        told = {"hash": made.hash, "torrent_id": made.torrent_id, "auth_id": auth_id}
        return ok(made.detail, told)
    match backend.world.behaviour.queued_reply:
        case "empty":
            return ok(made.detail)
        case "refusal":
            return refused(refusals.QUEUED_REFUSED)
        case "id":
            told_queued = {
                "hash": made.hash,
                "torrent_id": None,
                "queued_id": made.queued_id,
                "auth_id": auth_id,
                "active_limit": backend.world.slots,
                "current_active_downloads": backend.world.active,
            }
            return ok(made.detail, told_queued)


def _all(backend: Backend, now: float) -> list[render.Json]:
    return [render.torrent_json(backend.world, item, now) for item in backend.world.torrents()]


def _one(backend: Backend, torrent_id: int, now: float, stale: float) -> Reply:
    def look() -> render.Json | None:
        item = backend.world.torrent(torrent_id)
        return None if item is None else render.torrent_json(backend.world, item, now)

    told = backend.copies.get(f"mylist:{torrent_id}", now, stale, look)
    return _no_torrents() if told is None else ok("Torrent retrieved successfully.", told)


def _no_torrents() -> Reply:
    return refused(refusals.NO_TORRENTS)


def _cached(backend: Backend, hashes: list[str], form: str, *, with_files: bool) -> Reply:
    if form not in {"object", "list"}:
        return refused(refusals.BAD_FORMAT)
    found = {
        content.hash: render.cached_json(backend.world, content, with_files=with_files)
        for content in _cached_contents(backend, hashes)
    }
    data: object = found if form == "object" else list(found.values())
    if not found and backend.world.behaviour.nothing_cached == "null":
        data = None
    return ok("Torrent cache status retrieved successfully.", data)


def _cached_contents(backend: Backend, hashes: list[str]) -> list[Content]:
    catalogue = backend.world.catalogue
    wanted = [text.strip().lower() for text in hashes]
    known = [catalogue.get(info_hash) for info_hash in wanted if catalogue.is_cached(info_hash)]
    return [content for content in known if content is not None]


def _late(reply: Reply, seconds: float) -> Reply:
    return Reply(reply.status, reply.body, delay=seconds)
