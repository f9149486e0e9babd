"""Which downloads are created next, and what becomes of a create that went unanswered."""

from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.actions import CheckCached, Enqueue, Poll, Promote, Submit
from bridge.core.model import Download, Phase, QueuedItem
from bridge.core.plan import Plan, plan
from bridge.core.scene import CREATES, Rules
from bridge.core.submitting import CHECKED_AT_ONCE, submit_order, turns
from tests.support.scenes import NOW, H, download, hash_of, item, removal, scene, snapshot

ENTRY = QueuedItem(id=9, hash=H)


def nothing(wake_at: float = inf) -> Plan:
    """Make the plan that does nothing before `wake_at`."""
    return Plan((), wake_at)


def unanswered(**fields: Any) -> Download:
    """Make a download whose create went unanswered a few seconds ago."""
    sent = download(phase=Phase.SUBMITTING, phase_at=NOW - 5, lookup_until=NOW - 2)
    return replace(sent, **fields)


def only_cached(_category: str) -> Rules:
    """Create only what TorBox has cached."""
    return Rules(cached_only=True)


def test_submit_waits_for_its_next_attempt() -> None:
    """After a failure the next attempt has its time, whatever the budget says."""
    assert plan(scene(download(next_attempt_at=NOW + 90), create_at=NOW + 30)) == nothing(NOW + 90)


def test_submit_waits_for_the_budget_and_a_slot() -> None:
    """Nothing is created before the budget and a slot allow it; the list shows a free slot."""
    assert plan(scene(download(), create_at=NOW + 30)) == nothing(NOW + 30)
    assert plan(scene(download(), slot_at=NOW + 3)) == nothing(NOW + 3)
    full = scene(download(), slot_at=NOW + 300, polled_at=NOW - 5)
    assert plan(full) == Plan((Poll(queue=False),), NOW + 300)


def test_what_is_cached_waits_for_neither() -> None:
    """A cached torrent needs no slot and not the scarce budget, only its own."""
    cached = scene(download(), create_at=NOW + 30, slot_at=NOW + 300, cached={H: True})
    assert plan(cached).actions == (Submit(H, cached=True),)
    assert plan(replace(cached, cached_at=NOW + 7)) == nothing(NOW + 7)
    ruled = scene(download(), create_at=NOW + 30, rules=only_cached)
    assert plan(ruled).actions == (Submit(H, cached=True),)


def test_when_scarce_ask_first() -> None:
    """Where creates are scarce, TorBox is asked once for all which of them need none."""
    many = [download(number) for number in range(CHECKED_AT_ONCE + 9)]
    scarce = scene(*many, scarce=True)
    (check,) = plan(scarce).actions
    assert isinstance(check, CheckCached)
    assert len(set(check.hashes)) == CHECKED_AT_ONCE
    assert plan(replace(scarce, checking=True)) == nothing()
    assert plan(replace(scarce, list_at=NOW + 4)) == nothing(NOW + 4)
    known = replace(scarce, downloads=[download()], cached={H: False})
    assert plan(known).actions == (Submit(H),)
    ruled = plan(replace(scarce, rules=only_cached)).actions
    assert ruled == tuple(Submit(hash_of(number), cached=True) for number in range(CREATES))


def test_creates_are_limited() -> None:
    """Only a few creates are in flight; the next go when one of them ends."""
    many = [download(number) for number in range(10)]
    assert len(plan(scene(*many)).actions) == CREATES
    assert len(plan(scene(*many, submitting=CREATES - 1)).actions) == 1
    assert plan(scene(*many, submitting=CREATES + 1)) == nothing()
    assert len(plan(scene(*many, creates=1)).actions) == 1


def test_an_unanswered_create_is_looked_for() -> None:
    """Before a create is sent again both lists are read, briskly, after the moment it may show."""
    before = scene(unanswered(), snapshot=snapshot(listed_at=NOW - 3), poll_seconds=60)
    assert plan(before) == nothing(NOW + 5)
    assert plan(replace(before, polled_at=NOW - 5)).actions == (Poll(queue=True),)
    half = snapshot(listed_at=NOW, queue_listed_at=NOW - 3)
    assert plan(replace(before, snapshot=half)) == nothing(NOW + 5)
    assert plan(replace(before, snapshot=snapshot())).actions == (Submit(H),)
    assert plan(scene(unanswered(next_attempt_at=NOW + 9))) == nothing(NOW + 9)


def test_what_a_create_made_is_taken_over() -> None:
    """An item or a queue entry that the lists show since is what the create made."""
    assert plan(scene(unanswered(), snapshot=snapshot(item(7, hash=H)))).actions == (Promote(H, 7),)
    assert plan(scene(unanswered(), snapshot=snapshot(queue=[ENTRY]))).actions == (Enqueue(H, 9),)
    both = snapshot(item(7, hash=H), queue=[ENTRY])
    assert plan(scene(unanswered(), snapshot=both)).actions == (Promote(H, 7),)


def test_what_was_there_before_is_not() -> None:
    """Lists from before the create tell nothing of it; nor does an item that left the list."""
    early = snapshot(item(7, hash=H), queue=[ENTRY], listed_at=NOW - 6)
    assert plan(scene(unanswered(), snapshot=early)) == nothing(NOW + 5)
    left = snapshot(item(7, hash=H), listed=frozenset())
    assert plan(scene(unanswered(), snapshot=left)).actions == (Submit(H),)


def test_no_submit_before_the_removal() -> None:
    """A hash is not created anew while its former self is still to be removed."""
    again = scene(download(), removals=[removal(next_attempt_at=NOW + 9)])
    assert plan(again) == nothing(NOW + 9)


def test_submit_order() -> None:
    """Forced goes first, then the smaller priority; categories take turns, the oldest first."""
    order = submit_order(
        [
            download(1, category="tv", added_at=1),
            download(2, category="tv", added_at=2),
            download(3, category="tv", added_at=3),
            download(4, category="films", added_at=9),
            download(5, category="films", added_at=8),
            download(6, category="music", added_at=7, priority=-1),
            download(7, category="tv", added_at=6, priority=5, force_start=True),
            download(8, category="tv", added_at=6, priority=4, force_start=True),
        ]
    )
    assert [int(one.hash, 16) for one in order] == [8, 7, 6, 5, 1, 4, 2, 3]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(-1, 1))))
def test_submit_order_loses_nothing(entries: list[tuple[str, bool, int]]) -> None:
    """Every download has exactly one place in the queue."""
    downloads = [
        download(number, category=category, force_start=forced, priority=priority)
        for number, (category, forced, priority) in enumerate(entries)
    ]
    order = submit_order(downloads)
    assert sorted(one.hash for one in order) == sorted(one.hash for one in downloads)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {2: 10, 3: 20}),
        ({"cached": {H: True}}, {3: 10, 4: 20}),
        ({"cached": {hash_of(3): True}, "cached_at": NOW + 2}, {2: 10, 3: 2, 4: 20}),
        ({"slot_at": NOW + 60}, {}),
        ({"busy": frozenset({H})}, {3: 10, 4: 20}),
    ],
)
def test_turns(fields: dict[str, Any], expected: dict[int, float]) -> None:
    """Each waiting download is told its turn, in seconds from now, where it is known."""
    waiting = [download(number, added_at=float(number)) for number in (1, 2, 3, 4)]
    times = turns(replace(scene(*waiting), **fields), [NOW, NOW + 10, NOW + 20])
    assert {int(info_hash, 16): at - NOW for info_hash, at in times.items()} == expected


def test_a_turn_is_no_earlier_than_the_next_attempt() -> None:
    """What has to wait after a failure is told the later of both times."""
    waiting = scene(download(next_attempt_at=NOW + 30))
    assert turns(waiting, [NOW + 10]) == {H: NOW + 30}
