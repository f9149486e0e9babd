"""What goes without being asked for, and what turned up too late."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.core.actions import AskImport, CleanUp, Poll, Reclaim, Wait
from bridge.core.cleanup import (
    FIRST_ASK_SECONDS,
    LATE_SECONDS,
    LONGEST_PAUSE,
    TRACE_SECONDS,
    clean_ups,
    due,
    forgotten,
    next_question,
    reclaims,
)
from bridge.core.follow import CLOCK_SLACK_SECONDS
from bridge.core.model import Claim, Download, Phase, Trace
from bridge.core.plan import Plan, plan
from bridge.core.scene import CleaningRules, Rules, Scene
from tests.support.scenes import (
    HOUR,
    NOW,
    H,
    delivered,
    download,
    hash_of,
    item,
    removal,
    scene,
    snapshot,
)

DAY = 86400.0


def finished(**fields: Any) -> Download:
    """Make a download that is done seeding and was complete a day ago."""
    done: dict[str, Any] = {"phase": Phase.FINISHED, "category": "tv", "completed_at": NOW - DAY}
    return delivered(**done | fields)


def cleaned(**rules: Any) -> Rules:
    """Make rules that clean up, with an *arr that can be asked."""
    return Rules(cleaning=CleaningRules(**{"asks": True} | rules))


def steps(*downloads: Download, rules: Rules, **fields: Any) -> list[object]:
    """List what the clean-up wants."""
    return list(clean_ups(scene(*downloads, rules=lambda _category: rules, **fields)))


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
        ({"phase": Phase.DELIVERED}, {"after": 1.0}, None),
        ({"phase": Phase.FAILED}, {"after": 1.0}, None),
        ({"phase": Phase.REMOTE}, {"after": 1.0}, None),
    ],
)
def test_when_it_goes(fields: dict[str, Any], rules: dict[str, Any], at: float | None) -> None:
    """By the earlier of both rules, and never while it seeds, or before it is complete."""
    found = due(finished(**fields), CleaningRules(**rules))
    assert (found.at if found else None) == at


def test_it_is_cleaned_up() -> None:
    """When it is due it goes, with the reason; before that it is waited for."""
    assert steps(finished(), rules=cleaned(after=DAY)) == [CleanUp(H, 0, "policy.clean_up.after")]
    assert steps(finished(), rules=cleaned(after=DAY + 5)) == [Wait(NOW + 5)]
    assert steps(finished(), rules=cleaned(after=DAY), busy=frozenset({H})) == []
    imported = finished(imported_at=NOW - HOUR)
    assert steps(imported, rules=cleaned(after_import=HOUR)) == [
        CleanUp(H, 0, "its *arr has imported it: policy.clean_up.after_import")
    ]


def test_a_dry_run_only_lists() -> None:
    """Nothing goes, but its *arr is asked all the same, so that the list is true."""
    assert steps(finished(), rules=cleaned(after=DAY, dry_run=True)) == []
    asks = cleaned(after_import=HOUR, after=DAY, dry_run=True)
    assert steps(finished(), rules=asks) == [AskImport(H, 0)]
    assert steps(finished(imported_at=NOW - DAY), rules=asks) == []


def test_the_arr_is_asked_while_it_may_have_imported_it() -> None:
    """Not without an *arr, not twice at a time, not once it is known."""
    rules = cleaned(after_import=HOUR)
    assert steps(finished(), rules=rules) == [AskImport(H, 0)]
    assert steps(finished(), rules=rules, asking_import=True) == []
    assert steps(finished(), rules=cleaned(after_import=HOUR, asks=False)) == []
    assert steps(finished(completed_at=NOW), rules=rules) == [Wait(NOW + FIRST_ASK_SECONDS)]
    asked = {(H, "tv"): NOW - 5}
    assert steps(finished(), rules=rules, imports_asked=asked) == [Wait(NOW - 5 + LONGEST_PAUSE)]
    assert steps(finished(phase=Phase.DELIVERED), rules=rules) == []


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


def test_each_who_asked_for_it_has_rules_of_its_own() -> None:
    """A claim is cleaned up by the rules of its category, and the others stay."""
    claim = Claim(
        hash=H,
        number=2,
        category="radarr",
        save_path="/r",
        added_at=NOW - DAY,
        phase=Phase.FINISHED,
        completed_at=NOW - DAY,
    )

    def rules(category: str) -> Rules:
        return cleaned(after=DAY) if category == "radarr" else Rules()

    given = scene(finished(), claims={H: (claim,)}, rules=rules)
    assert list(clean_ups(given)) == [CleanUp(H, 2, "policy.clean_up.after")]


def trace(**fields: Any) -> Trace:
    """Make what is remembered of a download that was removed an hour ago."""
    return replace(
        Trace(
            hash=H,
            submitted_at=NOW - 2 * HOUR,
            removed_at=NOW - HOUR,
            left_at=NOW - HOUR,
            unclear=True,
        ),
        **fields,
    )


def stray(**fields: Any) -> Scene:
    """Make a scene in which an item of that hash is listed, made before the removal."""
    entry = item(7, hash=H, created_at=NOW - 1.5 * HOUR)
    return replace(scene(traces=(trace(),), snapshot=snapshot(entry)), **fields)


def test_what_turned_up_late_is_ours() -> None:
    """Made by TorBox's clock after our first create and before the removal: it goes."""
    assert list(reclaims(stray())) == [Reclaim(H, 7)]
    assert Reclaim(H, 7) in plan(stray()).actions


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
    entry = item(7, hash=H, created_at=created_at)
    assert list(reclaims(stray(snapshot=snapshot(entry)))) == []


def test_torboxs_clock_counts() -> None:
    """A clock that differs by hours makes nothing ours, and nothing somebody else's."""
    entry = item(7, hash=H, created_at=NOW - 1.5 * HOUR + 5 * HOUR)
    ahead = stray(snapshot=snapshot(entry), offset_seconds=5 * HOUR)
    assert list(reclaims(ahead)) == [Reclaim(H, 7)]
    assert list(reclaims(replace(ahead, offset_seconds=0.0))) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"downloads": (download(),)},
        {"removals": (removal(),)},
        {"traces": ()},
        {"traces": (trace(hash=hash_of(9)),)},
        {"snapshot": snapshot(item(7, hash=H, created_at=NOW - 1.5 * HOUR), listed=frozenset())},
        {
            "snapshot": snapshot(
                item(7, hash=H, created_at=NOW - 1.5 * HOUR),
                listed_at=NOW - HOUR + LATE_SECONDS - 1,
            )
        },
    ],
)
def test_nothing_is_reclaimed(fields: dict[str, Any]) -> None:
    """Not what somebody has here, what is being removed, what is not listed, or an old list."""
    assert list(reclaims(stray(**fields))) == []


@pytest.mark.parametrize(
    ("one", "listed_at", "expected"),
    [
        (trace(), NOW - HOUR, Plan((Poll(queue=False),), float("inf"))),
        (trace(), NOW - HOUR + LATE_SECONDS, Plan((), float("inf"))),
        (trace(left_at=NOW), NOW - HOUR, Plan((), NOW + LATE_SECONDS)),
        (trace(unclear=False), NOW - HOUR, Plan((), float("inf"))),
        (trace(unclear=False), 0.0, Plan((Poll(queue=False),), float("inf"))),
    ],
)
def test_the_list_is_read_once_for_it(one: Trace, listed_at: float, expected: Plan) -> None:
    """Some minutes after an unclear removal, and after a restart; else nothing is asked."""
    given = scene(traces=(one,), snapshot=snapshot(listed_at=listed_at), polled_at=NOW - HOUR)
    assert plan(given) == expected


def test_traces_are_forgotten() -> None:
    """After a day nothing can turn up any more."""
    young, old = trace(), trace(hash=hash_of(2), left_at=NOW - TRACE_SECONDS - 1)
    assert forgotten({one.hash: one for one in (young, old)}, NOW) == [old.hash]
