"""Rows and values: what goes into a table comes out as it was."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.model import (
    Category,
    Claim,
    DeliveredFile,
    Download,
    Event,
    Failover,
    Phase,
    Reason,
    Removal,
    Trace,
)
from bridge.store.rows import columns, reader, to_row, upsert
from bridge.store.schema import STEPS
from tests.support.scenes import download, hash_of

TABLES: dict[str, type[Any]] = {
    "downloads": Download,
    "files": DeliveredFile,
    "claims": Claim,
    "removals": Removal,
    "traces": Trace,
    "failovers": Failover,
    "categories": Category,
    "events": Event,
}

ODD = ["", "[1]", "null", "true", "NaN", "1e400", "'; DROP TABLE downloads; --", "Ünïcode 日本 🎬"]
texts = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
STRATEGIES: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    Phase: st.sampled_from(Phase),
    Reason: st.sampled_from(Reason),
}


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Draw a value of a field's type. A type that is new here has to be thought about."""
    if get_origin(hint) is UnionType:
        (kind,) = (one for one in get_args(hint) if one is not type(None))
        return st.none() | of_type(kind)
    if get_origin(hint) is tuple:
        return st.lists(of_type(get_args(hint)[0]), max_size=3).map(tuple)
    return STRATEGIES[hint] if hint in STRATEGIES else values(hint)


def values(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Draw any value of a dataclass."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: of_type(hints[field.name]) for field in fields(kind)})


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    """Open an empty database in memory, with all tables."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        for step in STEPS:
            connection.executescript(step)
        yield connection


def stored(connection: sqlite3.Connection, table: str) -> list[Any]:
    """Read a whole table."""
    return [reader(TABLES[table])(row) for row in connection.execute(f"SELECT * FROM {table}")]


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_fields(table: str) -> None:
    """Each table has the value's fields as columns, each once; events have an id besides."""
    with database() as connection:
        names = [row["name"] for row in connection.execute(f"PRAGMA table_info({table})")]
    found = sorted(name for name in names if (table, name) != ("events", "id"))
    assert found == sorted(columns(TABLES[table]))


@pytest.mark.parametrize("table", TABLES)
@given(data=st.data())
def test_round_trip(table: str, data: st.DataObject) -> None:
    """Every field of every value comes back as it was, with its type."""
    value = data.draw(values(TABLES[table]))
    names = columns(type(value))
    marks = ", ".join("?" * len(names))
    with database() as connection:
        connection.execute(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", to_row(value)
        )
        (found,) = stored(connection, table)
    assert found == value
    assert [type(getattr(found, name)) for name in names] == [
        type(getattr(value, name)) for name in names
    ]


def test_put_replaces_by_key() -> None:
    """A value with a key that is there takes the row over, and no other row."""
    first, other = download(1), download(2)
    changed = replace(first, name="[1]", tags=("a", "b"), phase=Phase.FAILED)
    with database() as connection:
        for value in (first, other, changed):
            connection.execute(upsert("downloads", Download), to_row(value))
        assert stored(connection, "downloads") == [changed, other]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("phase", "dreaming"),
        ("failure_reason", "bad luck"),
        ("failure_reason", ""),
        ("tags", "no JSON"),
        ("tags", ""),
        ("tags", '{"a": 1}'),
        ("tags", "[1]"),
        ("tags", "null"),
        ("stopped", 7),
    ],
)
def test_what_the_type_does_not_promise(column: str, value: object) -> None:
    """A row that holds what no value may hold is refused, not half read."""
    with database() as connection:
        connection.execute(upsert("downloads", Download), to_row(download()))
        connection.execute(f"UPDATE downloads SET {column} = ?", (value,))
        with pytest.raises(msgspec.DecodeError):
            stored(connection, "downloads")


def test_text_is_not_read_as_anything_else() -> None:
    """A name that looks like a number, a list or nothing is still that name."""
    for name in ODD:
        with database() as connection:
            value = replace(download(), name=name, tags=(name,), hash=hash_of(7))
            connection.execute(upsert("downloads", Download), to_row(value))
            assert stored(connection, "downloads") == [value]
