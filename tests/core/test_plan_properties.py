"""What holds of every plan, whatever the scene; and of a day that is made of plans."""

from collections import Counter
from dataclasses import replace
from math import isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.actions import (
    Action,
    AskImport,
    CheckCached,
    CleanUp,
    Deliver,
    Enqueue,
    Fail,
    FailOver,
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
from bridge.core.model import FINAL, Claim, Download, Phase, Snapshot, Trace
from bridge.core.plan import LOOKED_AT, LOOKS, RELOOK_SECONDS, plan
from bridge.core.scene import CREATES, DELIVERIES, CleaningRules, Rules, Scene
from tests.support.scenes import HOUR, NOW, download, hash_of, item, removal, scene, snapshot, whole

moments = st.sampled_from([0.0, NOW - HOUR, NOW - 61, NOW - 1, NOW, NOW + 1, NOW + HOUR])
past = st.sampled_from([NOW - HOUR, NOW - 61, NOW - 10, NOW - 1, NOW])
ids = st.none() | st.integers(0, 6)


claim_phases = st.sampled_from([Phase.ACCEPTED, Phase.DELIVERED, Phase.FINISHED])


def claim(number: int, of: int, phase: Phase) -> Claim:
    """Make a claim on a download, complete since a while or waiting."""
    return Claim(
        hash=hash_of(number),
        number=of,
        category="radarr",
        save_path="/downloads/radarr",
        added_at=NOW,
        ratio_limit=1.0,
        phase=phase,
        completed_at=None if phase is Phase.ACCEPTED else NOW - HOUR,
    )


@st.composite
def downloads(draw: st.DrawFn, number: int) -> Download:
    """Draw a download in any phase, with any past."""
    return download(
        number,
        phase=draw(st.sampled_from(Phase)),
        phase_at=draw(past),
        lookup_until=draw(moments),
        category=draw(st.sampled_from(["", "tv"])),
        stopped=draw(st.booleans()),
        force_start=draw(st.booleans()),
        torrent_id=draw(ids),
        remote_at=draw(st.none() | past),
        next_attempt_at=draw(moments),
        seen_at=draw(st.none() | past),
        misses=draw(st.integers(0, 4)),
        idle_seconds=draw(st.sampled_from([0.0, 61.0, 7 * HOUR])),
        reannounced_at=draw(st.sampled_from([-1.0, 6 * HOUR, 7 * HOUR])),
        ratio_limit=draw(st.sampled_from([-2.0, -1.0, 1.0])),
        ratio=draw(st.sampled_from([0.0, 2.0])),
        completed_at=draw(st.none() | past),
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw what TorBox may say, sense or not."""
    items = [
        item(
            number,
            hash=hash_of(draw(st.integers(0, 6))),
            state=draw(st.sampled_from(["downloading", "failed", "cached", "quux"])),
            active=draw(st.booleans()),
            finished=draw(st.booleans()),
            present=draw(st.booleans()),
            files=draw(st.sampled_from([(), whole().files])),
        )
        for number in draw(st.sets(st.integers(0, 6)))
    ]
    return snapshot(
        *items, listed_at=draw(past), listed=frozenset(draw(st.sets(st.integers(0, 6))))
    )


RULES = (
    Rules(),
    Rules(adopt=True, cached_only=True),
    Rules(cleaning=CleaningRules(after=HOUR, after_import=60.0, asks=True)),
)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Draw any scene that the engine may make."""
    drawn = [draw(downloads(number)) for number in range(draw(st.integers(0, 12)))]
    numbers = st.integers(0, 14)
    return scene(
        *drawn,
        claims={
            hash_of(number): (
                claim(number, 1, draw(claim_phases)),
                claim(number, 2, Phase.ACCEPTED),
            )
            for number in draw(st.sets(numbers, max_size=2))
        },
        rules=draw(st.sampled_from([lambda _category, one=one: one for one in RULES])),
        asking_import=draw(st.booleans()),
        traces=[
            Trace(
                hash=hash_of(number),
                submitted_at=NOW - HOUR,
                removed_at=NOW - HOUR,
                left_at=draw(past),
                unclear=draw(st.booleans()),
            )
            for number in draw(st.sets(numbers, max_size=2))
        ],
        removals=[
            removal(
                index,
                hash=hash_of(number),
                files_only=draw(st.booleans()),
                save_path=draw(st.sampled_from(["/downloads/tv", "/elsewhere"])),
                next_attempt_at=draw(moments),
            )
            for index, number in enumerate(draw(st.lists(numbers, max_size=3)), start=1)
        ],
        snapshot=draw(snapshots()),
        busy=frozenset(hash_of(number) for number in draw(st.sets(numbers, max_size=3))),
        polling=draw(st.booleans()),
        submitting=draw(st.integers(0, CREATES + 1)),
        delivering=draw(st.integers(0, DELIVERIES + 1)),
        asked={hash_of(number): draw(past) for number in draw(st.sets(numbers))},
        polled_at=draw(past),
        checking=draw(st.booleans()),
        scarce=draw(st.booleans()),
        cached={hash_of(number): draw(st.booleans()) for number in draw(st.sets(numbers))},
        probe_at=draw(st.none() | moments),
        create_at=draw(moments),
        cached_at=draw(moments),
        slot_at=draw(moments),
        list_at=draw(moments),
        link_at=draw(moments),
    )


def hash_in(action: Action, given_scene: Scene) -> str:
    """Tell which hash an action is for; its own name for a question that all share."""
    match action:
        case Poll() | CheckCached() | FailOver():
            return type(action).__name__
        case Finish(info_hash, number) if number:
            return f"claim {number} of {info_hash}"  # nothing else is about it
        case Remove(removal_id):
            return next(one.hash for one in given_scene.removals if one.id == removal_id)
        case _:
            return action.hash


@given(scenes())
def test_the_same_scene_gives_the_same_plan(given_scene: Scene) -> None:
    """A plan depends on nothing but the scene."""
    assert plan(given_scene) == plan(given_scene)


@given(scenes())
def test_never_two_things_for_one_hash(given_scene: Scene) -> None:
    """No hash has two actions, and none that is busy has one; there is at most one poll."""
    wanted = Counter(hash_in(action, given_scene) for action in plan(given_scene).actions)
    assert not set(wanted) & given_scene.busy
    assert not [info_hash for info_hash, actions in wanted.items() if actions > 1]


@given(scenes())
def test_limits_hold(given_scene: Scene) -> None:
    """What is in flight and what is begun stay within the limits."""
    kinds = Counter(type(action) for action in plan(given_scene).actions)
    assert not kinds[Submit] or kinds[Submit] + given_scene.submitting <= CREATES
    assert not kinds[Deliver] or kinds[Deliver] + given_scene.delivering <= DELIVERIES
    assert kinds[Look] <= LOOKED_AT


@given(scenes())
def test_budgets_hold(given_scene: Scene) -> None:
    """Nothing that needs a budget is begun before it allows."""
    kinds = {type(action) for action in plan(given_scene).actions}
    assert given_scene.list_at <= NOW or not kinds & {Look, Poll, CheckCached}
    assert given_scene.link_at <= NOW or Deliver not in kinds
    for action in plan(given_scene).actions:
        if isinstance(action, Submit):
            scarce_at = max(given_scene.create_at, given_scene.slot_at)
            assert (given_scene.cached_at if action.cached else scarce_at) <= NOW


@given(scenes())
def test_an_outage_costs_one_question(given_scene: Scene) -> None:
    """While TorBox gives no answer a single poll is all that is asked, and not before its time.

    What is on disk already may still be shared.
    """
    out = replace(given_scene, probe_at=given_scene.probe_at or NOW)
    kinds = Counter(type(action) for action in plan(out).actions)
    assert set(kinds) <= {Poll, Share, Finish, Remove}
    assert kinds[Poll] <= (out.probe_at is not None and out.probe_at <= NOW)


@given(scenes())
def test_no_submit_before_the_removal(given_scene: Scene) -> None:
    """A hash is not created anew while its former self is still to be removed."""
    removed = {Submit(one.hash) for one in given_scene.removals}
    assert not removed & set(plan(given_scene).actions)


@given(scenes())
def test_wakes_lie_ahead(given_scene: Scene) -> None:
    """The next wake is never now or before: the engine would spin."""
    assert plan(given_scene).wake_at > NOW


UNSENT = {Phase.ACCEPTED, Phase.SUBMITTING}
UNDELIVERED = {Phase.READY, Phase.DELIVERING}
LISTED = {Phase.SUBMITTING, Phase.QUEUED, Phase.REMOTE, Phase.DELIVERED}


def has_owner(one: Download, given_scene: Scene) -> bool:
    """Tell whether a download is over, paused, or served by something that is in flight."""
    if one.phase in FINAL or one.hash in given_scene.busy:
        return True
    if one.stopped and one.phase in UNSENT | UNDELIVERED:
        return True
    adopts = one.phase is Phase.ACCEPTED and given_scene.rules(one.category).adopt
    listed = one.phase in LISTED or adopts or given_scene.probe_at is not None
    if given_scene.polling and listed:
        return True
    if one.phase in UNSENT:
        return given_scene.checking or given_scene.submitting >= given_scene.creates
    return one.phase in UNDELIVERED and given_scene.delivering >= DELIVERIES


@settings(max_examples=200)
@given(scenes())
def test_no_progress_and_no_timer_is_a_bug(given_scene: Scene) -> None:
    """Every download that is not over is acted on, timed, or waits for something in flight."""
    for one in given_scene.downloads:
        alone = replace(
            given_scene,
            downloads=[one],
            removals=[pending for pending in given_scene.removals if pending.hash == one.hash],
        )
        made = plan(alone)
        assert made.actions or isfinite(made.wake_at) or has_owner(one, alone)


def settled(action: Action, now: float) -> dict[str, Any]:
    """Tell what an action makes of its download where everything succeeds at once."""
    match action:
        case Submit(info_hash):
            torrent_id = int(info_hash, 16)
            return {"phase": Phase.REMOTE, "torrent_id": torrent_id, "remote_at": now}
        case Enqueue(_, queued_id):
            return {"phase": Phase.QUEUED, "queued_id": queued_id, "misses": 0}
        case Promote(_, torrent_id):
            return {"phase": Phase.REMOTE, "torrent_id": torrent_id, "remote_at": now}
        case Ready():
            return {"phase": Phase.READY}
        case Deliver():
            return {"phase": Phase.DELIVERED, "completed_at": now}
        case Finish(_, 0):
            return {"phase": Phase.FINISHED}
        case Fail():
            return {"phase": Phase.FAILED}
        case Reannounce():
            return {"reannounced_at": now}
        case _:
            return {}


def perform(action: Action, world: Scene) -> Scene:
    """Carry an action out in a world in which nothing moves at TorBox."""
    match action:
        case Poll():
            said = replace(world.snapshot, listed_at=world.now, queue_listed_at=world.now)
            return replace(world, snapshot=said, polled_at=world.now, probe_at=None)
        case Remove(removal_id):
            left = [one for one in world.removals if one.id != removal_id]
            return replace(world, removals=left)
        case Look(info_hash):
            return replace(world, asked={**world.asked, info_hash: world.now})
        case CheckCached(hashes):
            return replace(world, cached={**world.cached, **dict.fromkeys(hashes, False)})
        case AskImport(info_hash):
            asked = {(info_hash, category): world.now for category in ("", "tv", "radarr")}
            return replace(world, imports_asked={**world.imports_asked, **asked})
        case CleanUp(info_hash, 0, _) if not world.claims.get(info_hash):
            stay = [one for one in world.downloads if one.hash != info_hash]
            return replace(world, downloads=stay)
        case CleanUp(info_hash, number, _):
            claims = world.claims[info_hash]
            gone = number or claims[0].number  # who has no claim leaves its place to the first
            others = tuple(one for one in claims if one.number != gone)
            return replace(world, claims={**world.claims, info_hash: others})
        case Share(info_hash, number) | Finish(info_hash, number) if number:
            phase = Phase.DELIVERED if isinstance(action, Share) else Phase.FINISHED
            done = tuple(
                replace(one, phase=phase, completed_at=world.now) if one.number == number else one
                for one in world.claims[info_hash]
            )
            return replace(world, claims={**world.claims, info_hash: done})
        case FailOver(failover_id):
            waiting = [one for one in world.failovers if one.id != failover_id]
            return replace(world, failovers=waiting)
        case _:
            fields = settled(action, world.now)
            after = [
                replace(one, **fields) if one.hash == action.hash else one
                for one in world.downloads
            ]
            return replace(world, downloads=after)


STEADY: dict[str, Any] = {
    "busy": frozenset[str](),
    "polling": False,
    "checking": False,
    "submitting": 0,
    "delivering": 0,
    "poll_seconds": 60.0,
    "brisk_seconds": 60.0,
}


@settings(max_examples=40, deadline=None)
@given(scenes())
def test_time_goes_on(given_scene: Scene) -> None:
    """Stepping from plan to plan never stays at one moment, and asks TorBox in moderation."""
    world = replace(given_scene, **STEADY)
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
    assert calls[Poll] <= minutes + 2
    assert calls[Look] <= len(world.downloads) * (HOUR / RELOOK_SECONDS + 2 * len(LOOKS))
