"""What the doctor says of TorBox: slots, limits, and whether its CDN serves."""

import pytest

from bridge.doctor import Finding, Level
from bridge.simulator import Content
from bridge.simulator.faults import AnyEffect, Cut, DeadLink, Error, Gzip, Html, JsonBody, RateLimit
from tests.support.doctor import World
from tests.support.rig import cached, pack


async def has_a_file(here: World) -> Content:
    """Put something on the account that is ready to be fetched."""
    here.rig.sim.world.behaviour.cached_seconds = 0
    content = pack(episodes=1)
    here.rig.sim.register(content, on_account=True)
    return content


def occupy(here: World, *, slots: int, **tricks: object) -> None:
    """Let TorBox work on so many torrents that come to no end."""
    for number in range(slots):
        content = cached(pack(f"Show.S{number:02}"), is_cached=False)
        here.rig.sim.world.change(content.hash, **tricks)
        here.rig.sim.register(content, on_account=True)


async def test_slots_in_use(here: World) -> None:
    """What is active is counted against the slots of the plan and the additional ones."""
    here.rig.sim.world.account.additional_slots = 2
    occupy(here, slots=3, metadata_seconds=1e6)
    told = await here.told()
    assert "12 downloads at a time (2 of them additional)" in told
    assert "3 of 12 slots are in use" in told


async def test_no_slot_is_free(here: World) -> None:
    """Full is worth a warning: it explains why what was added waits."""
    here.rig.sim.world.account.plan = 1
    occupy(here, slots=3, metadata_seconds=1e6)
    finding = await here.one()
    assert (finding.level, finding.text) == (Level.WARNING, "3 of 3 slots are in use")


async def test_slots_that_only_seed(here: World) -> None:
    """Slots that what is done holds by seeding are told apart: they can be freed."""
    here.rig.sim.world.account.plan = 1
    here.rig.sim.world.account.seed = 2
    occupy(here, slots=3, metadata_seconds=0, download_seconds=0, store_seconds=0)
    finding = await here.one()
    assert "3 of them only for seeding" in finding.text
    assert "policy.seed" in finding.fix


@pytest.mark.parametrize(
    ("variable", "value", "key", "most"),
    [
        ("TORBOX__LIMITS__CALLS_PER_MINUTE", "301", "torbox.limits.calls_per_minute", "300"),
        ("TORBOX__LIMITS__UNCACHED_PER_HOUR", "61", "torbox.limits.uncached_per_hour", "60"),
        ("DELIVERY__CONNECTIONS_PER_FILE", "9", "delivery.connections_per_file", "8"),
    ],
)
async def test_limits_above_those_of_torbox(
    here: World, variable: str, value: str, key: str, most: str
) -> None:
    """A setting that asks for more than TorBox allows is a warning that names both numbers."""
    finding = await here.one(**{f"BRIDGE_{variable}": value})
    assert finding.level is Level.WARNING
    assert finding.text == f"{key} is {value}, but TorBox allows {most}"
    assert f"Set it to {most}" in finding.fix


async def test_limits_within_those_of_torbox(here: World) -> None:
    """Fewer calls than TorBox allows are fine."""
    told = await here.told(BRIDGE_TORBOX__LIMITS__CALLS_PER_MINUTE="20")
    assert "torbox.limits are within what TorBox allows: 20 calls a minute" in told


async def test_torbox_asks_to_wait(here: World) -> None:
    """A rate limit is no fault of the user: a warning, and nothing to do."""
    here.rig.sim.faults.add("mylist", RateLimit(), times=None)
    finding = await here.one()
    assert finding.level is Level.WARNING
    assert "Nothing to do" in finding.fix


async def test_the_cdn_serves(here: World) -> None:
    """One link, one byte; neither the link nor its token is shown."""
    await has_a_file(here)
    told = await here.told()
    assert "ok      torbox: the CDN serves files (127.0.0.1)" in told
    calls = here.rig.sim.calls
    assert calls.counts() == {"me": 1, "mylist": 1, "requestdl": 1, "cdn": 1}
    assert [call.range for call in calls.to("cdn")] == ["bytes=0-0"]
    assert "token" not in told
    assert "/dld/" not in told


async def test_nothing_to_try_the_cdn_with(here: World) -> None:
    """Without a file that is ready nothing is asked, and nothing is wrong."""
    occupy(here, slots=1, metadata_seconds=1e6)
    assert "ok      torbox: the CDN was not checked" in await here.told()
    assert here.rig.sim.calls.count("requestdl") == 0


async def test_modes_that_need_no_links(here: World) -> None:
    """Who fetches nothing has no use for the CDN: no link is spent on it."""
    await has_a_file(here)
    assert "CDN" not in await here.told(BRIDGE_DELIVERY__MODE="none")
    assert here.rig.sim.calls.count("requestdl") == 0


async def wrong_with_the_cdn(here: World, endpoint: str, effect: AnyEffect) -> Finding:
    """What is told when a call for a file that is there goes wrong."""
    await has_a_file(here)
    here.rig.sim.faults.add(endpoint, effect, times=None)
    finding = await here.one()
    assert "token" not in finding.text
    return finding


async def test_a_cdn_out_of_reach(here: World) -> None:
    """No answer is a problem that names the host, and no more of the link than that."""
    finding = await wrong_with_the_cdn(here, "cdn", Cut())
    assert finding.level is Level.PROBLEM
    assert finding.text.startswith("TorBox's CDN does not answer")
    assert "127.0.0.1" in finding.fix


@pytest.mark.parametrize(
    "effect", [Html(status=503), DeadLink(), JsonBody(), Gzip(), RateLimit(retry_after=5)]
)
async def test_a_cdn_that_serves_something_else(here: World, effect: AnyEffect) -> None:
    """An answer that is not the file is a warning: often it is over in minutes."""
    finding = await wrong_with_the_cdn(here, "cdn", effect)
    assert finding.level is Level.WARNING
    assert "did not serve a file" in finding.text


@pytest.mark.parametrize(
    ("effect", "level"),
    [
        (Error(), Level.WARNING),
        (
            Error(status=403, error="PLAN_RESTRICTED_FEATURE", detail="Upgrade your plan."),
            Level.PROBLEM,
        ),
    ],
)
async def test_no_link(here: World, effect: Error, level: Level) -> None:
    """A link that TorBox cannot give now is a warning; one that the plan forbids, a problem."""
    finding = await wrong_with_the_cdn(here, "requestdl", effect)
    assert (finding.level, "no link" in finding.text) == (level, True)
    assert effect.detail in finding.text
