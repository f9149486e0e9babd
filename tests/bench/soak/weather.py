"""What goes wrong in the soak: every effect that the simulator knows, all the time."""

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from bridge.simulator import Simulator
from bridge.simulator.faults import (
    ANY,
    CDN,
    AnyEffect,
    Cut,
    CutBody,
    DeadLink,
    Error,
    Gzip,
    Hang,
    Html,
    JsonBody,
    LongBody,
    Lost,
    Malformed,
    NewEtag,
    NoData,
    NoRange,
    RateLimit,
    RotateKey,
    ShortBody,
    Slow,
    StaleList,
    Trickle,
    WrongBytes,
    WrongRange,
)
from tests.bench.soak.cases import Case, Stage
from tests.bench.soak.wishes import Release

SHARE = 0.008
"""How often each effect strikes a call."""
WRONG_BYTES_SHARE = 0.1
BAD_LISTS = ("mylist", "getqueued")
LIMITED = ("mylist", "getqueued", "checkcached", "requestdl", "controltorrent", "controlqueued")
"""Not createtorrent: after a 429 the bridge adds no more than ten a minute for an hour."""

ANYWHERE: tuple[AnyEffect, ...] = (
    Error(500, "DATABASE_ERROR"),
    Error(500, "UNKNOWN_ERROR"),
    Error(503, "DOWNLOAD_SERVER_ERROR"),
    Error(500, "NEVER_HEARD_OF_ERROR"),
    Html(502),
    Html(520),
    Hang(60.0),
    Cut(),
    Lost(),
    Lost(0.5),
    Slow(0.5),
    Malformed(),
    JsonBody(),
)
API: tuple[AnyEffect, ...] = (Error(200, None, "Something went wrong."),)
WITH_DATA = ("createtorrent", "mylist", "getqueued", "requestdl", "controltorrent", "controlqueued")
"""Where a success without data says nothing. Of `checkcached` it is the truth of what is not cached."""
LIMITS: tuple[AnyEffect, ...] = (
    RateLimit("json", "5 per 1 second", retry_after=0.5),
    RateLimit("text", retry_after=1.0),
    RateLimit("envelope", retry_after=1.0, reset_in=1.5),
)
BODIES: tuple[AnyEffect, ...] = (
    CutBody(50_000),
    CutBody(100_000, kill_link=True),
    ShortBody(),
    LongBody(),
    Trickle(200_000.0),
    DeadLink(403),
    DeadLink(404),
    DeadLink(410),
    NoRange(),
    WrongRange(),
    Gzip(),
    NewEtag(),
)
OUTAGE_SECONDS = (0.5, 3.0)
STALE_SECONDS = 100.0


LONGEST_STANDSTILL = 60.0
"""Seconds after which what stands still goes on though nobody has given it up."""


def brew(sim: Simulator, releases: Iterable[Release], dice: random.Random) -> None:
    """Put all faults in force."""
    for effect in (*ANYWHERE, *API):
        sim.faults.add(ANY, effect, times=None, probability=SHARE)
    for endpoint in WITH_DATA:
        sim.faults.add(endpoint, NoData(), times=None, probability=SHARE)
    for endpoint in BAD_LISTS:
        sim.faults.add(endpoint, StaleList(STALE_SECONDS), times=None, probability=SHARE * 3)
    for endpoint in LIMITED:
        for effect in LIMITS:
            sim.faults.add(endpoint, effect, times=None, probability=SHARE)
    for effect in (*ANYWHERE, *BODIES, RateLimit("text", retry_after=0.5)):
        sim.faults.add(CDN, effect, times=None, probability=SHARE)
    for release in releases:  # only pieces give away a wrong byte
        if release.as_torrent and dice.random() < WRONG_BYTES_SHARE:
            sim.faults.add(CDN, WrongBytes(5000), hash=release.content.hash)


async def moods(sim: Simulator, dice: random.Random) -> None:
    """Let TorBox change its manners every few seconds, as it does from release to release."""
    behaviour = sim.world.behaviour
    while True:
        behaviour.when_full = dice.choice(("refuse", "refuse_200", "queue"))
        behaviour.queued_reply = dice.choice(("id", "empty", "refusal"))
        behaviour.duplicate = dice.choice(("existing", "refuse"))
        behaviour.missing_id = dice.choice(("not_found", "not_owner", "database_error"))
        behaviour.cached_seconds = dice.choice((0.0, 0.0, 0.7, 2.0))
        behaviour.nothing_cached = dice.choice(("empty", "null"))
        behaviour.list_lag_seconds = dice.choice((0.0, 0.0, 1.0, 3.0))
        behaviour.promotion_gap_seconds = dice.choice((0.0, 0.5, 2.0))
        behaviour.link_failures = dice.choice((0, 0, 1, 2))
        await asyncio.sleep(dice.uniform(1.0, 4.0))


async def outages(sim: Simulator, dice: random.Random) -> None:
    """Take TorBox away as a whole now and then, and its links for good."""
    while True:
        await asyncio.sleep(dice.uniform(6.0, 14.0))
        effect = dice.choice((Html(502), Cut(), Error(500, "DATABASE_ERROR")))
        armed = sim.faults.add(ANY, effect, times=None)
        await asyncio.sleep(dice.uniform(*OUTAGE_SECONDS))
        sim.faults.clear(armed.id)
        sim.links.kill()


async def locksmith(sim: Simulator, key_file: Path, dice: random.Random) -> None:
    """Change the API key now and then; the user puts the new one in place a moment later."""
    while True:
        await asyncio.sleep(dice.uniform(12.0, 25.0))
        sim.faults.add(ANY, RotateKey(), times=1)
        await asyncio.sleep(dice.uniform(0.2, 4.0))
        key_file.write_text(sim.key)


async def midwife(sim: Simulator, cases: Sequence[Case]) -> None:
    """Let TorBox go on with what stood still, once whoever has no patience has given it up."""
    waiting = [case for case in cases if case.release.stands_still and case.first is None]
    while waiting:
        for case in [case for case in waiting if _over_with(case)]:
            sim.world.change(case.hash, stop_at=None)
            waiting.remove(case)
        await asyncio.sleep(0.5)


def _over_with(case: Case) -> bool:
    if case.stage in {Stage.GIVEN_UP, Stage.LEAVING, Stage.OVER}:
        return True
    waited = time.monotonic() - case.accepted_at
    return case.stage is Stage.ACCEPTED and waited > LONGEST_STANDSTILL
