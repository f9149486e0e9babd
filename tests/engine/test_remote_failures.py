"""TorBox's reports on an item and their meaning, each failure with a reason for the user."""

import json
from pathlib import Path

import pytest
import structlog

from bridge.core.model import Phase, Reason
from bridge.simulator import Cdn, Content, ContentFile, Scenario, magnet_of, make_torrent
from bridge.simulator.faults import Error, NoData
from tests.support.rig import Rig, cached, film, pack, quick

DAY = 86_400.0


async def remote(rig: Rig, content: Content, **tricks: object) -> None:
    """Bring a download to TorBox that stays half-way there."""
    rig.sim.register(content)
    rig.sim.world.change(content.hash, **{"stop_at": 0.5, **tricks})
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.REMOTE)
        await rig.until(lambda: rig.followed(content.hash).seen_at is not None)


async def test_an_unknown_state_is_kept(rig: Rig) -> None:
    """A word that TorBox did not use before fails nothing; it is counted and logged once."""
    content = film()
    with structlog.testing.capture_logs() as logs:
        await remote(rig, content, state="transmogrifying (a lot)")
        await rig.until(lambda: rig.sim.calls.count("mylist") >= 2)
    assert rig.phase(content.hash) is Phase.REMOTE
    assert rig.state.unknown_states["transmogrifying"] >= 1
    assert [entry["event"] for entry in logs].count("torbox_unknown_state") == 1
    _, text = await rig.get("/api/v2/torrents/info")
    assert json.loads(text)[0]["state"] in {"downloading", "queuedDL", "stalledDL"}


@pytest.mark.parametrize("hidden", ["list", "id"])
async def test_half_hidden_is_not_gone(rig: Rig, hidden: str) -> None:
    """An item that the list or its id does not show, but the other does, is not missed for good."""
    content = film()
    await remote(rig, content)
    await long_ago(rig, content)
    rig.sim.world.change(content.hash, hidden=hidden)
    rig.sim.calls.clear()
    await rig.until(lambda: rig.sim.calls.count("mylist") >= 2)
    assert rig.phase(content.hash) is Phase.REMOTE
    rig.sim.world.change(content.hash, hidden=None, stop_at=None)
    await rig.reaches(content.hash, Phase.FINISHED)


async def test_gone_takes_three_places(rig: Rig) -> None:
    """An item is given up only when its id, the list and the queue have missed it for long."""
    content = film()
    await remote(rig, content)
    rig.sim.world.forget(content.hash)
    await rig.until(lambda: rig.followed(content.hash).misses >= 1, within=15)
    assert rig.phase(content.hash) is Phase.REMOTE
    await rig.alter(content.hash, misses=3)
    await long_ago(rig, content)
    download = await rig.reaches(content.hash, Phase.FAILED)
    assert download.failure_reason is Reason.GONE
    assert "TorBox" in download.failure_message
    assert rig.sim.calls.count("getqueued") >= 1


async def long_ago(rig: Rig, content: Content) -> None:
    """Put all that was seen of a download back by an hour."""
    await rig.put_back(content.hash, 3600, "phase_at", "remote_at", "seen_at")


async def test_finished_and_not_present_has_its_own_deadline(rig: Rig) -> None:
    """An item with all pieces that TorBox does not store fails with that reason."""
    content = film()
    await remote(rig, content, stop_at=None, store_seconds=9e9)
    await rig.until(lambda: any(item.finished for item in rig.state.snapshot.items.values()))
    await rig.alter(content.hash, idle_seconds=3 * 3600.0)
    await created_once_more(rig, content)
    await rig.until(lambda: any(item.finished for item in rig.state.snapshot.items.values()))
    await rig.alter(content.hash, idle_seconds=3 * 3600.0)
    download = await rig.reaches(content.hash, Phase.FAILED)
    assert download.failure_reason is Reason.NOT_PRESENT
    assert "storage" in download.failure_message
    await rig.until(lambda: rig.sim.world.find(content.hash) is None)


async def test_a_failed_state_must_hold(rig: Rig) -> None:
    """TorBox's word of failure is believed after a minute, with TorBox's own reason."""
    content = film()
    await remote(rig, content)
    rig.sim.world.change(content.hash, state="failed (Aborted, encryption detected)")
    await rig.until(lambda: rig.followed(content.hash).failing_since is not None)
    assert rig.phase(content.hash) is Phase.REMOTE
    await rig.put_back(content.hash, 61, "failing_since")
    await created_once_more(rig, content)
    assert rig.sim.calls.count("createtorrent") == 2
    await rig.restart()
    await rig.until(lambda: rig.followed(content.hash).failing_since is not None)
    await rig.put_back(content.hash, 61, "failing_since")
    download = await rig.reaches(content.hash, Phase.FAILED)
    assert download.failure_reason is Reason.REMOTE_ERROR
    assert "encryption" in download.failure_message
    assert "add this Sonarr under `arr`" in rig.note(content.hash)
    assert rig.sim.calls.count("createtorrent") == 2
    await rig.until(lambda: rig.sim.world.find(content.hash) is None)


async def created_once_more(rig: Rig, content: Content) -> None:
    """Without an *arr to tell it is deleted at TorBox and created anew, once, and the story says so."""
    before = rig.followed(content.hash).torrent_id
    await rig.until(lambda: rig.followed(content.hash).recreated)
    await rig.until(lambda: rig.followed(content.hash).torrent_id not in {before, None})
    assert "created once more" in (await rig.get(f"/api/bridge/downloads/{content.hash}"))[1]


async def test_what_is_not_ours_is_not_created_once_more(rig: Rig) -> None:
    """The user's own item stays at TorBox when it fails, and the download fails at once."""
    content = film()
    await remote(rig, content)
    await rig.alter(content.hash, ours=False)
    rig.sim.world.change(content.hash, state="failed (Aborted)")
    await rig.until(lambda: rig.followed(content.hash).failing_since is not None)
    await rig.put_back(content.hash, 61, "failing_since")
    await rig.reaches(content.hash, Phase.FAILED)
    assert rig.sim.calls.count("createtorrent") == 1
    assert rig.sim.world.find(content.hash) is not None


async def test_expired(rig: Rig) -> None:
    """An item that expired before it was fetched fails with that reason."""
    content = film(is_cached=True)
    rig.sim.register(content)
    rig.sim.world.change(content.hash, expire_seconds=-DAY, no_files=True)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        download = await rig.reaches(content.hash, Phase.FAILED)
    assert download.failure_reason is Reason.EXPIRED
    assert "expire" in download.failure_message


async def test_infected(rig: Rig) -> None:
    """An infected file is never fetched."""
    content = film(is_cached=True)
    rig.sim.register(content)
    rig.sim.world.change(content.hash, infected=True)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        download = await rig.reaches(content.hash, Phase.FAILED)
    assert download.failure_reason is Reason.INFECTED
    assert "Film.mkv" in download.failure_message
    assert rig.sim.calls.count("cdn") == 0


async def test_zipped(rig: Rig) -> None:
    """A zipped item cannot be imported, and the failure says so."""
    content = Content(
        "b" * 40,
        "Pack",
        (ContentFile("Pack.zip", 5000, zipped=True),),
        cached=True,
    )
    rig.sim.register(content)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        download = await rig.reaches(content.hash, Phase.FAILED)
    assert download.failure_reason is Reason.ZIPPED
    assert "zip" in download.failure_message


@pytest.mark.parametrize("by_torrent", [True, False])
async def test_zipped_and_not_marked(rig: Rig, *, by_torrent: bool) -> None:
    """A lone .zip where the release is something else is a zip, whatever TorBox calls it."""
    content = film(is_cached=True)
    packed = Content(content.hash, "Film", (ContentFile("Film.zip", 5000),), cached=True)
    rig.sim.register(packed)
    assert content.torrent is not None
    async with rig.arr() as arr:
        if by_torrent:
            await arr.add_torrent(content.torrent, content.name, content.hash)
        else:
            await arr.add_magnet(magnet_of(content))
        download = await rig.reaches(content.hash, Phase.FAILED)
    assert download.failure_reason is Reason.ZIPPED


@pytest.mark.parametrize("by_torrent", [True, False])
async def test_a_release_that_is_a_zip(rig: Rig, *, by_torrent: bool) -> None:
    """What was released as a .zip is delivered as that."""
    content = cached(make_torrent("Fonts.zip", [ContentFile("Fonts.zip", 5000)]))
    rig.sim.register(content)
    assert content.torrent is not None
    async with rig.arr() as arr:
        if by_torrent:
            await arr.add_torrent(content.torrent, content.name, content.hash)
        else:
            await arr.add_magnet(magnet_of(content))
        await rig.reaches(content.hash, Phase.FINISHED)


async def test_the_hash_in_upper_case(rig: Rig) -> None:
    """TorBox may write the hash as it likes: the download keeps its own."""
    content = film()
    rig.sim.register(content)
    rig.sim.world.change(content.hash, upper_hash=True)
    rig.sim.faults.add("createtorrent", NoData())
    async with rig.arr() as arr:
        item = await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
        assert item.download_id == content.hash.upper()
    assert len(rig.sim.world.torrents()) == 1


@pytest.mark.parametrize("manner", ["not_found", "not_owner", "database_error"])
async def test_links_of_what_is_gone(rig: Rig, manner: str) -> None:
    """An item that vanishes before it is fetched is followed anew, not asked for without end."""
    content = pack()
    rig.sim.register(content)
    rig.sim.world.behaviour.missing_id = manner  # type: ignore[assignment]  # one of the three
    rig.sim.world.behaviour.link_failures = 2
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
        await rig.until(lambda: rig.phase(content.hash) is Phase.DELIVERING)
        rig.sim.world.forget(content.hash)
        await rig.until(lambda: rig.followed(content.hash).misses > 1, within=20)
    assert rig.phase(content.hash) is Phase.REMOTE


async def test_created_anew_with_its_files_in_another_order(tmp_path: Path) -> None:
    """Files of equal size are not mistaken for each other, whether half fetched or not."""
    slow = Scenario(behaviour=quick(), cdn=Cdn(bytes_per_second=400_000))
    rig = Rig(tmp_path, slow, BRIDGE_DELIVERY__PARALLEL_FILES="1")
    await rig.open()
    try:
        content = pack(size=200_000)
        rig.sim.register(content)
        async with rig.arr() as arr:
            download_id = await arr.add_magnet(magnet_of(content))
            await rig.until(lambda: any(map(is_whole, rig.downloads.glob(".incomplete/*/*.json"))))
            await rig.post("/api/v2/torrents/pause", hashes=download_id)
            fields = {name: getattr(content, name) for name in content.__struct_fields__}
            first, *others = content.files
            turned = Content(**fields | {"files": (*others, first)})
            rig.sim.world.forget(content.hash)
            rig.sim.links.kill()
            rig.sim.register(turned, on_account=True)
            await rig.post("/api/v2/torrents/resume", hashes=download_id)
            await rig.reaches(content.hash, Phase.REMOTE, within=20)
            # Then the list is read again, and not the lost item alone.
            await rig.put_back(content.hash, 400, "remote_at", "phase_at")
            done = await rig.completed(arr, download_id, within=20)
            rig.compare(content, done.output_path)
    finally:
        await rig.close()


def is_whole(checkpoint: Path) -> bool:
    """Return whether a checkpoint says that the whole file is there."""
    return b"[[0,200000]]" in checkpoint.read_bytes()


async def idle_for(rig: Rig, content: Content, seconds: float) -> None:
    """Let a download have stood still for so long."""
    await rig.alter(content.hash, idle_seconds=seconds)


def reannounces(rig: Rig) -> int:
    """Count how often TorBox was told to look for other peers."""
    calls = rig.sim.calls.to("controltorrent")
    return sum(call.operation == "reannounce" for call in calls)


async def test_a_standstill_is_reannounced_once_before_it_fails(rig: Rig) -> None:
    """After `stalled_after` TorBox is told to reannounce; some minutes later it is given up."""
    content = film()
    await remote(rig, content)
    await idle_for(rig, content, 6 * 3600)
    await rig.until(lambda: reannounces(rig) == 1)
    await rig.until(lambda: "reannounce" in rig.note(content.hash))
    listed = rig.sim.calls.count("mylist")
    await rig.until(lambda: rig.sim.calls.count("mylist") >= listed + 2)
    assert rig.phase(content.hash) is Phase.REMOTE
    await idle_for(rig, content, 7 * 3600)
    download = await rig.reaches(content.hash, Phase.FAILED)
    assert download.failure_reason is Reason.STALLED
    assert reannounces(rig) == 1


async def test_a_reannounce_may_help(rig: Rig) -> None:
    """A download that recovers does not fail, and its note is cleared."""
    content = film()
    await remote(rig, content)
    await idle_for(rig, content, 6 * 3600)
    await rig.until(lambda: reannounces(rig) == 1)
    rig.sim.world.change(content.hash, stop_at=None)
    download = await rig.reaches(content.hash, Phase.FINISHED)
    assert (download.note, download.failure_reason) == ("", None)


async def test_a_reannounce_that_torbox_refuses(rig: Rig) -> None:
    """A reannounce delays the failure but does not prevent it."""
    content = film()
    await remote(rig, content)
    rig.sim.faults.add("controltorrent", Error(500, "DATABASE_ERROR", "broken"), times=None)
    await idle_for(rig, content, 6 * 3600)
    await rig.until(lambda: reannounces(rig) == 1)
    await idle_for(rig, content, 7 * 3600)
    await rig.reaches(content.hash, Phase.FAILED)
