"""Compares two answers to one request, value by value. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tests.differential.player import Answer
from tests.differential.steps import Step

JSON: Final = "application/json"
NOTHING: Final = "nothing"
NAMES: Final = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
_HASH = re.compile(r"[0-9a-f]{40}")


class Kind(Enum):
    """How one value of the two answers compares."""

    SAME = "same"
    VALUE = "other value"
    TYPE = "other type"
    MISSING = "missing"
    """qBittorrent has it, the bridge has not."""
    MORE = "more"
    """The bridge has it, qBittorrent has not."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One value of both answers.

    `field` is `status`, `type`, `text`, `header x-…`, `cookie SID.path`, or a place in the JSON:
    `[].name`, `torrents.<hash>.name`.
    """

    step: Step
    field: str
    kind: Kind
    theirs: object
    ours: object

    def __str__(self) -> str:
        """Describe it in a line."""
        sides = f"{self.theirs!r:.150} there, {self.ours!r:.150} here"
        return f"{self.step} | {self.step.endpoint} | {self.field}: {self.kind.value}: {sides}"


def compare(step: Step, theirs: Answer, ours: Answer) -> Iterator[Compared]:
    """Compare whole answers. With another status, what else they say is not compared."""
    yield _value(step, "status", theirs.status, ours.status)
    if theirs.status != ours.status:
        return
    yield _value(step, "type", theirs.content_type, ours.content_type)
    yield from _maps(step, "header ", _rest(theirs.headers), _rest(ours.headers))
    yield from _maps(step, "cookie ", theirs.cookies, ours.cookies)
    if theirs.content_type == ours.content_type == JSON:
        yield from _walk(step, "", _steady(theirs.json()), _steady(ours.json()))
    else:
        yield _value(step, "text", theirs.body.decode("latin-1"), ours.body.decode("latin-1"))


def _steady(told: object) -> object:
    """Leave out news of the free space alone: anybody may write to the disk between two requests."""
    if isinstance(told, dict) and told.get("server_state", {}).keys() == {"free_space_on_disk"}:
        return {name: value for name, value in told.items() if name != "server_state"}
    return told


def _rest(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in headers.items() if name != "content-type"}


def _value(step: Step, field: str, theirs: object, ours: object) -> Compared:
    return Compared(step, field, Kind.SAME if theirs == ours else Kind.VALUE, theirs, ours)


def _maps(
    step: Step, prefix: str, theirs: Mapping[str, object], ours: Mapping[str, object]
) -> Iterator[Compared]:
    for name in sorted(theirs.keys() | ours.keys()):
        field = prefix + ("<hash>" if _HASH.fullmatch(name) else name)
        if name not in ours:
            yield Compared(step, field, Kind.MISSING, theirs[name], NOTHING)
        elif name not in theirs:
            yield Compared(step, field, Kind.MORE, NOTHING, ours[name])
        else:
            yield from _walk(step, field, theirs[name], ours[name])


def _walk(step: Step, field: str, theirs: object, ours: object) -> Iterator[Compared]:
    if _type(theirs) != _type(ours):
        yield Compared(step, field, Kind.TYPE, theirs, ours)
    elif isinstance(theirs, dict) and isinstance(ours, dict):
        yield from _maps(step, f"{field}." if field else "", theirs, ours)
    elif isinstance(theirs, list) and isinstance(ours, list):
        yield from _lists(step, f"{field}[]", theirs, ours)
    else:
        yield _value(step, field, theirs, ours)


def _lists(
    step: Step, field: str, theirs: Sequence[object], ours: Sequence[object]
) -> Iterator[Compared]:
    if not step.ordered:
        theirs, ours = _arranged(theirs), _arranged(ours)
    first, second = _keys(theirs), _keys(ours)
    if first is not None and second is not None:
        yield _value(step, field, first, second)
        both = first & second
        theirs = [item for key, item in zip(_marks(theirs), theirs, strict=True) if key in both]
        ours = [item for key, item in zip(_marks(ours), ours, strict=True) if key in both]
    else:
        yield _value(step, f"{field} count", len(theirs), len(ours))
    for one, other in zip(theirs, ours, strict=False):
        yield from _walk(step, field, one, other)


def _arranged(items: Sequence[object]) -> Sequence[object]:
    """Put in order what has none: torrents, and names of tags."""
    if all(isinstance(item, str) for item in items):
        return sorted(map(str, items))
    return sorted(items, key=_mark) if _keys(items) is not None else items


def _keys(items: Sequence[object]) -> set[str] | None:
    """Name the torrents of a list; None when it lists something else."""
    return set(_marks(items)) if all(_mark(item) for item in items) else None


def _marks(items: Sequence[object]) -> list[str]:
    return [_mark(item) for item in items]


def _mark(item: object) -> str:
    return str(item.get("hash", "")) if isinstance(item, dict) else ""


def _type(value: object) -> str:
    return NAMES.get(type(value), type(value).__name__)
