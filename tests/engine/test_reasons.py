"""Every reason for which a download fails, from TorBox's answer to the *arr's next search."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model import Phase, Reason
from bridge.core.patience import FAILED_SECONDS, GONE_MISSES, GONE_SECONDS
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Error
from tests.support.arr_world import TOLD, World, world
from tests.support.rig import Rig, cached, film

DAY = 86_400.0
GIB = 1 << 30


def known(rig: Rig, content: Content, **tricks: object) -> Content:
    """Let TorBox know a content, and what is odd about it."""
    rig.sim.register(content)
    rig.sim.world.change(content.hash, **tricks)
    return content


def invalid(rig: Rig) -> Content:
    """TorBox cannot read the torrent."""
    content = known(rig, film(is_cached=True))
    error = Error(400, "BOZO_TORRENT", "Torrent file is not valid.")
    rig.sim.faults.add("createtorrent", error, times=None)
    return content


def too_large(rig: Rig) -> Content:
    """The account's plan ends at 10 GiB."""
    rig.sim.world.account.plan = 0
    return known(rig, Content("c" * 40, "Huge", (ContentFile("huge.mkv", 11 * GIB),)))


def refused(rig: Rig) -> Content:
    """TorBox takes no private torrents just now."""
    rig.sim.world.behaviour.allow_private = False
    return known(rig, Content("d" * 40, "Private", (ContentFile("p.mkv", 9),), private=True))


def without_metadata(rig: Rig) -> Content:
    """Nobody in the swarm tells what the torrent is."""
    return known(rig, Content("e" * 40, "Secret", (ContentFile("s.mkv", 9),), metadata=False))


def zipped(rig: Rig) -> Content:
    """TorBox has it packed, and in no other way."""
    file = ContentFile("pack.zip", 5000, zipped=True)
    return known(rig, Content("f" * 40, "Pack", (file,), cached=True))


def incomplete(rig: Rig) -> Content:
    """TorBox lists one of the two files that stand in the .torrent."""
    files = [ContentFile(f"show.e{number}.mkv", 100_000) for number in (1, 2)]
    content = cached(make_torrent("Show", files))
    fields = {name: getattr(content, name) for name in content.__struct_fields__}
    known(rig, Content(**fields | {"files": content.files[:1]}))
    return content


def slow(rig: Rig, **tricks: object) -> Content:
    """TorBox has to get it first."""
    return known(rig, film(), **tricks)


async def nothing(_here: World, _content: Content) -> None:
    """The download fails without further help."""


async def failing_for_long(here: World, content: Content) -> None:
    """A minute goes by in which TorBox calls it failed."""
    await here.rig.until(lambda: here.rig.followed(content.hash).failing_since is not None)
    await here.rig.put_back(content.hash, FAILED_SECONDS, "failing_since")


async def gone_for_long(here: World, content: Content) -> None:
    """Somebody deletes it on TorBox's site, and it is missed again and again."""
    await here.rig.until(lambda: here.rig.followed(content.hash).seen_at is not None)
    here.rig.sim.world.forget(content.hash)
    await here.rig.until(lambda: here.rig.followed(content.hash).misses > 0)
    await here.rig.alter(content.hash, misses=GONE_MISSES)
    await here.rig.put_back(content.hash, 2 * GONE_SECONDS, "seen_at", "phase_at", "remote_at")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A cause at TorBox, and the settings with which it does not take hours."""

    reason: Reason
    cause: Callable[[Rig], Content]
    settings: dict[str, Any] = field(default_factory=dict)
    then: Callable[[World, Content], Awaitable[None]] = nothing
    by_file: bool = False
    """The *arr hands over the .torrent, not a magnet."""


def patience(name: str) -> dict[str, str]:
    """Shorten one of the policy's times to a second."""
    return {f"BRIDGE_POLICY__{name}": "1s"}


SCENARIOS = (
    Scenario(Reason.INVALID, invalid),
    Scenario(Reason.TOO_LARGE, too_large),
    Scenario(Reason.NOT_CACHED, slow, {"BRIDGE_POLICY__CACHED": "only"}),
    Scenario(Reason.REFUSED, refused),
    Scenario(
        Reason.REMOTE_ERROR, lambda rig: slow(rig, fail="no such tracker"), then=failing_for_long
    ),
    Scenario(Reason.STALLED, lambda rig: slow(rig, stop_at=0.5), patience("STALLED_AFTER")),
    Scenario(Reason.NO_METADATA, without_metadata, patience("METADATA_AFTER")),
    Scenario(
        Reason.NOT_PRESENT, lambda rig: slow(rig, store_seconds=DAY), patience("STORED_AFTER")
    ),
    Scenario(
        Reason.GAVE_UP, lambda rig: slow(rig, download_seconds=DAY), patience("GIVE_UP_AFTER")
    ),
    Scenario(Reason.GONE, lambda rig: slow(rig, stop_at=0.5), then=gone_for_long),
    Scenario(Reason.INFECTED, lambda rig: known(rig, film(is_cached=True), infected=True)),
    Scenario(
        Reason.EXPIRED,
        lambda rig: known(rig, film(is_cached=True), expire_seconds=-DAY, no_files=True),
    ),
    Scenario(Reason.ZIPPED, zipped),
    Scenario(Reason.INCOMPLETE, incomplete, patience("STALLED_AFTER"), by_file=True),
    Scenario(
        Reason.NOTHING_CHOSEN,
        lambda rig: known(rig, film(is_cached=True)),
        {"BRIDGE_POLICY__FILES__EXCLUDE": "*.mkv"},
    ),
)


def test_every_reason_has_its_scenario() -> None:
    """A reason that is new needs one here."""
    assert sorted(scenario.reason for scenario in SCENARIOS) == sorted(Reason)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.reason)
async def test_from_torbox_to_the_next_search(tmp_path: Path, scenario: Scenario) -> None:
    """The release is blocklisted and searched once; nothing is left here, on disk or at TorBox."""
    async with world(tmp_path, **scenario.settings) as here:
        content, here.api.before_delete = scenario.cause(here.rig), asyncio.Event()
        if scenario.by_file:
            assert content.torrent is not None
            await here.arr.add_torrent(content.torrent, content.name, content.hash)
        else:
            await here.arr.add_magnet(magnet_of(content))
        here.api.grab(content.hash)
        await scenario.then(here, content)
        download = await here.rig.reaches(content.hash, Phase.FAILED)
        assert download.failure_reason is scenario.reason
        assert download.failure_message
        assert [item.status for item in await here.arr.poll()] == ["warning"]
        here.api.before_delete.set()
        await here.settled(content.hash)
        assert here.api.blocklist == here.api.searches == [content.hash.upper()]
        assert here.api.calls.count(TOLD) == 1
        assert await here.arr.poll() == []
        await here.rig.until(lambda: not here.rig.removals)
        assert here.rig.sim.world.find(content.hash) is None
        assert [path for path in here.rig.downloads.rglob("*") if path.is_file()] == []
        assert not (here.rig.downloads / ".incomplete" / content.hash).exists()
