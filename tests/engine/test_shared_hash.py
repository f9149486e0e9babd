"""Two *arr grab the same torrent: one remote item, one fetch, and a grab for each *arr."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bridge.core.model import Phase, Reason
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from bridge.simulator.faults import Error, Slow
from tests.arr_emulator.arr_client import Arr
from tests.arr_emulator.arr_queue import QueueStatus
from tests.arr_emulator.arr_words import ArrSettings, SeedLimits
from tests.support.arr_api import ArrApi
from tests.support.process import BridgeProcess
from tests.support.rig import PASSWORD, Rig, cached, pack
from tests.support.shared_hash import FILMS, TV, add, fetched, names, settled, shown


async def test_one_fetch_for_both(rig: Rig, two: tuple[Arr, Arr]) -> None:
    """Each imports from its own path, byte for byte; TorBox is asked and the bytes come once."""
    sonarr, radarr = two
    content = pack()
    rig.sim.register(content)
    download_id = await sonarr.add_magnet(magnet_of(content))
    assert await radarr.add_magnet(magnet_of(content)) == download_id
    mine = await rig.completed(sonarr, download_id)
    theirs = await rig.completed(radarr, download_id)
    assert (Path(mine.output_path).parent, Path(theirs.output_path).parent) == (
        rig.downloads / TV,
        rig.downloads / FILMS,
    )
    for item in (mine, theirs):
        rig.compare(content, item.output_path)
    for file in content.files:
        assert Path(mine.output_path, file.path).samefile(Path(theirs.output_path, file.path))
    assert rig.sim.calls.count("createtorrent") == 1
    assert rig.sim.calls.count("requestdl") == len(content.files)
    assert await fetched(rig, content) == content.size


async def test_a_list_shows_each_hash_once(rig: Rig, two: tuple[Arr, Arr]) -> None:
    """By category each sees its own; a list of everything shows the first, and so does a sync."""
    content = pack()
    rig.sim.register(content)
    for arr in two:
        await arr.add_magnet(magnet_of(content))
    await rig.until(lambda: set(shown(rig).values()) == {Phase.FINISHED})
    for query, categories in {
        "": [TV],
        f"?category={TV}": [TV],
        f"?category={FILMS}": [FILMS],
        "?category=": [],
        f"?hashes={content.hash}": [TV],
        f"?category={FILMS}&filter=completed&hashes={content.hash}": [FILMS],
    }.items():
        _, text = await rig.get(f"/api/v2/torrents/info{query}")
        entries = json.loads(text)
        assert [entry["category"] for entry in entries] == categories, query
        for entry in entries:
            assert entry["save_path"] == str(rig.downloads / entry["category"])
            assert Path(entry["content_path"]).parent == Path(entry["save_path"])
    _, text = await rig.get("/api/v2/sync/maindata")
    assert json.loads(text)["torrents"][content.hash]["category"] == TV


@pytest.mark.parametrize("leaver", [0, 1])
async def test_removal_by_one_leaves_the_other(rig: Rig, two: tuple[Arr, Arr], leaver: int) -> None:
    """Whichever *arr removes first, the other keeps its files; the last deletes TorBox's item."""
    content = pack()
    rig.sim.register(content)
    download_id = await add(content, *two)
    for arr in two:
        await rig.completed(arr, download_id)
    goes, stays = two[leaver], two[1 - leaver]
    await goes.remove(download_id)
    await settled(rig)
    assert await goes.poll() == []
    assert names(rig, goes.category) == []
    assert rig.sim.world.find(content.hash) is not None
    rig.compare(content, (await rig.completed(stays, download_id)).output_path)
    await stays.remove(download_id)
    await settled(rig)
    assert await stays.poll() == []
    assert names(rig, stays.category) == []
    assert rig.sim.world.find(content.hash) is None
    assert not any(path.is_file() for path in rig.downloads.rglob("*"))


@pytest.mark.parametrize("leaver", [0, 1])
async def test_one_leaves_while_torbox_works(rig: Rig, two: tuple[Arr, Arr], leaver: int) -> None:
    """After one *arr removes a hash, the other still gets it, at its own path only."""
    content = cached(make_torrent("Film", [ContentFile("Film.mkv", 100_000)]), is_cached=False)
    rig.sim.register(content)
    rig.sim.world.change(content.hash, stop_at=0.5)
    download_id = await add(content, *two)
    await rig.reaches(content.hash, Phase.REMOTE)
    goes, stays = two[leaver], two[1 - leaver]
    await goes.remove(download_id)
    rig.sim.world.change(content.hash, stop_at=None)
    rig.compare(content, (await rig.completed(stays, download_id)).output_path)
    assert names(rig, goes.category) == []
    assert rig.sim.calls.count("createtorrent") == 1


async def test_one_leaves_while_it_is_fetched(rig: Rig, two: tuple[Arr, Arr]) -> None:
    """The fetch goes on where it was, for who is left."""
    content = pack(size=400_000)
    rig.sim.register(content)
    await rig.service.preferences.set_download_limit(400_000)
    download_id = await add(content, *two)
    await rig.until(lambda: rig.phase(content.hash) is Phase.DELIVERING)
    await rig.until(lambda: any(one.bytes_done > 50_000 for one in rig.state.meters.values()))
    await two[0].remove(download_id)
    await rig.service.preferences.set_download_limit(0)
    rig.compare(content, (await rig.completed(two[1], download_id)).output_path)
    await settled(rig)
    assert names(rig, TV) == []
    assert sum(call.bytes for call in rig.sim.calls.to("cdn")) < 2 * content.size


async def test_who_comes_later(rig: Rig, two: tuple[Arr, Arr]) -> None:
    """A complete download is complete for the second *arr at once, without another byte."""
    sonarr, radarr = two
    content = pack()
    rig.sim.register(content)
    download_id = await sonarr.add_magnet(magnet_of(content))
    await rig.completed(sonarr, download_id)
    rig.sim.calls.clear()
    await radarr.add_magnet(magnet_of(content))
    rig.compare(content, (await rig.completed(radarr, download_id)).output_path)
    assert rig.sim.calls.counts() == {}


@pytest.mark.parametrize("moved", ["all", "one"])
async def test_who_comes_when_the_files_have_moved_away(
    rig: Rig, two: tuple[Arr, Arr], moved: str
) -> None:
    """Files that the first has imported by moving are fetched once more, for the second alone."""
    sonarr, radarr = two
    content = pack()
    rig.sim.register(content)
    download_id = await sonarr.add_magnet(magnet_of(content))
    imported = Path((await rig.completed(sonarr, download_id)).output_path)
    if moved == "all":
        imported.rename(rig.directory / "library")
    else:
        next(path for path in imported.rglob("*") if path.is_file()).unlink()
    left = {path for path in imported.rglob("*") if path.is_file()}
    await radarr.add_magnet(magnet_of(content))
    (mine,) = await sonarr.poll()
    assert mine.status is QueueStatus.COMPLETED
    rig.compare(content, (await rig.completed(radarr, download_id)).output_path)
    (mine,) = await sonarr.poll()
    assert mine.status is QueueStatus.COMPLETED
    assert {path for path in imported.rglob("*") if path.is_file()} == left
    assert rig.sim.calls.count("createtorrent") == 1
    for arr in two:
        await arr.remove(download_id)
    await settled(rig)
    assert rig.sim.world.find(content.hash) is None


async def test_the_first_may_move_its_files_the_moment_it_sees_them(
    rig: Rig, two: tuple[Arr, Arr]
) -> None:
    """The second has its own by then: nothing is fetched twice however quick an import is."""
    content = pack()
    rig.sim.register(content)
    # The first must not be complete before the second was added, however slow this machine is.
    rig.sim.faults.add("requestdl", Slow(2.0))
    download_id = await add(content, *two)
    imported = Path((await rig.completed(two[0], download_id)).output_path)
    imported.rename(rig.directory / "library")
    await two[0].remove(download_id)
    rig.compare(content, (await rig.completed(two[1], download_id)).output_path)
    assert await fetched(rig, content) == content.size


async def test_two_of_one_kind(rig: Rig) -> None:
    """Two Sonarr with categories of their own are told apart by what they list."""
    content = pack()
    rig.sim.register(content)
    async with (
        rig.arr("sonarr", ArrSettings(category="tv")) as one,
        rig.arr("sonarr", ArrSettings(category="tv-4k")) as other,
    ):
        download_id = await add(content, one, other)
        for arr in (one, other):
            await rig.completed(arr, download_id)
        await other.remove(download_id)
        await settled(rig)
        assert (names(rig, "tv"), names(rig, "tv-4k")) == ([content.name], [])
        assert (len(await one.poll()), len(await other.poll())) == (1, 0)


async def test_two_of_one_kind_after_a_restart(rig: Rig) -> None:
    """Which of two Sonarr asks is not known before it lists its own: until then nothing is removed."""
    content = pack()
    rig.sim.register(content)
    one, other = ArrSettings(category="tv"), ArrSettings(category="tv-4k")
    async with rig.arr("sonarr", one) as first, rig.arr("sonarr", other) as second:
        download_id = await add(content, first, second)
        for arr in (first, second):
            await rig.completed(arr, download_id)
    await rig.restart()
    async with rig.arr("sonarr", other) as second:
        await second.remove(download_id)
        assert len(rig.service.queries.views) == 2
        assert len(await second.poll()) == 1
        await second.remove(download_id)
        assert await second.poll() == []
    await settled(rig)
    assert (names(rig, "tv"), names(rig, "tv-4k")) == ([content.name], [])


async def test_three(rig: Rig, two: tuple[Arr, Arr]) -> None:
    """However many there are, and in whatever order they leave: the last one frees TorBox."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr("lidarr") as lidarr:
        arrs = (*two, lidarr)
        download_id = await add(content, *arrs)
        for arr in arrs:
            rig.compare(content, (await rig.completed(arr, download_id)).output_path)
        for number, arr in enumerate((arrs[0], arrs[2], arrs[1]), start=1):
            await arr.remove(download_id)
            await settled(rig)
            assert len(rig.service.queries.views) == 3 - number
            assert (rig.sim.world.find(content.hash) is None) is (number == 3)


async def test_everything_is_everything(rig: Rig, two: tuple[Arr, Arr]) -> None:
    """`hashes=all` removes every grab of every client."""
    content = pack()
    rig.sim.register(content)
    download_id = await add(content, *two)
    for arr in two:
        await rig.completed(arr, download_id)
    await rig.service.commands.remove([content.hash], delete_files=True, caller=None)
    await settled(rig)
    assert not rig.service.queries.views
    assert not any(path.is_file() for path in rig.downloads.rglob("*"))
    assert rig.sim.world.find(content.hash) is None


async def test_both_survive_a_restart(rig: Rig, two: tuple[Arr, Arr]) -> None:
    """Waiting and delivered grabs survive a restart; a delete then resolves by program name."""
    content = pack()
    rig.sim.register(content)
    download_id = await add(content, *two)
    await rig.restart()
    async with rig.arr("radarr") as radarr, rig.arr("sonarr") as sonarr:
        rig.compare(content, (await rig.completed(radarr, download_id)).output_path)
        await rig.restart()
    async with rig.arr("radarr") as radarr, rig.arr("sonarr") as sonarr:
        await radarr.remove(download_id)  # its first word since the restart
        rig.compare(content, (await rig.completed(sonarr, download_id)).output_path)
        assert await radarr.poll() == []


async def test_the_category_after_an_import_is_each_ones_own(
    rig: Rig, two: tuple[Arr, Arr]
) -> None:
    """An *arr that files its download elsewhere afterwards moves only its own entry."""
    content = pack()
    rig.sim.register(content)
    settings = ArrSettings(category=TV, post_import_category="imported")
    async with rig.arr("sonarr", settings) as sonarr:
        await sonarr.test()
        download_id = await add(content, sonarr, two[1])
        for arr in (sonarr, two[1]):
            await rig.completed(arr, download_id)
        await sonarr.mark_imported(download_id)
        assert set(shown(rig)) == {"imported", FILMS}
        await sonarr.remove(download_id)
        await settled(rig)
        assert set(shown(rig)) == {FILMS}


async def test_the_same_again_is_no_third(rig: Rig, two: tuple[Arr, Arr]) -> None:
    """An add without a category, or for a category that has the hash, changes nothing."""
    content = pack()
    rig.sim.register(content)
    for arr in (*two, *two):
        await arr.add_magnet(magnet_of(content))
    async with rig.arr("sonarr", ArrSettings(category="")) as nobody:
        await nobody.add_magnet(magnet_of(content))
    assert set(shown(rig)) == {TV, FILMS}
    assert len(rig.service.queries.views) == 2


def later(rig: Rig) -> Content:
    """Make a pack that TorBox does not get round to yet."""
    content = pack()
    rig.sim.register(content)
    rig.sim.faults.add("createtorrent", Error(500, "DATABASE_ERROR", "later"), times=None)
    return content


def refuse(rig: Rig, *, times: int | None = None) -> None:
    """Let TorBox refuse from now on what it did not get round to."""
    rig.sim.faults.clear()
    rig.sim.faults.add("createtorrent", Error(400, "DOWNLOAD_TOO_LARGE", "too large"), times=times)


async def test_a_failure_is_everybodys(rig: Rig, two: tuple[Arr, Arr]) -> None:
    """Both see the error; a new try of one is a new chance for the other."""
    content = later(rig)
    download_id = await add(content, *two)
    refuse(rig)
    await rig.reaches(content.hash, Phase.FAILED)
    for arr in two:
        assert [item.status for item in await arr.poll()] == [QueueStatus.WARNING]
    rig.sim.faults.clear()
    await rig.restart()  # which forgets what TorBox has refused
    async with rig.arr("radarr") as radarr, rig.arr("sonarr") as sonarr:
        await radarr.add_magnet(magnet_of(content))
        for arr in (sonarr, radarr):
            rig.compare(content, (await rig.completed(arr, download_id)).output_path)


@asynccontextmanager
async def impatient_sonarr(directory: Path) -> AsyncIterator[tuple[Rig, ArrApi, Arr, Arr]]:
    """Run a bridge that gives up for Sonarr what stands still for a second, and for Radarr does not."""
    async with ArrApi("sonarr") as api:
        rig = Rig(
            directory,
            BRIDGE_ARR=json.dumps([api.settings()]),
            BRIDGE_CATEGORIES=json.dumps({TV: {"policy": {"stalled_after": "1s"}}}),
        )
        await rig.open()
        try:
            async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
                api.delete_in_client = sonarr.remove
                yield rig, api, sonarr, radarr
        finally:
            await rig.close()


def standstill(rig: Rig) -> Content:
    """Make a pack that TorBox has half of, and gets no more of."""
    content = cached(pack(), is_cached=False)
    rig.sim.register(content)
    rig.sim.world.change(content.hash, stop_at=0.5)
    return content


async def test_only_one_category_gives_it_up(tmp_path: Path) -> None:
    """Its *arr is told and takes another release; the other waits on, and gets it in the end."""
    async with impatient_sonarr(tmp_path) as (rig, api, sonarr, radarr):
        content = standstill(rig)
        api.grab(content.hash)
        download_id = await add(content, sonarr, radarr)
        await rig.until(lambda: bool(api.blocklist))
        await rig.until(lambda: shown(rig) == {FILMS: Phase.REMOTE})
        rig.sim.world.change(content.hash, stop_at=None)
        rig.compare(content, (await rig.completed(radarr, download_id)).output_path)
        assert rig.sim.calls.count("createtorrent") == 1


async def test_who_gives_up_last_leaves_nothing(tmp_path: Path) -> None:
    """The second grab fails by its own rules; after both have left, nothing remains."""
    async with impatient_sonarr(tmp_path) as (rig, api, sonarr, radarr):
        content = standstill(rig)
        api.grab(content.hash)
        download_id = await add(content, radarr, sonarr)
        await rig.until(lambda: bool(api.blocklist))
        await rig.until(lambda: shown(rig) == {FILMS: Phase.REMOTE})
        await radarr.remove(download_id)
        await rig.until(lambda: not rig.service.queries.views and not rig.removals)
        assert rig.sim.world.find(content.hash) is None


async def test_a_refusal_of_what_is_not_cached_is_one_categorys(tmp_path: Path) -> None:
    """Sonarr takes only what is cached and is told so; Radarr has it downloaded by TorBox."""
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(ArrApi("sonarr"))
        rig = Rig(
            tmp_path,
            BRIDGE_ARR=json.dumps([api.settings()]),
            BRIDGE_CATEGORIES=json.dumps({TV: {"policy": {"cached": "only"}}}),
        )
        await rig.open()
        stack.push_async_callback(rig.close)
        content = cached(pack(), is_cached=False)
        rig.sim.register(content)
        rig.sim.faults.add("createtorrent", Error(500, "DATABASE_ERROR", "later"), times=None)
        sonarr = await stack.enter_async_context(rig.arr("sonarr"))
        radarr = await stack.enter_async_context(rig.arr("radarr"))
        api.delete_in_client = sonarr.remove
        api.grab(content.hash)
        download_id = await add(content, sonarr, radarr)
        rig.sim.faults.clear()
        await rig.until(lambda: bool(api.blocklist))
        rig.compare(content, (await rig.completed(radarr, download_id)).output_path)
        assert (await sonarr.poll(), names(rig, TV)) == ([], [])


async def test_who_was_given_up_may_come_again(tmp_path: Path) -> None:
    """A category that adds anew what its rules gave up waits with the others for it."""
    async with impatient_sonarr(tmp_path) as (rig, _, sonarr, radarr):
        content = standstill(rig)  # not grabbed: nobody is told
        download_id = await add(content, sonarr, radarr)
        await rig.until(lambda: shown(rig)[TV] is Phase.FAILED)
        assert shown(rig)[FILMS] is Phase.REMOTE
        await sonarr.add_magnet(magnet_of(content))
        assert len(rig.service.queries.views) == 2
        rig.sim.world.change(content.hash, stop_at=None)
        for arr in (sonarr, radarr):
            rig.compare(content, (await rig.completed(arr, download_id)).output_path)


async def test_each_arr_is_told_of_a_failure(tmp_path: Path) -> None:
    """Both blocklist the release and search again, each once, and nothing is left."""
    async with AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(ArrApi(kind)) for kind in ("sonarr", "radarr")]
        rig = Rig(tmp_path, BRIDGE_ARR=json.dumps([api.settings() for api in apis]))
        await rig.open()
        stack.push_async_callback(rig.close)
        content = later(rig)
        for api in apis:
            arr = await stack.enter_async_context(rig.arr(api.name))
            api.delete_in_client = arr.remove
            api.grab(content.hash)
            await arr.add_magnet(magnet_of(content))
        refuse(rig)
        await rig.until(lambda: all(api.blocklist for api in apis))
        await rig.until(lambda: not rig.service.queries.views)
        assert [api.blocklist for api in apis] == [[content.hash.upper()]] * 2
        assert [api.searches for api in apis] == [[content.hash.upper()]] * 2


async def test_one_arr_is_told_and_the_other_waits_for_its_user(tmp_path: Path) -> None:
    """Where only one has an API, the other's entry stays as an error, with the reason."""
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(ArrApi("sonarr"))
        rig = Rig(tmp_path, BRIDGE_ARR=json.dumps([api.settings()]))
        await rig.open()
        stack.push_async_callback(rig.close)
        content = later(rig)
        sonarr = await stack.enter_async_context(rig.arr("sonarr"))
        radarr = await stack.enter_async_context(rig.arr("radarr"))
        api.delete_in_client = sonarr.remove
        api.grab(content.hash)
        for arr in (sonarr, radarr):
            await arr.add_magnet(magnet_of(content))
        refuse(rig)
        await rig.until(lambda: bool(api.blocklist) and set(shown(rig)) == {FILMS})
        assert [item.status for item in await radarr.poll()] == [QueueStatus.WARNING]
        assert rig.followed(content.hash).failure_reason is Reason.TOO_LARGE


async def test_seed_limits_are_each_ones_own(rig: Rig, two: tuple[Arr, Arr]) -> None:
    """A grab without seed limits is finished at once; TorBox keeps seeding for the other."""
    sonarr, radarr = two
    content = cached(pack(), is_cached=False)
    rig.sim.register(content)
    limits = SeedLimits(ratio=50.0)
    download_id = await sonarr.add_magnet(magnet_of(content), limits)
    await radarr.add_magnet(magnet_of(content))
    for arr in two:
        await rig.completed(arr, download_id)
    await rig.until(lambda: shown(rig) == {TV: Phase.DELIVERED, FILMS: Phase.FINISHED})
    (mine,), (theirs,) = await sonarr.poll(), await radarr.poll()
    assert (mine.can_be_removed, theirs.can_be_removed) == (False, True)
    await radarr.remove(download_id)
    await settled(rig)
    operations = [call.operation for call in rig.sim.calls.to("controltorrent")]
    assert "stop_seeding" not in operations
    assert shown(rig) == {TV: Phase.DELIVERED}
    await rig.service.commands.set_share_limits(
        [content.hash], ratio=0.0, seeding_minutes=-2, inactive_minutes=None
    )
    await rig.until(lambda: shown(rig) == {TV: Phase.FINISHED})
    operations = [call.operation for call in rig.sim.calls.to("controltorrent")]
    assert operations.count("stop_seeding") == 1


async def test_a_second_link_set(tmp_path: Path) -> None:
    """Links to the mount, and `.strm`, are made once more for the second category."""
    for mode in ("strm", "none"):
        directory = tmp_path / mode
        directory.mkdir()
        url = "http://bridge.invalid"
        rig = Rig(directory, BRIDGE_DELIVERY__MODE=mode, BRIDGE_DELIVERY__PUBLIC_URL=url)
        await rig.open()
        try:
            content = pack()
            rig.sim.register(content)
            async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
                download_id = await add(content, sonarr, radarr)
                for arr in (sonarr, radarr):
                    item = await rig.completed(arr, download_id)
                    assert Path(item.output_path).parent == rig.downloads / arr.category
                assert rig.sim.calls.count("createtorrent") == 1
        finally:
            await rig.close()


async def test_two_modes(tmp_path: Path) -> None:
    """One wants the files and the other `.strm`: each gets what its category says."""
    categories = json.dumps({FILMS: {"policy": {"delivery": "strm"}}})
    url = "http://bridge.invalid"
    rig = Rig(tmp_path, BRIDGE_CATEGORIES=categories, BRIDGE_DELIVERY__PUBLIC_URL=url)
    await rig.open()
    try:
        async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
            for order in ((sonarr, radarr), (radarr, sonarr)):
                content = pack(f"Show.of.{order[0].category}")
                rig.sim.register(content)
                download_id = await add(content, *order)
                files, links = [
                    sorted(path for path in Path(item.output_path).rglob("*") if path.is_file())
                    for item in [await rig.completed(arr, download_id) for arr in (sonarr, radarr)]
                ]
                assert {path.suffix for path in links} == {".strm"}
                assert {path.suffix for path in files} == {".mkv"}
                for arr in order:
                    await arr.remove(download_id)
                await settled(rig)
    finally:
        await rig.close()


async def test_one_directory_for_two_categories(tmp_path: Path) -> None:
    """Even there each has content of its own, and neither takes the other's along."""
    shared = str(tmp_path / "downloads" / "both")
    categories = json.dumps({name: {"save_path": shared} for name in (TV, FILMS)})
    rig = Rig(tmp_path, BRIDGE_CATEGORIES=categories)
    await rig.open()
    try:
        content = pack()
        rig.sim.register(content)
        async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
            download_id = await add(content, sonarr, radarr)
            paths = [
                (await rig.completed(arr, download_id)).output_path for arr in (sonarr, radarr)
            ]
            assert len(set(paths)) == 2
            await sonarr.remove(download_id)
            await settled(rig)
            rig.compare(content, paths[1])
            assert not Path(paths[0]).exists()
    finally:
        await rig.close()


@pytest.mark.timeout(240)  # seven starts, of which each has a bound of its own
async def test_killed_at_any_moment(tmp_path: Path) -> None:
    """A kill -9 between the two owners' files: in the end both have theirs, and nothing is left over."""
    rig = Rig(tmp_path)
    rig.downloads.mkdir()
    await rig.sim.start()
    process = BridgeProcess(rig.environ)
    content = pack(episodes=20, size=20_000)
    rig.sim.register(content)
    try:
        await process.start()
        async with (
            Arr("sonarr", process.url, "admin", PASSWORD) as sonarr,
            Arr("radarr", process.url, "admin", PASSWORD) as radarr,
        ):
            download_id = await add(content, sonarr, radarr)
        for delay in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3):
            await asyncio.sleep(delay)
            await process.kill()
            await process.start()
        async with (
            Arr("sonarr", process.url, "admin", PASSWORD) as sonarr,
            Arr("radarr", process.url, "admin", PASSWORD) as radarr,
        ):
            for arr in (sonarr, radarr):
                rig.compare(content, (await rig.completed(arr, download_id)).output_path)
            assert (names(rig, TV), names(rig, FILMS)) == ([content.name], [content.name])
            for arr in (sonarr, radarr):
                await arr.remove(download_id)
        await rig.until(lambda: rig.sim.world.find(content.hash) is None)
        await rig.until(lambda: not any(path.is_file() for path in rig.downloads.rglob("*")))
        assert rig.sim.calls.count("createtorrent") <= 2
    finally:
        await process.kill()
        await rig.sim.stop()
