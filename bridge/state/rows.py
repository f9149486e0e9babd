"""Conversion of rows and values: a value is a row whose columns are its fields."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from sys import intern
from types import MappingProxyType
from typing import Any, TypeVar, get_origin, get_type_hints

import msgspec

from bridge.core.model import (
    Failover,
    Job,
    LinkFollow,
    MetadataLookup,
    Move,
    Recheck,
    Removal,
    Task,
)

T = TypeVar("T", bound=msgspec.Struct)

JOB_KINDS: Mapping[str, type[Task]] = MappingProxyType(
    {
        "removal": Removal,
        "failover": Failover,
        "metadata": MetadataLookup,
        "move": Move,
        "recheck": Recheck,
        "link": LinkFollow,
    }
)
"""The values of the column `kind`, and the task that `payload` holds."""

REPEATED = frozenset({"category", "save_path", "client", "delivery_mode", "content_layout", "kind"})
"""Columns whose few values stand in thousands of rows: one object for each value saves memory."""

_KIND_OF = {kind: name for name, kind in JOB_KINDS.items()}


class UnreadableRow(ValueError):
    """A row does not match its type; the text names the column."""


def columns(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the columns of a value's table, in the order of its fields."""
    return kind.__struct_fields__


def to_row(value: msgspec.Struct) -> Sequence[Any]:
    """Return the parameters of an INSERT of a value."""
    fields_of, lists = _writer(type(value))
    values = list(fields_of(value))
    for at in lists:
        values[at] = msgspec.json.encode(values[at]).decode()
    return values


@cache
def _writer(kind: type[msgspec.Struct]) -> tuple[Callable[[Any], tuple[Any, ...]], Sequence[int]]:
    """Return what reads all fields of a value, and the places of those that are lists."""
    names = columns(kind)
    return attrgetter(*names), _lists(kind)


def _lists(kind: type[msgspec.Struct]) -> Sequence[int]:
    """Return the places of the columns that hold lists, as JSON."""
    hints = get_type_hints(kind)
    return [at for at, name in enumerate(columns(kind)) if get_origin(hints[name]) is tuple]


def reader(kind: type[T]) -> Callable[[Sequence[Any]], T]:
    """Return the function that turns a row into the value; its columns are those of `columns`.

    The function raises UnreadableRow when a row does not match the type.
    """
    return _reader(kind)


@cache
def _reader(kind: type[T]) -> Callable[[Sequence[Any]], T]:
    names = columns(kind)
    lists = _lists(kind)
    repeated = [at for at, name in enumerate(names) if name in REPEATED]

    def read(row: Sequence[Any]) -> T:
        values = list(row)
        try:
            for at in lists:
                values[at] = _list(names[at], values[at])
            for at in repeated:
                values[at] = intern(values[at])
            # Not strict: SQLite has no booleans.
            return msgspec.convert(dict(zip(names, values, strict=True)), kind, strict=False)
        except (ValueError, TypeError, msgspec.MsgspecError) as error:
            raise UnreadableRow(str(error)) from error

    return read


def _list(name: str, text: str) -> Any:
    if text == "[]":
        return ()
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise UnreadableRow(f"{name}: {error}") from error


def upsert(table: str, kind: type[msgspec.Struct], key: Sequence[str]) -> str:
    """Return the SQL that puts a value into its table, replacing the row with the same `key`."""
    names = columns(kind)
    marks = ", ".join("?" for _ in names)
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
    return (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) "  # noqa: S608 - our names
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )


def select(table: str, kind: type[msgspec.Struct], rest: str = "") -> str:
    """Return the SQL that reads a value's table, its columns in the order that `reader` wants."""
    return f"SELECT {', '.join(columns(kind))} FROM {table} {rest}"  # noqa: S608 - our names


JOB_COLUMNS = (
    "id", "kind", "subject", "payload", "created_at", "attempts", "next_attempt_at", "finished_at",
)  # fmt: skip


def job_to_row(job: Job) -> tuple[Any, ...]:
    """Return the parameters of an INSERT of a job, in the order of JOB_COLUMNS."""
    payload = msgspec.json.encode(job.task).decode()
    return (
        job.id, _KIND_OF[type(job.task)], job.subject, payload,
        job.created_at, job.attempts, job.next_attempt_at, job.finished_at,
    )  # fmt: skip


def job_from_row(row: sqlite3.Row | Sequence[Any]) -> Job:
    """Return the job that a row holds, its columns those of JOB_COLUMNS.

    Raises:
        UnreadableRow: the kind is unknown, or the payload does not fit it.
    """
    job_id, kind, subject, payload, created_at, attempts, next_attempt_at, finished_at = row
    task = JOB_KINDS.get(kind)
    if task is None:
        raise UnreadableRow(f"kind: unknown word {kind!r}")
    try:
        decoded: Task = msgspec.json.decode(payload, type=task)
    except msgspec.MsgspecError as error:
        raise UnreadableRow(f"payload: {error}") from error
    return Job(
        id=job_id, task=decoded, subject=subject, created_at=created_at, attempts=attempts,
        next_attempt_at=next_attempt_at, finished_at=finished_at,
    )  # fmt: skip
