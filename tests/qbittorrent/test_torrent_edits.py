"""Names, places, files and limits of downloads, on a whole bridge."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.core.model import Move, Phase
from bridge.downloads import AddOptions
from bridge.simulator import Content, ContentFile, magnet_of, make_torrent
from tests.arr_emulator.arr_words import ArrSettings, InitialState
from tests.support.clients import client_at, info, names, shows
from tests.support.http import Client
from tests.support.rig import Rig, pack

UNKNOWN = "0" * 40
NAME = "Show.S01.1080p-GRP"


@pytest.fixture(name="client")
async def _client(rig: Rig) -> AsyncIterator[Client]:
    async with client_at(rig) as client:
        yield client


async def deliver(rig: Rig, content: Content) -> Path:
    """Let a content be added and delivered; answers where it is."""
    rig.sim.register(content)
    async with rig.arr() as arr:
        item = await rig.completed(arr, await arr.add_magnet(magnet_of(content)))
        return Path(str(item.output_path))


async def stopped(rig: Rig, content: Content) -> None:
    """Let a .torrent be added, stopped."""
    rig.sim.register(content)
    assert content.torrent is not None
    async with rig.arr("sonarr", ArrSettings(initial_state=InitialState.STOP)) as arr:
        await arr.add_torrent(content.torrent, content.name, content.hash)


async def started(rig: Rig, content: Content) -> Path:
    """Start a stopped download; answers where it is when it is there."""
    await rig.service.commands.start([content.hash])
    done = await rig.reaches(content.hash, Phase.DELIVERED, Phase.FINISHED)
    return Path(str(done.save_path), str(done.content_name))


def renaming(content: Content, old: str, new: str) -> dict[str, str]:
    """Write the form of a rename."""
    return {"hash": content.hash, "oldPath": old, "newPath": new}


async def test_rename_is_what_is_shown(rig: Rig, client: Client) -> None:
    """A name is trimmed and on one line; a blank one is 409 before the hash is looked at."""
    content = pack()
    await stopped(rig, content)
    reply = await client.post("torrents/rename", hash=content.hash, name="  New\nNäme  ")
    assert reply.short == (200, "")
    assert (await info(client, content.hash))["name"] == "New Näme"
    blank = await client.post("torrents/rename", hash=UNKNOWN, name=" ")
    assert blank.short == (409, "Incorrect torrent name")
    assert (await client.post("torrents/rename", hash=UNKNOWN, name="x")).status == 404
    assert (await client.post("torrents/rename", hash=content.hash)).status == 400


async def test_files_are_renamed_before_they_are_fetched(rig: Rig, client: Client) -> None:
    """Edits of a .torrent's files are applied when they are delivered."""
    content = pack(episodes=2)
    await stopped(rig, content)
    old = f"{NAME}/{NAME}.E01.mkv"
    assert old in await names(client, content.hash)
    for action, form in [
        ("renameFile", renaming(content, old, f"{NAME}/extra/one.mkv")),
        ("renameFolder", renaming(content, NAME, "Other")),
    ]:
        assert (await client.post(f"torrents/{action}", **form)).short == (200, "")
    expected = ["Other/extra/one.mkv", f"Other/{NAME}.E02.mkv"]
    assert await names(client, content.hash) == expected
    path = await started(rig, content)
    assert path.name == "Other"
    assert (path / "extra" / "one.mkv").stat().st_size == 200_000
    assert sorted(await names(client, content.hash)) == sorted(expected)


async def test_files_are_renamed_on_disk(rig: Rig, client: Client) -> None:
    """After completion the disk follows, and content_path with it; empty folders go."""
    path = await deliver(rig, content := pack(episodes=2))
    form = renaming(content, f"{NAME}/{NAME}.E01.mkv", f"{NAME}/sub/1.mkv")
    assert (await client.post("torrents/renameFile", **form)).short == (200, "")
    assert (path / "sub" / "1.mkv").stat().st_size == 200_000
    form = renaming(content, f"{NAME}/sub", f"{NAME}/other")
    assert (await client.post("torrents/renameFolder", **form)).short == (200, "")
    assert not (path / "sub").exists()
    assert (await client.post("torrents/renameFolder", **renaming(content, NAME, "New"))).status
    row = await info(client, content.hash)
    assert row["content_path"] == str(path.with_name("New"))
    assert (path.with_name("New") / "other" / "1.mkv").exists()
    assert not path.exists()


async def test_renames_that_are_refused(rig: Rig, client: Client) -> None:
    """Nothing is overwritten, nothing leaves its folder, and a refusal changes nothing."""
    path = await deliver(rig, content := pack(episodes=2))
    (path / "mine.mkv").write_text("the user's own")
    first, second = f"{NAME}/{NAME}.E01.mkv", f"{NAME}/{NAME}.E02.mkv"
    before = await names(client, content.hash)
    for old, new, reason in [
        (first, second, f"The file already exists: '{second}'."),
        (first, f"{NAME}/mine.mkv", f"The file already exists: '{NAME}/mine.mkv'."),
        (first, "../../outside.mkv", "File name has invalid characters"),
        ("nope", "x", "No such file: 'nope'."),
    ]:
        reply = await client.post("torrents/renameFile", **renaming(content, old, new))
        assert reply.short == (409, reason)
    reply = await client.post("torrents/renameFolder", **renaming(content, "nope", "x"))
    assert reply.short == (409, "No such folder: 'nope'.")
    assert (await client.post("torrents/renameFile", hash=UNKNOWN, oldPath="a", newPath="b")).short
    assert await names(client, content.hash) == before
    assert (path / "mine.mkv").read_text() == "the user's own"


async def test_no_symbolic_link_leads_a_rename_away(rig: Rig, client: Client) -> None:
    """A folder that somebody made a link is not written through."""
    path = await deliver(rig, content := pack(episodes=1))
    outside = rig.directory / "outside"
    outside.mkdir()
    (path / "link").symlink_to(outside)
    form = renaming(content, f"{NAME}/{NAME}.E01.mkv", f"{NAME}/link/1.mkv")
    assert (await client.post("torrents/renameFile", **form)).status == 409
    assert list(outside.iterdir()) == []


async def test_set_location_moves_what_is_on_disk(rig: Rig, client: Client) -> None:
    """The whole content moves, the user's own files included; meanwhile the state is `moving`."""
    path = await deliver(rig, content := pack())
    (path / "mine.srt").write_text("1")
    target = rig.downloads / "moved" / "here"
    form = {"hashes": content.hash, "location": str(target)}
    assert (await client.post("torrents/setLocation", **form)).short == (200, "")
    row = await shows(rig, client, content.hash, lambda row: row["save_path"] == str(target))
    assert row["state"] == "pausedUP"
    assert Path(row["content_path"]) == target / NAME
    rig.compare(content, str(target / NAME))
    assert (target / NAME / "mine.srt").exists()
    assert not path.exists()


@pytest.mark.parametrize(("location", "short"), [
    ("", (400, "Save path cannot be empty")),
    ("/proc/nope/x", (409, "Cannot make save path")),
    ("{downloads}/../outside", (409, "Cannot make save path")),
    ("{downloads}/.incomplete/x", (409, "Cannot make save path")),
])  # fmt: skip
async def test_locations_that_are_refused(
    rig: Rig, client: Client, location: str, short: tuple[int, str]
) -> None:
    """Only what is below the download roots can be a save path."""
    place = location.format(downloads=rig.downloads)
    reply = await client.post("torrents/setLocation", hashes="all", location=place)
    assert reply.short == short
    assert not (rig.directory / "outside").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_directory_that_cannot_be_written(rig: Rig, client: Client) -> None:
    """It is 403, as with qBittorrent."""
    locked = rig.downloads / "locked"
    locked.mkdir(mode=0o500)
    reply = await client.post("torrents/setLocation", hashes="all", location=str(locked))
    assert reply.short == (403, "Cannot write to directory")


async def test_a_taken_place_is_left_alone(rig: Rig, client: Client) -> None:
    """Where something stands already, the content stays where it was, and says why."""
    path = await deliver(rig, content := pack())
    taken = rig.downloads / "taken" / NAME
    taken.mkdir(parents=True)
    await client.post("torrents/setLocation", hashes=content.hash, location=str(taken.parent))
    await rig.until(lambda: "not moved" in rig.note(content.hash))
    rig.compare(content, str(path))
    assert list(taken.iterdir()) == []
    assert (await info(client, content.hash))["state"] == "pausedUP"


async def test_a_move_is_taken_up_after_a_restart(rig: Rig) -> None:
    """A move that a stop interrupted is completed at the next start."""
    path = await deliver(rig, content := pack())
    target = rig.downloads / "later"
    grab_id = rig.followed(content.hash).entry.grab.id
    async with rig.state.unit_of_work() as work:
        work.update_grab(grab_id, lambda latest: replace(latest, moving_to=str(target)))
        work.add_job(Move(grab_id=grab_id), content.hash)
    await rig.stop()
    await rig.start()
    await rig.until((target / NAME).exists)
    rig.compare(content, str(target / NAME))
    assert not path.exists()


async def test_file_priority_leaves_files_out(rig: Rig, client: Client) -> None:
    """Priority 0 before the start: the file is not fetched; the others have what was asked."""
    content = pack(episodes=3)
    await stopped(rig, content)
    form = {"hash": content.hash, "id": "0|2", "priority": "0"}
    assert (await client.post("torrents/filePrio", **form)).short == (200, "")
    form = {"hash": content.hash, "id": "1", "priority": "7"}
    assert (await client.post("torrents/filePrio", **form)).short == (200, "")
    rows = (await client.get(f"torrents/files?hash={content.hash}")).json()
    assert [row["priority"] for row in rows] == [0, 7, 0]
    assert (await info(client, content.hash))["size"] == 200_000
    path = await started(rig, content)
    assert [file.name for file in path.iterdir()] == [f"{NAME}.E02.mkv"]
    assert rig.sim.calls.counts()["requestdl"] == 1
    assert (await info(client, content.hash))["size"] == 200_000


async def test_a_file_that_is_wanted_after_all(rig: Rig, client: Client) -> None:
    """Wanted after completion it is fetched beside the others, which are not fetched again."""
    content = pack(episodes=2)
    await stopped(rig, content)
    await client.post("torrents/filePrio", hash=content.hash, id="0", priority="0")
    path = await started(rig, content)
    rows = (await client.get(f"torrents/files?hash={content.hash}")).json()
    (left_out,) = [row["index"] for row in rows if row["priority"] == 0]
    await client.post("torrents/filePrio", hash=content.hash, id=str(left_out), priority="1")
    await rig.until(lambda: len(list(path.iterdir())) == 2 if path.exists() else False)
    await rig.reaches(content.hash, Phase.FINISHED)
    rig.compare(content, str(path))
    assert rig.sim.calls.counts()["cdn"] == 2


@pytest.mark.parametrize(("form", "short"), [
    ({"id": "0", "priority": "3"}, (400, "Priority is not valid")),
    ({"id": "a", "priority": "1"}, (400, "File IDs must be integers")),
    ({"id": "99", "priority": "1"}, (409, "File ID is not valid")),
    ({"id": "0"}, (400, "Bad Request")),
    ({"hash": UNKNOWN, "id": "0", "priority": "1"}, (404, "Not Found")),
])  # fmt: skip
async def test_file_priorities_that_are_refused(
    rig: Rig, client: Client, form: dict[str, str], short: tuple[int, str]
) -> None:
    """In qBittorrent's order and words."""
    content = pack()
    await stopped(rig, content)
    reply = await client.post("torrents/filePrio", **({"hash": content.hash} | form))
    assert reply.short == short


async def test_no_priorities_without_metadata(rig: Rig, client: Client) -> None:
    """Of a magnet that nothing is known of, no file can be chosen."""
    await client.post("torrents/add", urls="1a" * 20, stopped="true")
    reply = await client.post("torrents/filePrio", hash="1a" * 20, id="0", priority="0")
    assert reply.short == (409, "Torrent's metadata has not yet downloaded")


async def test_missing_files_are_delivered_again(rig: Rig, client: Client) -> None:
    """A recheck finds what is gone from disk; started again, only that is fetched."""
    path = await deliver(rig, content := pack(episodes=3))
    (path / f"{NAME}.E02.mkv").unlink()
    await client.post("torrents/recheck", hashes=content.hash)
    assert (await info(client, content.hash))["state"] == "missingFiles"
    assert "E02" in rig.note(content.hash)
    await client.post("torrents/resume", hashes=content.hash)
    await rig.reaches(content.hash, Phase.FINISHED)
    rig.compare(content, str(path))
    assert rig.sim.calls.counts()["cdn"] == 4
    await client.post("torrents/recheck", hashes=content.hash)
    assert (await info(client, content.hash))["state"] == "pausedUP"


async def test_missing_files_that_torbox_has_no_more(rig: Rig, client: Client) -> None:
    """An item that TorBox no longer has is created again."""
    path = await deliver(rig, content := pack(episodes=1))
    rig.sim.world.forget(content.hash)
    (path / f"{NAME}.E01.mkv").unlink()
    for _ in range(2):
        await client.post("torrents/recheck", hashes=content.hash)
    await rig.until(lambda: rig.sim.calls.count("createtorrent") == 2)
    done = await rig.reaches(content.hash, Phase.FINISHED)
    rig.compare(content, str(Path(done.save_path) / done.content_name))


async def test_reannounce_and_recheck_ask_torbox(rig: Rig, client: Client) -> None:
    """They reach TorBox for what it works on, and what goes wrong there is no error here."""
    content = make_torrent("Long", [ContentFile("long.mkv", 2_000_000_000)])
    rig.sim.register(content)
    await client.post("torrents/add", urls=magnet_of(content))
    await rig.reaches(content.hash, Phase.REMOTE)
    assert (await client.post("torrents/reannounce", hashes="all")).short == (200, "")
    await rig.until(lambda: rig.sim.calls.counts().get("controltorrent", 0) == 1)
    assert (await client.post("torrents/recheck", hashes="all")).short == (200, "")
    assert (await client.post("torrents/reannounce", hashes=UNKNOWN)).short == (200, "")
    assert (await client.post("torrents/reannounce")).status == 400


async def test_export(rig: Rig, client: Client) -> None:
    """The .torrent that the client sent, byte for byte; 409 if there is none."""
    content = pack()
    await stopped(rig, content)
    path = f"{client.url}/api/v2/torrents/export?hash={content.hash}"
    data = await rig.download_bytes(path)
    assert data == content.torrent
    await client.post("torrents/add", urls="1a" * 20, stopped="true")
    reply = await client.get(f"torrents/export?hash={'1a' * 20}")
    assert reply.short == (409, "Unable to export torrent file. Error: Missing metadata")
    assert (await client.get(f"torrents/export?hash={UNKNOWN}")).status == 404


async def test_export_of_a_magnet_is_torboxs(rig: Rig, client: Client) -> None:
    """Of what TorBox downloaded itself it gives the .torrent."""
    content = make_torrent("Film", [ContentFile("film.mkv", 100_000)])
    await deliver(rig, content)
    data = await rig.download_bytes(f"{client.url}/api/v2/torrents/export?hash={content.hash}")
    assert data.startswith(b"d")


async def test_limits_of_single_downloads(rig: Rig, client: Client) -> None:
    """They are shown where qBittorrent shows them, unknown hashes as -1."""
    content = pack()
    await stopped(rig, content)
    for kind in ("Download", "Upload"):
        form = {"hashes": content.hash, "limit": "4096"}
        assert (await client.post(f"torrents/set{kind}Limit", **form)).short == (200, "")
        assert (await client.post(f"torrents/set{kind}Limit", hashes="all")).status == 400
        reply = await client.get(f"torrents/{kind.lower()}Limit?hashes={content.hash}|{UNKNOWN}")
        assert reply.json() == {content.hash: 4096, UNKNOWN: -1}
    row = await info(client, content.hash)
    assert (row["dl_limit"], row["up_limit"]) == (4096, 4096)
    shown = (await client.get(f"torrents/properties?hash={content.hash}")).json()
    assert (shown["dl_limit"], shown["up_limit"]) == (4096, 4096)


async def test_a_limit_holds_a_fetch_back(rig: Rig, client: Client) -> None:
    """A download's speed limit applies during the fetch, and can be lifted during it."""
    content = pack(episodes=1, size=1_000_000)
    await stopped(rig, content)
    await client.post("torrents/setDownloadLimit", hashes=content.hash, limit="50000")
    await client.post("torrents/resume", hashes=content.hash)
    await rig.reaches(content.hash, Phase.DELIVERING)
    row = await shows(rig, client, content.hash, lambda row: row["dlspeed"] > 0)
    assert row["dlspeed"] < 200_000
    assert row["state"] == "downloading"
    await client.post("torrents/setDownloadLimit", hashes=content.hash, limit="0")
    await rig.reaches(content.hash, Phase.FINISHED)


async def test_notes_that_change_nothing_here(rig: Rig, client: Client) -> None:
    """Flags and comments are shown again, and `value` or `enable` may not be missing."""
    content = pack()
    await stopped(rig, content)
    for action, form in [
        ("setSuperSeeding", {"value": "true"}),
        ("setAutoManagement", {"enable": "true"}),
        ("setComment", {"comment": "mine"}),
    ]:
        assert (await client.post(f"torrents/{action}", hashes="all", **form)).short == (200, "")
        assert (await client.post(f"torrents/{action}", hashes="all")).status == 400
    row = await info(client, content.hash)
    assert (row["super_seeding"], row["auto_tmm"]) == (True, True)
    shown = (await client.get(f"torrents/properties?hash={content.hash}")).json()
    assert shown["comment"] == "mine"


async def test_the_order_of_the_queue(rig: Rig, client: Client) -> None:
    """Up, down, first and last; positions are 1-based among what is not complete."""
    hashes = [f"{number}a" * 20 for number in range(1, 5)]
    await client.post("torrents/add", urls="\n".join(hashes), stopped="true")
    for action, moved, expected in [
        ("increasePrio", [2], [0, 2, 1, 3]),
        ("increasePrio", [0], [0, 2, 1, 3]),
        ("decreasePrio", [0, 2], [1, 0, 2, 3]),
        ("bottomPrio", [1], [0, 2, 3, 1]),
        ("topPrio", [3], [3, 0, 2, 1]),
    ]:
        form = "|".join(hashes[number] for number in moved)
        assert (await client.post(f"torrents/{action}", hashes=form)).short == (200, "")
        rows = (await client.get("torrents/info?sort=priority")).json()
        assert [hashes.index(row["hash"]) for row in rows] == expected
        assert [row["priority"] for row in rows] == [1, 2, 3, 4]


async def test_a_magnet_soon_has_name_size_and_files(rig: Rig, client: Client) -> None:
    """While TorBox only queues it, its cache or the swarm is asked once, not by each poll."""
    rig.sim.world.account.slots = 0
    rig.sim.world.behaviour.when_full = "queue"
    content = make_torrent("Film.2024", [ContentFile("film.mkv", 100_000), ContentFile("a.nfo", 9)])
    rig.sim.register(content)
    await client.post("torrents/add", urls=content.hash)
    row = await shows(rig, client, content.hash, lambda row: row["size"] > 0)
    assert (row["name"], row["size"]) == ("Film.2024", 100_009)
    assert sorted(await names(client, content.hash)) == ["Film.2024/a.nfo", "Film.2024/film.mkv"]
    counts = rig.sim.calls.counts()
    assert counts.get("checkcached", 0) + counts.get("torrentinfo", 0) <= 2, counts


async def being_fetched(rig: Rig, content: Content) -> None:
    """Let a content be fetched, slowly."""
    rig.sim.links.cdn.bytes_per_second = 400_000
    rig.sim.register(content)
    await rig.service.adds.magnet(magnet_of(content), AddOptions(category="tv"))
    await rig.reaches(content.hash, Phase.DELIVERING)


async def arrives(rig: Rig, content: Content) -> Path:
    """Let the rest be fetched fast; answers where it is."""
    rig.sim.links.cdn.bytes_per_second = 1e9
    done = await rig.reaches(content.hash, Phase.FINISHED)
    return Path(str(done.save_path), str(done.content_name))


async def test_a_location_that_is_set_while_it_is_fetched(rig: Rig, client: Client) -> None:
    """The fetch goes on where it was, and the content comes to stand at the new place alone."""
    await being_fetched(rig, content := pack(episodes=2))
    target = rig.downloads / "elsewhere"
    await client.post("torrents/setLocation", hashes=content.hash, location=str(target))
    path = await arrives(rig, content)
    assert path == target / NAME
    rig.compare(content, str(path))
    assert not (rig.downloads / "tv" / NAME).exists()


async def test_a_file_that_is_dropped_while_it_is_fetched(rig: Rig, client: Client) -> None:
    """It does not arrive; the others do."""
    await being_fetched(rig, content := pack(episodes=3))
    await client.post("torrents/filePrio", hash=content.hash, id="1", priority="0")
    path = await arrives(rig, content)
    assert sorted(file.name for file in path.iterdir()) == [f"{NAME}.E01.mkv", f"{NAME}.E03.mkv"]


async def test_a_folder_that_is_renamed_while_it_is_fetched(rig: Rig, client: Client) -> None:
    """It arrives under its new name."""
    await being_fetched(rig, content := pack(episodes=2))
    form = renaming(content, NAME, "Renamed")
    assert (await client.post("torrents/renameFolder", **form)).short == (200, "")
    path = await arrives(rig, content)
    assert path.name == "Renamed"
    rig.compare(content, str(path))


async def test_nothing_is_wanted(rig: Rig, client: Client) -> None:
    """Without any wanted file a download stops, and goes on when one is wanted again."""
    await being_fetched(rig, content := pack(episodes=2))
    await client.post("torrents/filePrio", hash=content.hash, id="0|1", priority="0")
    assert (await info(client, content.hash))["state"] == "pausedDL"
    await client.post("torrents/filePrio", hash=content.hash, id="0", priority="1")
    await client.post("torrents/resume", hashes=content.hash)
    assert len(list((await arrives(rig, content)).iterdir())) == 1


async def test_a_stopped_magnet_asks_when_it_is_started(rig: Rig, client: Client) -> None:
    """Nothing is asked of TorBox for what is stopped, and started twice it is asked once."""
    rig.sim.world.account.slots = 0
    rig.sim.world.behaviour.when_full = "queue"
    content = make_torrent("Film.2024", [ContentFile("film.mkv", 100_000)])
    rig.sim.register(content)
    await client.post("torrents/add", urls=content.hash, stopped="true")
    await asyncio.sleep(0.7)
    assert rig.sim.calls.counts() == {"mylist": 1}, "what every start reads, and nothing else"
    for _ in range(2):
        await client.post("torrents/start", hashes=content.hash)
    await shows(rig, client, content.hash, lambda row: row["size"] > 0)
    await asyncio.sleep(0.2)
    assert rig.sim.calls.counts().get("torrentinfo", 0) <= 1


async def test_deleted_while_it_is_to_be_moved(rig: Rig, client: Client) -> None:
    """Wherever the move has got to, nothing of a deleted download is left."""
    path = await deliver(rig, content := pack(episodes=1))
    target = rig.downloads / "other"
    await client.post("torrents/setLocation", hashes=content.hash, location=str(target))
    await client.post("torrents/delete", hashes=content.hash, deleteFiles="true")
    await rig.until(lambda: not rig.removals)
    await rig.until(lambda: not path.exists() and not (target / NAME).exists())
