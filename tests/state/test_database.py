"""The database: what was committed is there, and nothing else is."""

import asyncio
import gc
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from bridge.core.model import (
    Category,
    DeliveredFile,
    Download,
    DownloadPhase,
    Event,
    Grab,
    RemovedDownload,
)
from bridge.state import Batch, Contents, Database, DatabaseError
from bridge.state.database import EVENTS_KEPT
from bridge.state.database_schema import SCHEMA
from tests.support.scenes import (
    H,
    delivered,
    download,
    failed,
    failover,
    grab,
    hash_of,
    removal,
    removed_download,
)


class Budget(msgspec.Struct):
    """A small value to store by name."""

    calls: list[float]


def file(number: int = 1, **fields: object) -> DeliveredFile:
    """Make a file of the first grab."""
    made = DeliveredFile(
        grab_id=11, file_id=number, remote_name=f"[{number}]/ü.mkv", size=2**40, path=f"p/{number}"
    )
    return replace(made, **fields)


def event(number: int) -> Event:
    """Make an event of the first download."""
    return Event(hash=H, at=float(number), kind="note", why=f"[{number}]", grab_id=11)


ONE = download(1, name="[1] Ünïcode 🎬", torrent_id=7)
TWO = failed(2)
GRABS = [grab(1, tags=("a", "[2]")), grab(1, 2), delivered(2)]
JOBS = [removal(3, files=("a/b", "[c]")), failover(4, sent_at=1.5, finished_at=2.5)]


def filled() -> Batch:
    """Return a batch with one or more of everything."""
    batch = Batch()
    batch.put(ONE)
    batch.put(TWO)
    for one in GRABS:
        batch.put(one)
    batch.put_torrent(1, b"d4:infoe\x00")
    batch.put_files(11, [file(2, chosen=False), file(1, done=True)])
    for job in JOBS:
        batch.put_job(job)
    batch.put_job(removal(5))
    batch.delete_job(5)
    batch.put(removed_download(2, unclear=False))
    for number in (1, 2, 3):
        batch.put(removed_download(number))
    batch.delete(RemovedDownload, hash_of(3))
    batch.put(Category(name="tv", save_path="/media/tv"))
    batch.put(Category(name="Filme/ü"))
    for tag in ("zwei", "eins", "eins"):
        batch.put_tag(tag)
    batch.put_value("budgets", Budget([1.5]))
    batch.add_event(event(1), prune=False)
    return batch


EXPECTED = Contents(
    downloads=[ONE, TWO],
    grabs=GRABS,
    jobs=JOBS,
    removed=[removed_download(1), removed_download(2)],
    categories=[Category(name="Filme/ü"), Category(name="tv", save_path="/media/tv")],
    tags=["eins", "zwei"],
    last_ids={"downloads": 2, "grabs": 21, "jobs": 5},
)
NOTHING = Contents([], [], [], [], [], [], {})


def on_disk(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Ask the file, past the database."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql).fetchall()


async def put(database: Database, *numbers: int) -> None:
    """Write downloads in one transaction."""
    batch = Batch()
    for number in numbers:
        batch.put(download(number))
    await database.write(batch)


async def downloads_of(database: Database) -> list[int]:
    """Return the ids of all downloads."""
    return [one.id for one in (await database.contents()).downloads]


async def test_created_from_nothing(database: Database, path: Path) -> None:
    """A database that is not there is created, with its directory, and is empty."""
    assert await database.contents() == NOTHING
    assert on_disk(path, "PRAGMA user_version") == [(SCHEMA,)]
    assert {one.name for one in path.parent.iterdir()} <= {
        "bridge.db", "bridge.db-wal", "bridge.db-shm"
    }, "there was nothing to copy"  # fmt: skip


async def test_nobody_else_reads_it(database: Database, path: Path) -> None:
    """The database and the files beside it are for their owner alone."""
    await database.write(filled())
    modes = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
    assert modes["bridge.db"] == modes["bridge.db-wal"] == 0o600


async def test_safe_settings(database: Database, path: Path) -> None:
    """Commits are written ahead and reach the disk before they count."""
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    found = {name: (await database._rows(f"PRAGMA {name}"))[0][0] for name in names}
    full = 2
    assert found == {
        "journal_mode": "wal", "synchronous": full, "foreign_keys": 1, "busy_timeout": 5000
    }  # fmt: skip
    assert on_disk(path, "PRAGMA journal_mode") == [("wal",)]


async def test_reopened(path: Path) -> None:
    """Commits survive a restart; opening the database again changes nothing."""
    async with Database(path) as database:
        await database.write(filled())
        assert await database.contents() == EXPECTED
    async with Database(path) as database:
        assert await database.contents() == EXPECTED
        assert await database.torrent(1) == b"d4:infoe\x00"
        assert await database.torrent(2) is None
        assert await database.files(11) == (file(1, done=True), file(2, chosen=False))
        assert await database.files(12) == ()
        assert await database.value("budgets", Budget) == Budget([1.5])
        assert await database.events(H) == [event(1)]


async def test_ids_are_never_used_twice(path: Path) -> None:
    """The id of a deleted row is remembered, so that nothing new is taken for the old one."""
    async with Database(path) as database:
        await database.write(filled())
        batch = Batch()
        batch.delete(Download, 1)
        batch.delete(Download, 2)
        batch.delete_job(4)
        await database.write(batch)
    async with Database(path) as database:
        contents = await database.contents()
        assert (contents.downloads, contents.grabs) == ([], [])
        assert contents.last_ids == EXPECTED.last_ids


async def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    """Where no directory can be made the text names the file and the setting."""
    (tmp_path / "file").write_text("not a directory")
    path = tmp_path / "file" / "config" / "bridge.db"
    with pytest.raises(DatabaseError, match=rf"{path}.*paths\.database"):
        async with Database(path):
            pytest.fail("opened")


async def test_a_directory(tmp_path: Path) -> None:
    """A directory in place of the file is refused by name, and left as it is."""
    path = tmp_path / "bridge.db"
    path.mkdir()
    with pytest.raises(DatabaseError, match=f"cannot open the database {path}"):
        async with Database(path):
            pytest.fail("opened")
    assert path.is_dir()


@pytest.mark.parametrize(
    "damaged",
    [
        lambda whole: b"no database" * 99,
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:4096] + b"\xff" * 4096 + whole[8192:],
        lambda whole: whole[:-4096] + b"\xff" * 4096,
    ],
    ids=["no database", "cut off", "first page", "last page"],
)
async def test_a_damaged_file(path: Path, damaged: Callable[[bytes], bytes]) -> None:
    """A file with a broken page is refused, says what to do, and is left as it is."""
    async with Database(path) as database:
        await database.put_value("name", "x" * 20_000)
    left = damaged(path.read_bytes())
    path.write_bytes(left)
    with pytest.raises(DatabaseError, match=rf"{path} is damaged: .+ docs/backup\.md"):
        async with Database(path):
            pytest.fail("opened")
    assert path.read_bytes() == left


async def test_closed(path: Path) -> None:
    """A closed database says so."""
    async with Database(path) as database:
        pass
    with pytest.raises(DatabaseError, match=f"{path} is closed"):
        await database.contents()
    with pytest.raises(DatabaseError, match=f"{path} is closed"):
        await database.write(Batch())


async def test_a_failed_statement_rolls_back(database: Database) -> None:
    """A write that the database refuses takes the whole transaction with it."""
    batch = Batch()
    batch.put(Category(name="tv"))
    batch.put_files(11, [file()])
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(batch)
    assert await database.contents() == NOTHING
    await database.check()


async def test_a_value_that_does_not_fit_rolls_back(database: Database) -> None:
    """A number beyond what the database holds breaks its own transaction and no other."""
    batch = Batch()
    batch.put(download(1))
    batch.put(download(2, size=2**63))
    with pytest.raises(OverflowError):
        await database.write(batch)
    assert await database.contents() == NOTHING
    await database.check()


async def test_a_commit_that_fails_rolls_back(database: Database) -> None:
    """When the commit itself is refused nothing is kept, and the next write finds its way."""
    batch = Batch()
    await database._db.execute("PRAGMA defer_foreign_keys = ON")
    batch.put_files(11, [file()])
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(batch)
    assert await database.contents() == NOTHING
    await database.check()


async def test_statements_keep_their_order(database: Database) -> None:
    """What is deleted and inserted again in one batch is there in the end."""
    await database.write(filled())
    batch = Batch()
    batch.delete(Download, 1)
    batch.put(replace(ONE, id=9))
    batch.put(grab(9, id=91))
    await database.write(batch)
    contents = await database.contents()
    assert [one.id for one in contents.downloads] == [2, 9]
    assert [one.id for one in contents.grabs] == [21, 91]


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancelled_write_is_whole_or_nothing(path: Path, turns: int) -> None:
    """Wherever a cancellation strikes, nothing is half written and the database goes on.

    The writer knows: what it has been told is committed is on disk, and nothing else is.
    """
    told = False

    async def write_both(database: Database) -> None:
        nonlocal told
        await put(database, 1, 2)
        told = True

    async with Database(path) as database:
        writing = asyncio.get_running_loop().create_task(write_both(database))
        for _ in range(turns):
            await asyncio.sleep(0 if turns < 4 else 0.0005)
        writing.cancel()
        await asyncio.wait([writing])
        found = await downloads_of(database)
        assert found == ([1, 2] if told else [])
        await put(database, 3)
        assert await downloads_of(database) == [*found, 3]
    assert len(on_disk(path, "SELECT hash FROM downloads")) == len(found) + 1


async def when(database: Database, statement: str, act: Callable[[], object]) -> None:
    """Call `act` in the database's own thread whenever it is about to run `statement`."""
    await database._db.set_trace_callback(lambda sql: sql.startswith(statement) and act())


@pytest.mark.parametrize("statement", ["BEGIN", "INSERT INTO downloads", "COMMIT"])
async def test_the_writer_knows_what_was_committed(database: Database, statement: str) -> None:
    """A write that has begun is finished before its cancelled writer is told of that."""
    told = False

    async def write_one() -> None:
        nonlocal told
        await put(database, 1)
        told = True
        await asyncio.sleep(5)
        pytest.fail("the cancellation got lost")

    loop, struck = asyncio.get_running_loop(), threading.Event()

    def strike() -> None:
        loop.call_soon_threadsafe(writing.cancel)
        loop.call_soon_threadsafe(struck.set)
        struck.wait(2)

    await when(database, statement, strike)
    writing = loop.create_task(write_one())
    await asyncio.wait([writing])
    await when(database, "nothing", print)
    assert writing.cancelled()
    assert told
    assert await downloads_of(database) == [1]
    await database.check()


async def test_a_check_in_a_hurry(database: Database) -> None:
    """A time limit on the check ends it, and cancels nothing that comes after."""
    await when(database, "COMMIT", lambda: time.sleep(0.1))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.03):
            await database.check()
    await asyncio.sleep(0)
    await database.check()


async def test_writers_take_turns(database: Database) -> None:
    """Transactions at once are one after the other, each whole."""
    statements: list[str] = []
    await database._db.set_trace_callback(statements.append)
    await asyncio.gather(*(put(database, number, number + 10) for number in (1, 2, 3)))
    await when(database, "nothing", print)
    order = [sql.split()[0] for sql in statements]
    assert order == ["BEGIN", "INSERT", "INSERT", "COMMIT"] * 3
    assert await downloads_of(database) == [1, 2, 3, 11, 12, 13]


async def test_a_file_locked_by_another(database: Database, path: Path) -> None:
    """When somebody else holds the database the write fails, and works once they let go."""
    await database._db.execute("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await database.check()
        other.execute("ROLLBACK")
    await database.check()


async def test_putting_again_loses_nothing(database: Database) -> None:
    """A new state of a download or grab leaves its .torrent, its grabs and its files alone."""
    await database.write(filled())
    batch = Batch()
    batch.put(replace(ONE, phase=DownloadPhase.FAILED))
    batch.put(replace(GRABS[0], note="x"))
    await database.write(batch)
    assert await database.torrent(1) == b"d4:infoe\x00"
    assert len(await database.files(11)) == 2
    assert len((await database.contents()).grabs) == len(GRABS)


async def test_deleting_takes_what_belongs_to_it(database: Database) -> None:
    """With a download its grabs, files and .torrent are deleted, not its timeline nor any other's."""
    await database.write(filled())
    batch = Batch()
    batch.put_files(21, [file(grab_id=21)])
    batch.delete(Download, 1)
    await database.write(batch)
    contents = await database.contents()
    assert [one.id for one in contents.downloads] == [2]
    assert [one.id for one in contents.grabs] == [21]
    assert await database.files(11) == ()
    assert await database.files(21) == (file(grab_id=21),)
    assert await database.torrent(1) is None
    assert await database.events(H) == [event(1)]


async def test_deleting_a_grab_leaves_the_others(database: Database) -> None:
    """One client's grab leaves with its files alone; the download stays for the other one."""
    await database.write(filled())
    batch = Batch()
    batch.put_files(12, [file(grab_id=12)])
    batch.delete(Grab, 11)
    await database.write(batch)
    contents = await database.contents()
    assert [one.id for one in contents.grabs] == [12, 21]
    assert len(contents.downloads) == 2
    assert (await database.files(11), await database.files(12)) == ((), (file(grab_id=12),))


async def test_a_hash_has_one_download(database: Database) -> None:
    """Two rows of one hash would lead to two remote items, so the second is refused."""
    await database.write(filled())
    batch = Batch()
    batch.put(replace(ONE, id=9))
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(batch)
    assert await database.contents() == EXPECTED


async def test_files_are_replaced(database: Database) -> None:
    """A new file list takes the place of the old one."""
    await database.write(filled())
    batch = Batch()
    batch.put_files(11, [file(9)])
    await database.write(batch)
    assert await database.files(11) == (file(9),)


async def test_categories_and_tags_are_deleted(database: Database) -> None:
    """Categories are changed and deleted by their exact name, tags too."""
    await database.write(filled())
    batch = Batch()
    batch.put(Category(name="tv", save_path="/x"))
    batch.put(Category(name="TV"))
    batch.delete(Category, "filme/ü")
    batch.delete_tag("eins")
    batch.delete_tag("never there")
    await database.write(batch)
    contents = await database.contents()
    names = [(one.name, one.save_path) for one in contents.categories]
    assert names == [("Filme/ü", ""), ("TV", ""), ("tv", "/x")]
    assert contents.tags == ["zwei"]


async def test_a_timeline_is_pruned(database: Database) -> None:
    """Of each hash the newest events are kept, in their order."""
    other = Event(hash=hash_of(2), at=0.5, kind="added")
    batch = Batch()
    batch.add_event(other, prune=True)
    for number in range(EVENTS_KEPT + 5):
        batch.add_event(event(number), prune=number == EVENTS_KEPT + 4)
    await database.write(batch)
    assert await database.events(H) == [event(number) for number in range(5, EVENTS_KEPT + 5)]
    assert await database.events(hash_of(2)) == [other]
    assert await database.events(hash_of(3)) == []


@pytest.mark.parametrize(
    ("damage", "kind", "key"),
    [
        ("UPDATE downloads SET phase = 'dreaming' WHERE id = 1", "Download", 1),
        ("UPDATE grabs SET tags = 'no JSON' WHERE id = 12", "Grab", 12),
        ("UPDATE jobs SET kind = 'dreaming' WHERE id = 3", "Job", 3),
    ],
)
async def test_a_broken_row_costs_itself(path: Path, damage: str, kind: str, key: int) -> None:
    """A row that cannot be read is logged and stays; all others are there."""
    async with Database(path) as database:
        await database.write(filled())
        batch = Batch()
        batch.run(damage)
        await database.write(batch)
        with capture_logs() as logs:
            contents = await database.contents()
    (line,) = logs
    assert line["event"] == "row_unreadable"
    assert (line["kind"], line["key"], line["log_level"]) == (kind, key, "error")
    counts = (len(contents.downloads), len(contents.grabs), len(contents.jobs))
    assert sum(counts) == len(EXPECTED.downloads) + len(GRABS) + len(JOBS) - 1
    assert contents.categories == EXPECTED.categories
    assert on_disk(path, "SELECT count(*) FROM downloads") == [(2,)]
    assert on_disk(path, "SELECT count(*) FROM grabs") == [(3,)]


async def test_values(database: Database) -> None:
    """A value is the one last stored; one that is missing or of another shape is none."""
    assert await database.value("budgets", Budget) is None
    for calls in ([1.0], [2.0, 3.0]):
        await database.put_value("budgets", Budget(calls))
    assert await database.value("budgets", Budget) == Budget([2.0, 3.0])
    with capture_logs() as logs:
        assert await database.value("budgets", list[str]) is None
    assert [line["event"] for line in logs] == ["stored_value_unreadable"]


async def test_the_check_writes(database: Database) -> None:
    """A database that may not be written fails the check."""
    await database.check()
    await database._db.execute("PRAGMA query_only = ON")
    with pytest.raises(sqlite3.OperationalError):
        await database.check()


async def test_a_deleted_file(path: Path) -> None:
    """A file that is deleted while it is open fails the check: nothing written would be found again."""
    async with Database(path) as database:
        await database.check()
        path.unlink()
        with pytest.raises(sqlite3.OperationalError, match=f"{path} was deleted"):
            await database.check()


async def test_nothing_is_left_open(path: Path) -> None:
    """Closed after use, after an exception and after a failed start: no thread, no warning."""
    with suppress(LookupError):
        await fail_inside(path)
    on_disk(path, f"PRAGMA user_version = {SCHEMA + 1}")
    with suppress(DatabaseError):
        await fail_inside(path)
    gc.collect()
    left = [one.name for one in threading.enumerate() if "connection_worker" in one.name]
    assert left == []


async def fail_inside(path: Path) -> None:
    """Open the database and break."""
    async with Database(path):
        raise LookupError
