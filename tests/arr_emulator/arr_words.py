"""What the user of an *arr chooses, and the *arr's way to write and read single values. Pure."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec

from tests.arr_emulator.arr_wire import ArrError, Pairs, Reply

T = TypeVar("T")

BASE32_LETTERS: Final = 32
CONTENT_PATHS: Final = (2, 6, 1)
LIMITS_WITH_ADD: Final = (2, 8, 1)
STOPPED_WORDS: Final = (2, 11, 0)

Version = tuple[int, ...]


class InitialState(StrEnum):
    """How a torrent is to begin."""

    START = "start"
    FORCE_START = "force_start"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrSettings:
    """What the user chose for this download client."""

    category: str | None = None
    """None: the one that the application proposes; "" for none."""
    post_import_category: str = ""
    initial_state: InitialState = InitialState.START
    first_priority: bool = False
    sequential: bool = False
    first_and_last: bool = False
    content_layout: str = ""
    """`Original` or `Subfolder`; empty sends nothing."""
    tags: Sequence[str] = ()
    """Sonarr: the tags of the series."""
    remove_completed: bool = True


@dataclass(frozen=True, slots=True)
class SeedLimits:
    """What the indexer demands: a ratio, and minutes of seeding."""

    ratio: float | None = None
    minutes: int | None = None


NO_LIMITS: Final = SeedLimits()


class File(msgspec.Struct, frozen=True):
    """An entry of torrents/files: what is read of it."""

    name: str


class Properties(msgspec.Struct, frozen=True):
    """torrents/properties: what is read of it."""

    save_path: str
    seeding_time: int = 0


def parse_version(text: str) -> Version:
    """Parse as .NET does: 2 to 4 numbers. A missing one counts as less than 0."""
    if not re.fullmatch(r"\d+(\.\d+){1,3}", text):
        raise ArrError(f"Version string portion was not in a correct format: {text[:40]!r}")
    return tuple(map(int, text.split(".")))


def info_hash_of(magnet: str) -> str:
    """Compute the id of a magnet: its v1 hash in lower-case hex, decoded from base32 if need be."""
    found = re.search(r"xt=urn:btih:([0-9a-zA-Z]+)", magnet)
    if found is None:
        raise ArrError("Failed to parse magnet link")
    text = found.group(1)
    if len(text) == BASE32_LETTERS:
        return base64.b32decode(text.upper()).hex()
    return text.lower()


def speaks_v2(reply: Reply) -> bool:
    """Judge the answer to the probe: only 404 says no, and 403 says "yes, after a login"."""
    if reply.status == HTTPStatus.NOT_FOUND:
        return False
    if reply.failed and reply.status != HTTPStatus.FORBIDDEN:
        raise ArrError("Failed to connect to qBittorrent", reply.status)
    return True


def limit_fields(limits: SeedLimits) -> Pairs:
    """Write the limits that are set as fields of torrents/add."""
    fields = []
    if limits.ratio is not None:
        fields.append(("ratioLimit", number(limits.ratio)))
    if limits.minutes is not None:
        fields.append(("seedingTimeLimit", str(limits.minutes)))
    return fields


def number(value: float) -> str:
    """Write a number as .NET does: `1.5`, and `2` for 2.0."""
    return f"{value:.15g}"


def decode(text: str, kind: type[T]) -> T:
    """Read JSON; what does not fit breaks the whole call, as it does in an *arr."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise ArrError(f"qBittorrent's answer cannot be read: {error}") from error
