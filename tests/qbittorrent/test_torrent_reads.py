"""Reads of single downloads, and the parameters of the list."""

import pytest

from bridge.core.model import DeliveredFile, Phase
from bridge.downloads import AddOptions
from tests.support.face import Face, is_directory, magnet, make_torrent
from tests.support.http import Client

ONE, TWO = "1a" * 20, "2b" * 20
DETAILS = ["properties", "files", "trackers", "webseeds", "pieceStates", "pieceHashes"]


@pytest.fixture(autouse=True)
async def _downloads(face: Face) -> None:
    await face.downloads.adds.magnet(
        magnet(ONE, trackers=2), AddOptions(category="tv ä", tags=("x",))
    )
    await face.downloads.adds.magnet(magnet(TWO, "Other"), AddOptions())


async def plan_files(face: Face) -> None:
    """Let the files of ONE be known."""
    files = [
        DeliveredFile(file_id=7, remote_name="a", size=900, path="S/a.mkv", done=True),
        DeliveredFile(file_id=8, remote_name="b", size=100, path="S/b.nfo", chosen=False),
    ]
    await face.plan(ONE, files)


async def hashes(client: Client, query: str) -> list[str]:
    """List the hashes that a query finds."""
    rows = (await client.get(f"torrents/info?{query}")).json()
    return [row["hash"] for row in rows]


@pytest.mark.parametrize("endpoint", DETAILS)
async def test_details_need_a_known_hash(client: Client, endpoint: str) -> None:
    """Missing is 400, unknown and malformed are 404; either case of a known one is fine."""
    path = f"torrents/{endpoint}"
    assert (await client.get(path)).short == (400, "Bad Request")
    for unknown in ("0" * 40, "xyz", "", "a" * 64):
        assert (await client.get(f"{path}?hash={unknown}")).short == (404, "Not Found")
    for known in (ONE, ONE.upper()):
        assert (await client.get(f"{path}?hash={known}")).status == 200


async def test_list_takes_encoded_categories(client: Client) -> None:
    """Each *arr sees its own: `+` and `%20` are a space, and empty is "without category"."""
    assert await hashes(client, "category=tv%20%C3%A4") == [ONE]
    assert await hashes(client, "category=tv+%C3%A4") == [ONE]
    assert await hashes(client, "category=") == [TWO]
    assert await hashes(client, "category=other") == []
    assert await hashes(client, "") == [ONE, TWO]


async def test_list_takes_the_other_parameters(client: Client) -> None:
    """Tags, hashes, order and pages, as tools send them."""
    assert await hashes(client, "tag=x") == [ONE]
    assert await hashes(client, f"hashes={TWO.upper()}|{'0' * 40}") == [TWO]
    assert await hashes(client, "hashes=all") == []
    assert await hashes(client, "sort=name&reverse=true") == [ONE, TWO]
    assert await hashes(client, "limit=1&offset=-1") == [TWO]
    assert await hashes(client, "limit=x&offset=y&reverse=z&filter=nope") == [ONE, TWO]
    for key in ("nope", "private", "__class__"):
        bad = await client.get(f"torrents/info?sort={key}")
        assert bad.short == (400, "'sort' parameter is invalid")


async def test_list_filters_private_ones(client: Client, face: Face) -> None:
    """`private` takes those that are, or those that are not; anything else takes all."""
    await face.put(ONE, private=True)
    assert await hashes(client, "private=true") == [ONE]
    assert await hashes(client, "private=false") == [TWO]
    assert await hashes(client, "private=maybe") == [ONE, TWO]


async def test_list_includes_trackers_when_asked(client: Client, face: Face) -> None:
    """Without the sticky rows, and whatever a name looks like."""
    await face.put(ONE, name='x,"trackers_count":9')
    plain, _ = (await client.get("torrents/info")).json()
    found, _ = (await client.get("torrents/info?includeTrackers=true")).json()
    assert list(found) == sorted(found)
    shown = found.pop("trackers")
    assert found == plain
    assert [row["tier"] for row in shown] == [0, 1]
    assert shown[0]["url"].startswith("http://tracker0.example")


async def test_list_by_post_equals_list_by_get(client: Client) -> None:
    """qbittorrent-api posts the same parameters."""
    posted = await client.post("torrents/info", category="tv ä", filter="downloading", hashes=ONE)
    query = f"category=tv%20%C3%A4&filter=downloading&hashes={ONE}"
    assert posted.text == (await client.get(f"torrents/info?{query}")).text
    assert posted.json()


async def test_list_has_alphabetical_compact_json(client: Client) -> None:
    """Bytes as qBittorrent writes them: sorted keys, no spaces, UTF-8 unescaped."""
    text = (await client.get("torrents/info?category=tv%20%C3%A4")).text
    assert text.startswith('[{"added_on":')
    assert '"auto_tmm":false,"availability":1,"category":"tv ä","completed":0,' in text


async def test_finished_download_may_be_imported_and_removed(client: Client, face: Face) -> None:
    """pausedUP, a content path below save_path that exists, and a limit that is reached."""
    content = await face.finish(ONE)
    (found,) = (await client.get(f"torrents/info?hashes={ONE}")).json()
    assert (found["state"], found["content_path"]) == ("pausedUP", str(content))
    assert is_directory(found["content_path"])
    assert str(content.parent) == found["save_path"]
    assert found["ratio"] >= found["ratio_limit"] >= 0


async def test_count(client: Client) -> None:
    """A number as text."""
    assert (await client.get("torrents/count")).short == (200, "2")


async def test_properties(client: Client, face: Face) -> None:
    """Other names for the same things; -1 is unknown."""
    await face.finish(ONE, size=2000, completed_at=None)
    found = (await client.get(f"torrents/properties?hash={ONE}")).json()
    assert list(found) == sorted(found)
    assert len(found) == 39
    assert (found["hash"], found["name"], found["total_size"]) == (ONE, "Show S01", 2000)
    assert found["save_path"] == face.view(ONE).grab.save_path
    assert (found["completion_date"], found["piece_size"], found["seeding_time"]) == (-1, -1, 0)


async def test_files(client: Client, face: Face) -> None:
    """No files before they are known; then paths below save_path, and `is_seed` on the first."""
    assert (await client.get(f"torrents/files?hash={ONE}")).text == "[]"
    await plan_files(face)
    found = (await client.get(f"torrents/files?hash={ONE}")).text
    assert found == (
        '[{"availability":1,"index":0,"is_seed":false,"name":"S/a.mkv","piece_range":[0,0],'
        '"priority":1,"progress":1,"size":900},'
        '{"availability":1,"index":1,"name":"S/b.nfo","piece_range":[0,0],'
        '"priority":0,"progress":0,"size":100}]'
    )


@pytest.mark.parametrize(
    ("indexes", "status", "text"),
    [
        ("9", 409, "Index 9 is out of bounds."),
        ("-1", 409, "Index -1 is out of bounds."),
        ("a", 409, '"a" is not a valid file index.'),
        ("", 409, '"" is not a valid file index.'),
        ("0|x", 409, '"x" is not a valid file index.'),
    ],
)
async def test_bad_indexes(
    client: Client, face: Face, indexes: str, status: int, text: str
) -> None:
    """The words are qBittorrent's; while no files are known, every index is out of bounds."""
    path = f"torrents/files?hash={ONE}&indexes={indexes}"
    assert (await client.get(path)).status == status
    await plan_files(face)
    assert (await client.get(path)).short == (status, text)


async def test_indexes_pick_files(client: Client, face: Face) -> None:
    """Only the files that were asked for, in that order."""
    await plan_files(face)
    rows = (await client.get(f"torrents/files?hash={ONE}&indexes=1%7C0")).json()
    assert [row["index"] for row in rows] == [1, 0]


async def test_trackers(client: Client, face: Face) -> None:
    """Three sticky rows come first, whatever the magnet has; private torrents say so."""
    rows = (await client.get(f"torrents/trackers?hash={ONE}")).json()
    assert [row["url"] for row in rows[:3]] == ["** [DHT] **", "** [PeX] **", "** [LSD] **"]
    assert [(row["tier"], row["status"]) for row in rows[3:]] == [(0, 1), (1, 1)]
    assert rows[3]["url"].startswith("http://tracker0.example")
    await face.put(ONE, private=True)
    assert "This torrent is private" in (await client.get(f"torrents/trackers?hash={ONE}")).text


async def test_a_torrent_tells_more(client: Client, face: Face) -> None:
    """Pieces, comment and tiers come from the .torrent that was handed in."""
    tiers = [[b"http://a.example/", b"http://b.example/"], [b"http://c.example/"]]
    data, info_hash = make_torrent("Film.mkv", 40_000, tiers=tiers)
    await face.downloads.adds.torrent(data, AddOptions())
    shown = (await client.get(f"torrents/properties?hash={info_hash}")).json()
    assert (shown["piece_size"], shown["pieces_num"], shown["pieces_have"]) == (16384, 3, 0)
    assert (shown["comment"], shown["total_size"]) == ("", 40_000)
    assert (await client.get(f"torrents/pieceStates?hash={info_hash}")).text == "[0,0,0]"
    rows = (await client.get(f"torrents/trackers?hash={info_hash}")).json()[3:]
    assert [row["tier"] for row in rows] == [0, 0, 1]
    await face.downloads.commands.set_trackers(
        info_hash, ["http://c.example/", "http://new.example/"]
    )
    rows = (await client.get(f"torrents/trackers?hash={info_hash}")).json()[3:]
    assert [row["tier"] for row in rows] == [1, 2]


async def test_web_seeds_are_those_of_the_magnet(client: Client, face: Face) -> None:
    """One object a URL."""
    three = "3c" * 20
    await face.downloads.adds.magnet(magnet(three) + "&ws=http%3A%2F%2Fw.example%2F", AddOptions())
    found = await client.get(f"torrents/webseeds?hash={three}")
    assert found.text == '[{"url":"http://w.example/"}]'


@pytest.mark.parametrize(
    ("phase", "size", "states"),
    [
        (Phase.REMOTE, 0, "[]"),
        (Phase.REMOTE, 9, "[0]"),
        (Phase.DELIVERING, 9, "[1]"),
        (Phase.FINISHED, 9, "[2]"),
    ],
)
async def test_piece_states(
    client: Client, face: Face, phase: Phase, size: int, states: str
) -> None:
    """The download as one piece."""
    await face.put(ONE, phase=phase, size=size)
    assert (await client.get(f"torrents/pieceStates?hash={ONE}")).text == states
    assert (await client.get(f"torrents/pieceHashes?hash={ONE}")).text == "[]"


async def test_a_long_v2_hash_finds_its_id(client: Client, face: Face) -> None:
    """*arr compute 64 digits for a v2 torrent; its id is the first 40."""
    assert (await client.get(f"torrents/properties?hash={ONE}{'c' * 24}")).status == 200


async def test_transfer_info_sums_up(client: Client, face: Face) -> None:
    """Integers, and always connected."""
    await face.put(ONE, phase=Phase.FINISHED, size=3000, uploaded=50)
    assert (await client.get("transfer/info")).text == (
        '{"connection_status":"connected","dht_nodes":0,"dl_info_data":3000,"dl_info_speed":0,'
        '"dl_rate_limit":0,"up_info_data":50,"up_info_speed":0,"up_rate_limit":0}'
    )
