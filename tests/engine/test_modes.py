"""Each mode in the whole bridge: by category, over restarts, from add to removal."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from bridge.core.model import Phase, Reason
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import AnyEffect, DeadLink, Error
from tests.arr_emulator.arr_queue import QueueItem
from tests.support.modes import put
from tests.support.rig import Rig, cached, pack

PUBLIC = "http://bridge.example:8080"
MODES = {"tv-sonarr": "symlink", "radarr": "strm", "lidarr": "none"}


class Modes:
    """A rig with a mode for each category, and a mount that a test fills."""

    def __init__(self, top: Path) -> None:
        self.mount = top / "mount"
        self.rig = self.build(top)
        put(self.mount, "Other/other.mkv", b"other")

    def build(self, top: Path, **policy: str) -> Rig:
        """Set the bridge up; `policy` is for every category."""
        categories = {
            name: {"policy": {"delivery": mode, **policy}} for name, mode in MODES.items()
        }
        return Rig(
            top,
            BRIDGE_CATEGORIES=json.dumps(categories),
            BRIDGE_DELIVERY__MOUNT=str(self.mount),
            BRIDGE_DELIVERY__PUBLIC_URL=PUBLIC,
            BRIDGE_SERVER__URL_BASE="/torbox",
        )

    def show(self, content: Content) -> None:
        """Let the mount show an item as TorBox lists it."""
        for file in content.files:
            put(self.mount / content.name, file.path, content.read(file, 0, file.size))

    async def delivered(self, content: Content, app: str) -> QueueItem:
        """Let an *arr grab what TorBox has cached, and wait until it may import."""
        self.rig.sim.register(content)
        async with self.rig.arr(app) as arr:
            return await self.rig.completed(arr, await arr.add_magnet(magnet_of(content)))

    async def removed(self, item: QueueItem, app: str) -> None:
        """Let the *arr remove it with its files, and wait until all is done."""
        async with self.rig.arr(app) as arr:
            await arr.remove(item.download_id)
        await self.rig.until(lambda: not self.rig.removals)


@asynccontextmanager
async def opened(modes: Modes) -> AsyncIterator[Modes]:
    """Start the rig and stop it at the end."""
    await modes.rig.open()
    try:
        yield modes
    finally:
        await modes.rig.close()


@pytest.fixture(name="modes")
async def _modes(tmp_path: Path) -> AsyncIterator[Modes]:
    async with opened(Modes(tmp_path)) as modes:
        yield modes


def film(name: str = "Film.2024") -> Content:
    """A film with a subtitle, cached at TorBox."""
    files = [ContentFile("Film.2024.mkv", 300_000), ContentFile("Film.2024.srt", 900)]
    return cached(make_torrent(name, files))


def url_in(item: QueueItem, name: str = "Film.2024.strm") -> str:
    """Read the URL in a `.strm`, and check that it is one."""
    text = (Path(item.output_path) / name).read_text()
    assert text.endswith(".mkv\n")
    return text.strip()


async def test_links_appear_when_the_mount_shows_the_files(modes: Modes) -> None:
    """Until then the *arr sees a download that goes on; then it imports through the links."""
    content = pack()
    modes.rig.sim.register(content)
    async with modes.rig.arr("sonarr") as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await modes.rig.until(lambda: "3 of 3 files" in modes.rig.note(content.hash))
        (waiting,) = await arr.poll()
        assert waiting.status == "queued"
        view = modes.rig.service.queries.get(content.hash)
        assert view is not None
        assert 0.99 <= view.status.progress < 1.0
        modes.show(content)
        item = await modes.rig.completed(arr, download_id)
    modes.rig.compare(content, item.output_path)
    assert all(path.is_symlink() for path in Path(item.output_path).iterdir())
    assert "requestdl" not in modes.rig.sim.calls.counts()


async def test_removal_leaves_what_the_links_lead_to(modes: Modes) -> None:
    """The *arr has imported the links: the item at TorBox and the mount stay as they are."""
    content = pack()
    modes.show(content)
    item = await modes.delivered(content, "sonarr")
    await modes.removed(item, "sonarr")
    assert not Path(item.output_path).exists()
    assert modes.rig.sim.world.find(content.hash) is not None
    modes.rig.compare(content, str(modes.mount / content.name))


async def test_a_mount_that_goes_away_is_waited_for(modes: Modes) -> None:
    """Without the mount nothing fails; when it is back the download goes on by itself."""
    content = pack()
    modes.show(content)
    modes.mount.rename(away := modes.mount.with_name("away"))
    modes.rig.sim.register(content)
    async with modes.rig.arr("sonarr") as arr:
        download_id = await arr.add_magnet(magnet_of(content))
        await modes.rig.until(lambda: "mount" in modes.rig.note(content.hash))
        assert (await arr.poll())[0].status == "queued"
        away.rename(modes.mount)
        await modes.rig.completed(arr, download_id)


async def test_the_settings_of_links(tmp_path: Path) -> None:
    """Links are relative on request, and files that the mount never shows fail in the time set."""
    modes = Modes(tmp_path)
    modes.rig.change(BRIDGE_DELIVERY__LINK_STYLE="relative", BRIDGE_DELIVERY__MOUNT_TIMEOUT="1s")
    async with opened(modes):
        content, never = pack(), pack("Never.S01-GRP")
        modes.show(content)
        item = await modes.delivered(content, "sonarr")
        modes.rig.compare(content, item.output_path)
        (link, *_) = Path(item.output_path).iterdir()
        assert str(link.readlink()).startswith("../../../mount/")
        modes.rig.sim.register(never)
        async with modes.rig.arr("sonarr") as arr:
            await arr.add_magnet(magnet_of(never))
            download = await modes.rig.reaches(never.hash, Phase.FAILED)
        assert download.failure_reason is Reason.INCOMPLETE
        assert str(modes.mount) in download.failure_message


async def test_removal_of_what_never_came(tmp_path: Path) -> None:
    """What stands in the place of a download that failed is somebody else's, and stays."""
    modes = Modes(tmp_path)
    modes.rig.change(BRIDGE_DELIVERY__MOUNT_TIMEOUT="1s")
    async with opened(modes):
        content = pack()
        theirs = modes.rig.downloads / "tv-sonarr" / content.name / content.files[0].path
        theirs.parent.mkdir(parents=True)
        theirs.symlink_to(modes.mount / "Other" / "other.mkv")
        modes.rig.sim.register(content)
        async with modes.rig.arr("sonarr") as arr:
            download_id = await arr.add_magnet(magnet_of(content))
            await modes.rig.reaches(content.hash, Phase.FAILED)
            await arr.remove(download_id)
        await modes.rig.until(lambda: not modes.rig.removals)
        assert theirs.read_bytes() == b"other"


async def test_a_strm_plays(modes: Modes) -> None:
    """Without a session the URL leads to the CDN with the player's range, by one link of TorBox's."""
    content = film()
    item = await modes.delivered(content, "radarr")
    assert [path.name for path in Path(item.output_path).iterdir()] == ["Film.2024.strm"]
    url = url_in(item)
    assert url.startswith(f"{PUBLIC}/torbox/strm/")
    assert modes.rig.sim.key not in url
    assert "token" not in url
    here = modes.rig.url + url.removeprefix(f"{PUBLIC}/torbox")
    video = content.files[0]
    async with aiohttp.ClientSession() as player:
        async with player.head(here, allow_redirects=False) as answer:
            assert answer.status == HTTPStatus.OK
            assert answer.content_length == video.size
            assert answer.headers["Accept-Ranges"] == "bytes"
        async with player.get(here, allow_redirects=False) as answer:
            assert answer.status == HTTPStatus.FOUND
        for start, end in ((0, 99), (150_000, 299_999)):
            async with player.get(here, headers={"Range": f"bytes={start}-{end}"}) as answer:
                assert answer.status == HTTPStatus.PARTIAL_CONTENT
                assert await answer.read() == content.read(video, start, end + 1 - start)
    assert modes.rig.sim.calls.counts()["requestdl"] == 1


async def test_a_strm_outlives_its_entry_but_not_its_item(modes: Modes) -> None:
    """It plays after the *arr has imported and removed, and is dead when TorBox has no item."""
    content = film()
    item = await modes.delivered(content, "radarr")
    path = url_in(item).removeprefix(f"{PUBLIC}/torbox")
    await modes.removed(item, "radarr")
    assert not Path(item.output_path).exists()
    assert await status_of(modes.rig, path) == HTTPStatus.FOUND
    await modes.rig.stop()
    await modes.rig.start()
    assert await status_of(modes.rig, path) == HTTPStatus.FOUND
    await modes.rig.stop()
    modes.rig.sim.world.forget(content.hash)
    await modes.rig.start()
    assert await status_of(modes.rig, path, "HEAD") == HTTPStatus.NOT_FOUND
    assert await status_of(modes.rig, path) == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("fault", [DeadLink(), Error(503, None, "node down")])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_broken_node_is_left_at_once(modes: Modes, fault: AnyEffect, method: str) -> None:
    """A player that comes back after a node failed gets a fresh link, and keeps it while it works."""
    item = await modes.delivered(film(), "radarr")
    path = url_in(item).removeprefix(f"{PUBLIC}/torbox")
    first = await link_of(modes.rig, path)
    assert await link_of(modes.rig, path) == first
    await asyncio.sleep(1.1)  # longer than a link that works is not tried again
    modes.rig.sim.faults.add("cdn", fault)
    assert await status_of(modes.rig, path, method) in {HTTPStatus.FOUND, HTTPStatus.OK}
    second = await link_of(modes.rig, path)
    assert second != first
    assert await link_of(modes.rig, path) == second
    assert modes.rig.sim.calls.counts()["requestdl"] == 2


async def test_an_item_that_goes_is_gone_at_once(modes: Modes) -> None:
    """Nobody is sent to a dead link of an item that TorBox has no more; GET and HEAD agree."""
    content = film()
    item = await modes.delivered(content, "radarr")
    path = url_in(item).removeprefix(f"{PUBLIC}/torbox")
    assert await status_of(modes.rig, path) == HTTPStatus.FOUND
    await modes.removed(item, "radarr")
    modes.rig.sim.world.forget(content.hash)
    modes.rig.sim.faults.add("cdn", DeadLink())
    for method in ("HEAD", "GET"):
        assert await status_of(modes.rig, path, method) == HTTPStatus.NOT_FOUND


async def test_it_plays_while_its_hash_is_listed_again(modes: Modes) -> None:
    """A paused grab of the same release has no item: what a library plays is the token's own."""
    content = film()
    item = await modes.delivered(content, "radarr")
    path = url_in(item).removeprefix(f"{PUBLIC}/torbox")
    await modes.removed(item, "radarr")
    await modes.rig.post(
        "/api/v2/torrents/add", urls=magnet_of(content), category="tv-sonarr", stopped="true"
    )
    for method, status in {"GET": HTTPStatus.FOUND, "HEAD": HTTPStatus.OK}.items():
        assert await status_of(modes.rig, path, method) == status


async def test_removal_with_the_item_kills_the_token(tmp_path: Path) -> None:
    """Where the settings delete the item with its entry, the token is dead at once."""
    modes = Modes(tmp_path)
    modes.rig = modes.build(tmp_path, remove_from_torbox="always")
    async with opened(modes):
        content = film()
        item = await modes.delivered(content, "radarr")
        path = url_in(item).removeprefix(f"{PUBLIC}/torbox")
        assert await status_of(modes.rig, path) == HTTPStatus.FOUND
        async with modes.rig.arr("radarr") as arr:
            await arr.remove(item.download_id)
        assert await status_of(modes.rig, path) == HTTPStatus.NOT_FOUND
        await modes.rig.until(lambda: modes.rig.sim.world.find(content.hash) is None)
        assert await status_of(modes.rig, path) == HTTPStatus.NOT_FOUND


async def test_only_what_was_signed_plays(modes: Modes) -> None:
    """A changed token, or none, is answered like a stream that is no more."""
    item = await modes.delivered(film(), "radarr")
    path = url_in(item).removeprefix(f"{PUBLIC}/torbox")
    _, _, token, name = path.split("/")
    other = "A" if token[10] != "A" else "B"
    for wrong in (token[:10] + other + token[11:], "x", f"{token}x"):
        assert await status_of(modes.rig, f"/strm/{wrong}/{name}") == HTTPStatus.NOT_FOUND
        assert await status_of(modes.rig, f"/strm/{wrong}/{name}", "HEAD") == HTTPStatus.NOT_FOUND
    assert "requestdl" not in modes.rig.sim.calls.counts()


async def test_a_stream_while_torbox_is_down(modes: Modes) -> None:
    """A player is told to come back, not that the file is gone."""
    item = await modes.delivered(film(), "radarr")
    path = url_in(item).removeprefix(f"{PUBLIC}/torbox")
    modes.rig.sim.faults.add("requestdl", Error(500, "DATABASE_ERROR", "try again"))
    async with aiohttp.ClientSession() as player, player.get(modes.rig.url + path) as answer:
        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert int(answer.headers["Retry-After"]) > 0


async def link_of(rig: Rig, path: str) -> str:
    """Ask where a stream is sent."""
    async with (
        aiohttp.ClientSession() as player,
        player.get(rig.url + path, allow_redirects=False) as answer,
    ):
        return answer.headers["Location"]


async def status_of(rig: Rig, path: str, method: str = "GET") -> int:
    """Ask for a stream without following it."""
    async with (
        aiohttp.ClientSession() as player,
        player.request(method, rig.url + path, allow_redirects=False) as answer,
    ):
        return answer.status


async def test_strm_of_something_without_a_video(modes: Modes) -> None:
    """Music in a category of strm fails with the reason, since nothing would appear."""
    content = cached(make_torrent("Album", [ContentFile("Album.flac", 5000)]))
    modes.rig.sim.register(content)
    async with modes.rig.arr("radarr") as arr:
        await arr.add_magnet(magnet_of(content))
        download = await modes.rig.reaches(content.hash, Phase.FAILED)
    assert download.failure_reason is Reason.NOTHING_CHOSEN
    assert "video" in download.failure_message


async def test_none_leaves_everything_at_torbox(modes: Modes) -> None:
    """The content path is an empty folder below the save path; removal does not empty TorBox."""
    content = cached(make_torrent("Song.flac", [ContentFile("Song.flac", 5000)], single_file=True))
    item = await modes.delivered(content, "lidarr")
    assert Path(item.output_path) == modes.rig.downloads / "lidarr" / "Song"
    assert list(Path(item.output_path).iterdir()) == []
    assert not {"requestdl", "cdn"} & set(modes.rig.sim.calls.counts())
    await modes.removed(item, "lidarr")
    assert not Path(item.output_path).exists()
    assert modes.rig.sim.world.find(content.hash) is not None


async def test_the_mode_stays_with_the_download(modes: Modes) -> None:
    """Delivered as links, removed as links: settings that changed meanwhile delete no target."""
    content = pack()
    modes.show(content)
    item = await modes.delivered(content, "sonarr")
    await modes.rig.stop()
    first = Path(item.output_path) / content.files[0].path
    first.unlink()
    first.write_bytes(b"a file of the user's")
    modes.rig.change(BRIDGE_CATEGORIES="{}")
    await modes.rig.start()
    await modes.removed(item, "sonarr")
    assert [path.name for path in Path(item.output_path).iterdir()] == [first.name]
    assert modes.rig.sim.world.find(content.hash) is not None


async def test_what_waits_for_the_mount_waits_after_a_restart(modes: Modes) -> None:
    """A download that began as links is not fetched when the settings say so later."""
    content = pack()
    modes.rig.sim.register(content)
    async with modes.rig.arr("sonarr") as arr:
        await arr.add_magnet(magnet_of(content))
        await modes.rig.until(lambda: "files" in modes.rig.note(content.hash))
    await modes.rig.stop()
    modes.rig.change(BRIDGE_CATEGORIES="{}")
    await modes.rig.start()
    modes.show(content)
    await modes.rig.reaches(content.hash, Phase.FINISHED)
    assert all(
        path.is_symlink() for path in (modes.rig.downloads / "tv-sonarr" / content.name).iterdir()
    )


async def test_samples_and_extras_are_not_fetched(rig: Rig) -> None:
    """Without rules of the user's, the videos that no *arr imports stay at TorBox."""
    names = ["Film.mkv", "Film.srt", "Sample/film-sample.mkv", "Featurettes/making of.mkv"]
    files = [ContentFile(name, 900_000 if name == "Film.mkv" else 50_000) for name in names]
    content = cached(make_torrent("Film.2024", files))
    rig.sim.register(content)
    async with rig.arr("radarr") as arr:
        item = await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
    found = {path.name for path in Path(item.output_path).rglob("*")}
    assert found == {"Film.mkv", "Film.srt"}


async def test_the_user_may_have_all_files(tmp_path: Path) -> None:
    """Rules of the user's own replace the default: with `*` everything is delivered."""
    rig = Rig(tmp_path, BRIDGE_POLICY__FILES__INCLUDE='["*"]')
    await rig.open()
    try:
        files = [ContentFile("Film.mkv", 900_000), ContentFile("Extras/more.mkv", 50_000)]
        content = cached(make_torrent("Film.2024", files))
        rig.sim.register(content)
        async with rig.arr("radarr") as arr:
            item = await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
        rig.compare(content, item.output_path)
    finally:
        await rig.close()
        shutil.rmtree(tmp_path)


async def test_links_that_lead_nowhere_are_missing(modes: Modes) -> None:
    """A recheck tells so; grabbed again, they are made anew as soon as the mount has the files."""
    content = pack()
    modes.show(content)
    item = await modes.delivered(content, "sonarr")
    shutil.rmtree(modes.mount / content.name)
    await modes.rig.post("/api/v2/torrents/recheck", hashes=content.hash)
    _, text = await modes.rig.get("/api/v2/torrents/info")
    assert json.loads(text)[0]["state"] == "missingFiles"
    async with modes.rig.arr("sonarr") as arr:
        await arr.add_magnet(magnet_of(content))
        modes.show(content)
        item = await modes.rig.completed(arr, item.download_id)
    modes.rig.compare(content, item.output_path)


async def test_the_name_at_torbox_is_known_after_a_restart(modes: Modes) -> None:
    """A mount shows the item under TorBox's name; the magnet, and a user, may call it otherwise."""
    content = pack()
    modes.rig.sim.register(content)
    async with modes.rig.arr("sonarr") as arr:
        named = f"magnet:?xt=urn:btih:{content.hash}&dn=Something+else"
        download_id = await arr.add_magnet(named)
        await modes.rig.until(lambda: "3 of 3 files" in modes.rig.note(content.hash))
    await modes.rig.stop()
    await modes.rig.start()
    download = modes.rig.followed(content.hash)
    assert (download.name, download.remote_name) == ("Something else", content.name)
    modes.show(content)
    async with modes.rig.arr("sonarr") as arr:
        item = await modes.rig.completed(arr, download_id)
    modes.rig.compare(content, item.output_path)
