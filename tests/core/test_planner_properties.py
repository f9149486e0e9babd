"""Properties of every plan, and of a simulated day of plans."""

from collections import Counter
from collections.abc import Callable, Iterator
from math import isfinite
from random import Random
from typing import Any, cast, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.core.actions import (
    Action,
    AskImport,
    AttachQueued,
    AttachTorrent,
    CheckCached,
    CleanUp,
    DeleteStray,
    Deliver,
    FailDownload,
    FailGrab,
    Finish,
    LookUpMetadata,
    PlanFiles,
    Reannounce,
    RefreshItem,
    RefreshList,
    Reuse,
    RunJob,
    RunRemovals,
    Submit,
)
from bridge.core.cleanup_rules import next_cleanup_check
from bridge.core.model import (
    COMPLETE,
    Download,
    DownloadPhase,
    Entry,
    Grab,
    GrabPhase,
    Job,
    Move,
    QueuedItem,
    Removal,
    Snapshot,
)
from bridge.core.modes import FETCHING
from bridge.core.patience import Patience
from bridge.core.planner import (
    LOST_SECONDS,
    MOST_REFRESHED,
    REMOVALS_AT_ONCE,
    YOUNG_SECONDS,
    plan,
)
from bridge.core.planner_input import (
    MAX_CREATES,
    MAX_DELIVERIES,
    CleanupRules,
    LiveDownload,
    PlannerInput,
    Rules,
)
from bridge.core.transitions import failed, grab_failed
from bridge.state.state import is_live
from tests.support.scenes import (
    HOUR,
    NOW,
    download,
    failover,
    finished,
    for_all,
    grab,
    hash_of,
    item,
    known,
    lookup,
    removal,
    removed_download,
    snapshot,
    whole,
)

MOMENTS = (0.0, NOW - HOUR, NOW - 61, NOW - 1, NOW, NOW + 1, NOW + HOUR)
PAST = (NOW - HOUR, NOW - 61, NOW - 10, NOW - 1, NOW)
PLACES = ("/downloads/tv", "/elsewhere")
NUMBERS = 9
"""Downloads that there may be, and some that there are not."""

AT_TORBOX = {DownloadPhase.ACTIVE, DownloadPhase.READY}
NEW = {DownloadPhase.NEW, DownloadPhase.SUBMITTING}


class Dice(Random):
    """Chooses everything about one thing: Hypothesis draws a seed for each, which is cheap."""

    def past(self) -> float:
        """Return a moment that is over."""
        return self.choice(PAST)

    def moment(self) -> float:
        """Return any moment."""
        return self.choice(MOMENTS)

    def flag(self) -> bool:
        """Return yes or no."""
        return self.random() < 0.5

    def some(self, most: int) -> set[int]:
        """Return the numbers of up to so many downloads."""
        return {self.randrange(NUMBERS) for _ in range(self.randint(0, most))}


dice = st.integers(0, 2**32).map(Dice)


def a_download(number: int, dice: Dice) -> Download:
    """Make a download in any phase, with any past."""
    phase = dice.choice(list(DownloadPhase))
    return download(
        number,
        phase=phase,
        phase_at=dice.past(),
        lookup_until=dice.moment(),
        torrent_id=dice.randint(0, 6) if phase in AT_TORBOX else None,
        queued_id=1000 + number if phase is DownloadPhase.QUEUED else None,
        remote_at=dice.choice([None, *PAST]),
        known_cached=dice.flag(),
        next_attempt_at=dice.moment(),
        seen_at=dice.choice([None, *PAST]),
        misses=dice.randint(0, 4),
        idle_seconds=dice.choice([0.0, 61.0, 7 * HOUR]),
        reannounced_at=dice.choice([-1.0, 6 * HOUR, 7 * HOUR]),
        ratio=dice.choice([0.0, 2.0]),
    )


def a_grab(of: int, nth: int, dice: Dice) -> Grab:
    """Make a grab in any phase, with any past."""
    phase = dice.choice(list(GrabPhase))
    complete = phase in COMPLETE
    return grab(
        of,
        nth,
        phase=phase,
        save_path=dice.choice(PLACES),
        stopped=dice.random() < 0.2,
        force_start=dice.flag(),
        attempts=dice.randint(0, 1),
        next_attempt_at=dice.moment(),
        delivery_mode=dice.choice(["", "download", "symlink"]),
        content_name="Show" if complete else dice.choice(["", "Show"]),
        incomplete_list_bytes=dice.choice([-1, -1, 1, whole().listed_bytes]),
        ratio_limit=dice.choice([-2.0, -1.0, 1.0]),
        missing_files=complete and dice.random() < 0.2,
        completed_at=dice.past() if complete else None,
        imported_at=dice.choice([None, *PAST]),
    )


def live_downloads(all_dice: list[Dice]) -> list[LiveDownload]:
    """Make downloads with one to three grabs each; those that are over are not live."""
    made = []
    for number, dice in enumerate(all_dice):
        grabs = tuple(a_grab(number, nth, dice) for nth in range(1, dice.randint(1, 3) + 1))
        made.append(LiveDownload(a_download(number, dice), grabs))
    return [one for one in made if is_live(one.download, one.grabs)]


def a_snapshot(dice: Dice) -> Snapshot:
    """Make what TorBox may say, sense or not."""
    items = [
        item(
            number,
            hash=hash_of(dice.choice([number, number, dice.randint(0, 6)])),
            state=dice.choice(["downloading", "failed", "cached", "quux"]),
            active=dice.flag(),
            finished=dice.flag(),
            present=dice.flag(),
            files=dice.choice([(), whole().files]),
            created_at=dice.choice([None, NOW - 1.5 * HOUR]),
        )
        for number in dice.some(7)
    ]
    queue = [QueuedItem(id=1000 + number, hash=hash_of(number)) for number in dice.some(2)]
    return snapshot(*items, queue=queue, listed_at=dice.past(), listed=frozenset(dice.some(9)))


RULES = (
    for_all(Rules()),
    for_all(Rules(adopt=True, cached_only=True)),
    for_all(Rules(cleanup=CleanupRules(after=HOUR, after_import=60.0, has_arr=True))),
    {
        "tv": Rules(mode="symlink"),
        "radarr": Rules(patience=Patience(stalled_after=60.0)),
        "music": Rules(cached_only=True),
    },
)


def a_job(number: int, dice: Dice) -> Job:
    """Make a removal, report, lookup or move, due or not."""
    at = dice.moment()
    match dice.randrange(6):
        case 0:
            sent_at = dice.choice([None, *PAST])
            ended_at = sent_at if dice.flag() else None
            return failover(number, next_attempt_at=at, sent_at=sent_at, finished_at=ended_at)
        case 1:
            return lookup(number, next_attempt_at=at)
        case 2:
            return Job(id=number, task=Move(grab_id=11), next_attempt_at=at)
        case 3 if at > NOW:
            # Everything but its item is deleted.
            return removal(
                number,
                of=dice.randrange(NUMBERS),
                grab_id=0,
                save_path="",
                kept_until=at,
                next_attempt_at=at,
            )
        case _:
            return removal(
                number,
                of=dice.randrange(NUMBERS),
                keeps_remote=dice.flag(),
                save_path=dice.choice(PLACES),
                next_attempt_at=at,
                attempts=dice.randint(0, 1),
            )


@st.composite
def inputs(draw: st.DrawFn) -> PlannerInput:
    """Draw anything that the engine may know."""
    lives = live_downloads(draw(st.lists(dice, max_size=6)))
    jobs = [a_job(number, one) for number, one in enumerate(draw(st.lists(dice, max_size=4)), 1)]
    return an_input(lives, jobs, draw(dice))


def an_input(lives: list[LiveDownload], jobs: list[Job], dice: Dice) -> PlannerInput:
    """Make the rest of what the engine may know of these downloads and jobs."""
    rules = dice.choice(RULES)
    over = [Entry(download(90 + number), finished(90 + number)) for number in dice.some(2)]
    done = [one for one in entries_of(lives) if one.grab.phase is GrabPhase.FINISHED]
    busy_downloads = frozenset(dice.some(2))
    busy_grabs = frozenset(10 * number + dice.randint(1, 3) for number in dice.some(2))
    delivered_now = {one for one in busy_grabs if dice.flag()}
    others = range(9000, 9000 + dice.randint(0, MAX_DELIVERIES + 1))
    made = known(
        *lives,
        rules=rules,
        asking_import=dice.flag(),
        removed=[
            removed_download(number, left_at=dice.past(), unclear=dice.flag())
            for number in dice.some(2)
        ],
        jobs=jobs,
        snapshot=a_snapshot(dice),
        busy_downloads=busy_downloads,
        busy_grabs=busy_grabs,
        busy_jobs=frozenset(dice.some(1)),
        busy_hashes=frozenset(map(hash_of, busy_downloads | {one // 10 for one in busy_grabs})),
        polling=dice.random() < 0.2,
        submitting=dice.randint(0, MAX_CREATES + 1),
        delivering=frozenset(delivered_now | set(others)),
        refreshing=dice.randint(0, MOST_REFRESHED),
        last_lookup_at={number: dice.past() for number in dice.some(NUMBERS)},
        polled_at=dice.past(),
        checking_cached=dice.flag(),
        creates_are_scarce=dice.flag(),
        cached={hash_of(number): dice.flag() for number in dice.some(NUMBERS)},
        probe_at=dice.choice([None, None, None, *MOMENTS]),
        next_create_at=dice.moment(),
        next_cached_create_at=dice.moment(),
        slot_at=dice.moment(),
        list_at=dice.moment(),
        link_at=dice.moment(),
        cleanup_due=[entry for entry in done + over if is_due(entry, rules)],
    )
    if dice.random() < 0.9:
        return made
    many = range(5000, 5000 + 2 * REMOVALS_AT_ONCE)
    return replace(made, jobs=[*jobs, *(removal(one, delete_remote=False) for one in many)])


def entries_of(lives: list[LiveDownload]) -> list[Entry]:
    """Return the entries of all these downloads."""
    return [Entry(one.download, its) for one in lives for its in one.grabs]


def is_due(one: Entry, rules: dict[str, Rules]) -> bool:
    """Return whether the clean-up has to look at an entry now, as the engine's index says."""
    cleanup = rules.get(one.grab.category, Rules()).cleanup
    at = next_cleanup_check(one, cleanup, None)
    return at is not None and at <= NOW


def subjects(action: Action) -> Iterator[str]:
    """Say what an action is about: a download, a grab, a job, or a question that all share."""
    match action:
        case RunJob(job_id):
            yield f"job {job_id}"
        case LookUpMetadata(job_ids) | RunRemovals(job_ids):
            yield from (f"job {job_id}" for job_id in job_ids)
        case Deliver(grab_id) | Finish(grab_id) | FailGrab(grab_id) | CleanUp(grab_id):
            yield f"grab {grab_id}"
        case AskImport(grab_id):
            yield from (f"grab {grab_id}", "import")
        case RefreshList() | CheckCached():
            yield type(action).__name__
        case DeleteStray(_, torrent_id):
            yield f"torrent {torrent_id}"
        case _:
            yield f"download {action.download_id}"


def begun_jobs(action: Action) -> tuple[int, ...]:
    """Return the ids of the jobs, apart from lookups, that an action begins."""
    match action:
        case RunJob(job_id):
            return (job_id,)
        case RunRemovals(job_ids):
            return job_ids
        case _:
            return ()


@given(inputs())
def test_the_same_input_gives_the_same_plan(given_input: PlannerInput) -> None:
    """A plan depends on nothing but what is known."""
    assert plan(given_input) == plan(given_input)


@given(inputs())
def test_never_two_things_for_one_download_grab_or_job(given_input: PlannerInput) -> None:
    """Nothing has two actions, and nothing that is busy has one; one list is read at a time."""
    actions = plan(given_input).actions
    wanted = Counter(subject for action in actions for subject in subjects(action))
    busy = {f"download {one}" for one in given_input.busy_downloads}
    busy |= {f"grab {one}" for one in given_input.busy_grabs}
    busy |= {f"job {one}" for one in given_input.busy_jobs}
    assert not set(wanted) & busy
    assert not [subject for subject, times in wanted.items() if times > 1]
    assert not (given_input.polling and wanted["RefreshList"])
    assert not (given_input.checking_cached and wanted["CheckCached"])
    assert not (given_input.asking_import and wanted["import"])


@given(inputs())
def test_one_removal_of_a_hash_at_a_time(given_input: PlannerInput) -> None:
    """Two removals of one hash never run at once, and none while its remote item is in use."""
    tasks = {job.id: job for job in given_input.jobs if isinstance(job.task, Removal)}
    actions = plan(given_input).actions
    keys = (key for action in actions for key in begun_jobs(action))
    begun = [tasks[key] for key in keys if key in tasks]
    under_way = [job for job_id, job in tasks.items() if job_id in given_input.busy_jobs]
    hashes = Counter(job.subject for job in begun + under_way if job in begun or begun)
    assert not [one for one, times in hashes.items() if times > 1]
    for job in begun:
        task = cast("Removal", job.task)
        assert task.keeps_remote or job.subject not in given_input.busy_hashes


@given(inputs())
def test_limits_hold(given_input: PlannerInput) -> None:
    """Creates and deliveries in progress stay within their limits."""
    kinds = Counter(type(action) for action in plan(given_input).actions)
    delivering = len(given_input.delivering)
    assert not kinds[Submit] or kinds[Submit] + given_input.submitting <= MAX_CREATES
    assert not kinds[Deliver] or kinds[Deliver] + delivering <= MAX_DELIVERIES
    refreshing = kinds[RefreshItem] + given_input.refreshing
    assert not kinds[RefreshItem] or refreshing <= MOST_REFRESHED


@given(inputs())
def test_a_hash_is_not_fetched_twice_in_one_mode(given_input: PlannerInput) -> None:
    """Of the grabs of one download only one of a mode that fetches gets its bytes at a time."""
    grabs_by_id = {its.id: its for one in given_input.live for its in one.pending}
    fetched = Counter(
        (grabs_by_id[key].download_id, given_input.mode_of(grabs_by_id[key]))
        for key in given_input.delivering & grabs_by_id.keys()
    )
    before = Counter(fetched)
    for action in plan(given_input).actions:
        if isinstance(action, Deliver) and not action.source_ids:
            one = grabs_by_id[action.grab_id]
            fetched[one.download_id, given_input.mode_of(one)] += 1
    begun = fetched - before
    assert all(fetched[key] == 1 for key in begun if key[1] in FETCHING)


@given(inputs())
def test_files_are_linked_from_a_grab_that_has_them(given_input: PlannerInput) -> None:
    """A source of links is another grab of the same download that is complete on disk."""
    grabs_by_id = {its.id: its for one in given_input.live for its in one.grabs}
    for action in plan(given_input).actions:
        if isinstance(action, Deliver) and action.source_ids:
            one = grabs_by_id[action.grab_id]
            for source in map(grabs_by_id.__getitem__, action.source_ids):
                assert source.id != one.id
                assert source.download_id == one.download_id
                assert source.complete
                assert not source.missing_files
                assert source.delivery_mode in FETCHING


@given(inputs())
def test_budgets_hold(given_input: PlannerInput) -> None:
    """Nothing that needs a budget is begun before it allows."""
    actions = plan(given_input).actions
    kinds = {type(action) for action in actions}
    assert given_input.list_at <= NOW or not kinds & {RefreshItem, RefreshList, CheckCached}
    for action in actions:
        if isinstance(action, Deliver):
            assert given_input.link_at <= NOW or action.source_ids
        if isinstance(action, Submit):
            scarce_at = max(given_input.next_create_at, given_input.slot_at)
            assert (given_input.next_cached_create_at if action.cached else scarce_at) <= NOW


@given(inputs())
def test_an_outage_costs_one_question(given_input: PlannerInput) -> None:
    """While TorBox gives no answer a single list is all that is asked, and not before its time.

    What is on disk already may still be linked.
    """
    out = replace(given_input, probe_at=given_input.probe_at or NOW, removed=())
    actions = plan(out).actions
    kinds = Counter(type(action) for action in actions)
    assert set(kinds) <= {RefreshList, Deliver, Finish, RunJob, RunRemovals}
    assert kinds[RefreshList] <= (out.probe_at is not None and out.probe_at <= NOW)
    assert all(one.source_ids for one in actions if isinstance(one, Deliver))
    tried = {job.id for job in out.jobs if isinstance(job.task, Removal) and job.attempts}
    assert not {key for one in actions for key in begun_jobs(one)} & tried


@given(inputs())
def test_nothing_is_submitted_before_the_removal(given_input: PlannerInput) -> None:
    """A hash is not created, attached or delivered while its former self is still to be removed."""
    takers = [
        job
        for job in given_input.jobs
        if isinstance(job.task, Removal) and not job.task.keeps_remote
    ]
    removed = {job.subject for job in takers}
    untouched = {one.download.id for one in given_input.live if one.download.hash in removed}
    of = {its.id: one.download.id for one in given_input.live for its in one.grabs}
    for action in plan(given_input).actions:
        match action:
            case RefreshList() | CheckCached() | RunJob() | RunRemovals() | LookUpMetadata():
                pass
            case Reuse(_, job_id):
                (job,) = [one for one in given_input.jobs if one.id == job_id]
                assert [one for one in takers if one.subject == job.subject] == [job]
            case AskImport() | CleanUp():
                pass  # of what is finished: the engine stores another removal
            case DeleteStray(info_hash):
                assert info_hash not in removed
            case Deliver(grab_id) | Finish(grab_id) | FailGrab(grab_id):
                assert of[grab_id] not in untouched
            case _:
                assert action.download_id not in untouched


@given(inputs())
def test_no_files_are_written_where_a_removal_deletes(given_input: PlannerInput) -> None:
    """A grab is not delivered to a directory while files of its hash are to be deleted there."""
    cleared = {
        (job.subject, job.task.save_path)
        for job in given_input.jobs
        if isinstance(job.task, Removal)
    }
    places = {
        its.id: (one.download.hash, its.save_path) for one in given_input.live for its in one.grabs
    }
    begun = [one for one in plan(given_input).actions if isinstance(one, Deliver)]
    assert not [one for one in begun if places[one.grab_id] in cleared]


@given(inputs())
def test_wakes_lie_ahead(given_input: PlannerInput) -> None:
    """The next wake is never now or before: the engine would spin."""
    assert plan(given_input).wake_at > NOW


def has_owner(one: LiveDownload, its: Grab, alone: PlannerInput) -> bool:
    """Return whether a grab is over, paused, or served by something that is in flight."""
    phase = one.download.phase
    if its.phase in {GrabPhase.FINISHED, GrabPhase.FAILED} or its.id in alone.busy_grabs:
        return True
    if one.download.id in alone.busy_downloads:
        return True
    if any(job.id in alone.busy_jobs for job in alone.jobs):
        return True  # its removal is under way
    if its.phase is GrabPhase.DELIVERED:
        return alone.polling  # the list tells whether it still seeds
    if phase is DownloadPhase.FAILED:
        return True
    if its.stopped and phase in NEW | {DownloadPhase.READY}:
        return True
    adopts = phase is DownloadPhase.NEW and alone.rules_of(its).adopt
    listed = phase in {DownloadPhase.SUBMITTING, DownloadPhase.QUEUED, DownloadPhase.ACTIVE}
    held = phase is DownloadPhase.READY and its.incomplete_list_bytes >= 0
    if alone.polling and (listed or adopts or held or alone.probe_at is not None):
        return True
    if phase in NEW:
        return alone.checking_cached or alone.submitting >= alone.max_creates
    return phase is DownloadPhase.READY and len(alone.delivering) >= MAX_DELIVERIES


@settings(max_examples=200)
@given(inputs())
def test_no_progress_and_no_timer_is_a_bug(given_input: PlannerInput) -> None:
    """Every grab that is not over is acted on, timed, or waits for something in flight."""
    for one in given_input.live:
        todo = [
            job
            for job in given_input.jobs
            if job.subject == one.download.hash and isinstance(job.task, Removal)
        ]
        if any(job.attempts for job in todo) and given_input.probe_at is not None:
            continue  # it waits for the end of the outage
        for its in one.grabs:
            alone = replace(
                given_input,
                live=[LiveDownload(one.download, (its,))],
                jobs=todo,
                removed=(),
                cleanup_due=(),
                busy_hashes=frozenset(),
                delivering=given_input.delivering - {its.id},
            )
            made = plan(alone)
            assert made.actions or isfinite(made.wake_at) or has_owner(one, its, alone)


# A day made of plans


def with_download(
    world: PlannerInput, download_id: int, change: Callable[[Download], Download]
) -> PlannerInput:
    """Change one download."""
    return with_live(
        world,
        lambda one: (
            LiveDownload(change(one.download), one.grabs) if one.download.id == download_id else one
        ),
    )


def with_grab(world: PlannerInput, grab_id: int, change: Callable[[Grab], Grab]) -> PlannerInput:
    """Change one grab."""
    return with_live(
        world,
        lambda one: LiveDownload(
            one.download, tuple(change(its) if its.id == grab_id else its for its in one.grabs)
        ),
    )


def with_live(world: PlannerInput, change: Callable[[LiveDownload], LiveDownload]) -> PlannerInput:
    """Change the live downloads; those that are over leave."""
    changed = [change(one) for one in world.live]
    return replace(world, live=[one for one in changed if is_live(one.download, one.grabs)])


def after_files_were_planned(one: Grab) -> Grab:
    """Return a grab whose files are all listed and named."""
    if one.phase is not GrabPhase.WAITING:
        return one
    return replace(one, content_name="Show", incomplete_list_bytes=-1)


def at_torbox(torrent_id: int, now: float) -> Callable[[Download], Download]:
    """Return the change that an item at TorBox makes to its download."""
    return lambda one: replace(
        one, phase=DownloadPhase.ACTIVE, phase_at=now, torrent_id=torrent_id, remote_at=now
    )


def on_download(action: Action, world: PlannerInput) -> PlannerInput:
    """Carry out what is done to a download, where everything succeeds at once."""
    now = world.now
    match action:
        case Submit(key):
            return with_download(world, key, at_torbox(key, now))
        case AttachTorrent(key, torrent_id):
            return with_download(world, key, at_torbox(torrent_id, now))
        case AttachQueued(key, queued_id):
            queued = {"phase": DownloadPhase.QUEUED, "phase_at": now, "queued_id": queued_id}
            fields: dict[str, Any] = queued | {"misses": 0, "torrent_id": None}
            return with_download(world, key, lambda one: replace(one, **fields))
        case PlanFiles(key):
            made = with_download(
                world, key, lambda one: replace(one, phase=DownloadPhase.READY, phase_at=now)
            )
            for live in made.live:
                for one in live.grabs if live.download.id == key else ():
                    made = with_grab(made, one.id, after_files_were_planned)
            return made
        case FailDownload(key, failure):
            return with_download(world, key, lambda one: failed(one, failure, keeps_item=True))
        case Reannounce(key):
            return with_download(
                world, key, lambda one: replace(one, reannounced_at=one.idle_seconds)
            )
        case _:
            return world


def on_grab(action: Action, world: PlannerInput) -> PlannerInput:
    """Carry out what is done to a grab, where everything succeeds at once."""
    now = world.now
    match action:
        case Deliver(key):
            done: dict[str, Any] = {"phase": GrabPhase.DELIVERED, "completed_at": now}
            done |= {"content_name": "Show", "attempts": 0, "next_attempt_at": 0.0}
            return with_grab(
                world,
                key,
                lambda one: replace(one, **done, delivery_mode=world.mode_of(one)),
            )
        case Finish(key):
            return with_grab(world, key, lambda one: replace(one, phase=GrabPhase.FINISHED))
        case FailGrab(key, failure):
            world = with_grab(world, key, lambda one: grab_failed(one, failure))
            return replace(
                world, live=[one for one in world.live if any(map(still_wanted, one.grabs))]
            )
        case AskImport(key) | CleanUp(key):
            left = [one for one in world.cleanup_due if one.grab.id != key]
            return replace(world, cleanup_due=left)
        case _:
            return on_download(action, world)


def still_wanted(one: Grab) -> bool:
    """Return whether anything is still to be done for a grab."""
    return one.phase not in {GrabPhase.FAILED, GrabPhase.FINISHED}


def perform(action: Action, world: PlannerInput) -> PlannerInput:
    """Carry an action out in a world in which nothing moves at TorBox."""
    match action:
        case RefreshList():
            said = replace(world.snapshot, listed_at=world.now, queue_listed_at=world.now)
            return replace(world, snapshot=said, polled_at=world.now, probe_at=None)
        case RunJob(job_id):
            return replace(world, jobs=[job for job in world.jobs if job.id != job_id])
        case LookUpMetadata(job_ids) | RunRemovals(job_ids):
            return replace(world, jobs=[job for job in world.jobs if job.id not in job_ids])
        case Reuse(key, job_id):
            left = replace(world, jobs=[job for job in world.jobs if job.id != job_id])
            return with_download(left, key, at_torbox(key, world.now))
        case RefreshItem(key):
            return replace(world, last_lookup_at={**world.last_lookup_at, key: world.now})
        case CheckCached(hashes):
            return replace(world, cached={**world.cached, **dict.fromkeys(hashes, False)})
        case DeleteStray(_, torrent_id):
            items = {key: one for key, one in world.snapshot.items.items() if key != torrent_id}
            return replace(world, snapshot=replace(world.snapshot, items=items))
        case _:
            return on_grab(action, world)


STEADY: dict[str, Any] = {
    "busy_downloads": frozenset[int](),
    "busy_grabs": frozenset[int](),
    "busy_jobs": frozenset[int](),
    "busy_hashes": frozenset[str](),
    "polling": False,
    "checking_cached": False,
    "asking_import": False,
    "submitting": 0,
    "refreshing": 0,
    "delivering": frozenset[int](),
    "active_seconds": 60.0,
    "poll_seconds": 60.0,
}


@settings(max_examples=40, deadline=None)
@given(inputs())
def test_time_goes_on(given_input: PlannerInput) -> None:
    """Stepping from plan to plan never stays at one moment, and asks TorBox in moderation."""
    world = replace(given_input, **STEADY)
    calls: Counter[type[Action]] = Counter()
    for _turn in range(500):
        made = plan(world)
        calls.update(type(action) for action in made.actions)
        for action in made.actions:
            world = perform(action, world)
        if not made.actions:
            assert made.wake_at > world.now
            world = replace(world, now=made.wake_at)
        if world.now > NOW + HOUR:
            break
    else:
        pytest.fail(f"still at {world.now - NOW} s")
    minutes = HOUR / world.poll_seconds
    assert calls[RefreshList] <= minutes + 2
    # Young after it was created, and once more after it was found again.
    young = 2 * (YOUNG_SECONDS / world.active_seconds + 4)
    assert calls[RefreshItem] <= len(given_input.live) * (HOUR / LOST_SECONDS + young)


KINDS = frozenset(get_args(Action))


def test_the_inputs_are_rich() -> None:
    """The inputs of these tests bring about every kind of action, so that no property is empty."""
    seen: set[type[Action]] = set()
    for seed in range(3000):
        dice = Dice(seed)
        lives = live_downloads([Dice(dice.random()) for _ in range(dice.randint(0, 6))])
        jobs = [a_job(number, dice) for number in range(1, dice.randint(1, 5))]
        seen |= {type(action) for action in plan(an_input(lives, jobs, dice)).actions}
        if seen == KINDS:
            return
    pytest.fail(f"never planned: {KINDS - seen}")
