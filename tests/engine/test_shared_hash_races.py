"""Several *arr grab the same torrent, and one of them changes it while work is in progress."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace

from bridge.core.model import DeliveredFile, GrabPhase, Phase
from bridge.simulator import Content, magnet_of
from bridge.simulator.faults import Error, Slow
from tests.arr_emulator.arr_client import Arr
from tests.arr_emulator.arr_words import ArrSettings, SeedLimits
from tests.support.rig import Rig, cached, pack
from tests.support.shared_hash import FILMS, TV, add, fetched, names, settled, shown

NO_SEEDING = SeedLimits(ratio=0.0)


async def asked_to_stop(rig: Rig) -> None:
    """Wait until TorBox was asked to stop seeding; it has not answered yet."""

    def asked() -> bool:
        return any(one.operation == "stop_seeding" for one in rig.sim.calls.to("controltorrent"))

    await rig.until(asked)


@pytest.mark.parametrize("others", [False, True])
async def test_it_is_removed_while_torbox_stops_seeding(
    rig: Rig, two: tuple[Arr, Arr], *, others: bool
) -> None:
    """The end of a removed grab's work does not affect the next grab of the hash."""
    sonarr, radarr = two
    content = pack()
    rig.sim.register(content)
    rig.sim.faults.add("controltorrent", Slow(1.0), operation="stop_seeding", times=None)
    download_id = await sonarr.add_magnet(magnet_of(content), NO_SEEDING)
    await asked_to_stop(rig)
    if others:
        await radarr.add_magnet(magnet_of(content), NO_SEEDING)
    await sonarr.remove(download_id)
    arr = radarr if others else sonarr
    if not others:
        await arr.add_magnet(magnet_of(content), NO_SEEDING)
    assert (await arr.poll())[0].output_path == ""
    rig.compare(content, (await rig.completed(arr, download_id)).output_path)


async def test_a_second_word_is_about_nobody_else(rig: Rig, two: tuple[Arr, Arr]) -> None:
    """An *arr that removes what it has removed already takes nothing from the other."""
    sonarr, radarr = two
    content = pack()
    rig.sim.register(content)
    download_id = await add(content, *two)
    for arr in two:
        await rig.completed(arr, download_id)
    for _ in range(3):
        await radarr.remove(download_id)
        await settled(rig)
    rig.compare(content, (await rig.completed(sonarr, download_id)).output_path)


async def test_a_second_word_after_a_restart_is_about_nobody_else(rig: Rig) -> None:
    """Nor does it once the bridge was restarted, which then knows the *arr by its program alone."""
    content = pack()
    rig.sim.register(content)
    async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
        download_id = await add(content, sonarr, radarr)
        for arr in (sonarr, radarr):
            await rig.completed(arr, download_id)
        await sonarr.remove(download_id)
        await settled(rig)
    await rig.restart()
    async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
        await sonarr.remove(download_id)
        await settled(rig)
        rig.compare(content, (await rig.completed(radarr, download_id)).output_path)
        await radarr.remove(download_id)
        await settled(rig)
    assert names(rig, FILMS) == []


@pytest.mark.parametrize("missing_id", ["not_found", "not_owner", "database_error"])
async def test_the_item_of_the_first_was_gone_before_the_second_came(
    rig: Rig, two: tuple[Arr, Arr], missing_id: Literal["not_found", "not_owner", "database_error"]
) -> None:
    """One has moved its files away, and TorBox has deleted the item: it is created once more."""
    sonarr, radarr = two
    rig.sim.world.behaviour.missing_id = missing_id
    content = pack()
    rig.sim.register(content)
    download_id = await add(content, sonarr)
    Path((await rig.completed(sonarr, download_id)).output_path).rename(rig.directory / "library")
    rig.sim.world.forget(content.hash)
    rig.sim.links.kill()
    await add(content, radarr)
    rig.compare(content, (await rig.completed(radarr, download_id)).output_path)
    for arr in two:
        await arr.remove(download_id)
    await settled(rig)
    assert rig.sim.world.find(content.hash) is None


async def test_files_that_are_numbered_otherwise_are_not_linked(
    rig: Rig, two: tuple[Arr, Arr]
) -> None:
    """An item that was created once more may number its files anew: an id is no proof then."""
    sonarr, radarr = two
    content = pack()
    rig.sim.register(content)
    download_id = await add(content, sonarr)
    await rig.completed(sonarr, download_id)
    grab_id = rig.grab_id(content.hash)
    files = await rig.state.files(grab_id)
    ids = [file.file_id for file in files]
    async with rig.state.unit_of_work() as work:
        turned = zip(files, ids[1:] + ids[:1], strict=True)
        work.put_files(grab_id, [replace(file, file_id=number) for file, number in turned])
    await add(content, radarr)
    rig.compare(content, (await rig.completed(radarr, download_id)).output_path)


async def broken_off(rig: Rig, content: Content, name: str) -> None:
    """Leave things as a kill in a sharing does: planned, in place, and another one half built."""
    entry = rig.entry(content.hash, FILMS)
    assert entry is not None
    grab = entry.grab
    files = tuple(
        DeliveredFile(
            file_id=number,
            remote_name=f"{content.name}/{file.path}",
            size=file.size,
            path=f"{name}/{file.path}",
        )
        for number, file in enumerate(content.files)
    )
    staging = f"{content.hash}-{grab.id}"
    async with rig.state.unit_of_work() as work:
        work.update_grab(
            grab.id,
            lambda one: replace(
                one,
                phase=GrabPhase.DELIVERING,
                content_name=name,
                content_is_folder=True,
                delivery_mode="download",
                staging_name=staging,
            ),
        )
        work.put_files(grab.id, files)
    for file in content.files:
        place = Path(grab.save_path, name, file.path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.read(file, 0, file.size))
    Path(grab.save_path, f".torbox-bridge-{staging}", "content").mkdir(parents=True)


@pytest.mark.parametrize("leaver", [0, 1])
async def test_a_sharing_that_broke_off(rig: Rig, two: tuple[Arr, Arr], leaver: int) -> None:
    """Nothing of it stays behind, whether its owner leaves or is left alone with the download."""
    content = cached(pack(), is_cached=False)
    rig.sim.register(content)
    rig.sim.world.change(content.hash, stop_at=0.5)
    download_id = await add(content, *two)
    await rig.reaches(content.hash, Phase.REMOTE)
    await broken_off(rig, content, f"{content.name} (2)")
    goes, stays = two[leaver], two[1 - leaver]
    await goes.remove(download_id)
    rig.sim.world.change(content.hash, stop_at=None)
    rig.compare(content, (await rig.completed(stays, download_id)).output_path)
    assert names(rig, stays.category) == [content.name if leaver else f"{content.name} (2)"]
    assert names(rig, goes.category) == []


async def test_half_fetched_and_no_longer_wanted_so(tmp_path: Path) -> None:
    """A grab in mode `strm` does not need the files of the first: they are deleted at once."""
    categories = json.dumps({FILMS: {"policy": {"delivery": "strm"}}})
    url = "http://bridge.invalid"
    rig = Rig(tmp_path, BRIDGE_CATEGORIES=categories, BRIDGE_DELIVERY__PUBLIC_URL=url)
    await rig.open()
    try:
        content = pack(size=400_000)
        rig.sim.register(content)
        await rig.service.preferences.set_download_limit(200_000)
        async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
            download_id = await add(content, sonarr, radarr)
            await rig.until(lambda: any(rig.downloads.glob(".incomplete/*/content")))
            await sonarr.remove(download_id)
            await rig.completed(radarr, download_id)
            await settled(rig)
            assert list(rig.downloads.glob(".incomplete/*")) == []
    finally:
        await rig.close()


@pytest.mark.parametrize("adopt", ["false", "true"])
async def test_the_item_stays_ours(tmp_path: Path, adopt: str) -> None:
    """An item that failed for one grab and serves another is deleted after both have left."""
    rig = Rig(tmp_path, BRIDGE_POLICY__ADOPT=adopt)
    await rig.open()
    try:
        content = pack()
        rig.sim.register(content)
        async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
            download_id = await add(content, sonarr, radarr)
            for arr in (sonarr, radarr):
                await rig.completed(arr, download_id)
            await fail_for_the_first(rig, content)
            await sonarr.add_magnet(magnet_of(content))
            rig.compare(content, (await rig.completed(sonarr, download_id)).output_path)
            for arr in (sonarr, radarr):
                await arr.remove(download_id)
            await settled(rig)
        assert rig.sim.world.find(content.hash) is None
    finally:
        await rig.close()


async def fail_for_the_first(rig: Rig, content: Content) -> None:
    """Let everybody's files be gone, and TorBox refuse to give them again."""
    for category in (TV, FILMS):
        shutil.rmtree(rig.downloads / category / content.name)
    rig.sim.links.kill()
    refusal = Error(400, "INVALID_OPTION", "no")
    armed = rig.sim.faults.add("requestdl", refusal, times=None)
    for _ in range(2):
        await rig.service.commands.recheck([content.hash])
    await rig.until(lambda: shown(rig)[TV] is Phase.FAILED)
    rig.sim.faults.clear(armed.id)


@asynccontextmanager
async def one_directory(directory: Path) -> AsyncIterator[tuple[Rig, Arr, Arr]]:
    """Run a bridge whose Sonarr and Radarr share a directory."""
    shared = str(directory / "downloads" / "both")
    categories = json.dumps({name: {"save_path": shared} for name in (TV, FILMS)})
    rig = Rig(directory, BRIDGE_CATEGORIES=categories)
    await rig.open()
    try:
        async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
            yield rig, sonarr, radarr
    finally:
        await rig.close()


async def test_a_place_is_kept_for_its_owner(tmp_path: Path) -> None:
    """One has moved its files away; the other's do not stand in their place when the first goes."""
    async with one_directory(tmp_path) as (rig, sonarr, radarr):
        content = pack()
        rig.sim.register(content)
        download_id = await add(content, sonarr)
        first = Path((await rig.completed(sonarr, download_id)).output_path)
        first.rename(tmp_path / "library")
        await radarr.add_magnet(magnet_of(content))
        second = (await rig.completed(radarr, download_id)).output_path
        assert Path(second) != first
        await sonarr.remove(download_id)
        await settled(rig)
        rig.compare(content, second)


def twins(rig: Rig) -> tuple[Content, Content]:
    """Make two torrents with the same names and sizes, and other bytes."""
    one = pack()
    fields = {name: getattr(one, name) for name in one.__struct_fields__}
    other = Content(**fields | {"hash": "b" * 40, "torrent": None})
    for content in (one, other):
        rig.sim.register(content)
    return one, other


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_looks_the_same_is_not_the_same(
    rig: Rig, two: tuple[Arr, Arr], *, at_once: bool
) -> None:
    """Another torrent with the same names and sizes gets files of its own, and keeps them."""
    sonarr, _ = two
    one, other = twins(rig)
    ids = [await add(one, sonarr)]
    if not at_once:
        await rig.completed(sonarr, ids[0])
    ids.append(await add(other, sonarr))
    await rig.reaches(one.hash, Phase.FINISHED)
    await rig.reaches(other.hash, Phase.FINISHED)
    paths = {item.download_id: item.output_path for item in await sonarr.poll()}
    assert len(set(paths.values())) == 2
    for content, download_id in zip((one, other), ids, strict=True):
        rig.compare(content, paths[download_id])
    await sonarr.remove(ids[0])
    await settled(rig)
    rig.compare(other, paths[ids[1]])


async def test_what_was_not_delivered_yet_takes_nothing_along(
    rig: Rig, two: tuple[Arr, Arr]
) -> None:
    """Removed while it is fetched: what stands where it would have been is another download's."""
    sonarr, _ = two
    one, other = twins(rig)
    path = (await rig.completed(sonarr, await add(one, sonarr))).output_path
    await rig.service.preferences.set_download_limit(100_000)
    download_id = await add(other, sonarr)
    await rig.reaches(other.hash, Phase.DELIVERING)
    await sonarr.remove(download_id)
    await settled(rig)
    rig.compare(one, path)


async def test_whoever_has_them_gives_them(rig: Rig, two: tuple[Arr, Arr]) -> None:
    """The first has moved its files away; the third gets the second's, and nothing is fetched."""
    content = pack()
    rig.sim.register(content)
    download_id = await add(content, *two)
    for arr in two:
        await rig.completed(arr, download_id)
    (rig.downloads / TV / content.name).rename(rig.directory / "library")
    async with rig.arr("sonarr", ArrSettings(category="tv-4k")) as third:
        await third.add_magnet(magnet_of(content))
        rig.compare(content, (await rig.completed(third, download_id)).output_path)
    assert await fetched(rig, content) == content.size


@pytest.mark.parametrize("player", [0, 1])
async def test_what_is_played_from_torbox_stays_there(tmp_path: Path, player: int) -> None:
    """One has `.strm` in its library, the other files: whoever leaves last, the item is kept."""
    category = (TV, FILMS)[player]
    categories = json.dumps({category: {"policy": {"delivery": "strm"}}})
    url = "http://bridge.invalid"
    rig = Rig(tmp_path, BRIDGE_CATEGORIES=categories, BRIDGE_DELIVERY__PUBLIC_URL=url)
    await rig.open()
    try:
        content = pack()
        rig.sim.register(content)
        async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
            two = (sonarr, radarr)
            download_id = await add(content, *two)
            for arr in two:
                await rig.completed(arr, download_id)
            for arr in (two[player], two[1 - player]):
                await arr.remove(download_id)
                await settled(rig)
            assert await two[player].poll() == []
        assert rig.sim.world.find(content.hash) is not None
    finally:
        await rig.close()


async def test_who_gave_up_holds_no_slot(tmp_path: Path) -> None:
    """An entry that shows an error to one *arr is no reason for TorBox to seed on."""
    categories = json.dumps({TV: {"policy": {"stalled_after": "1s"}}})
    rig = Rig(tmp_path, BRIDGE_CATEGORIES=categories)
    await rig.open()
    try:
        content = cached(pack(), is_cached=False)
        rig.sim.register(content)
        rig.sim.world.change(content.hash, stop_at=0.5)
        async with rig.arr("sonarr") as sonarr, rig.arr("radarr") as radarr:
            for arr in (sonarr, radarr):
                await arr.add_magnet(magnet_of(content), NO_SEEDING)
            await rig.until(lambda: shown(rig)[TV] is Phase.FAILED)
            rig.sim.world.change(content.hash, stop_at=None)
            await rig.until(lambda: shown(rig)[FILMS] is Phase.FINISHED)
        await asked_to_stop(rig)
    finally:
        await rig.close()
