"""The state: memory and database change together, and what is looked up is indexed."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.core.change_log import MOST_IDS, ChangeLog
from bridge.core.model import (
    Category,
    DeliveredFile,
    Download,
    DownloadPhase,
    Failover,
    Grab,
    GrabPhase,
    MetadataLookup,
    Removal,
)
from bridge.core.preferences import Preferences
from bridge.state import Database, State, is_live
from bridge.state.state import FILE_LISTS_KEPT
from tests.support.scenes import (
    NOW,
    H,
    active,
    delivered,
    download,
    failed,
    failed_grab,
    finished,
    grab,
    hash_of,
    item,
    planned,
    ready,
    removed_download,
    snapshot,
)

FILE = DeliveredFile(file_id=1, remote_name="x", size=9, path="Show/x", done=True)


async def add(state: State, one: Download, *grabs: Grab) -> Download:
    """Store a download with its grabs, and return it."""
    async with state.unit_of_work() as work:
        made = work.add_download(one)
        for its in grabs or (grab(),):
            work.add_grab(replace(its, download_id=made.id))
    return made


async def reloaded(state: State) -> State:
    """Return what a restart would read."""
    fresh = State(state.database, lambda: NOW)
    await fresh.load()
    return fresh


def same(one: State, other: State) -> bool:
    """Return whether two states hold the same, and index it the same way."""
    fields = (
        "_downloads", "_grabs", "_jobs", "_removed", "_categories", "_tags", "_by_hash",
        "_grab_ids", "_by_torrent_id", "_named", "_jobs_about",
    )  # fmt: skip
    live = set(one._live) == set(other._live)
    return live and all(getattr(one, name) == getattr(other, name) for name in fields)


async def test_a_unit_of_work_is_applied_when_it_ends(state: State) -> None:
    """Nobody sees half of it; inside, reads show what was changed already."""
    async with state.unit_of_work() as work:
        made = work.add_download(download())
        its = work.add_grab(grab(of=made.id))
        assert work.by_hash(H) == made
        assert work.grabs_of(made.id) == (its,)
        assert work.entry(its.id) is not None
        assert state.by_hash(H) is None
        assert not state.grabs
    assert state.by_hash(H) == made
    assert state.grabs_of(made.id) == (its,)
    assert same(state, await reloaded(state))


async def test_an_exception_changes_nothing(state: State) -> None:
    """A unit of work that breaks leaves memory and database as they were."""
    made = await add(state, download())
    version = state.version

    async def break_off() -> None:
        async with state.unit_of_work() as work:
            work.update_download(made.id, lambda one: replace(one, note="x"))
            work.delete_grab(state.grabs_of(made.id)[0].id)
            work.put_tags(["new"])
            raise LookupError

    with pytest.raises(LookupError):
        await break_off()
    assert state.by_hash(H) == made
    assert (state.version, state.tags) == (version, frozenset())
    assert same(state, await reloaded(state))


async def test_nothing_is_applied_when_the_write_fails(state: State) -> None:
    """A failed commit is not shown to clients, and the next unit of work succeeds."""
    made = await add(state, download())
    version = state.version
    await state.database._db.execute("PRAGMA query_only = ON")
    with pytest.raises(sqlite3.OperationalError):
        await state.update_download(made.id, lambda one: replace(one, note="x"))
    assert (state.by_hash(H), state.version) == (made, version)
    await state.database._db.execute("PRAGMA query_only = OFF")
    changed = await state.update_download(made.id, lambda one: replace(one, note="y"))
    assert changed is not None
    assert changed.note == "y"
    assert same(state, await reloaded(state))


@pytest.mark.parametrize("turns", range(10))
async def test_cancelled_it_is_whole_or_nothing(state: State, turns: int) -> None:
    """Wherever a cancellation strikes, memory and database agree, and the lock is free."""

    async def change() -> None:
        await add(state, download(1), grab(1), grab(1, 2))

    task = asyncio.get_running_loop().create_task(change())
    for _ in range(turns):
        await asyncio.sleep(0 if turns < 4 else 0.0005)
    task.cancel()
    await asyncio.wait([task])
    assert len(state.grabs) in {0, 2}
    assert same(state, await reloaded(state))
    await add(state, download(2))
    assert same(state, await reloaded(state))


async def test_a_commit_that_began_is_applied_despite_a_cancellation(state: State) -> None:
    """A grab is stored and in memory although its client hung up during the commit."""
    loop = asyncio.get_running_loop()

    def strike(sql: str) -> None:
        if sql == "COMMIT":
            loop.call_soon_threadsafe(task.cancel)

    await state.database._db.set_trace_callback(strike)
    task = loop.create_task(add(state, download()))
    await asyncio.wait([task])
    await state.database._db.set_trace_callback(lambda _sql: None)
    assert state.by_hash(H) is not None
    assert same(state, await reloaded(state))


async def test_units_of_work_take_turns(state: State) -> None:
    """Two changes of one row at once are both made, one after the other."""
    made = await add(state, download())

    async def note(word: str) -> None:
        async with state.unit_of_work() as work:
            await asyncio.sleep(0.001)
            work.update_download(made.id, lambda one: replace(one, name=one.name + word))

    await asyncio.gather(note("a"), note("b"), note("c"))
    assert sorted(state.downloads[made.id].name[-3:]) == ["a", "b", "c"]


async def test_one_commit_for_a_poll(state: State) -> None:
    """A list that moved many downloads is written as one transaction."""
    made = [await add(state, active(number)) for number in range(1, 21)]
    statements: list[str] = []
    await state.database._db.set_trace_callback(statements.append)
    async with state.unit_of_work() as work:
        for one in made:
            work.update_download(one.id, lambda old: replace(old, note="x"))
    assert statements.count("COMMIT") == 1
    assert sum(sql.startswith("INSERT INTO downloads") for sql in statements) == len(made)


async def test_observations_reach_the_disk_with_the_next_change(state: State) -> None:
    """An observation costs no write, and is stored with the next write of its row."""
    made = await add(state, active())
    async with state.unit_of_work() as work:
        work.observe_download(replace(made, remote_progress=0.5))
        assert not work.batch.statements
    assert state.downloads[made.id].remote_progress == 0.5
    assert (await reloaded(state)).downloads[made.id].remote_progress == 0.0
    await state.update_download(made.id, lambda one: replace(one, note="x"))
    assert (await reloaded(state)).downloads[made.id].remote_progress == 0.5


async def test_what_is_gone_is_not_changed(state: State) -> None:
    """A change to a row that was deleted writes nothing and returns None."""
    made = await add(state, download())
    (its,) = state.grabs_of(made.id)
    async with state.unit_of_work() as work:
        job = work.add_job(MetadataLookup(), H)
        work.delete_job(job.id)
        work.delete_download(made.id)
        assert work.update_download(made.id, lambda one: replace(one, note="x")) is None
        assert work.update_grab(its.id, lambda one: replace(one, note="x")) is None
    assert await state.update_download(made.id, lambda one: replace(one, note="x")) is None
    assert await state.update_grab(its.id, lambda one: replace(one, note="x")) is None
    assert not await state.put_job(job), "it was called off"
    assert not state.jobs
    assert (state.by_hash(H), state.entry(its.id)) == (None, None)
    assert same(state, await reloaded(state))


async def test_added_again_it_is_another_one(state: State) -> None:
    """Work for a removed grab does not affect the next grab of its category."""
    first = await add(state, download())
    (before,) = state.grabs_of(first.id)
    async with state.unit_of_work() as work:
        work.delete_download(first.id)
        again = work.add_download(download())
        work.add_grab(replace(before, download_id=again.id))
        assert work.by_hash(H) == again
    (after,) = state.grabs_of(again.id)
    assert again.id != first.id
    assert after.id != before.id
    assert await state.update_grab(before.id, lambda one: replace(one, note="x")) is None
    assert state.grabs_of(again.id) == (after,)
    assert same(state, await reloaded(state))


async def test_deleting_a_grab_leaves_the_others(state: State) -> None:
    """One client's grab leaves every index; the download stays for the other one."""
    made = await add(state, ready(), finished(), finished(1, 2))
    first, second = state.grabs_of(made.id)
    async with state.unit_of_work() as work:
        work.delete_grab(first.id)
        assert work.grabs_of(made.id) == (second,)
    assert state.grabs_of(made.id) == (second,)
    assert state.entry(first.id) is None
    assert list(state.at_target(first.save_path, "Show")) == []
    assert [one.grab for one in state.at_target(second.save_path, "Show")] == [second]
    assert same(state, await reloaded(state))


def seen_by_item(state: State, torrent_id: int) -> set[int] | None:
    """Return the grabs that change with TorBox's report on an item."""
    seen = state.version
    state.set_snapshot(snapshot(item(torrent_id)), [torrent_id])
    return state.changes.since(seen)


async def test_indexes_follow_every_change(state: State) -> None:
    """Downloads are found by their item, grabs by their place, as they are now."""
    made = await add(state, active(torrent_id=7), planned())
    (its,) = state.grabs_of(made.id)
    assert seen_by_item(state, 7) == {its.id}
    assert [one.grab.id for one in state.at_target("/downloads/tv", "Show")] == [its.id]
    await state.update_download(made.id, lambda one: replace(one, torrent_id=8))
    await state.update_grab(its.id, lambda one: replace(one, content_name="Show (2)"))
    assert seen_by_item(state, 7) == set()
    assert seen_by_item(state, 8) == {its.id}
    assert list(state.at_target("/downloads/tv", "Show")) == []
    assert [one.grab.id for one in state.at_target("/downloads/tv", "Show (2)")] == [its.id]
    assert same(state, await reloaded(state))


@pytest.mark.parametrize(
    ("one", "grabs", "live"),
    [
        (download(), [grab()], True),
        (ready(), [delivered()], True),
        (ready(), [finished()], False),
        (ready(), [finished(), failed_grab(1, 2)], False),
        (ready(), [finished(), grab(1, 2)], True),
        (failed(), [grab()], False),
        (failed(), [grab(), delivered(1, 2)], True),
        (failed(), [grab(), finished(1, 2)], False),
    ],
)
def test_what_is_live(one: Download, grabs: list[Grab], *, live: bool) -> None:
    """Only what something is still to be done for is planned: the finished cost nothing."""
    assert is_live(one, grabs) is live


async def test_the_live_set_follows_every_change(state: State) -> None:
    """A download leaves the live ones with its last grab that needs anything, and comes back."""
    made = await add(state, ready(), delivered())
    (its,) = state.grabs_of(made.id)
    assert [one.id for one in state.live] == [made.id]
    await state.update_grab(its.id, lambda one: replace(one, phase=GrabPhase.FINISHED))
    assert list(state.live) == []
    async with state.unit_of_work() as work:
        second = work.add_grab(grab(made.id, 2, download_id=made.id))
    assert [one.id for one in state.live] == [made.id]
    await state.update_download(made.id, lambda one: replace(one, phase=DownloadPhase.FAILED))
    assert list(state.live) == []
    await state.update_download(made.id, lambda one: replace(one, phase=DownloadPhase.NEW))
    assert [one.id for one in state.live] == [made.id]
    async with state.unit_of_work() as work:
        work.delete_grab(second.id)
    assert list(state.live) == []
    assert same(state, await reloaded(state))


async def test_jobs_are_found_by_what_they_are_about(state: State) -> None:
    """Jobs of a hash and kind, in the order they were stored; finished ones only count."""
    async with state.unit_of_work() as work:
        first = work.add_job(Failover(category="tv"), H)
        second = work.add_job(Failover(category="films"), H, due_at=NOW + 5)
        work.add_job(Removal(), H)
        work.add_job(Failover(category="tv"), hash_of(2))
        about = [(first, first.task), (second, second.task)]
        assert work.jobs_about(H, Failover) == about
    assert state.jobs_about(H, Failover) == about
    assert (second.next_attempt_at, second.created_at) == (NOW + 5, NOW)
    assert await state.put_job(replace(first, finished_at=NOW))
    assert state.jobs_about(H, Failover) == about[1:]
    assert first.id in state.jobs
    async with state.unit_of_work() as work:
        work.delete_job(second.id)
        assert work.jobs_about(H, Failover) == []
    assert same(state, await reloaded(state))


async def test_ids_are_never_given_twice(state: State) -> None:
    """Not after a deletion, not after a unit of work that broke, not after a restart."""
    made = await add(state, download())
    async with state.unit_of_work() as work:
        work.delete_download(made.id)
    fresh = await reloaded(state)
    again = await add(fresh, download())
    assert again.id > made.id
    assert fresh.grabs_of(again.id)[0].id > 1


async def test_files_are_kept_for_what_is_live(state: State) -> None:
    """Files of a live grab are in memory; those of finished ones are read when asked for."""
    made = await add(state, ready(), planned())
    (its,) = state.grabs_of(made.id)
    async with state.unit_of_work() as work:
        work.put_files(its.id, [FILE])
    listed = (replace(FILE, grab_id=its.id),)
    queries: list[str] = []
    await state.database._db.set_trace_callback(queries.append)
    assert await state.files(its.id) == listed
    fresh = await reloaded(state)
    queries.clear()
    assert await fresh.files(its.id) == listed
    assert queries == []
    await state.update_grab(its.id, lambda one: replace(one, phase=GrabPhase.FINISHED))
    fresh = await reloaded(state)
    queries.clear()
    assert await fresh.files(its.id) == listed
    assert len(queries) == 1
    assert await fresh.files(999) == ()


async def test_not_all_file_lists_are_kept(state: State) -> None:
    """Looking through thousands of finished grabs does not fill the memory."""
    async with state.unit_of_work() as work:
        for number in range(1, FILE_LISTS_KEPT + 20):
            made = work.add_download(ready(number))
            its = work.add_grab(replace(finished(number), download_id=made.id))
            work.put_files(its.id, [FILE])
    for grab_id in state.grabs:
        assert len(await state.files(grab_id)) == 1
    assert len(state._files) <= FILE_LISTS_KEPT


async def test_changes_are_told_by_grab(state: State) -> None:
    """A reader learns which grabs changed: those of a changed download, and those deleted."""
    first = await add(state, active(1), grab(), grab(1, 2))
    second = await add(state, active(2), grab(2))
    ids = {one.id for one in state.grabs_of(first.id)}
    seen = state.version
    assert state.changes.since(seen) == set()
    await state.update_download(first.id, lambda one: replace(one, note="x"))
    assert state.changes.since(seen) == ids
    seen = state.version
    state.set_snapshot(snapshot(item(2)), [2])
    assert state.changes.since(seen) == {one.id for one in state.grabs_of(second.id)}
    seen = state.version
    async with state.unit_of_work() as work:
        work.delete_download(first.id)
    assert state.changes.since(seen) == ids
    seen = state.version
    async with state.unit_of_work() as work:
        work.put_category(Category(name="tv"))
        work.put_tags(["a", "", "a"])
    assert state.version > seen, "a client has to learn of it"
    assert state.changes.since(seen) == set()
    assert (set(state.categories), set(state.tags)) == ({"tv"}, {"a"})


async def test_nothing_changed_is_no_version(state: State) -> None:
    """A change that changes nothing costs no write and wakes no reader."""
    made = await add(state, active())
    seen = state.version
    async with state.unit_of_work() as work:
        work.update_download(made.id, replace)
        assert not work.batch.statements
    assert state.version == seen


async def test_turns_in_the_queue_are_told(state: State) -> None:
    """A new turn in the submit queue reaches the client whose grab waits for it."""
    made = await add(state, download())
    seen = state.version
    state.set_queue_etas({made.id: 30})
    assert state.changes.since(seen) == {one.id for one in state.grabs_of(made.id)}
    seen = state.version
    state.set_queue_etas({made.id: 30})
    assert state.version == seen
    state.set_queue_etas({})
    assert state.changes.since(seen) == {one.id for one in state.grabs_of(made.id)}


async def test_a_deleted_item_is_forgotten(state: State) -> None:
    """An item that was deleted at TorBox is not shown, although its list still shows it."""
    made = await add(state, active())
    state.set_snapshot(snapshot(item(1), item(2)), [1, 2])
    seen = state.version
    state.mark_deleted_remotely(1)
    assert set(state.snapshot.items) == {2}
    assert state.recently_removed.without_deleted([item(1), item(2)], NOW) == (item(2),)
    assert state.changes.since(seen) == {one.id for one in state.grabs_of(made.id)}


async def test_a_change_of_phase_is_an_event(state: State) -> None:
    """The timeline tells phases in public words, notes, and which grab it is about."""
    made = await add(state, download())
    (its,) = state.grabs_of(made.id)
    await state.update_download(
        made.id, lambda one: replace(one, phase=DownloadPhase.ACTIVE, note="x"), why="created"
    )
    await state.update_download(made.id, lambda one: replace(one, note="waits"))
    await state.update_grab(
        its.id, lambda one: replace(one, phase=GrabPhase.FAILED), why="not cached"
    )
    events = await state.database.events(H)
    assert [(one.kind, one.before, one.after, one.why) for one in events] == [
        ("added", "", "accepted", ""),
        ("phase", "accepted", "remote", "created"),
        ("note", "", "", "waits"),
        ("phase", "remote", "failed", "not cached"),
    ]
    assert [one.grab_id for one in events] == [its.id, 0, 0, its.id]
    assert state.downloads[made.id].phase_at == NOW


async def test_what_is_remembered_survives_a_restart(state: State) -> None:
    """Preferences, removed downloads, categories and tags are there after a restart."""
    await state.put_preferences(Preferences(up_limit=7))
    async with state.unit_of_work() as work:
        work.put_removed(removed_download(1))
        work.put_removed(removed_download(2))
        work.put_category(Category(name="tv", save_path="/x"))
        work.put_category(Category(name="old"))
        work.put_tags(["a", "b"])
    async with state.unit_of_work() as work:
        work.forget_removed(H)
        work.delete_category("old")
        work.delete_tags(["a"])
    fresh = await reloaded(state)
    assert fresh.preferences == state.preferences == Preferences(up_limit=7)
    assert set(fresh.removed_downloads) == {hash_of(2)}
    assert (set(fresh.categories), set(fresh.tags)) == ({"tv"}, {"b"})
    assert same(state, fresh)


async def test_a_grab_without_its_download_is_left_alone(path: Path) -> None:
    """A download that cannot be read takes its grabs out of sight, and nothing else."""
    async with Database(path) as database:
        state = State(database, lambda: NOW)
        await state.load()
        broken = await add(state, download(1))
        sound = await add(state, download(2))
        await database._db.execute("UPDATE downloads SET phase = 'x' WHERE id = ?", (broken.id,))
        fresh = await reloaded(state)
        assert set(fresh.downloads) == {sound.id}
        assert {one.download_id for one in fresh.grabs.values()} == {sound.id}


def test_the_change_log_forgets_the_oldest() -> None:
    """A reader that is too far behind is told to read everything; the log stays small."""
    log: ChangeLog[int] = ChangeLog()
    log.record([1, 2])
    log.record([3])
    assert log.since(0) == {1, 2, 3}
    assert log.since(1) == {3}
    assert log.since(2) == set()
    log.record(range(MOST_IDS))
    assert log.since(0) is None
    log.record([7])
    assert log.since(log.version - 1) == {7}


@pytest.mark.parametrize("steps", [MOST_IDS // 2 + 5])
def test_empty_changes_do_not_fill_the_change_log(steps: Any) -> None:
    """Versions in which no grab changed count, too: the log is bounded whatever is recorded."""
    log: ChangeLog[int] = ChangeLog()
    for _ in range(3 * steps):
        log.record(())
    assert len(log._changes) <= MOST_IDS
    assert log.version == 3 * steps
