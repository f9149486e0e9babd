"""When seeding is done, as Sonarr's HasReachedSeedLimit and qBittorrent understand limits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.model import UNLIMITED, USE_GLOBAL, Entry
from bridge.core.remote_tracking import record_item_seen
from bridge.core.seeding import (
    SeedMode,
    SeedPolicy,
    has_an_end,
    inactive_seconds,
    is_asked_to_seed,
    last_active,
    limit_reached,
    seed_mode,
    seeding_done,
)
from tests.support.scenes import NOW, delivered, entry, ready, whole

ASKED: list[dict[str, Any]] = [
    {"ratio_limit": 0.0},
    {"ratio_limit": 1.5},
    {"ratio_limit": UNLIMITED},
    {"seeding_time_limit": 0},
    {"seeding_time_limit": 60},
    {"seeding_time_limit": UNLIMITED},
    {"inactive_seeding_time_limit": 10},
    {"inactive_seeding_time_limit": UNLIMITED},
]


OF_THE_DOWNLOAD = frozenset({"ratio", "seen_at", "uploaded_at", "uploaded"})


def seeding(**fields: Any) -> Entry:
    """Make an entry that was delivered a minute ago; fields are its download's or its grab's."""
    shared = {name: fields.pop(name) for name in OF_THE_DOWNLOAD & fields.keys()}
    return entry(ready(**shared), delivered(**fields))


def test_nothing_asked() -> None:
    """Limits left to the global ones, of which there are none, ask for nothing."""
    assert USE_GLOBAL == -2
    assert not is_asked_to_seed(delivered())


@pytest.mark.parametrize("limits", ASKED)
def test_asked(limits: dict[str, Any]) -> None:
    """Any limit of its own asks for seeding, "for ever" included."""
    assert is_asked_to_seed(delivered(**limits))


@pytest.mark.parametrize(
    ("policy", "unasked", "asked"),
    [
        (SeedPolicy.AUTO, SeedMode.DO_NOT, SeedMode.SEED),
        (SeedPolicy.ALWAYS, SeedMode.SEED, SeedMode.SEED),
        (SeedPolicy.NEVER, SeedMode.DO_NOT, SeedMode.DO_NOT),
    ],
)
def test_what_torbox_is_told(policy: SeedPolicy, unasked: SeedMode, asked: SeedMode) -> None:
    """TorBox's `seed` follows the policy, and with `auto` what the *arr asked for."""
    assert seed_mode(policy, delivered()) is unasked
    assert seed_mode(policy, delivered(ratio_limit=1.0)) is asked
    assert [SeedMode.AUTO, SeedMode.SEED, SeedMode.DO_NOT] == [1, 2, 3]


@pytest.mark.parametrize(
    ("fields", "reached"),
    [
        ({}, False),
        ({"ratio": 99.0}, False),
        ({"ratio_limit": 2.0, "ratio": 1.99}, False),
        ({"ratio_limit": 2.0, "ratio": 2.0}, True),
        ({"ratio_limit": 0.0}, True),
        ({"ratio_limit": UNLIMITED, "ratio": 99.0}, False),
        ({"seeding_time_limit": 2}, False),
        ({"seeding_time_limit": 1}, True),
        ({"seeding_time_limit": 0}, True),
        ({"seeding_time_limit": UNLIMITED, "completed_at": 0.0}, False),
        ({"seeding_time_limit": 1, "completed_at": None}, False),
        ({"seeding_time_limit": 1, "completed_at": NOW + 600}, False),
        ({"inactive_seeding_time_limit": 2, "seen_at": NOW}, False),
        ({"inactive_seeding_time_limit": 1, "seen_at": NOW}, True),
        ({"inactive_seeding_time_limit": 1, "seen_at": NOW, "uploaded_at": NOW - 59}, False),
        ({"inactive_seeding_time_limit": 1, "seen_at": NOW, "uploaded_at": NOW - 600}, True),
        ({"inactive_seeding_time_limit": 1, "seen_at": NOW - 1}, False),
        ({"inactive_seeding_time_limit": 1, "seen_at": NOW - 600}, False),
        ({"inactive_seeding_time_limit": 1}, False),
        ({"inactive_seeding_time_limit": 0}, True),
        ({"ratio_limit": 5.0, "seeding_time_limit": 1}, True),
        ({"ratio_limit": 1.0, "ratio": 1.0, "seeding_time_limit": 9}, True),
        ({"ratio_limit": 1.0, "ratio": 1.0, "seeding_time_limit": UNLIMITED}, True),
        ({"ratio_limit": 5.0, "seeding_time_limit": 9, "ratio": 1.0}, False),
    ],
)
def test_limits(fields: dict[str, Any], reached: bool) -> None:
    """A minute after it was delivered: any one limit that holds is enough, -1 and -2 never hold."""
    assert limit_reached(seeding(**fields), NOW) is reached


@pytest.mark.parametrize("policy", SeedPolicy)
@pytest.mark.parametrize("active", [True, False, None])
def test_unasked_is_done_at_once(policy: SeedPolicy, active: bool | None) -> None:
    """Without limits the *arr may remove at once, or with -2 everywhere it never could."""
    assert seeding_done(policy, seeding(), active=active, now=NOW)


@pytest.mark.parametrize("limits", ASKED)
def test_never_means_never(limits: dict[str, Any]) -> None:
    """Where the user never seeds, no limit holds an entry in the queue."""
    assert seeding_done(SeedPolicy.NEVER, seeding(**limits), active=True, now=NOW)


@pytest.mark.parametrize("policy", [SeedPolicy.AUTO, SeedPolicy.ALWAYS])
@pytest.mark.parametrize(
    ("active", "ratio", "done"),
    [
        (True, 0.5, False),
        (None, 0.5, False),
        (False, 0.5, True),
        (True, 1.0, True),
        (None, 1.0, True),
    ],
)
def test_asked_waits(policy: SeedPolicy, active: bool | None, ratio: float, done: bool) -> None:
    """Seeding ends at a limit or when TorBox seeds no more, and not while that is unknown."""
    asked = seeding(ratio_limit=1.0, ratio=ratio)
    assert seeding_done(policy, asked, active=active, now=NOW) is done


def test_an_outage_is_not_inactivity() -> None:
    """A day without an answer of TorBox ends no seeding; the answer after it does, or does not."""
    day, later = 86_400.0, NOW + 86_400.0
    before = seeding(inactive_seeding_time_limit=60, seen_at=NOW, uploaded=10)
    assert not limit_reached(before, later)
    assert not limit_reached(seen(before, 11, later), later)
    quiet = seen(before, 10, later)
    assert inactive_seconds(quiet) == day + 60
    assert limit_reached(quiet, later)


def seen(before: Entry, uploaded: int, now: float) -> Entry:
    """Return the entry after TorBox showed how much it had uploaded."""
    return Entry(record_item_seen(before.download, whole(uploaded=uploaded), now), before.grab)


def test_activity_is_the_last_that_was_seen() -> None:
    """A grab was last active when it was delivered, or when TorBox uploaded after that."""
    assert last_active(seeding()) == NOW - 60
    assert last_active(seeding(uploaded_at=NOW - 5)) == NOW - 5
    assert last_active(seeding(uploaded_at=NOW - 600)) == NOW - 60


@pytest.mark.parametrize(
    ("policy", "asked", "ends"),
    [
        (SeedPolicy.AUTO, True, True),
        (SeedPolicy.ALWAYS, True, True),
        (SeedPolicy.NEVER, True, False),
        (SeedPolicy.AUTO, False, False),
        (SeedPolicy.ALWAYS, False, False),
    ],
)
def test_torbox_has_to_be_told_when_a_limit_is_over(
    policy: SeedPolicy, *, asked: bool, ends: bool
) -> None:
    """Only what was asked to seed up to a limit has an end; what always seeds has none."""
    assert has_an_end(policy, delivered(ratio_limit=1.0 if asked else USE_GLOBAL)) is ends


def test_two_grabs_of_one_hash_end_by_their_own_limits() -> None:
    """TorBox's ratio is shared, and each grab's limit is its own."""
    low, high = seeding(ratio_limit=1.0, ratio=1.5), seeding(ratio_limit=2.0, ratio=1.5)
    assert limit_reached(low, NOW)
    assert not limit_reached(high, NOW)


limits = st.sampled_from([-2, -1, 0, 1, 5])
entries = st.builds(
    seeding,
    ratio_limit=limits.map(float),
    seeding_time_limit=limits,
    inactive_seeding_time_limit=limits,
    ratio=st.floats(0, 6),
    seen_at=st.floats(NOW - 600, NOW),
    uploaded_at=st.none() | st.floats(NOW - 600, NOW),
)


@given(entries, st.floats(0, 600))
def test_done_stays_done(given_entry: Entry, later: float) -> None:
    """A limit that is reached stays reached as time goes by."""
    if limit_reached(given_entry, NOW):
        assert limit_reached(given_entry, NOW + later)
