"""The parameters of each endpoint, and FastAPI's way of refusing wrong ones."""

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from bridge.simulator.replies import Reply, unprocessable

P = TypeVar("P", bound=msgspec.Struct)

_PATH = re.compile(r" - at `\$\.([\w.]+)")
_MISSING = re.compile(r"missing required field `(\w+)`")


class Nothing(msgspec.Struct):
    """For endpoints that take none."""


class Create(msgspec.Struct):
    """createtorrent. The file comes beside the form."""

    magnet: str | None = None
    seed: int | None = None
    allow_zip: bool = True
    name: str | None = None
    as_queued: bool = False
    add_only_if_cached: bool = False


class Control(msgspec.Struct):
    """controltorrent."""

    operation: str
    torrent_id: int | None = None
    all: bool = False


class ControlQueued(msgspec.Struct):
    """controlqueued, new and old."""

    operation: str
    queued_id: int | None = None
    all: bool = False


class RequestLink(msgspec.Struct):
    """requestdl."""

    token: str
    torrent_id: int
    file_id: int = 0
    zip_link: bool = False
    user_ip: str | None = None
    redirect: bool = False
    append_name: bool = False


class Listing(msgspec.Struct):
    """mylist and getqueued. `bypass_cache` stays text: only "true" counts."""

    id: int | None = None
    bypass_cache: str = "false"
    offset: int = 0
    limit: int = 1000
    type: str = "torrent"


class CheckCached(msgspec.Struct):
    """checkcached, GET; `hash` is a comma list."""

    hash: str
    format: str = "object"
    list_files: bool = False


class CheckCachedBody(msgspec.Struct):
    """checkcached, POST."""

    hashes: list[str]
    format: str = "object"
    list_files: bool = False


class Info(msgspec.Struct):
    """torrentinfo, GET and POST."""

    hash: str | None = None
    magnet: str | None = None
    timeout: int = 10
    use_cache_lookup: bool = False
    peers_only: bool = False


class Magnet(msgspec.Struct):
    """magnettofile."""

    magnet: str


class Export(msgspec.Struct):
    """exportdata."""

    torrent_id: int
    type: str = "magnet"


class Edit(msgspec.Struct):
    """edittorrent."""

    torrent_id: int
    name: str | None = None
    tags: list[str] | None = None
    alternative_hashes: list[str] | None = None
    airlocked: bool | None = None


class Me(msgspec.Struct):
    """user/me."""

    settings: bool = False


class Search(msgspec.Struct):
    """The search host; the flags change nothing here but check_cache."""

    query: str = ""
    check_cache: bool = False


def read(kind: type[P], raw: Mapping[str, object], where: str) -> P | Reply:
    """The parameters, or the 422 that names the first bad one."""
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        return _complaint(str(error), where)


def _complaint(message: str, where: str) -> Reply:
    if missing := _MISSING.search(message):
        return unprocessable(where, missing[1], "field required", "value_error.missing")
    path = _PATH.search(message)
    name = path[1] if path else ""
    kind = "integer" if "`int" in message else "bool" if "`bool" in message else "value"
    return unprocessable(where, name, f"value is not a valid {kind}", f"type_error.{kind}")
