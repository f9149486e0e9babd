"""Rows and values: a dataclass is a row whose columns are its fields."""

import sqlite3
from collections.abc import Callable
from dataclasses import fields
from enum import Enum
from typing import Any, TypeVar, get_origin, get_type_hints

import msgspec

T = TypeVar("T")


def columns(kind: type[Any]) -> tuple[str, ...]:
    """Name the columns of a value's table, in the order of its fields."""
    return tuple(field.name for field in fields(kind))


def to_row(value: Any) -> tuple[Any, ...]:
    """Turn a value into the parameters of an INSERT."""
    return tuple(_to_sql(getattr(value, name)) for name in columns(type(value)))


def reader(kind: type[T]) -> Callable[[sqlite3.Row], T]:
    """Make the function that turns a row of the value's table into the value.

    It raises msgspec.ValidationError when a row does not hold what the type promises.
    """
    names = columns(kind)
    lists = {name for name, hint in get_type_hints(kind).items() if get_origin(hint) is tuple}

    def read(row: sqlite3.Row) -> T:
        values = {
            name: msgspec.json.decode(row[name]) if name in lists else row[name] for name in names
        }
        return msgspec.convert(values, kind, strict=False)

    return read


def upsert(table: str, kind: type[Any]) -> str:
    """Write the SQL that puts a value into its table, replacing the row with the same key."""
    names = columns(kind)
    marks = ", ".join("?" for _ in names)
    changes = ", ".join(f"{name} = excluded.{name}" for name in names)
    return (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) "  # noqa: S608 - our names
        f"ON CONFLICT DO UPDATE SET {changes}"
    )


def _to_sql(value: object) -> object:
    match value:
        case tuple():
            return msgspec.json.encode(value).decode()
        case Enum():
            return value.value
        case bool():
            return int(value)
        case _:
            return value
