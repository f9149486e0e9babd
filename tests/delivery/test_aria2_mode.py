"""A real aria2 fetches for the bridge: the right bytes at their place, or an honest failure."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from bridge.delivery.delivery_errors import DeliveryFailed, NotEnoughSpace, NotYet
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.fetch.fetch_settings import KIB, FetchSettings
from bridge.delivery.modes.aria2_mode import Aria2Delivery, Aria2Settings, gid_of
from tests.support.aria2 import SECRET, Aria2Daemon
from tests.support.cdn import Cdn, instead, only_token, slowly, stall_after, status
from tests.support.delivery import FAST, HASH, Room, begin, below, some_bytes, until
from tests.support.torrents import make_torrent

QUICK = replace(FAST, attempts=3)
CRAWL = slowly(pause=0.02, step=8 * KIB)


class Remote(Room):
    """A test place whose delivery is aria2's."""

    def __init__(
        self, top: Path, cdn: Cdn, session: aiohttp.ClientSession, daemon: Aria2Daemon
    ) -> None:
        super().__init__(top, cdn, session)
        self.daemon = daemon
        self.aria2 = self.hand_off()

    def hand_off(
        self, *, secret: str = SECRET, directory: Path | None = None, fetch: FetchSettings = QUICK
    ) -> Aria2Delivery:
        """Make a new delivery on the same directories, as after a restart."""
        settings = Aria2Settings(url=self.daemon.url, secret=secret, directory=directory, poll=0.02)
        return Aria2Delivery(
            incomplete=self.incomplete, session=self.session, settings=settings, fetch=fetch
        )

    async def fetched(self, *paths: str) -> bool:
        """Deliver these, and tell whether they are at their place and right."""
        request = self.request(*paths)
        await self.aria2.deliver(request, self.cdn, self.progress)
        return self.same(request)


@pytest.fixture(name="remote")
async def _remote(
    tmp_path: Path, cdn: Cdn, session: aiohttp.ClientSession
) -> AsyncIterator[Remote]:
    async with Aria2Daemon(tmp_path / "aria2") as daemon:
        yield Remote(tmp_path, cdn, session, daemon)


async def test_delivers_a_folder(remote: Remote) -> None:
    """Big, small and empty files arrive whole in their folders, with nothing beside them."""
    for number, size in enumerate((900 * KIB, 10, 0)):
        remote.cdn.add(number, some_bytes(size, number))
    assert await remote.fetched("Show/e01.mkv", "Show/Subs/e01.srt", "Show/empty.nfo")
    names = {"Show", "Show/e01.mkv", "Show/Subs", "Show/Subs/e01.srt", "Show/empty.nfo"}
    assert below(remote.save_path) == names
    assert list(remote.incomplete.iterdir()) == []
    assert remote.progress.bytes_done == 900 * KIB + 10


async def test_delivers_a_single_file_and_does_not_unpack_it(remote: Remote) -> None:
    """A content that is one file is delivered as it is, even when aria2 would know what to do."""
    remote.cdn.add(0, make_torrent("bait", 10_000).data)
    assert await remote.fetched("bait.torrent")
    assert await remote.daemon.gids() == [gid_of(HASH, 0)]


async def test_aria2_sees_the_directory_elsewhere(remote: Remote, tmp_path: Path) -> None:
    """The share may have another path on aria2's machine."""
    remote.cdn.add(0, some_bytes(5000))
    remote.incomplete.mkdir(parents=True)
    (tmp_path / "elsewhere").symlink_to(remote.incomplete)
    remote.aria2 = remote.hand_off(directory=tmp_path / "elsewhere")
    assert await remote.fetched("Show/a.mkv")


async def test_a_dead_link_is_replaced(remote: Remote) -> None:
    """A link that is refused is asked for anew."""
    served = remote.cdn.add(0, some_bytes(5000))
    served.always = only_token(1)
    assert await remote.fetched("Movie.mkv")
    assert remote.cdn.asked[True] == 1


async def test_a_link_that_grows_old_is_replaced(remote: Remote) -> None:
    """A new link is handed on while the transfer runs: what is asked for next is asked with it."""
    served = remote.cdn.add(0, some_bytes(400 * KIB), stall_after(50 * KIB))
    task = begin(remote.fetched("Movie.mkv"))
    await until(lambda: served.sent)
    await remote.cdn.link(0, fresh=True)
    assert await task
    assert [request.query["token"] for request in served.requests] == ["secret-0", "secret-1"]


async def test_the_wrong_size_is_refused(remote: Remote) -> None:
    """An error page is no file, whatever its status; the reason is told without the link."""
    served = remote.cdn.add(0, some_bytes(5000))
    served.always = instead(b'{"success": false}', "application/octet-stream")
    with pytest.raises(DeliveryFailed, match="18 bytes, TorBox lists 5000") as caught:
        await remote.fetched("Movie.mkv")
    assert caught.value.retryable
    assert "secret" not in str(caught.value)
    assert not (remote.save_path / "Movie.mkv").exists()


async def test_a_file_that_stays_missing(remote: Remote) -> None:
    """A lasting refusal is given up; another file of the download arrives and is kept."""
    remote.cdn.add(0, some_bytes(5000)).always = status(404)
    served = remote.cdn.add(1, some_bytes(3000))
    with pytest.raises(DeliveryFailed, match="not found"):
        await remote.fetched("Show/a.mkv", "Show/b.mkv")
    remote.cdn.files[0].always = None
    before = len(served.requests)
    assert await remote.fetched("Show/a.mkv", "Show/b.mkv")
    assert len(served.requests) == before


async def test_stopped_and_started(remote: Remote) -> None:
    """A cancelled delivery leaves aria2 paused; the next one goes on without a new transfer."""
    served = remote.cdn.add(0, some_bytes(400 * KIB), CRAWL)
    task = begin(remote.fetched("Movie.mkv"))
    await until(lambda: served.sent > 100 * KIB)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    found = await remote.daemon.ask("aria2.tellStatus", gid_of(HASH, 0), ["status"])
    assert found == {"status": "paused"}
    remote.aria2 = remote.hand_off()
    assert await remote.fetched("Movie.mkv")
    assert any(asked not in {"", f"bytes=0-{400 * KIB - 1}"} for asked in served.ranges)


async def test_paused_late(remote: Remote) -> None:
    """A pause that takes effect after the next start is taken back."""
    served = remote.cdn.add(0, some_bytes(400 * KIB), CRAWL)
    task = begin(remote.fetched("Movie.mkv"))
    await until(lambda: served.sent > 50 * KIB)
    await remote.daemon.ask("aria2.pause", gid_of(HASH, 0))
    async with asyncio.timeout(30):
        assert await task


async def test_aria2_is_killed(remote: Remote) -> None:
    """An aria2 that forgot everything begins again what it had not finished, with the right bytes."""
    served = remote.cdn.add(0, some_bytes(400 * KIB), CRAWL)
    remote.cdn.add(1, some_bytes(3000))
    task = begin(remote.fetched("Show/a.mkv", "Show/b.mkv"))
    await until(lambda: served.sent > 100 * KIB and remote.progress.done(1) == 3000)
    await remote.daemon.kill()
    with pytest.raises(NotYet, match="cannot be reached"):
        await task
    await remote.daemon.start()
    assert await remote.fetched("Show/a.mkv", "Show/b.mkv")
    assert len(remote.cdn.files[1].requests) == 1


async def test_a_reserved_file_is_not_taken_for_a_whole_one(remote: Remote) -> None:
    """A file of full size without a marker is fetched again."""
    served = remote.cdn.add(0, some_bytes(5000))
    (remote.staging).mkdir(parents=True)
    (remote.staging / "content").write_bytes(bytes(5000))
    assert await remote.fetched("Movie.mkv")
    assert served.requests


async def test_damaged_pieces_are_fetched_again(remote: Remote) -> None:
    """Where the torrent is at hand its hashes are checked, and a wrong file is fetched anew."""
    data = some_bytes(64 * KIB)
    served = remote.cdn.add(0, data, instead(bytes(64 * KIB), "application/octet-stream"))
    request = replace(remote.request("Movie.mkv"), torrent=make_torrent("Movie.mkv", data).data)
    await remote.aria2.deliver(request, remote.cdn, remote.progress)
    assert remote.same(request)
    assert len(served.requests) == 2


async def test_discard_ends_the_transfers(remote: Remote) -> None:
    """A discarded delivery is gone from aria2 and from the disk; other transfers stay."""
    served = remote.cdn.add(0, some_bytes(400 * KIB), CRAWL)
    other = await remote.daemon.ask("aria2.addUri", ["http://127.0.0.1:1/x"], {"pause": "true"})
    task = begin(remote.fetched("Movie.mkv"))
    await until(lambda: served.sent > 50 * KIB)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await remote.aria2.discard(HASH)
    assert await remote.daemon.gids() == [other]
    assert not remote.staging.exists()


async def test_a_wrong_secret(remote: Remote) -> None:
    """The reason names the setting, not the secret."""
    remote.cdn.add(0, some_bytes(500))
    remote.aria2 = remote.hand_off(secret="another-one")
    with pytest.raises(DeliveryFailed, match=r"delivery\.aria2\.secret") as caught:
        await remote.fetched("Movie.mkv")
    assert "another-one" not in str(caught.value)


async def test_a_full_disk(remote: Remote) -> None:
    """Too little space is told before aria2 hears of anything."""
    remote.cdn.add(0, some_bytes(500))
    remote.aria2 = remote.hand_off(fetch=replace(QUICK, min_free_bytes=1 << 60))
    with pytest.raises(NotEnoughSpace):
        await remote.fetched("Movie.mkv")
    assert await remote.daemon.gids() == []


async def test_two_grabs_of_one_hash(remote: Remote, cdn: Cdn) -> None:
    """Each has transfers of its own in aria2; discarding one leaves the other's alone."""
    cdn.add(0, some_bytes(100 * KIB)).always = CRAWL
    mine = replace(remote.request("Show/a.mkv"), staging_name=f"{HASH}-1")
    other = replace(mine, staging_name=f"{HASH}-2", save_path=remote.downloads / "radarr")
    ours = begin(remote.aria2.deliver(mine, cdn, Progress()))
    theirs = begin(remote.aria2.deliver(other, cdn, Progress()))
    await until(lambda: len(cdn.files[0].requests) >= 2)
    theirs.cancel()
    await asyncio.wait({theirs})
    await remote.aria2.discard(other.staging_name)
    await ours
    assert remote.same(mine)
    assert await remote.daemon.gids() == [gid_of(mine.staging_name, 0)]
    assert below(remote.incomplete) == set()
