"""What to do next: each decision in one line."""

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import pytest

from bridge.core.actions import (
    Deliver,
    Enqueue,
    Fail,
    Finish,
    Look,
    Poll,
    Promote,
    Ready,
    Reannounce,
    Remove,
    Share,
    Submit,
)
from bridge.core.follow import GONE_MISSES, GONE_SECONDS, REVIVED_SECONDS, Patience
from bridge.core.model import (
    FINAL,
    Claim,
    Download,
    Failure,
    Phase,
    QueuedItem,
    Reason,
    RemoteItem,
    Snapshot,
)
from bridge.core.plan import LOOKED_AT, LOOKS, RELOOK_SECONDS, Plan, plan
from bridge.core.scene import DELIVERIES, Rules, Scene
from bridge.core.seeding import SeedPolicy
from tests.support.scenes import (
    HOUR,
    NOW,
    H,
    delivered,
    download,
    hash_of,
    item,
    queued,
    ready,
    remote,
    removal,
    scene,
    snapshot,
    whole,
)

Made = Callable[..., Download]

GONE = Failure(Reason.GONE, "TorBox no longer has this torrent")
POLL_DUE = -inf


def nothing(wake_at: float = inf) -> Plan:
    """Make the plan that does nothing before `wake_at`."""
    return Plan((), wake_at)


def test_nothing_to_do() -> None:
    """Without downloads nothing is asked, and nothing wakes us."""
    assert plan(Scene(now=NOW)) == nothing()


@pytest.mark.parametrize("phase", sorted(FINAL))
def test_what_is_final_is_left_alone(phase: Phase) -> None:
    """A download at its end costs no call, however long ago the last one was."""
    assert plan(scene(download(phase=phase), polled_at=POLL_DUE)) == nothing()


def test_submit() -> None:
    """What TorBox has not been asked for is submitted."""
    assert plan(scene(download())) == Plan((Submit(H),), inf)


@pytest.mark.parametrize("phase", [Phase.ACCEPTED, Phase.SUBMITTING, Phase.READY, Phase.DELIVERING])
def test_nothing_is_begun_for_what_is_stopped(phase: Phase) -> None:
    """A paused download is neither submitted nor delivered."""
    assert plan(scene(download(phase=phase, stopped=True))) == nothing()


@pytest.mark.parametrize("phase", Phase)
def test_one_thing_at_a_time(phase: Phase) -> None:
    """While something is being done for a hash, nothing else is begun for it."""
    busy = scene(
        replace(remote(misses=9), phase=phase), busy=frozenset({H}), snapshot=snapshot(whole())
    )
    assert plan(busy) == nothing()


def test_a_removal_is_carried_out() -> None:
    """What the user deleted is cleaned up after, at its time."""
    assert plan(scene(removals=[removal()])) == Plan((Remove(1),), inf)
    assert plan(scene(removals=[removal(next_attempt_at=NOW + 9)])) == nothing(NOW + 9)
    assert plan(scene(removals=[removal()], busy=frozenset({H}))) == nothing()


@pytest.mark.parametrize("made", [download, queued, remote, ready, delivered])
@pytest.mark.parametrize("wait", [0.0, 9.0])
def test_a_hash_rests_until_its_removal_is_done(made: Made, wait: float) -> None:
    """Nothing is begun under a hash of which something is still to be removed."""
    pending = removal(7, hash=H, next_attempt_at=NOW + wait)
    again = scene(
        made(), removals=[pending], snapshot=snapshot(whole(active=False)), polled_at=POLL_DUE
    )
    assert plan(again) == (nothing(NOW + wait) if wait else Plan((Remove(7),), inf))


def test_one_removal_of_a_hash_at_a_time() -> None:
    """A hash that was deleted twice is cleaned up after twice, one after the other."""
    twice = scene(removals=[removal(1), removal(2, hash=H), removal(3)])
    assert plan(twice).actions == (Remove(1), Remove(3))


@pytest.mark.parametrize(("made", "queue"), [(queued, True), (remote, False)])
def test_one_list_for_all(made: Made, queue: bool) -> None:
    """The shared list is read; the queue too, only if something of ours may stand in it."""
    assert plan(scene(made(), polled_at=POLL_DUE)).actions == (Poll(queue=queue),)


def test_poll_at_its_pace() -> None:
    """The next list has to wait for its pause and for the budget, and is not read twice at once."""
    assert plan(scene(remote(), poll_seconds=20)) == nothing(NOW + 20)
    assert plan(scene(remote(), poll_seconds=20, list_at=NOW + 50)) == nothing(NOW + 50)
    assert plan(scene(remote(), polled_at=POLL_DUE, list_at=NOW + 50)) == nothing(NOW + 50)
    assert plan(scene(remote(), polled_at=POLL_DUE, polling=True)) == nothing()


def test_two_hundred_downloads_cost_one_list() -> None:
    """However many there are, they share one list; after a restart too, when none was asked for."""
    many = [remote(number) for number in range(1, 201)]
    made = plan(scene(*many, polled_at=POLL_DUE, snapshot=Snapshot()))
    assert made.actions == (Poll(queue=False),)


def test_the_young_are_followed_by_id() -> None:
    """For a minute a download is asked for by id, more and more seldom, and then listed."""
    asked: dict[str, float] = {}
    looks, now = [], NOW
    while now <= NOW + 120:
        made = plan(
            scene(remote(remote_at=NOW), now=now, asked=asked, polled_at=now, poll_seconds=999)
        )
        if made.actions:
            assert made.actions == (Look(H, 1),)
            looks.append(now - NOW)
            asked = {H: now}
        else:
            now = made.wake_at
    assert tuple(looks) == LOOKS


def test_a_late_look_is_not_made_up_for() -> None:
    """Looks that were missed are not all made at once."""
    late = scene(remote(remote_at=NOW - 20))
    assert plan(late).actions == (Look(H, 1),)
    assert plan(replace(late, asked={H: NOW})) == nothing(NOW - 20 + 31.5)


def test_no_look_before_the_budget_allows() -> None:
    """A look by id needs the same budget as the list."""
    assert plan(scene(remote(remote_at=NOW - 1), list_at=NOW + 3)).actions == ()


def test_a_few_are_followed_by_id() -> None:
    """Of many young ones only the youngest are followed by id; the list serves the others."""
    young = [remote(number, remote_at=NOW - 30 + number / 10) for number in range(1, 201)]
    made = plan(scene(*young, polled_at=POLL_DUE))
    expected = [Look(hash_of(number), number) for number in range(200, 200 - LOOKED_AT, -1)]
    assert made.actions == (*expected, Poll(queue=False))


def test_looks_in_flight_count() -> None:
    """A plan made while looks are in flight does not send more than are allowed in all."""
    young = [remote(number, remote_at=NOW - 30) for number in range(1, 11)]
    busy = frozenset(hash_of(number) for number in range(1, LOOKED_AT))
    looks = [one for one in plan(scene(*young, busy=busy)).actions if isinstance(one, Look)]
    assert len(looks) == 1


def test_the_lost_are_looked_for() -> None:
    """What the list does not show is asked for by id, now and then, and the list goes on."""
    lost = scene(remote(), snapshot=snapshot())
    assert plan(lost).actions == (Look(H, 1),)
    assert plan(replace(lost, asked={H: NOW - 1})) == nothing(NOW + 5)
    assert plan(replace(lost, asked={H: NOW - RELOOK_SECONDS})).actions == (Look(H, 1),)


def test_a_lag_of_the_list_is_no_loss() -> None:
    """A list read within the first minute says nothing of a download that it does not show."""
    young = scene(remote(remote_at=NOW - 50), snapshot=snapshot(), asked={H: NOW - 18})
    assert plan(young) == nothing(NOW + 10)


def test_two_hundred_lost_cost_a_few_looks() -> None:
    """An account emptied by hand does not bring a look for each download at once."""
    made = plan(scene(*[remote(number) for number in range(1, 201)], snapshot=snapshot()))
    assert len(made.actions) == LOOKED_AT


def test_ready() -> None:
    """A remote item with all its files is taken over, stopped or not."""
    assert plan(scene(remote(), snapshot=snapshot(whole()))).actions == (Ready(H),)
    assert plan(scene(remote(stopped=True), snapshot=snapshot(whole()))).actions == (Ready(H),)
    longer = remote(lacking_at=whole().listed_bytes - 1)
    assert plan(scene(longer, snapshot=snapshot(whole()))).actions == (Ready(H),)
    lacking = remote(lacking_at=whole().listed_bytes)
    assert Ready(H) not in plan(scene(lacking, snapshot=snapshot(whole()))).actions


@pytest.mark.parametrize(
    "lacking",
    [
        whole(state="completed", progress=1.0, finished=False),
        whole(state="completed", progress=1.0, present=False),
        whole(state="cached", progress=1.0, files=()),
    ],
)
def test_not_ready_before_all_is_there(lacking: RemoteItem) -> None:
    """Finished, present and listed: all three, whatever the state text says."""
    assert plan(scene(remote(), snapshot=snapshot(lacking))).actions == ()


def test_promote_out_of_the_queue() -> None:
    """A queued download that shows up in the list gets its torrent_id."""
    assert plan(scene(queued(), snapshot=snapshot(item(7, hash=H)))).actions == (Promote(H, 7),)


def test_promote_by_a_list_read_since() -> None:
    """An item of a list from before the download stood there may be its predecessor."""
    early = snapshot(item(7, hash=H), listed_at=NOW - 10)
    assert plan(scene(queued(phase_at=NOW - 5), snapshot=early)) == nothing(NOW + 5)


def test_back_into_the_queue() -> None:
    """What its id and the list have lost is followed in TorBox's queue when it stands there."""
    entry = QueuedItem(id=9, hash=H)
    back = scene(remote(misses=1), snapshot=snapshot(queue=[entry]), asked={H: NOW - 1})
    assert plan(back).actions == (Enqueue(H, 9),)
    assert plan(replace(back, asked={})).actions == (Look(H, 1),)


def test_promote_to_another_item() -> None:
    """A download whose item is gone takes the newest that goes by its hash, by any of them."""
    others = snapshot(item(7, hash=H), item(8, other_hashes=(H,)), item(9))
    assert plan(scene(remote(3), snapshot=snapshot())).actions == (Look(hash_of(3), 3),)
    assert plan(scene(remote(torrent_id=3), snapshot=others)).actions == (Promote(H, 8),)


def test_promote_once() -> None:
    """A download that has its item is not promoted again, even under the odd id 0."""
    zero = scene(remote(torrent_id=0), snapshot=snapshot(item(0, hash=H)))
    assert plan(zero) == nothing(NOW + 5)


def test_fail() -> None:
    """The verdict goes by the patience of the download's category."""
    stalled = remote(category="tv", idle_seconds=100.0, observed_seconds=100.0, reannounced_at=5.0)

    def rules(category: str) -> Rules:
        assert category == "tv"
        return Rules(patience=Patience(stalled_after=90.0))

    (fail,) = plan(scene(stalled, snapshot=snapshot(item()), rules=rules)).actions
    assert isinstance(fail, Fail)
    assert (fail.hash, fail.failure.reason) == (H, Reason.STALLED)


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
    idler = remote(size=size, idle_seconds=idle, reannounced_at=reannounced_at)
    actions = plan(scene(idler, snapshot=snapshot(item(size=size)))).actions
    match expected:
        case "nothing":
            assert actions == ()
        case "reannounce":
            assert actions == (Reannounce(H),)
        case _:
            (fail,) = actions
            assert isinstance(fail, Fail)
            assert fail.failure.reason is expected


def lost_scene(missing: Download, *, looked: float) -> Scene:
    """Make a scene in which all of TorBox was last looked through at `looked`."""
    return scene(missing, snapshot=snapshot(listed_at=looked), asked={missing.hash: looked})


@pytest.mark.parametrize("made", [queued, remote])
def test_gone(made: Made) -> None:
    """What was missed often, and last long after its last sign of life, is given up."""
    missing = made(misses=GONE_MISSES, seen_at=NOW - GONE_SECONDS)
    assert plan(lost_scene(missing, looked=NOW)).actions == (Fail(H, GONE),)


@pytest.mark.parametrize("made", [queued, remote])
def test_an_outage_loses_nothing(made: Made) -> None:
    """Misses of long ago are no loss, as long as TorBox could not be asked since."""
    missing = made(misses=GONE_MISSES + 5, seen_at=NOW - HOUR)
    made_plan = plan(lost_scene(missing, looked=NOW - HOUR + 60))
    assert not any(isinstance(action, Fail) for action in made_plan.actions)


@pytest.mark.parametrize("made", [queued, remote])
def test_a_night_switched_off_loses_nothing(made: Made) -> None:
    """At start TorBox is asked before anything is given up, whatever was missed before."""
    missing = made(misses=GONE_MISSES + 5, seen_at=NOW - 9 * HOUR)
    assert [type(one) for one in plan(scene(missing, polled_at=POLL_DUE)).actions] == [Poll]


def test_a_queue_that_was_not_read_loses_nothing() -> None:
    """A queued download is gone only when both lists lack it."""
    missing = queued(misses=GONE_MISSES, seen_at=NOW - HOUR)
    half = scene(missing, snapshot=snapshot(queue_listed_at=NOW - HOUR))
    assert plan(half) == nothing(NOW + 5)


def test_an_expired_item_in_the_list() -> None:
    """An item that the list shows as expired is given up, though nothing else was asked."""
    listed = snapshot(item(expires_at=NOW - HOUR), queue_listed_at=0.0)
    (fail,) = plan(scene(remote(), snapshot=listed)).actions
    assert isinstance(fail, Fail)
    assert fail.failure.reason is Reason.EXPIRED


def test_deliver() -> None:
    """What is ready is delivered, and what was interrupted is taken up, at its next attempt."""
    assert plan(scene(ready())).actions == (Deliver(H),)
    assert plan(scene(ready(phase=Phase.DELIVERING))).actions == (Deliver(H),)
    assert plan(scene(ready(next_attempt_at=NOW + 4))) == nothing(NOW + 4)
    assert plan(scene(ready(), link_at=NOW + 9)) == nothing(NOW + 9)


def test_deliveries_are_limited() -> None:
    """Only so many are delivered at a time; forced and small ones go first."""
    many = [ready(number, size=100 - number) for number in range(1, 21)]
    forced = ready(50, size=10**9, force_start=True)
    made = plan(scene(*many, forced))
    expected = [50, *range(20, 20 - DELIVERIES + 1, -1)]
    assert made.actions == tuple(Deliver(hash_of(number)) for number in expected)
    assert plan(scene(*many, delivering=DELIVERIES)) == nothing()
    assert len(plan(scene(*many, delivering=DELIVERIES - 2)).actions) == 2


def test_finish_at_once_when_nothing_was_asked() -> None:
    """Without seed limits a delivered download is finished, and TorBox is not asked."""
    assert plan(scene(delivered(), polled_at=POLL_DUE)) == Plan((Finish(H),), inf)


def test_seeding_is_watched_slowly() -> None:
    """With a limit to reach, the list is read at the idle pace."""
    seeding = scene(delivered(ratio_limit=2.0), snapshot=snapshot(whole()))
    assert plan(seeding) == nothing(NOW + 60)
    assert plan(replace(seeding, polled_at=NOW - 60)).actions == (Poll(queue=False),)


def test_finish_when_the_limit_is_reached() -> None:
    """A reached limit ends the seeding."""
    seeded = delivered(ratio_limit=2.0, ratio=2.0)
    assert plan(scene(seeded, snapshot=snapshot(whole()))).actions == (Finish(H),)


def test_finish_when_torbox_does_not_seed() -> None:
    """An item that TorBox does not seed any more comes no nearer to its limit."""
    seeding = delivered(ratio_limit=2.0)
    idle = snapshot(whole(active=False))
    assert plan(scene(seeding, snapshot=idle)).actions == (Finish(H),)
    before = snapshot(whole(active=False), listed_at=NOW - 70)
    assert plan(scene(seeding, snapshot=before)).actions == ()


def test_a_list_without_it_ends_no_seeding() -> None:
    """What TorBox's list misses once is not gone: only when it misses it again and again."""
    seeding = delivered(ratio_limit=2.0, misses=GONE_MISSES - 1)
    assert plan(scene(seeding, snapshot=snapshot())).actions == ()
    gone = replace(seeding, misses=GONE_MISSES)
    assert plan(scene(gone, snapshot=snapshot())).actions == (Finish(H),)


def test_a_lag_of_the_list_ends_no_seeding() -> None:
    """A download that the list does not show within its first minutes still seeds."""
    young = delivered(ratio_limit=2.0, remote_at=NOW - 120)
    assert plan(scene(young, snapshot=snapshot())) == nothing(NOW + 60)


def test_the_policy_of_the_category_decides_on_seeding() -> None:
    """Where the user never seeds, a limit of the *arr holds nothing up."""
    never = scene(delivered(ratio_limit=2.0), rules=lambda _category: Rules(seed=SeedPolicy.NEVER))
    assert plan(never).actions == (Finish(H),)


MIXED = (download(1), queued(2), remote(3, remote_at=NOW - 1), ready(4), delivered(5))


def claim(**fields: Any) -> Claim:
    """Make a claim on the first download that waits for its files."""
    made = Claim(hash=H, number=3, category="radarr", save_path="/r", added_at=NOW)
    return replace(made, **fields)


@pytest.mark.parametrize("phase", [Phase.DELIVERED, Phase.FINISHED])
def test_who_came_later_gets_its_files(phase: Phase) -> None:
    """As soon as the files are there they are shared, with one claim at a time."""
    done = delivered(phase=phase, ratio_limit=9.0)
    claims = {H: (claim(number=2, phase=Phase.FINISHED), claim(), claim(number=4))}
    assert Share(H, 3) in plan(scene(done, claims=claims)).actions
    assert Share(H, 4) not in plan(scene(done, claims=claims)).actions
    assert plan(scene(done, claims=claims, busy=frozenset({H}))).actions == ()


@pytest.mark.parametrize("made", [download, remote, ready])
def test_nothing_is_shared_before_it_is_there(made: Made) -> None:
    """Who waits beside the first costs nothing more."""
    alone = plan(scene(made()))
    assert plan(scene(made(), claims={H: (claim(),)})) == alone


def test_each_finishes_by_its_own_limits() -> None:
    """Who asked for no seeding is done at once; who did is watched."""
    seeds = {"phase": Phase.DELIVERED, "completed_at": NOW}
    claims = {H: (claim(**seeds), claim(number=4, ratio_limit=1.0, **seeds))}
    done = delivered(phase=Phase.FINISHED)
    made = plan(scene(done, claims=claims, polled_at=NOW, idle_seconds=60.0))
    assert made == Plan((Finish(H, 3),), NOW + 60.0)


@pytest.mark.parametrize(
    ("fields", "waits"),
    [
        ({}, True),
        ({"files_only": True, "save_path": "/elsewhere"}, False),
        ({"files_only": True, "save_path": "/downloads/tv"}, True),
        ({"files_only": True, "save_path": "/r"}, True),
    ],
)
def test_who_leaves_holds_up_only_who_would_be_hit(fields: dict[str, Any], *, waits: bool) -> None:
    """Until one's files are gone the others go on, unless theirs lie in the same directory."""
    claims = {H: (claim(),)}
    later = [removal(next_attempt_at=NOW + 1, **fields)]
    made = plan(scene(ready(), claims=claims, removals=later))
    assert (Deliver(H) not in made.actions) is waits


def test_one_thing_at_a_time_for_a_hash() -> None:
    """While a removal is at work nothing is begun for the hash, even where it would hit nobody."""
    gone = removal(files_only=True, save_path="/elsewhere")
    share = {H: (claim(),)}
    for first, claims in ((ready(), {}), (delivered(), share), (remote(remote_at=NOW), {})):
        made = plan(scene(first, claims=claims, removals=[gone]))
        assert made.actions == (Remove(1),)


def test_a_sharing_that_broke_waits_for_its_next_attempt() -> None:
    """It is not begun again and again at once; nor is it held up by what is done already."""
    done = delivered(phase=Phase.FINISHED, next_attempt_at=NOW + 9)
    assert plan(scene(done, claims={H: (claim(),)})) == nothing(NOW + 9)
    assert plan(replace(scene(done, claims={H: (claim(),)}), now=NOW + 9)).actions == (Share(H, 3),)


def test_global_limits_are_put_where_a_claim_has_none() -> None:
    """What a client set for all downloads counts for every one of them."""
    claims = {H: (claim(phase=Phase.DELIVERED, completed_at=NOW),)}
    done = delivered(phase=Phase.FINISHED)
    limited = plan(scene(done, claims=claims, limited=lambda one: replace(one, ratio_limit=1.0)))
    assert limited.actions == ()


def test_in_an_outage_one_poll_is_enough() -> None:
    """While TorBox gives no answer it is asked one thing, at its time; what is done is done."""
    out = scene(*MIXED, probe_at=NOW + 20, polled_at=POLL_DUE)
    assert plan(out) == Plan((Finish(hash_of(5)),), NOW + 20)
    assert plan(replace(out, probe_at=NOW)).actions == (Finish(hash_of(5)), Poll(queue=True))
    assert plan(replace(out, probe_at=NOW, polling=True)).actions == (Finish(hash_of(5)),)
    assert plan(replace(out, probe_at=NOW, list_at=NOW + 30)).wake_at == NOW + 30


def test_in_an_outage_removals_are_tried_once() -> None:
    """Files can be deleted without TorBox; what TorBox has to delete waits for the probe."""
    jobs = [removal(1), removal(2, attempts=1)]
    assert plan(scene(removals=jobs, probe_at=NOW + 20)) == Plan((Remove(1),), NOW + 20)
