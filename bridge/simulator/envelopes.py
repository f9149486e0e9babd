"""Answers before they meet a socket, and everything TorBox refuses with. The texts are TorBox's."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from aiohttp import web

from bridge.simulator.faults import Effect, Error, Html, JsonBody, RateLimit


class Refusal(msgspec.Struct, frozen=True):
    """A refusal, as a value. An empty list is a refusal with success:true."""

    status: int
    code: str | None
    detail: str
    data: object = None
    success: bool = False


NO_AUTH = Refusal(403, "NO_AUTH", "Please provide a valid API token.")
BAD_TOKEN = Refusal(
    403,
    "BAD_TOKEN",
    "Your token is invalid or has expired. Please log in again or reset your token.",
)
ENDPOINT_NOT_FOUND = Refusal(
    404, "ENDPOINT_NOT_FOUND", "Endpoint not found. Please check the URL and try again."
)
DATABASE_ERROR = Refusal(
    500, "DATABASE_ERROR", "There was an error processing your request. Please try again later."
)
NO_TORRENTS = Refusal(404, "ITEM_NOT_FOUND", "No torrents found for this user.", success=True)
NO_QUEUED = Refusal(
    404,
    "ITEM_NOT_FOUND",
    "No queued downloads found for this user of this type.",
    data=[],
    success=True,
)
TORRENT_NOT_FOUND = Refusal(404, "ITEM_NOT_FOUND", "Torrent not found.")
QUEUED_NOT_FOUND = Refusal(404, "ITEM_NOT_FOUND", "Queued download not found.")
NOT_OWNER = Refusal(409, "NOT_OWNER", "You are not the owner of this torrent.")
NO_SOURCE = Refusal(
    400, "MISSING_REQUIRED_OPTION", "You must provide either a file or magnet link."
)
TWO_SOURCES = Refusal(
    400, "TOO_MANY_OPTIONS", "You must provide either a file or magnet link, not both."
)
BAD_FILE = Refusal(
    400, "BOZO_TORRENT", "Torrent file is not valid. Please provide a valid torrent file."
)
BAD_MAGNET = Refusal(400, "BOZO_TORRENT", "Invalid Magnet Link. Please try again.")
BAD_TORRENT = Refusal(500, "BOZO_TORRENT", "Invalid torrent. Please try again.")
NO_METADATA = Refusal(
    500,
    "DOWNLOAD_SERVER_ERROR",
    "Could not download full metadata for the torrent within the alloted timeout.",
)
FILE_TOO_LARGE = Refusal(
    400,
    "TOO_MUCH_DATA",
    "Torrent file is too large. Please provide a torrent file smaller than 100MB.",
)
NOT_CACHED = Refusal(
    400,
    "DOWNLOAD_NOT_CACHED",
    "Torrent not found in cache. Disable the add only if cached parameter to add the download.",
)
DUPLICATE_ACTIVE = Refusal(400, "DUPLICATE_ITEM", "This item already exists.")
DUPLICATE_QUEUED = Refusal(400, "DUPLICATE_ITEM", "Download already queued.")
ALREADY_ADDED = Refusal(400, None, "This torrent is already in your account.")
ALREADY_QUEUED = Refusal(400, "DIFF_ISSUE", "Download already queued.")
PLAN_RESTRICTED = Refusal(
    403, "PLAN_RESTRICTED_FEATURE", "Your plan only allows cached torrents. Please upgrade."
)
QUEUED_REFUSED = Refusal(200, None, "Torrent Queued Successfully")
PRIVATE_DISABLED = Refusal(400, None, "Private torrent downloading is currently disabled.")
NO_TORRENT_ID = Refusal(400, "MISSING_REQUIRED_OPTION", "You must provide a torrent ID.")
NO_QUEUED_ID = Refusal(400, "MISSING_REQUIRED_OPTION", "You must provide a queued ID.")
BAD_OPERATION = Refusal(
    400,
    "INVALID_OPTION",
    "Invalid operation. Please use one of the following:"
    " 'reannounce', 'delete', 'resume' or 'stop_seeding'.",
)
BAD_QUEUE_OPERATION = Refusal(
    400,
    "INVALID_OPTION",
    "Invalid operation. Please use one of the following: 'start' or 'delete'.",
)
BAD_EXPORT = Refusal(
    400, "INVALID_OPTION", "Invalid type. Please use one of the following: 'magnet' or 'file'."
)
CACHED_EXPORT = Refusal(
    400, "INVALID_OPTION", "Exporting torrent data does not work for cached downloads."
)
NO_FILE = Refusal(404, "ITEM_NOT_FOUND", "File not found.")
NOT_READY = Refusal(
    500, "DATABASE_ERROR", "There was an error processing your request. Please try again later."
)


def too_large(max_bytes: int) -> Refusal:
    """Return the refusal of a torrent that is too large for the plan."""
    return Refusal(
        400,
        "DOWNLOAD_TOO_LARGE",
        f"Your torrent could not be added because it is larger than {max_bytes // (1 << 30)} GB."
        " Please upgrade your plan to add larger torrents.",
    )


def active_limit(slots: int, active: int, *, old: bool = False) -> Refusal:
    """Return the refusal of an add while all slots are busy; `old`: as a 200 without a code."""
    return Refusal(
        200 if old else 400,
        None if old else "ACTIVE_LIMIT",
        f"You have reached your active download limit of {slots}."
        " Please upgrade your plan to add more torrents.",
        {"active_limit": slots, "current_active_downloads": active},
    )


def queue_full(limit: int) -> Refusal:
    """Return the refusal of an add while the queue is full."""
    return Refusal(
        400,
        "DIFF_ISSUE",
        f"You have reached the maximum queued downloads limit of {limit}."
        " Please wait for some downloads to start before adding more to the queue.",
    )


def monthly_limit(limit: int, used: int) -> Refusal:
    """Return the refusal of an add after the plan's downloads of this month."""
    return Refusal(
        400,
        "MONTHLY_LIMIT",
        "You have reached your monthly download limit."
        " Please upgrade your plan to add more torrents.",
        {"monthly_limit": limit, "current_downloads": used},
    )


def cooldown(until: str, now: str) -> Refusal:
    """Return the refusal of an add during the plan's pause between adds."""
    return Refusal(
        400,
        "COOLDOWN_LIMIT",
        f"You have a cooldown until {until}. Please wait or upgrade your plan.",
        {"cooldown_until": until, "current_time": now},
    )


NO_HEADERS: Mapping[str, str] = MappingProxyType({})
JSON = "application/json"


class Envelope(msgspec.Struct, frozen=True):
    """The envelope that TorBox wraps nearly every answer in."""

    success: bool
    error: str | bool | None
    detail: str
    data: object


class Reply(msgspec.Struct, frozen=True):
    """An answer. `body` is bytes, or a value to be written as JSON."""

    status: int
    body: object
    content_type: str = JSON
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    delay: float = 0.0
    """Real seconds to wait before answering."""

    def encoded(self) -> bytes:
        """Return the bytes of the body."""
        return self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)

    @property
    def outcome(self) -> str:
        """The outcome as a word for the log."""
        if isinstance(self.body, Envelope) and self.body.error:
            return str(self.body.error)
        return "ok" if self.status < 400 else str(self.status)  # noqa: PLR2004 - HTTP's own


def ok(detail: str, data: object = None) -> Reply:
    """Return a success."""
    return Reply(200, Envelope(True, None, detail, data))


def refused(refusal: Refusal) -> Reply:
    """Return a refusal in its envelope."""
    envelope = Envelope(refusal.success, refusal.code, refusal.detail, refusal.data)
    return Reply(refusal.status, envelope)


def unprocessable(where: str, name: str, message: str, kind: str) -> Reply:
    """Return FastAPI's 422 for a missing or bad parameter, which has no envelope."""
    problem = {"loc": [where, name], "msg": message, "type": kind}
    return Reply(422, {"detail": [problem]})


def rate_limited(shape: str, detail: str, headers: Mapping[str, str] = NO_HEADERS) -> Reply:
    """Return a 429 in one of its shapes: json, text or envelope."""
    if shape == "text":
        return Reply(429, b"rate limit exceeded", "text/plain", headers)
    if shape == "envelope":
        return Reply(429, Envelope(False, "RATE_LIMIT", detail, None), headers=headers)
    return Reply(429, {"detail": detail}, headers=headers)


def send(reply: Reply) -> web.Response:
    """Return a reply as aiohttp sends it."""
    return web.Response(
        status=reply.status,
        body=reply.encoded(),
        content_type=reply.content_type,
        headers=dict(reply.headers),
    )


def cut(request: web.Request) -> web.Response:
    """End the connection without an answer. The returned response is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def kind_of(effect: Effect | None) -> str | None:
    """Return the tag of an effect."""
    return None if effect is None else str(effect.__struct_config__.tag)


def instead_of(effect: Effect | None, now: float) -> Reply | None:
    """Return the answer of a fault that answers in place of the work; None for any other."""
    match effect:
        case Error(status, error, detail, data, success):
            return Reply(status, Envelope(success, error, detail, data))
        case Html(status, body):
            return Reply(status, body.encode(), "text/html")
        case JsonBody(body):
            return Reply(200, body.encode())
        case RateLimit(shape, detail):
            return rate_limited(shape, detail, _limit_headers(effect, now))
        case _:
            return None


def _limit_headers(effect: RateLimit, now: float) -> dict[str, str]:
    headers = {}
    if effect.retry_after is not None:
        headers["retry-after"] = f"{effect.retry_after:g}"
    if effect.reset_in is not None:
        headers["x-ratelimit-limit"] = "60"
        headers["x-ratelimit-remaining"] = "0"
        headers["x-ratelimit-reset"] = f"{now + effect.reset_in:.6f}"
    return headers
