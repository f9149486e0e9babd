"""What goes wrong, as data: which calls, how often, and what then happens.

An effect is a small tagged value; in a scenario its tag stands under `kind`. Those of the API are
played by the server, those of the CDN (endpoint "cdn") where files are sent. Seconds are real ones.
"""

from dataclasses import dataclass
from typing import TypeAlias, TypedDict

import msgspec

CDN = "cdn"
ANY = "*"
NAMES = frozenset(
    {
        ANY,
        CDN,
        "asynccreatetorrent",
        "checkcached",
        "controlqueued",
        "controltorrent",
        "createtorrent",
        "edittorrent",
        "exportdata",
        "getqueued",
        "magnettofile",
        "me",
        "mylist",
        "requestdl",
        "search",
        "stats",
        "status",
        "torrentinfo",
    }
)
"""What a fault can be aimed at."""


class Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Common form of all effects."""


class Error(Effect, frozen=True, tag="error"):
    """An envelope of one's choice, before any work: 5xx, 403, or 200 with success:false."""

    status: int = 500
    error: str | None = "UNKNOWN_ERROR"
    detail: str = "There was an error processing your request. Please try again later."
    data: object = None
    success: bool = False


class Html(Effect, frozen=True, tag="html"):
    """A page of the proxy in front of TorBox."""

    status: int = 502
    body: str = "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>"


class RateLimit(Effect, frozen=True, tag="rate_limit"):
    """429: as JSON detail, plain text or an envelope, with or without headers."""

    shape: str = "json"
    """`json`, `text` or `envelope`."""
    detail: str = "60 per 1 hour"
    retry_after: float | None = None
    """Seconds for the retry-after header; null: no such header."""
    reset_in: float | None = None
    """Seconds until the float unix time of x-ratelimit-reset; null: no rate headers."""

    def __post_init__(self) -> None:
        if self.shape not in {"json", "text", "envelope"}:
            raise ValueError("shape must be json, text or envelope")


class Hang(Effect, frozen=True, tag="hang"):
    """No answer for so long, then the connection is cut. Nothing is done."""

    seconds: float = 60.0


class Cut(Effect, frozen=True, tag="cut"):
    """The connection is cut before anything is done."""


class Lost(Effect, frozen=True, tag="lost"):
    """The work is done; the answer is lost with the connection, after so many seconds."""

    seconds: float = 0.0


class Slow(Effect, frozen=True, tag="slow"):
    """The work is done at once; the right answer comes late."""

    seconds: float = 1.0


class Malformed(Effect, frozen=True, tag="malformed"):
    """The work is done; the answer is a 200 whose JSON is broken."""

    body: str = '{"success": true, "error": null, "data": {"torrent_'


class NoData(Effect, frozen=True, tag="no_data"):
    """The work is done; the success is told with data null, so without ids. A refusal stays one."""

    detail: str | None = None


class StaleList(Effect, frozen=True, tag="stale_list"):
    """The list as it was this many (simulated) seconds ago at most, even with bypass_cache=true."""

    seconds: float = 300.0


class RotateKey(Effect, frozen=True, tag="rotate_key"):
    """TorBox changes the API key: this call and all later ones answer BAD_TOKEN."""


class CutBody(Effect, frozen=True, tag="cut_body"):
    """The body ends at this byte of the answer although more was announced."""

    bytes: int = 0
    kill_link: bool = False
    """The link is dead afterwards: a resume needs a new one."""


class ShortBody(Effect, frozen=True, tag="short_body"):
    """A whole answer with a matching Content-Length, but the file ends at this byte."""

    bytes: int = 150


class LongBody(Effect, frozen=True, tag="long_body"):
    """Content-Length and body exceed what was asked for by so many bytes."""

    extra: int = 1024


class JsonBody(Effect, frozen=True, tag="json_body"):
    """A 200 with a short JSON error instead of the file."""

    body: str = (
        '{"success":false,"error":"DATABASE_ERROR","detail":"Could not get file.","data":null}'
    )


class Trickle(Effect, frozen=True, tag="trickle"):
    """The right bytes, very slowly."""

    bytes_per_second: float = 1000.0


class DeadLink(Effect, frozen=True, tag="dead_link"):
    """The link answers this status from now on; a new one works."""

    status: int = 403


class NoRange(Effect, frozen=True, tag="no_range"):
    """Range is ignored: 200 and the whole file."""


class WrongRange(Effect, frozen=True, tag="wrong_range"):
    """A 206 for another range than the one asked for: so many bytes further on."""

    shift: int = 1


class Gzip(Effect, frozen=True, tag="gzip"):
    """The body comes with Content-Encoding: gzip."""


class WrongBytes(Effect, frozen=True, tag="wrong_bytes"):
    """Right in length, but the byte at this offset of the file is another."""

    at: int = 0


class NewEtag(Effect, frozen=True, tag="new_etag"):
    """The file seems to have changed: another ETag, so If-Range does not hold."""


AnyEffect: TypeAlias = (
    Error
    | Html
    | RateLimit
    | Hang
    | Cut
    | Lost
    | Slow
    | Malformed
    | NoData
    | StaleList
    | RotateKey
    | CutBody
    | ShortBody
    | LongBody
    | JsonBody
    | Trickle
    | DeadLink
    | NoRange
    | WrongRange
    | Gzip
    | WrongBytes
    | NewEtag
)

API_ONLY = (NoData, StaleList, RotateKey)
CDN_ONLY = (
    CutBody,
    ShortBody,
    LongBody,
    Trickle,
    DeadLink,
    NoRange,
    WrongRange,
    Gzip,
    WrongBytes,
    NewEtag,
)


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An effect and the calls it strikes: all conditions must hold."""

    endpoint: str
    """The endpoint's name, "cdn", or "*" for all of the API."""
    effect: AnyEffect
    hash: str | None = None
    id: int | None = None
    operation: str | None = None
    after: int = 0
    """Let so many matching calls pass first."""
    times: int | None = 1
    """How often; null for ever."""
    probability: float = 1.0

    def __post_init__(self) -> None:
        if self.endpoint not in NAMES:
            raise ValueError(f"there is no endpoint {self.endpoint!r}")
        wrong = API_ONLY if self.endpoint == CDN else CDN_ONLY
        misplaced = isinstance(self.effect, wrong)
        if misplaced:
            kind = self.effect.__struct_config__.tag
            raise ValueError(f"the effect {kind} cannot strike {self.endpoint}")


class Conditions(TypedDict, total=False):
    """The fields of `Fault` that narrow it down."""

    hash: str | None
    id: int | None
    operation: str | None
    after: int
    times: int | None
    probability: float


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of a call before it is carried out."""

    endpoint: str
    hash: str | None = None
    id: int | None = None
    operation: str | None = None
