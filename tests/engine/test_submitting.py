"""One create for one download, whatever becomes of the answer."""

from collections import Counter

import pytest

from bridge.core.model import Phase
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import (
    AnyEffect,
    Cut,
    Error,
    Hang,
    Html,
    Lost,
    Malformed,
    NoData,
    RateLimit,
    Slow,
)
from bridge.simulator.lifecycle import Order
from bridge.simulator.releases import Source
from tests.support.rig import Rig, pack


def uncached(name: str = "Movie.2024", size: int = 300_000) -> Content:
    """Make a film that TorBox has to download first."""
    return make_torrent(name, [ContentFile(f"{name}.mkv", size)])


CREATES: tuple[tuple[AnyEffect, int], ...] = (
    (Lost(), 1),
    (Lost(seconds=1.5), 1),
    (Slow(seconds=1.5), 1),
    (Malformed(), 1),
    (NoData(), 1),
    (NoData(detail="Torrent creation request has been queued."), 1),
    (Cut(), 2),
    (Hang(seconds=1.5), 2),
    (Html(status=502), 2),
    (Html(status=524), 2),
    (Error(500, "UNKNOWN_ERROR"), 2),
    (Error(500, "DATABASE_ERROR"), 2),
    (RateLimit(retry_after=1), 2),
)
"""What becomes of a first create, and how many it takes then: what was done is not sent again."""


async def test_whatever_becomes_of_the_answer(impatient: Rig) -> None:
    """A create that is lost, late, refused by a gateway or answered with nonsense: one item."""
    impatient.sim.world.account.slots = len(CREATES)
    contents = [uncached(f"Movie.{number}") for number, _ in enumerate(CREATES)]
    for content, (effect, _) in zip(contents, CREATES, strict=True):
        impatient.sim.register(content)
        impatient.sim.faults.add("createtorrent", effect, hash=content.hash)
    async with impatient.arr() as arr:
        adds = [await arr.add_magnet(magnet_of(content)) for content in contents]
        for content, download_id in zip(contents, adds, strict=True):
            item = await impatient.completed(arr, download_id, within=20)
            impatient.compare(content, item.output_path)
    sent = Counter(call.hash for call in impatient.sim.calls.to("createtorrent"))
    for content, (effect, creates) in zip(contents, CREATES, strict=True):
        download = impatient.entry(content.hash)
        assert download is not None
        assert download.download.ours, effect
        assert sent[content.hash] == creates, effect
    assert len(impatient.sim.world.torrents()) == len(CREATES)


async def test_many_unclear_creates_share_their_looks(rig: Rig) -> None:
    """Nine creates without an answer: nine items, and a few lists instead of nine."""
    contents = [uncached(f"Movie.{number}") for number in range(9)]
    for content in contents:
        rig.sim.register(content)
    rig.sim.world.account.slots = 20
    rig.sim.faults.add("createtorrent", NoData(), times=9)
    async with rig.arr() as arr:
        for content in contents:
            await arr.add_magnet(magnet_of(content))
        for content in contents:
            await rig.reaches(content.hash, Phase.REMOTE, Phase.READY, Phase.FINISHED)
    assert rig.sim.calls.count("createtorrent") == 9
    assert rig.sim.calls.count("getqueued") <= 5
    assert len(rig.sim.world.torrents()) == 9


MANNERS = ("existing", "refuse", "already")
"""How TorBox says that a hash is on the account already."""


@pytest.mark.parametrize("duplicate", MANNERS)
async def test_what_is_there_already_is_success(rig: Rig, duplicate: str) -> None:
    """An item that the user added on TorBox's site is used, and stays his."""
    content = pack()
    rig.sim.world.behaviour.duplicate = duplicate  # type: ignore[assignment]  # one of the three
    rig.sim.register(content, on_account=True)
    rig.sim.clock.advance(600)
    async with rig.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        item = await rig.completed(arr, download_id)
        rig.compare(content, item.output_path)
        await arr.remove(download_id)
        await rig.until(lambda: not rig.removals)
    assert rig.sim.world.find(content.hash) is not None


@pytest.mark.parametrize("duplicate", MANNERS)
async def test_what_is_queued_already_is_success(patient: Rig, duplicate: str) -> None:
    """An item in TorBox's queue is followed from there, and does not pass for a full account."""
    world = patient.sim.world
    world.behaviour.duplicate = duplicate  # type: ignore[assignment]  # one of the three
    world.behaviour.as_queued, world.behaviour.promote = "always", False
    world.account.slots = 5
    known, other = uncached("Known"), uncached("Other")
    patient.sim.register(known)
    patient.sim.register(other)
    world.create(Order(Source(known.hash, known.name, known), as_queued=True))
    async with patient.arr() as arr:
        download_id = await arr.add_magnet(magnet_of(known))
        await patient.reaches(known.hash, Phase.QUEUED)
        # With a full account the next create would wait for an hour.
        await patient.completed(arr, await arr.add_magnet(magnet_of(other)))
        world.behaviour.promote = True
        item = await patient.completed(arr, download_id)
        patient.compare(known, item.output_path)
    assert patient.sim.calls.count("createtorrent") == 2


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("code", ["DIFF_ISSUE", "UNKNOWN_ERROR", None])
async def test_each_sentence_that_it_is_there(rig: Rig, code: str | None, status: int) -> None:
    """Whatever code and status such a sentence has, the item is found in TorBox's list."""
    content = pack()
    rig.sim.register(content, on_account=True)
    said = Error(status, code, "This torrent is already in your account.")
    rig.sim.faults.add("createtorrent", said, times=None)
    async with rig.arr() as arr:
        item = await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
        rig.compare(content, item.output_path)
    assert rig.sim.calls.count("createtorrent") == 1


@pytest.mark.parametrize("reply", ["id", "empty", "refusal"])
async def test_each_way_of_saying_queued(rig: Rig, reply: str) -> None:
    """TorBox's queue is told in three manners, and each leads to the same queued item."""
    rig.sim.world.account.slots = 1
    rig.sim.world.behaviour.when_full = "queue"
    rig.sim.world.behaviour.queued_reply = reply  # type: ignore[assignment]  # one of the three
    rig.sim.world.behaviour.promotion_gap_seconds = 0.5
    rig.sim.world.behaviour.collide_ids = True
    # Long enough for a read of the queue: one list was read at the start, the next is due in 1 s.
    rig.sim.world.behaviour.download_bytes_per_second = 10e6
    first, second = uncached("First", 30_000_000), uncached("Second")
    rig.sim.register(first)
    rig.sim.register(second)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(first))
        await rig.reaches(first.hash, Phase.REMOTE)
        download_id = await arr.add_magnet(magnet_of(second))
        await rig.reaches(second.hash, Phase.QUEUED)
        assert [item.status for item in await arr.poll()][1] == "queued"
        item = await rig.completed(arr, download_id)
        rig.compare(second, item.output_path)


async def test_a_refusal_costs_no_look(rig: Rig) -> None:
    """A create that was clearly refused left no item, and none is looked for."""
    content = uncached()
    rig.sim.register(content)
    rig.sim.faults.add("createtorrent", Error(400, "BOZO_TORRENT", "Invalid Magnet Link."))
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FAILED)
    first_list = {"mylist": 1}
    assert rig.sim.calls.counts() == {"createtorrent": 1, **first_list}
    assert not rig.removals
