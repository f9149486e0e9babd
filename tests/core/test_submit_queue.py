"""Which downloads are created next, and what becomes of a create that went unanswered."""

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.core.actions import (
    AttachQueued,
    AttachTorrent,
    CheckCached,
    FailGrab,
    RefreshItem,
    RefreshList,
    Submit,
)
from bridge.core.model import Download, DownloadPhase, QueuedItem, Reason
from bridge.core.planner import Plan, plan
from bridge.core.planner_input import MAX_CREATES, LiveDownload, Rules
from bridge.core.submit_queue import (
    ASK_AGAIN_SECONDS,
    CHECKED_AT_ONCE,
    expected_turns,
    first_grab,
    submit_order,
)
from tests.support.scenes import (
    NOW,
    H,
    active,
    download,
    failed_grab,
    finished,
    for_all,
    grab,
    hash_of,
    item,
    known,
    live,
    removal,
    snapshot,
)

QUEUED = QueuedItem(id=9, hash=H)
ONLY_CACHED = for_all(Rules(cached_only=True))
ADOPT = for_all(Rules(adopt=True))


def nothing(wake_at: float = inf) -> Plan:
    """Make the plan that does nothing before `wake_at`."""
    return Plan((), wake_at)


def unanswered(**fields: Any) -> Download:
    """Make a download whose create went unanswered a few seconds ago."""
    sent = download(phase=DownloadPhase.SUBMITTING, phase_at=NOW - 5, lookup_until=NOW - 2)
    return replace(sent, **fields)


def test_a_create_waits_for_its_next_attempt() -> None:
    """After a failure the next attempt has its time, whatever the budget says."""
    later = known(download(next_attempt_at=NOW + 90), next_create_at=NOW + 30)
    assert plan(later) == nothing(NOW + 90)


def test_a_create_waits_for_the_budget_and_a_slot() -> None:
    """Nothing is created before the budget and a slot allow it; the list shows a free slot."""
    assert plan(known(download(), next_create_at=NOW + 30)) == nothing(NOW + 30)
    assert plan(known(download(), slot_at=NOW + 3)) == nothing(NOW + 3)
    full = known(download(), slot_at=NOW + 300, polled_at=NOW - 5)
    assert plan(full) == Plan((RefreshList(queue=False),), NOW + 300)


def test_what_is_cached_waits_for_neither() -> None:
    """A cached torrent needs no slot and not the scarce budget, only its own."""
    cached = known(download(), next_create_at=NOW + 30, slot_at=NOW + 300, cached={H: True})
    assert plan(cached).actions == (Submit(1, cached=True),)
    assert plan(replace(cached, next_cached_create_at=NOW + 7)) == nothing(NOW + 7)
    ruled = replace(cached, rules=ONLY_CACHED)
    assert plan(ruled).actions == (Submit(1, cached=True),)


def test_one_category_that_takes_only_what_is_cached_is_asked_for_first() -> None:
    """Of two grabs of a hash the one that needs no slot decides how TorBox is asked first."""
    rules = {"radarr": Rules(cached_only=True)}
    two = live(download(), grab(), grab(1, 2))
    full = known(two, slot_at=NOW + 300, rules=rules)
    assert plan(full).actions == (CheckCached((H,)),)
    assert plan(replace(full, cached={H: True})).actions == (Submit(1, cached=True),)
    (refused,) = plan(replace(full, cached={H: False})).actions
    assert isinstance(refused, FailGrab)
    assert (refused.grab_id, refused.failure.reason) == (two.grabs[1].id, Reason.NOT_CACHED)
    given_up = live(download(), grab(), failed_grab(1, 2))
    assert plan(replace(full, live=(given_up,))).actions == ()


def test_when_creates_are_scarce_torbox_is_asked_first() -> None:
    """Where creates are scarce, TorBox is asked once for all which of them need none."""
    many = [download(number) for number in range(1, CHECKED_AT_ONCE + 10)]
    scarce = known(*many, creates_are_scarce=True)
    (check,) = plan(scarce).actions
    assert isinstance(check, CheckCached)
    assert len(set(check.hashes)) == CHECKED_AT_ONCE
    assert plan(replace(scarce, checking_cached=True)) == nothing()
    assert plan(replace(scarce, list_at=NOW + 4)) == nothing(NOW + 4)
    checked = replace(scarce, live=[live(download())], cached={H: False})
    assert plan(checked).actions == (Submit(1),)
    plenty = replace(scarce, rules=ONLY_CACHED, creates_are_scarce=False)
    assert plan(plenty).actions == (check,)


def test_only_cached_is_never_created_on_a_guess() -> None:
    """Where TorBox did not say whether it is cached nothing is created, nor failed."""
    silent = known(download(), rules=ONLY_CACHED, cached={H: None})
    assert plan(silent) == nothing(NOW + ASK_AGAIN_SECONDS)
    assert plan(replace(silent, rules={})).actions == (Submit(1),)
    assert plan(replace(silent, rules={}, creates_are_scarce=True)).actions == (Submit(1),)


def test_a_slow_create_gives_its_place_back() -> None:
    """While all places are taken the plan wakes when the first of them no longer counts."""
    busy = known(download(), submitting=MAX_CREATES, next_place_at=NOW + 4)
    assert plan(busy) == nothing(NOW + 4)


def test_creates_are_limited() -> None:
    """Only a few creates are in flight; the next go when one of them ends."""
    many = [download(number) for number in range(1, 11)]
    assert len(plan(known(*many)).actions) == MAX_CREATES
    assert len(plan(known(*many, submitting=MAX_CREATES - 1)).actions) == 1
    assert plan(known(*many, submitting=MAX_CREATES + 1)) == nothing()
    assert len(plan(known(*many, max_creates=1)).actions) == 1


def test_an_unanswered_create_is_looked_for() -> None:
    """Before a create is sent again both lists are read, after the moment it may show."""
    before = known(unanswered(), snapshot=snapshot(listed_at=NOW - 3))
    assert plan(before) == nothing(NOW + 5)
    assert plan(replace(before, polled_at=NOW - 5)).actions == (RefreshList(queue=True),)
    half = snapshot(listed_at=NOW, queue_listed_at=NOW - 3)
    assert plan(replace(before, snapshot=half)) == nothing(NOW + 5)
    assert plan(replace(before, snapshot=snapshot())).actions == (Submit(1),)
    assert plan(known(unanswered(next_attempt_at=NOW + 9))) == nothing(NOW + 9)


def test_what_a_create_made_is_attached() -> None:
    """An item or a queue entry that the lists show since is what the create made."""
    listed = known(unanswered(), snapshot=snapshot(item(7, hash=H)))
    assert plan(listed).actions == (AttachTorrent(1, 7),)
    in_queue = known(unanswered(), snapshot=snapshot(queue=[QUEUED]))
    assert plan(in_queue).actions == (AttachQueued(1, 9),)
    both = snapshot(item(7, hash=H), queue=[QUEUED])
    assert plan(known(unanswered(), snapshot=both)).actions == (AttachTorrent(1, 7),)


def test_what_was_there_before_the_create_is_not_attached() -> None:
    """Lists from before the create tell nothing of it; nor does an item that left the list."""
    early = snapshot(item(7, hash=H), queue=[QUEUED], listed_at=NOW - 6)
    assert plan(known(unanswered(), snapshot=early)) == nothing(NOW + 5)
    left = snapshot(item(7, hash=H), listed=frozenset())
    assert plan(known(unanswered(), snapshot=left)).actions == (Submit(1),)


def test_adoption_looks_before_it_creates() -> None:
    """Where the account may have it already, both lists are read before a create is sent."""
    unread = known(download(), rules=ADOPT, polled_at=NOW - 5)
    assert plan(unread).actions == (RefreshList(queue=True),)
    assert plan(replace(unread, snapshot=snapshot())).actions == (Submit(1),)
    listed = replace(unread, snapshot=snapshot(item(7, hash=H)))
    assert plan(listed).actions == (AttachTorrent(1, 7),)
    in_queue = replace(unread, snapshot=snapshot(queue=[QUEUED]))
    assert plan(in_queue).actions == (AttachQueued(1, 9),)
    stranger = known(download(), snapshot=snapshot(item(7, hash=H)))
    assert plan(stranger).actions == (Submit(1),), "without adoption TorBox is simply asked"


def test_no_create_before_the_removal() -> None:
    """A hash is not created anew while its former self is still to be removed."""
    again = known(download(), jobs=[removal(next_attempt_at=NOW + 9)])
    assert plan(again) == nothing(NOW + 9)


def test_a_download_of_finished_and_failed_grabs_is_not_created() -> None:
    """A create is sent for grabs that still wait, and for no others."""
    over = live(download(), finished(), failed_grab(1, 2))
    assert plan(known(over)) == nothing()


def lives(*made: LiveDownload) -> list[int]:
    """Return the numbers of downloads in the order of the submit queue."""
    return [one.download.id for one in submit_order(made)]


def waits(number: int, category: str, added_at: float, **fields: Any) -> LiveDownload:
    """Make a download with one grab that waits since `added_at`."""
    return live(download(number), grab(number, category=category, added_at=added_at, **fields))


def test_submit_order() -> None:
    """Forced goes first, then the smaller priority; categories take turns, the oldest first."""
    order = lives(
        waits(1, "tv", 1),
        waits(2, "tv", 2),
        waits(3, "tv", 3),
        waits(4, "films", 9),
        waits(5, "films", 8),
        waits(6, "music", 7, priority=-1),
        waits(7, "tv", 6, priority=5, force_start=True),
        waits(8, "tv", 6, priority=4, force_start=True),
    )
    assert order == [8, 7, 6, 5, 1, 4, 2, 3]


def test_the_grab_that_is_wanted_most_decides() -> None:
    """One forced grab moves its download up; a paused or failed one of the hash does not."""
    plain = waits(1, "tv", 1)
    forced = live(download(2), grab(2, added_at=2), grab(2, 2, force_start=True))
    assert lives(plain, forced) == [2, 1]
    paused = live(download(2), grab(2), grab(2, 2, force_start=True, stopped=True))
    assert first_grab(paused).id == 21
    over = live(download(2), grab(2), failed_grab(2, 2, force_start=True))
    assert first_grab(over).id == 21


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "tv", "films"]),
            st.integers(0, 3),
            st.integers(-1, 1),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_the_order_loses_nothing_and_starves_nobody(
    given_grabs: list[tuple[str, int, int, bool]],
) -> None:
    """Every download has one place, and within a lane no category waits for two of another."""
    made = [
        waits(number, category, at, priority=priority, force_start=forced)
        for number, (category, at, priority, forced) in enumerate(given_grabs, start=1)
    ]
    order = submit_order(made)
    assert sorted(one.download.id for one in order) == [one.download.id for one in made]
    firsts = [one.grabs[0] for one in order]
    ranks = [(not one.force_start, one.priority) for one in firsts]
    assert ranks == sorted(ranks)
    for rank in set(ranks):
        lane = [one.category for one in firsts if (not one.force_start, one.priority) == rank]
        for place, category in enumerate(lane[:-1]):
            waiting = set(lane[place + 1 :]) - {category}
            assert lane[place + 1] != category or not waiting


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {2: 10, 3: 20}),
        ({"cached": {H: True}}, {3: 10, 4: 20}),
        ({"cached": {hash_of(3): True}, "next_cached_create_at": NOW + 2}, {2: 10, 3: 2, 4: 20}),
        ({"slot_at": NOW + 60}, {}),
        ({"busy_downloads": frozenset({1})}, {3: 10, 4: 20}),
    ],
)
def test_expected_turns(fields: dict[str, Any], expected: dict[int, float]) -> None:
    """Each waiting download has its turn, in seconds from now, where that is known."""
    waiting = [waits(number, "tv", float(number)) for number in (1, 2, 3, 4)]
    times = expected_turns(replace(known(*waiting), **fields), [NOW, NOW + 10, NOW + 20])
    assert {key: at - NOW for key, at in times.items()} == expected


def test_a_turn_is_no_earlier_than_the_next_attempt() -> None:
    """After a failure the later of both times counts."""
    waiting = known(download(next_attempt_at=NOW + 30))
    assert expected_turns(waiting, [NOW + 10]) == {1: NOW + 30}


def test_a_create_under_way_holds_up_no_look() -> None:
    """Items at TorBox are followed while others are being created."""
    young = active(2, remote_at=NOW - 1)
    made = plan(known(download(), young, submitting=MAX_CREATES))
    assert made.actions == (RefreshItem(2, 2),)
