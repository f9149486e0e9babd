"""The planner's decisions, each in one test."""

from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.core.actions import (
    AttachQueued,
    AttachTorrent,
    Deliver,
    FailDownload,
    FailGrab,
    Finish,
    LookUpMetadata,
    PlanFiles,
    Reannounce,
    RefreshItem,
    RefreshList,
    RunJob,
    RunRemovals,
    Submit,
)
from bridge.core.model import (
    AddOptions,
    Download,
    DownloadPhase,
    Failure,
    Grab,
    GrabPhase,
    Job,
    LinkFollow,
    Move,
    QueuedItem,
    Reason,
    Recheck,
    RemoteItem,
    Snapshot,
)
from bridge.core.patience import GONE_MISSES, GONE_SECONDS, REVIVED_SECONDS, Patience
from bridge.core.planner import (
    FIRST_LOOKS,
    LOST_SECONDS,
    MOST_REFRESHED,
    RECHECKS_AT_ONCE,
    REMOVALS_AT_ONCE,
    YOUNG_SECONDS,
    Plan,
    plan,
)
from bridge.core.planner_input import (
    MANY_JOBS,
    MAX_DELIVERIES,
    LiveDownload,
    PlannerInput,
    Rules,
    jobs_to_plan,
)
from bridge.core.seeding import SeedPolicy
from tests.support.scenes import (
    HOUR,
    NOW,
    H,
    active,
    delivered,
    delivering,
    download,
    failed,
    failed_grab,
    finished,
    for_all,
    grab,
    hash_of,
    item,
    known,
    live,
    lookup,
    planned,
    queued,
    ready,
    removal,
    snapshot,
    whole,
)

Made = Callable[..., Download]

GONE = Failure(Reason.GONE, "TorBox no longer has this torrent")
LIST_DUE = -inf
SIBLING = "/downloads/radarr"


def nothing(wake_at: float = inf) -> Plan:
    """Make the plan that does nothing before `wake_at`."""
    return Plan((), wake_at)


def test_nothing_to_do() -> None:
    """Without downloads nothing is asked, and nothing wakes the engine."""
    assert plan(PlannerInput(now=NOW)) == nothing()


@pytest.mark.parametrize(
    "over",
    [live(ready(), finished()), live(failed()), live(ready(), failed_grab(), finished(1, 2))],
)
def test_what_is_over_is_left_alone(over: LiveDownload) -> None:
    """A download that is finished or failed costs no call, however long ago the last one was."""
    assert plan(known(over, polled_at=LIST_DUE)) == nothing()


def test_a_new_download_is_submitted() -> None:
    """A download that TorBox has not been asked for is created."""
    assert plan(known(download())) == Plan((Submit(1),), inf)


@pytest.mark.parametrize(
    "stopped",
    [
        live(download(), stopped=True),
        live(download(phase=DownloadPhase.SUBMITTING), stopped=True),
        live(ready(), stopped=True),
        live(ready(), delivering(stopped=True)),
    ],
)
def test_nothing_is_begun_for_what_is_stopped(stopped: LiveDownload) -> None:
    """A paused grab is neither submitted nor delivered."""
    assert plan(known(stopped)) == nothing()


def test_a_stopped_grab_holds_up_no_other() -> None:
    """Of two grabs of a download only the one that is not paused is worked for."""
    two = (grab(stopped=True), grab(1, 2))
    assert plan(known(live(download(), *two))).actions == (Submit(1),)
    assert plan(known(live(ready(), *two))).actions == (Deliver(12),)


@pytest.mark.parametrize("phase", sorted(set(DownloadPhase) - {DownloadPhase.READY}))
def test_nothing_is_begun_for_a_busy_download(phase: DownloadPhase) -> None:
    """While something is being done for a download, nothing else is begun for it."""
    busy = known(
        active(phase=phase, misses=9), busy_downloads=frozenset({1}), snapshot=snapshot(whole())
    )
    assert plan(busy) == nothing()


@pytest.mark.parametrize("phase", GrabPhase)
def test_nothing_is_begun_for_a_busy_grab(phase: GrabPhase) -> None:
    """While something is being done for a grab, nothing else is begun for it."""
    busy = known(live(ready(), grab(phase=phase)), busy_grabs=frozenset({11}))
    assert plan(busy) == nothing()


# Jobs


def test_a_removal_is_carried_out() -> None:
    """A removal runs when it is due, and after the work for its grab has ended."""
    assert plan(known(jobs=[removal()])) == Plan((RunJob(1),), inf)
    assert plan(known(jobs=[removal(next_attempt_at=NOW + 9)])) == nothing(NOW + 9)
    assert plan(known(jobs=[removal()], busy_hashes=frozenset({H}))) == nothing()
    assert plan(known(jobs=[removal()], busy_jobs=frozenset({1}))) == nothing()
    assert plan(known(jobs=[removal()], busy_grabs=frozenset({19}))) == nothing()


@pytest.mark.parametrize("made", [download, queued, active, ready])
@pytest.mark.parametrize("wait", [0.0, 9.0])
def test_a_hash_rests_until_its_removal_is_done(made: Made, wait: float) -> None:
    """Nothing is begun under a hash whose remote item is still to be removed."""
    pending = removal(7, of=1, next_attempt_at=NOW + wait)
    again = known(
        made(), jobs=[pending], snapshot=snapshot(whole(active=False)), polled_at=LIST_DUE
    )
    assert plan(again) == (nothing(NOW + wait) if wait else Plan((RunJob(7),), inf))


def test_a_delivered_grab_rests_until_the_removal_is_done() -> None:
    """A grab is not finished while the remote item that it seeds is being removed."""
    done = live(ready(), delivered())
    assert plan(known(done, jobs=[removal(7, of=1, next_attempt_at=NOW + 9)])) == nothing(NOW + 9)


def test_one_removal_of_a_hash_at_a_time() -> None:
    """A hash that was removed twice is cleaned up after twice, one after the other."""
    twice = known(jobs=[removal(1), removal(2, of=1), removal(3)])
    assert plan(twice).actions == (RunJob(1), RunJob(3))
    under_way = known(jobs=[removal(1), removal(2, of=1)], busy_jobs=frozenset({1}))
    assert plan(under_way) == nothing()


@pytest.mark.parametrize(
    ("fields", "waits"),
    [
        ({}, True),
        ({"keeps_remote": True, "save_path": "/elsewhere"}, False),
        ({"keeps_remote": True, "save_path": "/downloads/tv"}, True),
    ],
)
def test_a_removal_holds_up_only_what_it_could_hit(fields: dict[str, Any], *, waits: bool) -> None:
    """While files are to be deleted, other grabs go on unless theirs are in the same directory."""
    later = [removal(next_attempt_at=NOW + 1, **fields)]
    made = plan(known(ready(), jobs=later))
    assert (Deliver(11) not in made.actions) is waits


def test_a_removal_of_files_holds_up_nothing_at_torbox() -> None:
    """A download that other grabs need goes on while the files of one of them are deleted."""
    files = removal(7, of=1, keeps_remote=True)
    assert plan(known(download(), jobs=[files])).actions == (RunJob(7), Submit(1))


def test_a_grab_held_up_by_a_removal_holds_up_no_other() -> None:
    """A grab that waits for a removal is not being fetched, so its sibling need not wait for it."""
    files = removal(7, of=1, keeps_remote=True, next_attempt_at=NOW + 9)
    two = live(ready(), delivering(), planned(1, 2))
    assert plan(known(two, jobs=[files])) == Plan((Deliver(12),), NOW + 9)


def test_of_many_removals_a_plan_is_given_the_next() -> None:
    """Besides, those that are running or meet something else, and every other job."""
    later = [removal(number, next_attempt_at=NOW + number) for number in range(1, MANY_JOBS + 51)]
    jobs = [*reversed(later), lookup(999)]
    running, met = MANY_JOBS + 20, MANY_JOBS + 40
    given = jobs_to_plan(jobs, {running}, met={hash_of(met)})
    assert {job.id for job in given} == {*range(1, MANY_JOBS + 1), running, met, 999}
    few = jobs[:MANY_JOBS]
    assert jobs_to_plan(few, (), met=()) == few


def test_many_removals_that_leave_torbox_alone_are_performed_together() -> None:
    """So are those that TorBox has nothing of. The others run beside them, a few at a time."""
    count = REMOVALS_AT_ONCE + 5
    local = [removal(number, delete_remote=False) for number in range(1, count)]
    local.append(removal(count, torrent_id=None))
    asking = [removal(100 + number) for number in range(count)]
    asking += [removal(200, torrent_id=None, queued_id=1), removal(201, unclear=True)]
    together = RunRemovals(tuple(range(1, count + 1)))
    few = tuple(RunJob(100 + number) for number in range(REMOVALS_AT_ONCE))
    assert plan(known(jobs=[*asking, *local])).actions == (together, *few)
    at_once = plan(known(jobs=local[:REMOVALS_AT_ONCE])).actions
    assert at_once == tuple(RunJob(job.id) for job in local[:REMOVALS_AT_ONCE])
    under_way = frozenset(range(1, REMOVALS_AT_ONCE + 1))
    assert plan(known(jobs=[*asking, *local], busy_jobs=under_way)) == nothing()


def test_so_many_rechecks_run_at_the_same_time() -> None:
    """The others wait for the end of one, and hold up no job of another kind."""
    checks = [
        Job(id=number, task=Recheck(grab_id=10 * number), subject=hash_of(number))
        for number in range(1, 31)
    ]
    move = Job(id=99, task=Move(grab_id=1), subject=H)
    asked = known(jobs=[*checks, move], busy_jobs=frozenset({1, 2}))
    begun = [action.job_id for action in plan(asked).actions if isinstance(action, RunJob)]
    assert begun == [*range(3, RECHECKS_AT_ONCE + 1), 99]


def test_metadata_is_looked_up_for_all_at_once() -> None:
    """Magnets that are due share one question; the others have their times."""
    jobs = [lookup(1), lookup(2), lookup(3, next_attempt_at=NOW + 9), lookup(4)]
    asking = known(jobs=jobs, busy_jobs=frozenset({4}))
    assert plan(asking) == Plan((LookUpMetadata((1, 2)),), NOW + 9)


def test_metadata_that_is_due_soon_is_looked_up_along() -> None:
    """Magnets that were added one after another are one question, but none is asked early alone."""
    jobs = [lookup(number, next_attempt_at=NOW + number) for number in range(4)]
    assert plan(known(jobs=jobs)).actions == (LookUpMetadata((0, 1, 2, 3)),)
    assert plan(known(jobs=jobs[1:])) == Plan((), NOW + 1)


@pytest.mark.parametrize(
    "task",
    [Move(grab_id=11), Recheck(grab_id=11), LinkFollow(url="http://x", options=AddOptions())],
)
def test_other_jobs_are_run_at_their_times(task: Any) -> None:
    """Moves, rechecks and links are run when they are due, also during an outage of TorBox."""
    job = Job(id=3, task=task, subject=H)
    assert plan(known(jobs=[job])).actions == (RunJob(3),)
    assert plan(known(jobs=[job], probe_at=NOW + 20)).actions == (RunJob(3),)
    assert plan(known(jobs=[job], busy_jobs=frozenset({3}))) == nothing()
    assert plan(known(jobs=[replace(job, next_attempt_at=NOW + 4)])) == nothing(NOW + 4)


# The list, and looks by id


@pytest.mark.parametrize(("made", "queue"), [(queued, True), (active, False)])
def test_one_list_for_all(made: Made, queue: bool) -> None:
    """The list is read; the queue too, only if something of ours may be in it."""
    assert plan(known(made(), polled_at=LIST_DUE)).actions == (RefreshList(queue=queue),)


def test_the_list_is_read_at_its_pace() -> None:
    """The next list waits for its pause and for the budget, and is not read twice at once."""
    assert plan(known(active())) == nothing(NOW + 5)
    assert plan(known(active(), poll_seconds=20)) == nothing(NOW + 20)
    assert plan(known(active(), poll_seconds=20, list_at=NOW + 50)) == nothing(NOW + 50)
    assert plan(known(active(), polled_at=LIST_DUE, list_at=NOW + 50)) == nothing(NOW + 50)
    assert plan(known(active(), polled_at=LIST_DUE, polling=True)) == nothing()


def test_two_hundred_downloads_cost_one_list() -> None:
    """However many there are, they share one list, also after a restart when none was read."""
    many = [active(number) for number in range(1, 201)]
    made = plan(known(*many, polled_at=LIST_DUE, snapshot=Snapshot()))
    assert made.actions == (RefreshList(queue=False),)


def looks_of(young: Download, *, until: float) -> list[float]:
    """Return when a download is asked for by id, in seconds from now."""
    last_lookup_at: dict[int, float] = {}
    looks, now = [], NOW
    while now <= NOW + until:
        made = plan(known(young, now=now, last_lookup_at=last_lookup_at, polled_at=now))
        if RefreshItem(1, 1) in made.actions:
            looks.append(now - NOW)
            last_lookup_at = {1: now}
        else:
            now = made.wake_at
    return looks


def test_a_young_download_is_followed_by_id() -> None:
    """TorBox's list may be minutes old, so what is new is asked for by id at the active pace."""
    looks = looks_of(active(remote_at=NOW), until=YOUNG_SECONDS + HOUR)
    assert tuple(looks[:3]) == FIRST_LOOKS
    assert looks[3:] == [FIRST_LOOKS[-1] + 5.0 * turn for turn in range(1, len(looks) - 2)]
    assert YOUNG_SECONDS - 5.0 < looks[-1] <= YOUNG_SECONDS


def test_a_cached_download_is_asked_for_at_once() -> None:
    """A torrent that was cached at the create is looked up at once."""
    assert looks_of(active(remote_at=NOW, known_cached=True), until=2) == [0.0, *FIRST_LOOKS[:2]]


def test_a_late_look_is_not_made_up_for() -> None:
    """Looks that were missed are not all made at once."""
    late = known(active(remote_at=NOW - 20))
    assert plan(late).actions == (RefreshItem(1, 1),)
    assert plan(replace(late, last_lookup_at={1: NOW})) == nothing(NOW + 5)


def test_no_look_before_the_budget_allows() -> None:
    """A look by id needs the same budget as the list."""
    assert plan(known(active(remote_at=NOW - 1), list_at=NOW + 3)).actions == ()


def test_a_few_are_followed_by_id() -> None:
    """Of many young ones only the youngest are followed by id; the list serves the others."""
    young = [active(number, remote_at=NOW - 30 + number / 10) for number in range(1, 201)]
    made = plan(known(*young, polled_at=LIST_DUE))
    expected = [RefreshItem(number, number) for number in range(200, 200 - MOST_REFRESHED, -1)]
    assert made.actions == (*expected, RefreshList(queue=False))


def test_looks_in_flight_count() -> None:
    """A plan made while looks are in flight does not send more than are allowed in all."""
    young = [active(number, remote_at=NOW - 30) for number in range(1, 11)]
    in_flight = range(1, MOST_REFRESHED)
    busy = known(*young, busy_downloads=frozenset(in_flight), refreshing=len(in_flight))
    looks = [one for one in plan(busy).actions if isinstance(one, RefreshItem)]
    assert len(looks) == 1


def test_a_lost_item_is_looked_for_by_id() -> None:
    """An item that the list does not show is looked up by id now and then, and the list goes on."""
    lost = known(active(), snapshot=snapshot())
    assert plan(lost).actions == (RefreshItem(1, 1),)
    assert plan(replace(lost, last_lookup_at={1: NOW - 1})) == nothing(NOW + 5)
    assert plan(replace(lost, last_lookup_at={1: NOW - LOST_SECONDS})).actions == (
        RefreshItem(1, 1),
    )


def test_a_lag_of_the_list_is_no_loss() -> None:
    """A list read within the first minute does not prove that TorBox has lost a download."""
    old = active(remote_at=NOW - YOUNG_SECONDS - 1)
    early = snapshot(listed_at=NOW - YOUNG_SECONDS - 1 + LOST_SECONDS)
    assert plan(known(old, snapshot=early)) == nothing(NOW + 5)
    later = replace(early, listed_at=early.listed_at + 1)
    assert plan(known(old, snapshot=later)).actions == (RefreshItem(1, 1),)


def test_two_hundred_lost_cost_a_few_looks() -> None:
    """An account emptied by hand does not bring a look for each download at once."""
    made = plan(known(*[active(number) for number in range(1, 201)], snapshot=snapshot()))
    assert len(made.actions) == MOST_REFRESHED


# What TorBox's news mean


def test_a_ready_item_is_planned() -> None:
    """Files of an item that TorBox has finished are planned, stopped or not."""
    assert plan(known(active(), snapshot=snapshot(whole()))).actions == (PlanFiles(1),)
    stopped = live(active(), stopped=True)
    assert plan(known(stopped, snapshot=snapshot(whole()))).actions == (PlanFiles(1),)


@pytest.mark.parametrize("made", [active, ready])
def test_an_incomplete_list_is_planned_again_when_it_changes(made: Made) -> None:
    """While wanted files are missing nothing is planned again before TorBox lists other files."""
    longer = live(made(), incomplete_list_bytes=whole().listed_bytes - 1)
    assert plan(known(longer, snapshot=snapshot(whole()))).actions == (PlanFiles(1),)
    lacking = live(made(), incomplete_list_bytes=whole().listed_bytes)
    assert plan(known(lacking, snapshot=snapshot(whole()))) == nothing(NOW + 5)


def test_a_planned_grab_whose_files_are_missing_now_is_held() -> None:
    """A grab that is delivered once more waits, too, while TorBox's list lacks files it wants."""
    lacking = live(ready(), planned(incomplete_list_bytes=whole().listed_bytes))
    assert plan(known(lacking, snapshot=snapshot(whole()))) == nothing(NOW + 5)
    longer = live(ready(), planned(incomplete_list_bytes=1))
    assert plan(known(longer, snapshot=snapshot(whole()))).actions == (PlanFiles(1),)


def test_a_held_grab_holds_up_no_other() -> None:
    """A grab whose files are all listed is delivered while another one waits for more files."""
    lacking = grab(incomplete_list_bytes=whole().listed_bytes)
    two = live(ready(), lacking, planned(1, 2))
    assert plan(known(two, snapshot=snapshot(whole()))) == Plan((Deliver(12),), NOW + 5)


@pytest.mark.parametrize(
    "lacking",
    [
        whole(state="completed", progress=1.0, finished=False),
        whole(state="completed", progress=1.0, present=False),
        whole(state="cached", progress=1.0, files=()),
    ],
)
def test_not_ready_before_all_is_there(lacking: RemoteItem) -> None:
    """Finished, present and listed: all three are needed, whatever the state text says."""
    assert plan(known(active(), snapshot=snapshot(lacking))).actions == ()


def test_a_queued_download_is_attached_when_it_is_listed() -> None:
    """A queued download that shows up in the list gets its torrent_id."""
    listed = known(queued(), snapshot=snapshot(item(7, hash=H)))
    assert plan(listed).actions == (AttachTorrent(1, 7),)


def test_only_a_list_read_since_attaches() -> None:
    """An item of a list from before the download was queued may be its predecessor."""
    early = snapshot(item(7, hash=H), listed_at=NOW - 10)
    assert plan(known(queued(phase_at=NOW - 5), snapshot=early)) == nothing(NOW + 5)


def test_back_into_the_queue() -> None:
    """An item that left its id and the list is followed in TorBox's queue."""
    entry = QueuedItem(id=9, hash=H)
    back = known(active(misses=1), snapshot=snapshot(queue=[entry]), last_lookup_at={1: NOW - 1})
    assert plan(back).actions == (AttachQueued(1, 9),)
    assert plan(replace(back, last_lookup_at={})).actions == (RefreshItem(1, 1),)


def test_attached_to_another_item() -> None:
    """A download whose item is gone takes the newest that goes by its hash, by any of them."""
    others = snapshot(item(7, hash=H), item(8, other_hashes=(H,)), item(9))
    assert plan(known(active(3), snapshot=snapshot())).actions == (RefreshItem(3, 3),)
    assert plan(known(active(torrent_id=3), snapshot=others)).actions == (AttachTorrent(1, 8),)


def test_attached_once() -> None:
    """A download that has its item is not attached again, even under the odd id 0."""
    zero = known(active(torrent_id=0), snapshot=snapshot(item(0, hash=H)))
    assert plan(zero) == nothing(NOW + 5)


# Giving up


def fail_grab(made: Plan) -> FailGrab:
    """Return the only action, which fails a grab."""
    (action,) = made.actions
    assert isinstance(action, FailGrab)
    return action


def fail_download(made: Plan) -> FailDownload:
    """Return the only action, which fails a download."""
    (action,) = made.actions
    assert isinstance(action, FailDownload)
    return action


def test_patience_is_that_of_the_category() -> None:
    """A standstill fails the grab whose category bears with it no longer, and no other."""
    stalled = active(idle_seconds=100.0, observed_seconds=100.0, reannounced_at=5.0)
    rules = {"radarr": Rules(patience=Patience(stalled_after=90.0))}
    two = live(stalled, grab(), grab(1, 2))
    action = fail_grab(plan(known(two, snapshot=snapshot(item()), rules=rules)))
    assert (action.grab_id, action.failure.reason) == (12, Reason.STALLED)


@pytest.mark.parametrize(
    ("size", "idle", "reannounced_at", "expected"),
    [
        (1000, 6 * HOUR - 1, -1.0, "nothing"),
        (1000, 6 * HOUR, -1.0, "reannounce"),
        (1000, 6 * HOUR + REVIVED_SECONDS - 1, 6 * HOUR, "nothing"),
        (1000, 6 * HOUR + REVIVED_SECONDS, 6 * HOUR, Reason.STALLED),
        (0, HOUR, -1.0, "reannounce"),
        (0, HOUR + REVIVED_SECONDS - 1, HOUR, "nothing"),
        (0, HOUR + REVIVED_SECONDS, HOUR, Reason.NO_METADATA),
    ],
)
def test_reannounced_once_before_it_is_given_up(
    size: int, idle: float, reannounced_at: float, expected: str
) -> None:
    """For want of progress nothing is given up before TorBox has looked for other peers."""
    idler = active(size=size, idle_seconds=idle, reannounced_at=reannounced_at)
    made = plan(known(idler, snapshot=snapshot(item(size=size))))
    match expected:
        case "nothing":
            assert made.actions == ()
        case "reannounce":
            assert made.actions == (Reannounce(1),)
        case _:
            assert fail_grab(made).failure.reason is expected


def test_one_grab_that_still_bears_with_it_costs_the_other_nothing() -> None:
    """While a reannounce may help one grab, another one that is past that is given up."""
    rules = {
        "tv": Rules(patience=Patience(stalled_after=100.0)),
        "radarr": Rules(patience=Patience(stalled_after=90.0)),
    }
    stalled = active(idle_seconds=195.0, observed_seconds=195.0, reannounced_at=100.0)
    two = live(stalled, grab(), grab(1, 2))
    assert fail_grab(plan(known(two, snapshot=snapshot(item()), rules=rules))).grab_id == 12


def test_a_ready_grab_is_not_given_up_because_another_one_lacks_files() -> None:
    """No patience fails a grab whose files TorBox has, whatever the others wait for."""
    rules = for_all(Rules(patience=Patience(give_up_after=1.0, stalled_after=1.0)))
    lacking = grab(incomplete_list_bytes=whole().listed_bytes)
    two = live(
        ready(idle_seconds=9.0, observed_seconds=9.0),
        planned(1, 2, next_attempt_at=NOW + 9),
        lacking,
    )
    assert fail_grab(plan(known(two, snapshot=snapshot(whole()), rules=rules))).grab_id == 11
    swapped = live(two.download, planned(1, 2, stopped=True), lacking)
    not_present = snapshot(whole(present=False))
    assert fail_grab(plan(known(swapped, snapshot=not_present, rules=rules))).grab_id == 11


def lost(missing: Download, *, looked: float) -> PlannerInput:
    """Make a moment at which all of TorBox was last searched at `looked`."""
    return known(missing, snapshot=snapshot(listed_at=looked), last_lookup_at={missing.id: looked})


@pytest.mark.parametrize("made", [queued, active])
def test_gone(made: Made) -> None:
    """An item that was missed often and for long fails for all its grabs."""
    missing = made(misses=GONE_MISSES, seen_at=NOW - GONE_SECONDS)
    assert plan(lost(missing, looked=NOW)).actions == (FailDownload(1, GONE),)


@pytest.mark.parametrize("made", [queued, active])
def test_an_outage_loses_nothing(made: Made) -> None:
    """Misses of long ago are no loss, as long as TorBox could not be asked since."""
    missing = made(misses=GONE_MISSES + 5, seen_at=NOW - HOUR)
    made_plan = plan(lost(missing, looked=NOW - HOUR + 60))
    assert not any(isinstance(action, FailDownload) for action in made_plan.actions)


@pytest.mark.parametrize("made", [queued, active])
def test_a_night_switched_off_loses_nothing(made: Made) -> None:
    """At start TorBox is asked before anything is given up, whatever was missed before."""
    missing = made(misses=GONE_MISSES + 5, seen_at=NOW - 9 * HOUR)
    first = plan(known(missing, polled_at=LIST_DUE))
    assert [type(one) for one in first.actions] == [RefreshList]


def test_a_queue_that_was_not_read_loses_nothing() -> None:
    """A queued download is gone only when both lists lack it."""
    missing = queued(misses=GONE_MISSES, seen_at=NOW - HOUR)
    half = known(missing, snapshot=snapshot(queue_listed_at=NOW - HOUR))
    assert plan(half) == nothing(NOW + 5)


def test_an_expired_item_in_the_list() -> None:
    """An item that the list shows as expired is given up, though nothing else was asked."""
    listed = snapshot(item(expires_at=NOW - HOUR), queue_listed_at=0.0)
    assert fail_download(plan(known(active(), snapshot=listed))).failure.reason is Reason.EXPIRED


# Delivering


def test_a_ready_grab_is_delivered() -> None:
    """Ready grabs are delivered, and interrupted deliveries resume at their next attempt."""
    assert plan(known(ready())).actions == (Deliver(11),)
    assert plan(known(live(ready(), delivering()))).actions == (Deliver(11),)
    assert plan(known(live(ready(), grab(next_attempt_at=NOW + 4)))) == nothing(NOW + 4)
    assert plan(known(ready(), link_at=NOW + 9)) == nothing(NOW + 9)


@pytest.mark.parametrize(
    "phase", sorted(set(DownloadPhase) - {DownloadPhase.NEW, DownloadPhase.READY})
)
def test_nothing_is_delivered_before_torbox_has_it(phase: DownloadPhase) -> None:
    """An interrupted delivery goes on only when the download is ready again."""
    made = plan(known(live(active(phase=phase), delivering(), grab(1, 2))))
    assert not any(isinstance(action, Deliver) for action in made.actions)


def test_deliveries_are_limited() -> None:
    """Only so many are delivered at a time; forced and small ones go first."""
    many = [live(ready(number), grab(size=100 - number, id=number)) for number in range(1, 21)]
    forced = live(ready(50), grab(size=10**9, force_start=True, id=50))
    made = plan(known(*many, forced))
    expected = [50, *range(20, 20 - MAX_DELIVERIES + 1, -1)]
    assert made.actions == tuple(Deliver(number) for number in expected)
    full = frozenset(range(100, 100 + MAX_DELIVERIES))
    assert plan(known(*many, delivering=full)) == nothing()
    nearly = frozenset(list(full)[2:])
    assert len(plan(known(*many, delivering=nearly)).actions) == 2


def test_grabs_of_one_hash_are_fetched_once() -> None:
    """Two grabs of a mode that fetches are not fetched at once: the second gets links afterwards."""
    two = live(ready(), planned(), planned(1, 2))
    assert plan(known(two)).actions == (Deliver(11),)
    begun = known(two, busy_grabs=frozenset({11}), delivering=frozenset({11}))
    assert plan(begun) == nothing(), "it has not stored its phase yet"
    fetching = live(ready(), delivering(), planned(1, 2))
    assert plan(replace(begun, live=(fetching,))) == nothing()


def test_a_grab_waits_for_no_other_that_is_not_being_fetched() -> None:
    """A grab that is stopped, or waits for its next attempt, holds up no other one of the hash."""
    for first in (
        planned(stopped=True),
        planned(next_attempt_at=NOW + 99),
        delivering(next_attempt_at=NOW + 99),
        delivering(stopped=True),
    ):
        made = plan(known(live(ready(), first, planned(1, 2))))
        assert Deliver(12) in made.actions


def test_a_grab_waits_for_no_other_of_another_mode() -> None:
    """Each mode delivers on its own: symlinks need no bytes, and bytes need no mount."""
    rules = {"radarr": Rules(mode="symlink"), "music": Rules(mode="aria2")}
    three = live(ready(), planned(), planned(1, 2), planned(1, 3))
    assert plan(known(three, rules=rules)).actions == (Deliver(11), Deliver(12), Deliver(13))
    mount = live(ready(), planned(delivery_mode="strm"), planned(1, 2, delivery_mode="strm"))
    assert plan(known(mount)).actions == (Deliver(11), Deliver(12))


@pytest.mark.parametrize("first", [delivered(), finished()])
def test_a_later_grab_is_linked_to_the_files_that_are_there(first: Grab) -> None:
    """As soon as one grab has the files, the others get hard links to them."""
    assert Deliver(12, (11,)) in plan(known(live(ready(), first, grab(1, 2)))).actions
    both = plan(known(live(ready(), first, grab(1, 2), grab(1, 3)))).actions
    assert {Deliver(12, (11,)), Deliver(13, (11,))} <= set(both)


@pytest.mark.parametrize(
    "first",
    [
        finished(missing_files=True),
        finished(delivery_mode="symlink"),
        finished(delivery_mode="strm"),
        failed_grab(),
        delivering(stopped=True),
    ],
)
def test_nothing_is_linked_to_files_that_are_not_there(first: Grab) -> None:
    """Only a grab with all its own files on disk is a source for hard links."""
    assert plan(known(live(ready(), first, grab(1, 2)))).actions == (Deliver(12),)


def test_a_grab_that_fetches_nothing_is_not_linked() -> None:
    """A category that plays from TorBox gets its own kind of files."""
    rules = {"radarr": Rules(mode="strm")}
    made = plan(known(live(ready(), finished(), grab(1, 2)), rules=rules))
    assert made.actions == (Deliver(12),)


def test_links_need_no_budget() -> None:
    """Hard links ask TorBox for nothing, so its rate limit does not hold them up."""
    two = live(ready(), finished(), grab(1, 2))
    assert plan(known(two, link_at=NOW + 9)).actions == (Deliver(12, (11,)),)


def test_links_that_failed_are_fetched_at_the_next_attempt() -> None:
    """After a failed attempt a grab waits for its time, and then fetches the bytes itself."""
    again = grab(1, 2, attempts=1, next_attempt_at=NOW + 9)
    two = known(live(ready(), finished(), again))
    assert plan(two) == nothing(NOW + 9)
    assert plan(replace(two, now=NOW + 9)).actions == (Deliver(12),)


@pytest.mark.parametrize("made", [download, queued, active, ready])
def test_one_more_grab_costs_nothing_more_before_it_is_there(made: Made) -> None:
    """Two grabs of one hash lead to the same calls as one."""
    alone = plan(known(made(), polled_at=LIST_DUE))
    both = live(made(), grab(), grab(1, 2))
    assert plan(known(both, polled_at=LIST_DUE)) == alone


# Seeding


def test_finish_at_once_when_nothing_was_asked() -> None:
    """Without seed limits a delivered grab is finished, and TorBox is not asked."""
    done = live(ready(), delivered())
    assert plan(known(done, polled_at=LIST_DUE)) == Plan((Finish(11),), inf)


def test_seeding_is_watched_slowly() -> None:
    """With a limit to reach, the list is read at the idle pace, and not sooner after failures."""
    seeding = known(live(ready(), delivered(ratio_limit=2.0)), snapshot=snapshot(whole()))
    assert plan(seeding) == nothing(NOW + 60)
    assert plan(replace(seeding, poll_seconds=90)) == nothing(NOW + 90)
    assert plan(replace(seeding, polled_at=NOW - 60)).actions == (RefreshList(queue=False),)


def test_finish_when_the_limit_is_reached() -> None:
    """A reached limit ends the seeding."""
    seeded = live(ready(ratio=2.0), delivered(ratio_limit=2.0))
    assert plan(known(seeded, snapshot=snapshot(whole()))).actions == (Finish(11),)


def test_finish_when_torbox_does_not_seed() -> None:
    """An item that TorBox has stopped seeding can never reach its limit."""
    seeding = live(ready(), delivered(ratio_limit=2.0))
    idle = snapshot(whole(active=False))
    assert plan(known(seeding, snapshot=idle)).actions == (Finish(11),)
    before = snapshot(whole(active=False), listed_at=NOW - 70)
    assert plan(known(seeding, snapshot=before)).actions == ()


def test_a_list_without_it_ends_no_seeding() -> None:
    """An item that is missing from one list is not gone; one that is missing repeatedly is."""
    seeding = delivered(ratio_limit=2.0)
    missed = live(ready(misses=GONE_MISSES - 1), seeding)
    assert plan(known(missed, snapshot=snapshot())).actions == ()
    gone = live(ready(misses=GONE_MISSES), seeding)
    assert plan(known(gone, snapshot=snapshot())).actions == (Finish(11),)


def test_a_lag_of_the_list_ends_no_seeding() -> None:
    """A download that the list does not show within its first minutes still seeds."""
    young = live(ready(remote_at=NOW - 120, misses=GONE_MISSES), delivered(ratio_limit=2.0))
    assert plan(known(young, snapshot=snapshot())) == nothing(NOW + 60)


def test_the_policy_of_the_category_decides_on_seeding() -> None:
    """Where the user never seeds, a limit of the *arr holds nothing up."""
    never = for_all(Rules(seed=SeedPolicy.NEVER))
    seeding = live(ready(), delivered(ratio_limit=2.0))
    assert plan(known(seeding, rules=never)).actions == (Finish(11),)


def test_each_grab_finishes_by_its_own_limits() -> None:
    """A grab that asked for no seeding is done at once; one that did is watched."""
    three = live(
        ready(),
        finished(),
        delivered(1, 2, completed_at=NOW),
        delivered(1, 3, completed_at=NOW, ratio_limit=1.0),
    )
    assert plan(known(three)) == Plan((Finish(12),), NOW + 60.0)


def test_what_was_delivered_of_a_failed_download_still_finishes() -> None:
    """A download that failed for one grab is no failure of a grab that has its files."""
    two = live(failed(), delivered(), grab(1, 2))
    assert plan(known(two)).actions == (Finish(11),)


# Outages

MIXED = (
    live(download(1)),
    live(queued(2)),
    live(active(3, remote_at=NOW - 1)),
    live(ready(4)),
    live(ready(5), delivered(5)),
)


def test_in_an_outage_one_list_is_enough() -> None:
    """While TorBox gives no answer it is asked one thing, at its time; what is done is done."""
    out = known(*MIXED, probe_at=NOW + 20, polled_at=LIST_DUE)
    assert plan(out) == Plan((Finish(51),), NOW + 20)
    assert plan(replace(out, probe_at=NOW)).actions == (Finish(51), RefreshList(queue=True))
    assert plan(replace(out, probe_at=NOW, polling=True)).actions == (Finish(51),)
    assert plan(replace(out, probe_at=NOW, list_at=NOW + 30)).wake_at == NOW + 30


def test_in_an_outage_files_are_still_linked() -> None:
    """Files on disk are hard-linked to other grabs without asking TorBox."""
    two = live(ready(), finished(), grab(1, 2))
    assert plan(known(two, probe_at=NOW + 20)) == Plan((Deliver(12, (11,)),), NOW + 20)


def test_in_an_outage_removals_are_tried_once() -> None:
    """Files can be deleted without TorBox; what TorBox has to delete waits for the probe."""
    jobs = [removal(1), removal(2, attempts=1)]
    assert plan(known(jobs=jobs, probe_at=NOW + 20)) == Plan((RunJob(1),), NOW + 20)


def test_in_an_outage_no_metadata_is_looked_up() -> None:
    """TorBox would have to answer, so the lookup waits for the probe."""
    assert plan(known(jobs=[lookup()], probe_at=NOW + 20)) == nothing(NOW + 20)
