"""The database: what was committed is there, and nothing else is."""

import asyncio
import gc
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from bridge.core.model import (
    Category,
    Claim,
    DeliveredFile,
    Download,
    Event,
    Phase,
    Reason,
    Trace,
)
from bridge.store import Contents, Store, StoreError
from bridge.store.database import EVENTS_KEPT
from bridge.store.rows import columns, to_row
from bridge.store.schema import STEPS
from tests.support.scenes import H, delivered, download, hash_of, removal


class Budget(msgspec.Struct):
    """A small value to keep as a fact."""

    calls: list[float]


def file(number: int = 1, **fields: object) -> DeliveredFile:
    """Make a file of the first download."""
    made = DeliveredFile(file_id=number, remote_name=f"[{number}]/ü.mkv", size=2**40, path=f"p/{number}"
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def claim(number: int) -> Claim:
    """Make a claim on the first download, with a file of its own."""
    return Claim(
        hash=H, number=number, category=f"c{number}", save_path="/d", added_at=1.5, files=(file(),)
    )


def trace(number: int) -> Trace:
    """Make what is remembered of a download that went."""
    return Trace(hash=hash_of(number), submitted_at=1.5, removed_at=2.5, left_at=3.5, unclear=True)


def event(number: int) -> Event:
    """Make an event of the first download."""
    return Event(hash=H, at=float(number), kind="note", why=f"[{number}]")


async def fill(store: Store) -> Contents:
    """Write one or more of everything, in one transaction; tell what should be read."""
    one = download(1, name="[1] Ünïcode 🎬", tags=("a", "[2]"), torrent_id=7, added_at=5.0)
    two = delivered(2, failure_reason=Reason.STALLED, failure_message="x", added_at=4.0)
    async with store.transaction() as write:
        await write.put_download(one)
        await write.put_download(two)
        await write.put_torrent(H, b"d4:infoe\x00")
        await write.put_files(H, [file(2, chosen=False), file(1, done=True)])
        first = await write.add_removal(removal(id=0, files=("a/b", "[c]"), unclear=True))
        second = await write.add_removal(removal(id=0, submitted_at=3.5, created_at=2.5))
        await write.put_trace(replace(trace(2), unclear=False))
        for number in (1, 2, 3):
            await write.put_trace(trace(number))
        await write.drop_trace(hash_of(3))
        await write.put_claims(H, [claim(2), claim(1)])
        await write.put_claims(two.hash, [replace(claim(1), hash=two.hash)])
        await write.put_claims(two.hash, [])
        await write.put_category(Category(name="tv", save_path="/media/tv"))
        await write.put_category(Category(name="Filme/ü"))
        await write.put_tag("zwei")
        await write.put_tag("eins")
        await write.put_tag("eins")
        await write.put_fact("budgets", Budget([1.5]))
        await write.add_event(event(1))
    return Contents(
        downloads=[two, one],
        files=[file(1, done=True), file(2, chosen=False)],
        removals=[first, second],
        categories=[Category(name="Filme/ü"), Category(name="tv", save_path="/media/tv")],
        tags=["eins", "zwei"],
        claims=(claim(1), claim(2)),
        traces=(trace(1), trace(2)),
    )


NOTHING = Contents(downloads=[], files=[], removals=[], categories=[], tags=[])


def on_disk(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Ask the file, past the store."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql).fetchall()


def content(path: Path) -> bytes:
    """Read the file as it is."""
    return path.read_bytes()


async def test_made_from_nothing(store: Store, path: Path) -> None:
    """A database that is not there is made, with its directory, and is empty."""
    assert await store.contents() == NOTHING
    assert on_disk(path, "PRAGMA user_version") == [(len(STEPS),)]


async def test_nobody_else_reads_it(store: Store, path: Path) -> None:
    """The database and what stands beside it are for its owner alone."""
    await fill(store)
    modes = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
    assert modes["bridge.db"] == modes["bridge.db-wal"] == 0o600


async def test_safe_settings(store: Store, path: Path) -> None:
    """Commits are written ahead and reach the disk before they count."""
    async with store.transaction() as write:
        connection = write._connection
        values = {
            name: next(iter(await connection.execute_fetchall(f"PRAGMA {name}")))[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    full = 2
    expected = {"journal_mode": "wal", "synchronous": full, "foreign_keys": 1, "busy_timeout": 5000}
    assert values == expected
    assert on_disk(path, "PRAGMA journal_mode") == [("wal",)]


async def test_reopened(path: Path) -> None:
    """What was committed is there after a restart, all of it, and opening it again changes nothing."""
    async with Store(path) as store:
        expected = await fill(store)
        assert await store.contents() == expected
    async with Store(path) as store:
        assert await store.contents() == expected
        assert await store.torrent(H) == b"d4:infoe\x00"
        assert await store.fact("budgets", Budget) == Budget([1.5])
        assert await store.events(H) == [event(1)]


async def test_removals_get_ids(store: Store) -> None:
    """Each removal job has an id of its own, under which it is changed and dropped."""
    expected = await fill(store)
    first, second = expected.removals
    assert 0 < first.id < second.id
    changed = replace(second, attempts=3, next_attempt_at=9.5)
    async with store.transaction() as write:
        await write.drop_removal(first.id)
        await write.put_removal(changed)
    assert (await store.contents()).removals == [changed]


async def test_an_older_schema_is_brought_up(path: Path) -> None:
    """Every download of the first version's database is there, and what it did not know is unset."""
    old = download(1, ratio_limit=2.0)
    values = dict(zip(columns(Download), to_row(old), strict=True))
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"{STEPS[0]}; PRAGMA user_version = 1;")
        known = [row[1] for row in connection.execute("PRAGMA table_info(downloads)")]
        connection.execute(
            f"INSERT INTO downloads ({', '.join(known)}) VALUES ({', '.join('?' * len(known))})",
            [values[name] for name in known],
        )
    async with Store(path) as store:
        assert (await store.contents()).downloads == [old]


async def test_a_newer_schema_is_refused(path: Path) -> None:
    """A database of a newer bridge is not touched, and the text says what to do."""
    async with Store(path):
        pass
    on_disk(path, f"PRAGMA user_version = {len(STEPS) + 1}")
    before = content(path)
    with pytest.raises(StoreError, match=f"{path} was written by a newer version.*install that"):
        async with Store(path):
            pytest.fail("opened")
    assert content(path) == before


async def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    """Where no directory can be made the text names the file and the setting."""
    (tmp_path / "file").write_text("not a directory")
    path = tmp_path / "file" / "config" / "bridge.db"
    with pytest.raises(StoreError, match=rf"{path}.*paths\.database"):
        async with Store(path):
            pytest.fail("opened")


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.write_bytes(b"no database" * 99)])
async def test_a_file_that_is_no_database(tmp_path: Path, make: Callable[[Path], object]) -> None:
    """A directory or some other file is refused by name, and left as it is."""
    path = tmp_path / "bridge.db"
    make(path)
    with pytest.raises(StoreError, match=f"cannot open the database {path}"):
        async with Store(path):
            pytest.fail("opened")
    assert path.is_dir() or content(path) == b"no database" * 99


async def test_closed(path: Path) -> None:
    """A closed store says so."""
    async with Store(path) as store:
        pass
    with pytest.raises(StoreError, match=f"{path} is closed"):
        await store.contents()
    with pytest.raises(StoreError, match=f"{path} is closed"):
        async with store.transaction():
            pytest.fail("begun")


async def break_off(store: Store) -> None:
    """Change a lot and break before the end."""
    async with store.transaction() as write:
        await write.put_download(download(3))
        await write.drop_download(H)
        await write.drop_category("tv")
        raise LookupError


async def test_an_exception_rolls_back(store: Store) -> None:
    """Either all of a transaction is there or none, and the next one is not disturbed."""
    expected = await fill(store)
    with pytest.raises(LookupError):
        await break_off(store)
    assert await store.contents() == expected
    await store.check()


async def misplace(store: Store) -> None:
    """Write a category, and a file of a download that is not there."""
    async with store.transaction() as write:
        await write.put_category(Category(name="tv"))
        await write.put_files(H, [file()])


async def test_a_failed_statement_rolls_back(store: Store) -> None:
    """A write that the database refuses takes the whole transaction with it."""
    with pytest.raises(sqlite3.IntegrityError):
        await misplace(store)
    assert await store.contents() == NOTHING
    await store.check()


async def test_a_value_that_does_not_fit_rolls_back(store: Store) -> None:
    """A number beyond what the database holds breaks its own transaction and no other."""
    with pytest.raises(OverflowError):
        async with store.transaction() as write:
            await write.put_download(download(size=2**63))
    assert await store.contents() == NOTHING
    await store.check()


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancelled_write_is_whole_or_nothing(path: Path, turns: int) -> None:
    """Wherever a cancellation strikes, nothing is half written and the store goes on.

    The writer knows: what it has been told is committed is on disk, and nothing else is.
    """
    told = False

    async def write_both(store: Store) -> None:
        nonlocal told
        async with store.transaction() as write:
            await write.put_download(download(1))
            await write.put_download(download(2))
        told = True

    async with Store(path) as store:
        writing = asyncio.get_running_loop().create_task(write_both(store))
        for _ in range(turns):
            await asyncio.sleep(0 if turns < 4 else 0.0005)
        writing.cancel()
        await asyncio.wait([writing])
        found = {one.hash for one in (await store.contents()).downloads}
        assert found == ({hash_of(1), hash_of(2)} if told else set())
        async with store.transaction() as write:
            await write.put_download(download(3))
        assert len((await store.contents()).downloads) == len(found) + 1
    assert len(on_disk(path, "SELECT hash FROM downloads")) == len(found) + 1


async def when(store: Store, statement: str, act: Callable[[], object]) -> None:
    """Call `act` in the database's own thread whenever it is about to run `statement`."""
    await store._db.set_trace_callback(lambda sql: sql.startswith(statement) and act())


@pytest.mark.parametrize(
    ("statement", "kept"),
    [("BEGIN", False), ("INSERT INTO downloads", False), ("COMMIT", True)],
)
async def test_the_writer_knows_what_was_committed(
    store: Store, statement: str, kept: bool
) -> None:
    """Cancelled before the commit nothing is kept; cancelled in it, the writer is told first."""
    known = False

    async def write_one() -> None:
        nonlocal known
        async with store.transaction() as write:
            await write.put_download(download())
        known = True
        await asyncio.sleep(5)
        pytest.fail("the cancellation got lost")

    loop, struck = asyncio.get_running_loop(), threading.Event()

    def strike() -> None:
        loop.call_soon_threadsafe(writing.cancel)
        loop.call_soon_threadsafe(struck.set)
        struck.wait(2)

    await when(store, statement, strike)
    writing = loop.create_task(write_one())
    await asyncio.wait([writing])
    await when(store, "nothing", print)
    assert writing.cancelled()
    assert known is kept
    assert (await store.contents()).downloads == ([download()] if kept else [])
    await store.check()


async def test_a_check_in_a_hurry(store: Store) -> None:
    """A time limit on the check ends it, and cancels nothing that comes after."""
    await when(store, "COMMIT", lambda: time.sleep(0.1))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.03):
            await store.check()
    await asyncio.sleep(0)
    await store.check()


async def test_a_commit_that_fails_rolls_back(store: Store) -> None:
    """When the commit itself is refused nothing is kept, and the next write finds its way."""
    with pytest.raises(sqlite3.IntegrityError):
        await orphan(store)
    assert await store.contents() == NOTHING
    await store.check()


async def orphan(store: Store) -> None:
    """Write a file of a download that is not there, which only the commit finds out."""
    async with store.transaction() as write:
        await write._run("PRAGMA defer_foreign_keys = ON", ())
        await write.put_files(H, [file()])


async def test_writers_take_turns(store: Store) -> None:
    """Two transactions at once are one after the other, each whole."""
    order: list[str] = []

    async def write(name: str, number: int) -> None:
        async with store.transaction() as transaction:
            order.append(name)
            await transaction.put_download(download(number))
            await asyncio.sleep(0.01)
            await transaction.put_tag(name)
            order.append(name)

    await asyncio.gather(write("a", 1), write("b", 2), write("c", 3))
    assert order == ["a", "a", "b", "b", "c", "c"]
    assert (await store.contents()).tags == ["a", "b", "c"]


async def test_a_file_locked_by_another(store: Store, path: Path) -> None:
    """When somebody else holds the database the write fails, and works once they let go."""
    await store._db.execute("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await store.check()
        other.execute("ROLLBACK")
    await store.check()


async def test_putting_again_loses_nothing(store: Store) -> None:
    """A new state of a download leaves its .torrent and its files alone."""
    await fill(store)
    async with store.transaction() as write:
        await write.put_download(download(1, phase=Phase.FAILED))
    assert await store.torrent(H) == b"d4:infoe\x00"
    assert len((await store.contents()).files) == 2


async def test_dropping_takes_what_belongs_to_it(store: Store) -> None:
    """With a download go its files and .torrent, not its story nor anybody else's."""
    await fill(store)
    async with store.transaction() as write:
        await write.put_files(hash_of(2), [file(hash=hash_of(2))])
        await write.drop_download(H)
    contents = await store.contents()
    assert [one.hash for one in contents.downloads] == [hash_of(2)]
    assert [one.hash for one in contents.files] == [hash_of(2)]
    assert await store.torrent(H) is None
    assert await store.events(H) == [event(1)]


async def test_files_are_replaced(store: Store) -> None:
    """A new file list takes the place of the old one."""
    await fill(store)
    async with store.transaction() as write:
        await write.put_files(H, [file(9)])
    assert (await store.contents()).files == [file(9)]


async def test_categories_and_tags_go(store: Store) -> None:
    """Categories are changed and dropped by their exact name, tags too."""
    await fill(store)
    async with store.transaction() as write:
        await write.put_category(Category(name="tv", save_path="/x"))
        await write.put_category(Category(name="TV"))
        await write.drop_category("filme/ü")
        await write.drop_tag("eins")
        await write.drop_tag("never there")
    contents = await store.contents()
    names = [(one.name, one.save_path) for one in contents.categories]
    assert names == [("Filme/ü", ""), ("TV", ""), ("tv", "/x")]
    assert contents.tags == ["zwei"]


async def test_a_story_is_trimmed(store: Store) -> None:
    """Of each download the newest events are kept, in their order."""
    other = Event(hash=hash_of(2), at=0.5, kind="added")
    async with store.transaction() as write:
        await write.add_event(other)
        for number in range(EVENTS_KEPT + 5):
            await write.add_event(event(number))
    assert await store.events(H) == [event(number) for number in range(5, EVENTS_KEPT + 5)]
    assert await store.events(hash_of(2)) == [other]
    assert await store.events(hash_of(3)) == []


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE downloads SET phase = 'dreaming' WHERE hash = ?",
        "UPDATE downloads SET tags = 'no JSON' WHERE hash = ?",
        "UPDATE downloads SET stopped = 7 WHERE hash = ?",
    ],
)
async def test_a_broken_row_costs_itself(path: Path, damage: str) -> None:
    """A row that cannot be read is logged and stays; all others are there."""
    async with Store(path) as store:
        await fill(store)
        async with store.transaction() as write:
            await write._run(damage, (H,))
        with capture_logs() as logs:
            contents = await store.contents()
        assert [one.hash for one in contents.downloads] == [hash_of(2)]
        assert len(contents.categories) == 2
    (line,) = logs
    assert line["event"] == "row_unreadable"
    assert (line["kind"], line["key"], line["log_level"]) == ("Download", H, "error")
    assert on_disk(path, "SELECT count(*) FROM downloads") == [(2,)]


async def test_facts(store: Store) -> None:
    """A fact is the value last kept; one that is missing or of another shape is none."""
    assert await store.fact("budgets", Budget) is None
    for calls in ([1.0], [2.0, 3.0]):
        async with store.transaction() as write:
            await write.put_fact("budgets", Budget(calls))
    assert await store.fact("budgets", Budget) == Budget([2.0, 3.0])
    with capture_logs() as logs:
        assert await store.fact("budgets", list[str]) is None
    assert [line["event"] for line in logs] == ["fact_unreadable"]


async def test_the_check_writes(store: Store) -> None:
    """A database that may not be written fails the check."""
    await store.check()
    await store._db.execute("PRAGMA query_only = ON")
    with pytest.raises(sqlite3.OperationalError):
        await store.check()


async def test_nothing_is_left_open(path: Path) -> None:
    """Closed after use, after an exception and after a failed start: no thread, no warning."""
    with suppress(LookupError):
        await fail_inside(path)
    on_disk(path, f"PRAGMA user_version = {len(STEPS) + 1}")
    with suppress(StoreError):
        await fail_inside(path)
    gc.collect()
    left = [one.name for one in threading.enumerate() if "connection_worker" in one.name]
    assert left == []


async def fail_inside(path: Path) -> None:
    """Open the store and break."""
    async with Store(path) as store, store.transaction():
        raise LookupError
