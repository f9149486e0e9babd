"""Each documented error code as the answer to an add: the bridge's reaction and the user's text."""

from dataclasses import dataclass

import pytest

from bridge.core.model import Phase, Reason
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Error
from tests.support.rig import Rig, cached


@dataclass(frozen=True, slots=True)
class Case:
    """A refusal of TorBox's."""

    code: str | None
    detail: str
    status: int = 400
    data: object = None

    @property
    def effect(self) -> Error:
        """What the simulator answers."""
        return Error(self.status, self.code, self.detail, data=self.data)


PERMANENT = (
    (Case("BOZO_TORRENT", "Torrent file is not valid."), Reason.INVALID),
    (Case("BOZO_FILE", "Invalid file."), Reason.INVALID),
    (Case("TOO_MUCH_DATA", "Torrent file is too large."), Reason.TOO_LARGE),
    (Case("DOWNLOAD_TOO_LARGE", "It is larger than 10 GB."), Reason.TOO_LARGE),
    (Case("DOWNLOAD_NOT_CACHED", "Torrent not found in cache."), Reason.NOT_CACHED),
    (Case("MISSING_REQUIRED_OPTION", "Provide a file or magnet link."), Reason.REFUSED),
    (Case("TOO_MANY_OPTIONS", "Provide a file or magnet, not both."), Reason.REFUSED),
    (Case("INVALID_OPTION", "Invalid operation."), Reason.REFUSED),
    (Case("INVALID_HASH", "The hash is not valid."), Reason.REFUSED),
    (Case("DIFF_ISSUE", "The options do not go together."), Reason.REFUSED),
    (Case("LINK_OFFLINE", "The link is dead."), Reason.REFUSED),
    (Case("NAME_TOO_LONG", "The name is too long.", 500), Reason.REFUSED),
    (Case("UNSUPPORTED_SITE", "No such site."), Reason.REFUSED),
    (Case("AIRLOCK_LIMIT_REACHED", "Airlock is full."), Reason.REFUSED),
    (Case("A_CODE_OF_TOMORROW", "This will never work."), Reason.REFUSED),
    (Case(None, "Private torrent downloading is currently disabled."), Reason.REFUSED),
)
"""Refusals that no second try changes: the download fails with TorBox's own sentence."""

PASSING = (
    Case("DATABASE_ERROR", "There was an error.", 500),
    Case("UNKNOWN_ERROR", "There was an error creating your torrent.", 500),
    Case("AUTH_ERROR", "There was an error verifying your API key.", 500),
    Case("DOWNLOAD_SERVER_ERROR", "Unknown Error. Could not add to client."),
    Case("NO_SERVERS_AVAILABLE_ERROR", "No servers."),
    Case("A_NEW_ERROR", "Something of tomorrow."),
    Case("ITEM_NOT_FOUND", "Not found.", 404),
    Case("ENDPOINT_NOT_FOUND", "Endpoint not found.", 404),
)
"""TorBox's own trouble: the download waits, with the sentence as its note, and then goes on."""

WAITING = (
    Case("ACTIVE_LIMIT", "You have reached your active download limit of 3."),
    Case("DIFF_ISSUE", "You have reached the maximum queued downloads limit of 1000."),
    Case(
        "COOLDOWN_LIMIT",
        "You have a cooldown until then.",
        data={
            "cooldown_until": "2026-01-01T00:00:01Z",
            "current_time": "2026-01-01T00:00:00Z",
        },
    ),
    Case("MONTHLY_LIMIT", "You have reached your monthly download limit."),
    Case("PLAN_RESTRICTED_FEATURE", "Your plan lacks this.", 403),
    Case("VENDOR_DISABLED", "The vendor is disabled.", 403),
    Case("NO_AUTH", "Please provide a valid API token.", 403),
    Case("BAD_TOKEN", "Your token is invalid or has expired.", 403),
    Case(None, "You have reached your active download limit of 3.", 200),
)
"""What holds up all adds: nothing fails, and it goes on when the cause is gone."""


def film(name: str) -> Content:
    """Make a film that TorBox has cached."""
    return cached(make_torrent(name, [ContentFile(f"{name}.mkv", 10_000)]))


async def test_permanent_refusals(rig: Rig) -> None:
    """The download fails at once, with a reason code and TorBox's sentence; one call each."""
    contents = [film(f"Film.{number}") for number, _ in enumerate(PERMANENT)]
    async with rig.arr() as arr:
        for content, (case, _) in zip(contents, PERMANENT, strict=True):
            rig.sim.register(content)
            rig.sim.faults.add("createtorrent", case.effect, times=None, hash=content.hash)
            await arr.add_magnet(magnet_of(content))
        for content, (case, reason) in zip(contents, PERMANENT, strict=True):
            download = await rig.reaches(content.hash, Phase.FAILED)
            assert download.failure_reason is reason, case
            assert download.failure_message == case.detail
        assert {item.status for item in await arr.poll()} == {"warning"}
    counts = rig.sim.calls.counts()
    counts.pop("checkcached", None)  # a magnet that waits for a while is looked up
    first_list = {"mylist": 1}
    assert counts == {"createtorrent": len(PERMANENT), **first_list}


async def test_passing_troubles(rig: Rig) -> None:
    """The download waits as queuedDL with a note, and is in the end one item."""
    rig.sim.world.account.slots = len(PASSING)
    contents = [film(f"Film.{number}") for number, _ in enumerate(PASSING)]
    async with rig.arr() as arr:
        for content, case in zip(contents, PASSING, strict=True):
            rig.sim.register(content)
            rig.sim.faults.add("createtorrent", case.effect, times=None, hash=content.hash)
            await arr.add_magnet(magnet_of(content))
        await rig.until(
            lambda: all(
                case.detail in rig.note(content.hash)
                for content, case in zip(contents, PASSING, strict=True)
            )
        )
        assert {item.status for item in await arr.poll()} == {"queued"}
        rig.sim.faults.clear()
        for content in contents:
            await rig.reaches(content.hash, Phase.FINISHED)
    assert len(rig.sim.world.torrents()) == len(PASSING)


@pytest.mark.parametrize("case", WAITING, ids=lambda case: f"{case.code} {case.status}")
async def test_what_holds_up_all(rig: Rig, case: Case) -> None:
    """The download waits as queuedDL, says why, and goes on when the cause is gone."""
    content = film("Film")
    rig.sim.register(content)
    rig.sim.faults.add("createtorrent", case.effect, times=2)
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: case.detail in rig.note(content.hash))
        assert [item.status for item in await arr.poll()] == ["queued"]
        await rig.completed(arr, download_id)
    assert rig.sim.calls.count("createtorrent") == 3
