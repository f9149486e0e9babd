"""Faults, as data: which calls they strike, how often, and their effect.

An effect is a small tagged value; in a scenario its tag stands under `kind`. Those of the API are
played by the server, those of the CDN (endpoint "cdn") where files are sent. Seconds are real ones.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, TypedDict, Unpack

import msgspec

CDN = "cdn"
ANY = "*"
NAMES = frozenset(
    {
        ANY,
        CDN,
        "checkcached",
        "controlqueued",
        "controltorrent",
        "createtorrent",
        "exportdata",
        "getqueued",
        "me",
        "mylist",
        "requestdl",
        "search",
        "torrentinfo",
    }
)
"""The endpoints that a fault can be aimed at."""


class Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """The base class of all effects."""


class Error(Effect, frozen=True, tag="error"):
    """Any envelope, before any work: 5xx, 403, or 200 with success:false."""

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
    """The work is done; the answer is a success without data, so without ids. Refusals stay."""

    detail: str | None = None


class ExtraEntry(Effect, frozen=True, tag="extra_entry"):
    """The list has one more entry, which is this text: JSON, or something that is almost JSON."""

    text: str = '{"id": 1, "name": "\\ud800"}'


class StaleList(Effect, frozen=True, tag="stale_list"):
    """The list as it was up to so many (simulated) seconds ago, even with bypass_cache=true."""

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
    """A 206 for another range than requested, so many bytes further on."""

    shift: int = 1


class Gzip(Effect, frozen=True, tag="gzip"):
    """The body comes with Content-Encoding: gzip."""


class WrongBytes(Effect, frozen=True, tag="wrong_bytes"):
    """The right length, but the byte at this offset of the file is wrong."""

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
    | ExtraEntry
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

API_ONLY = (NoData, ExtraEntry, StaleList, RotateKey)
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


class Subject(msgspec.Struct, frozen=True):
    """The properties of a call before it is carried out."""

    endpoint: str
    hash: str | None = None
    id: int | None = None
    operation: str | None = None


@dataclass(slots=True)
class Armed:
    """A fault in force, and how often it was met and struck."""

    id: int
    fault: Fault
    seen: int = 0
    struck: int = 0

    @property
    def spent(self) -> bool:
        """Whether the fault will never strike again."""
        return self.fault.times is not None and self.struck >= self.fault.times


class FaultBook:
    """The faults in force, oldest first. At most one strikes a call."""

    def __init__(self, *, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a seeded die, so that a run can be repeated
        self._armed: list[Armed] = []
        self._next_id = 1

    def __iter__(self) -> Iterator[Armed]:
        return iter(self._armed)

    def add(self, endpoint: str, effect: AnyEffect, **conditions: Unpack[Conditions]) -> Armed:
        """Put a fault in force.

        Raises:
            ValueError: the endpoint does not exist, or cannot have this effect.
        """
        return self.put(Fault(endpoint, effect, **conditions))

    def put(self, fault: Fault) -> Armed:
        """Put a fault in force."""
        armed = Armed(self._next_id, fault)
        self._next_id += 1
        self._armed.append(armed)
        return armed

    def clear(self, fault_id: int | None = None) -> None:
        """Remove one fault, or all."""
        self._armed = [
            armed for armed in self._armed if fault_id is not None and armed.id != fault_id
        ]

    def take(self, subject: Subject) -> AnyEffect | None:
        """Return the effect that strikes this call, if any, and count it."""
        for armed in self._armed:
            if _matches(armed.fault, subject) and self._strikes(armed):
                return armed.fault.effect
        return None

    def _strikes(self, armed: Armed) -> bool:
        armed.seen += 1
        if armed.spent or armed.seen <= armed.fault.after:
            return False
        if self._random.random() >= armed.fault.probability:
            return False
        armed.struck += 1
        return True


def _matches(fault: Fault, subject: Subject) -> bool:
    endpoint = fault.endpoint == subject.endpoint or (
        fault.endpoint == ANY and subject.endpoint != CDN
    )
    return (
        endpoint
        and fault.hash in {None, subject.hash}
        and fault.id in {None, subject.id}
        and fault.operation in {None, subject.operation}
    )
