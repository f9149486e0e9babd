"""Rows and values: what goes into a table comes out as it was."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.core.model import (
    AddOptions,
    Category,
    DeliveredFile,
    Download,
    DownloadPhase,
    Event,
    Grab,
    GrabPhase,
    Job,
    Reason,
    RemovedDownload,
)
from bridge.state.database_schema import STEPS
from bridge.state.migration import CREATE_TABLES
from bridge.state.rows import (
    JOB_COLUMNS,
    JOB_KINDS,
    UnreadableRow,
    columns,
    job_from_row,
    job_to_row,
    reader,
    select,
    to_row,
    upsert,
)
from tests.support.scenes import download, grab, removal

TABLES: dict[str, type[Any]] = {
    "downloads": Download,
    "grabs": Grab,
    "files": DeliveredFile,
    "removed_downloads": RemovedDownload,
    "categories": Category,
    "events": Event,
}
KEYS = {
    "downloads": ("id",),
    "grabs": ("id",),
    "files": ("grab_id", "file_id"),
    "removed_downloads": ("hash",),
    "categories": ("name",),
}

ODD = ["", "[1]", "null", "true", "NaN", "1e400", "'; DROP TABLE downloads; --", "Ünïcode 日本 🎬"]
texts = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
STRATEGIES: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    DownloadPhase: st.sampled_from(DownloadPhase),
    GrabPhase: st.sampled_from(GrabPhase),
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
    hints = get_type_hints(kind, localns={"AddOptions": AddOptions})
    return st.builds(kind, **{field.name: of_type(hints[field.name]) for field in fields(kind)})


@cache
def tables() -> sqlite3.Connection:
    """Open an empty database in memory, with all tables."""
    connection = sqlite3.connect(":memory:")
    for step in STEPS:
        connection.executescript(step)
    return connection


@contextmanager
def memory() -> Iterator[sqlite3.Connection]:
    """Lend the database in memory; it is empty again afterwards."""
    try:
        yield tables()
    finally:
        tables().rollback()


def stored(connection: sqlite3.Connection, table: str) -> list[Any]:
    """Read a whole table."""
    kind = TABLES[table]
    return [reader(kind)(row) for row in connection.execute(select(table, kind))]


@pytest.mark.parametrize("table", [*TABLES, "jobs"])
def test_columns_are_fields(table: str) -> None:
    """Each table has the value's fields as columns, each once; events have an id besides."""
    with memory() as connection:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    found = sorted(name for name in names if (table, name) != ("events", "id"))
    assert found == sorted(JOB_COLUMNS if table == "jobs" else columns(TABLES[table]))


@pytest.mark.parametrize("table", TABLES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_round_trip(table: str, data: st.DataObject) -> None:
    """Every field of every value comes back as it was, with its type."""
    value = data.draw(values(TABLES[table]))
    names = columns(type(value))
    marks = ", ".join("?" * len(names))
    with memory() as connection:
        connection.execute(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", to_row(value)
        )
        (found,) = stored(connection, table)
    assert found == value
    assert [type(getattr(found, name)) for name in names] == [
        type(getattr(value, name)) for name in names
    ]


@pytest.mark.parametrize("kind", JOB_KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_job_comes_back_as_it_was(kind: str, data: st.DataObject) -> None:
    """A task of any kind survives a restart, with all that it has to know."""
    numbers = {"id": st.integers(1, 2**62), "attempts": st.integers(0, 99)}
    times = {name: st.floats(0, 2e9) for name in ("created_at", "next_attempt_at")}
    ended = st.none() | st.floats(0, 2e9)
    drawn = st.builds(
        Job, task=values(JOB_KINDS[kind]), subject=texts, finished_at=ended, **numbers, **times
    )
    job = data.draw(drawn)
    with memory() as connection:
        marks = ", ".join("?" * len(JOB_COLUMNS))
        connection.execute(f"INSERT INTO jobs VALUES ({marks})", job_to_row(job))
        (row,) = connection.execute(f"SELECT {', '.join(JOB_COLUMNS)} FROM jobs").fetchall()
    assert job_from_row(row) == job


@pytest.mark.parametrize("table", KEYS)
def test_put_replaces_by_key(table: str) -> None:
    """A value with a key that is there replaces that row, and no other one."""
    kind = TABLES[table]
    first, other, changed = (
        kind(**{field.name: made(field.name, field.type, turn) for field in fields(kind)})
        for turn in (1, 2, 3)
    )
    changed = replace(changed, **{name: getattr(first, name) for name in KEYS[table]})
    with memory() as connection:
        for value in (first, other, changed):
            connection.execute(upsert(table, kind, KEYS[table]), to_row(value))
        assert stored(connection, table) == [changed, other]


def made(name: str, hint: Any, turn: int) -> Any:
    """Make the value of a field that differs in each turn."""
    if hint is str:
        return f"{name} {turn}"
    if hint is int:
        return turn
    if hint is float:
        return float(turn)
    if get_origin(hint) is tuple:
        return ()
    if hint is bool:
        return True
    return None if get_origin(hint) is UnionType else next(iter(hint))


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
        ("file_edits", '[{"name": "x"}]'),
    ],
)
def test_what_the_type_does_not_promise(column: str, value: object) -> None:
    """A row that holds what no value may hold is refused, not half read, and the column named."""
    with memory() as connection:
        connection.execute(upsert("grabs", Grab, ("id",)), to_row(grab()))
        connection.execute(f"UPDATE grabs SET {column} = ?", (value,))
        with pytest.raises(UnreadableRow, match=column):
            stored(connection, "grabs")


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("kind", "dreaming", "kind: unknown word 'dreaming'"),
        ("payload", "no JSON", "payload"),
        ("payload", '{"files": 7}', "payload"),
        ("kind", "move", "payload"),
    ],
)
def test_a_job_that_cannot_be_read(column: str, value: str, told: str) -> None:
    """A job of an unknown kind, or whose payload does not fit, is refused with a reason."""
    row = dict(zip(JOB_COLUMNS, job_to_row(removal()), strict=True)) | {column: value}
    if value == "move":
        row["payload"] = "{}"
    with pytest.raises(UnreadableRow, match=told):
        job_from_row(tuple(row.values()))


def test_a_strict_table_refuses_other_types() -> None:
    """Numbers and texts have the right type, so that a start need not look at each of them."""
    assert CREATE_TABLES.count("STRICT") == CREATE_TABLES.count("CREATE TABLE")
    with memory() as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO categories VALUES (?, ?)", ("tv", b"\x00"))


def test_text_is_not_read_as_anything_else() -> None:
    """A name that looks like a number, a list or nothing is still that name."""
    for name in ODD:
        with memory() as connection:
            value = replace(download(), name=name, note=name)
            connection.execute(upsert("downloads", Download, ("id",)), to_row(value))
            one = replace(grab(), name=name, tags=(name,))
            connection.execute(upsert("grabs", Grab, ("id",)), to_row(one))
            assert stored(connection, "downloads") == [value]
            assert stored(connection, "grabs") == [one]
