"""Automatic clean-up of imported grabs, and deletion of late items at TorBox."""

from math import inf
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.core.actions import AskImport, CleanUp, DeleteStray, RefreshList, Step
from bridge.core.cleanup_rules import (
    FIRST_ASK_SECONDS,
    LONGEST_PAUSE,
    REMEMBERED_SECONDS,
    cleanup_due,
    cleanup_steps,
    next_cleanup_check,
    next_question,
    outdated,
    stray_deletions,
)
from bridge.core.model import Entry, GrabPhase, RemovedDownload
from bridge.core.planner import Plan, plan
from bridge.core.planner_input import CleanupRules, LiveDownload, PlannerInput, Rules
from bridge.core.remote_tracking import CLOCK_SLACK_SECONDS, LIST_LAG_SECONDS
from tests.support.scenes import (
    HOUR,
    NOW,
    H,
    delivered,
    delivering,
    download,
    entry,
    failed,
    finished,
    for_all,
    grab,
    hash_of,
    item,
    known,
    live,
    ready,
    removal,
    removed_download,
    snapshot,
)

DAY = 86400.0


def done(**fields: Any) -> Entry:
    """Make an entry that is done seeding and was complete a day ago."""
    return entry(ready(), finished(**{"completed_at": NOW - DAY} | fields))


def cleaning(**rules: Any) -> CleanupRules:
    """Make rules that clean up, with an *arr that can be asked."""
    return CleanupRules(**{"has_arr": True} | rules)


def steps(*due: Entry, rules: CleanupRules, **fields: Any) -> list[Step]:
    """List what the clean-up does with entries that are due."""
    given = known(cleanup_due=due, rules=for_all(Rules(cleanup=rules)), **fields)
    return list(cleanup_steps(given))


@pytest.mark.parametrize(
    ("fields", "rules", "at"),
    [
        ({}, {}, None),
        ({}, {"after_import": HOUR}, None),
        ({"imported_at": NOW - 5}, {"after_import": HOUR}, NOW - 5 + HOUR),
        ({"imported_at": NOW - 5}, {}, None),
        ({}, {"after": 2 * DAY}, NOW + DAY),
        ({"imported_at": NOW - 5}, {"after": 2 * DAY, "after_import": HOUR}, NOW - 5 + HOUR),
        ({"imported_at": NOW - 5}, {"after": DAY, "after_import": HOUR}, NOW),
        ({"phase": GrabPhase.DELIVERED}, {"after": 1.0}, None),
        ({"phase": GrabPhase.FAILED}, {"after": 1.0}, None),
        ({"phase": GrabPhase.WAITING}, {"after": 1.0}, None),
    ],
)
def test_when_it_is_removed(
    fields: dict[str, Any], rules: dict[str, Any], at: float | None
) -> None:
    """By the earlier of both rules, and never while it seeds, or before it is complete."""
    found = cleanup_due(done(**fields), CleanupRules(**rules))
    assert (found.at if found else None) == at


def test_it_is_cleaned_up() -> None:
    """When it is due it is removed, with the reason; nothing that is busy is."""
    (removed,) = steps(done(), rules=cleaning(after=DAY))
    assert removed == CleanUp(11, "policy.clean_up.after")
    assert steps(done(), rules=cleaning(after=DAY), busy_grabs=frozenset({11})) == []
    imported = done(imported_at=NOW - HOUR)
    why = "its *arr has imported it: policy.clean_up.after_import"
    assert steps(imported, rules=cleaning(after_import=HOUR)) == [CleanUp(11, why)]


def test_each_grab_has_rules_of_its_own() -> None:
    """A grab is cleaned up by the rules of its category, and the others of the hash stay."""
    entries = [done(), entry(ready(), finished(1, 2, completed_at=NOW - DAY))]
    rules = {"radarr": Rules(cleanup=cleaning(after=DAY)), "tv": Rules(cleanup=cleaning(after=9e9))}
    due = [
        one
        for one in entries
        if (next_cleanup_check(one, rules[one.grab.category].cleanup, None) or inf) <= NOW
    ]
    given = known(cleanup_due=due, rules=rules)
    assert list(cleanup_steps(given)) == [CleanUp(12, "policy.clean_up.after")]


def test_a_dry_run_only_lists() -> None:
    """With dry_run nothing is removed, but the *arr is still asked, so that the list is true."""
    dry = cleaning(after=DAY, dry_run=True)
    assert next_cleanup_check(done(), dry, None) is None
    asks = cleaning(after_import=HOUR, after=DAY, dry_run=True)
    assert steps(done(), rules=asks) == [AskImport(11)]
    assert next_cleanup_check(done(imported_at=NOW - DAY), asks, None) is None


def test_the_arr_is_asked_while_it_may_have_imported_it() -> None:
    """Not without an *arr, not twice at a time, not once it is known."""
    rules = cleaning(after_import=HOUR)
    assert steps(done(), rules=rules) == [AskImport(11)]
    assert steps(done(), rules=rules, asking_import=True) == []
    two = (done(), entry(ready(2), finished(2, completed_at=NOW - DAY)))
    assert steps(*two, rules=rules) == [AskImport(11)]
    assert next_cleanup_check(done(), cleaning(after_import=HOUR, has_arr=False), None) is None
    assert next_cleanup_check(done(imported_at=NOW), cleaning(after=None), None) is None


@pytest.mark.parametrize(
    ("fields", "rules", "asked_at", "at"),
    [
        ({}, {}, None, None),
        ({}, {"after": 2 * DAY}, None, NOW + DAY),
        ({"completed_at": NOW}, {"after_import": HOUR}, None, NOW + FIRST_ASK_SECONDS),
        ({}, {"after_import": HOUR}, NOW - 5, NOW - 5 + LONGEST_PAUSE),
        ({}, {"after_import": HOUR, "after": DAY + 5}, NOW - 5, NOW + 5),
        ({"imported_at": NOW}, {"after_import": HOUR}, None, NOW + HOUR),
        ({"phase": GrabPhase.DELIVERED}, {"after_import": HOUR, "after": 1.0}, None, None),
    ],
)
def test_the_next_look_of_the_clean_up(
    fields: dict[str, Any], rules: dict[str, Any], asked_at: float | None, at: float | None
) -> None:
    """A finished grab is looked at again when it is due, or its *arr is to be asked, not before."""
    assert next_cleanup_check(done(**fields), cleaning(**rules), asked_at) == at


@pytest.mark.parametrize(
    ("asked", "following"),
    [
        (None, FIRST_ASK_SECONDS),
        (60.0, 120.0),
        (120.0, 240.0),
        (240.0, 480.0),
        (DAY, DAY + LONGEST_PAUSE),
    ],
)
def test_questions_grow_apart(asked: float | None, following: float) -> None:
    """A minute after it is complete, then as long again, an hour at most."""
    assert next_question(0.0, asked) == following


@pytest.mark.parametrize(
    ("other", "stays"),
    [
        (live(ready(), finished(), grab(1, 2)), True),
        (live(ready(), finished(), delivering(1, 2)), True),
        (live(ready(), finished(), delivered(1, 2)), False),
        (live(failed(), finished(), delivered(1, 2), grab(1, 3)), False),
    ],
)
def test_files_that_others_may_be_linked_to_stay(other: LiveDownload, *, stays: bool) -> None:
    """A grab is not cleaned up while another one of the hash may get its files by links to it."""
    rules = for_all(Rules(cleanup=cleaning(after=DAY)))
    due = Entry(other.download, replace(other.grabs[0], completed_at=NOW - DAY))
    given = known(other, cleanup_due=[due], rules=rules)
    assert (list(cleanup_steps(given)) == []) is stays


def test_the_plan_wakes_for_the_next_clean_up() -> None:
    """A due entry stays due until it is handled."""
    assert plan(known(next_cleanup_at=NOW + 7)) == Plan((), NOW + 7)


def stray(**fields: Any) -> PlannerInput:
    """Make a moment at which an item of a removed hash is listed, made before the removal."""
    made = item(7, hash=H, created_at=NOW - 1.5 * HOUR)
    return replace(known(removed=(removed_download(),), snapshot=snapshot(made)), **fields)


def test_what_turned_up_late_is_ours() -> None:
    """Made by TorBox's clock after our first create and before the removal: it is deleted."""
    assert list(stray_deletions(stray())) == [DeleteStray(H, 7)]
    assert DeleteStray(H, 7) in plan(stray()).actions


@pytest.mark.parametrize(
    "created_at",
    [
        None,
        NOW - 2 * HOUR - CLOCK_SLACK_SECONDS - 1,
        NOW - HOUR + CLOCK_SLACK_SECONDS + 1,
    ],
)
def test_what_is_not_surely_ours_stays(created_at: float | None) -> None:
    """Older than our create, newer than the removal, or without a date: somebody else's."""
    made = item(7, hash=H, created_at=created_at)
    assert list(stray_deletions(stray(snapshot=snapshot(made)))) == []


def test_torboxs_clock_counts() -> None:
    """A clock that differs by hours makes nothing ours, and nothing somebody else's."""
    made = item(7, hash=H, created_at=NOW - 1.5 * HOUR + 5 * HOUR)
    ahead = stray(snapshot=snapshot(made), offset_seconds=5 * HOUR)
    assert list(stray_deletions(ahead)) == [DeleteStray(H, 7)]
    assert list(stray_deletions(replace(ahead, offset_seconds=0.0))) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"live": (live(download()),)},
        {"jobs": (removal(),)},
        {"removed": ()},
        {"removed": (removed_download(9),)},
        {"snapshot": snapshot(item(7, hash=H, created_at=NOW - 1.5 * HOUR), listed=frozenset())},
        {
            "snapshot": snapshot(
                item(7, hash=H, created_at=NOW - 1.5 * HOUR),
                listed_at=NOW - HOUR + LIST_LAG_SECONDS - 1,
            )
        },
    ],
)
def test_nothing_else_is_deleted(fields: dict[str, Any]) -> None:
    """Not what a client has here, what is being removed, what is not listed, or by an old list."""
    assert list(stray_deletions(stray(**fields))) == []


@pytest.mark.parametrize(
    ("one", "listed_at", "expected"),
    [
        (removed_download(), NOW - HOUR, Plan((RefreshList(queue=False),), inf)),
        (removed_download(), NOW - HOUR + LIST_LAG_SECONDS, Plan((), inf)),
        (removed_download(left_at=NOW), NOW - HOUR, Plan((), NOW + LIST_LAG_SECONDS)),
        (removed_download(unclear=False), NOW - HOUR, Plan((), inf)),
        (removed_download(unclear=False), 0.0, Plan((RefreshList(queue=False),), inf)),
    ],
)
def test_the_list_is_read_once_for_strays(
    one: RemovedDownload, listed_at: float, expected: Plan
) -> None:
    """Some minutes after an unclear removal, and after a restart; else nothing is asked."""
    given = known(removed=(one,), snapshot=snapshot(listed_at=listed_at), polled_at=NOW - HOUR)
    assert plan(given) == expected


def test_removed_downloads_are_forgotten() -> None:
    """After a day no late item can appear at TorBox."""
    young, old = removed_download(), removed_download(2, left_at=NOW - REMEMBERED_SECONDS - 1)
    assert outdated({one.hash: one for one in (young, old)}, NOW) == [hash_of(2)]
