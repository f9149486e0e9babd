"""torrents/add: magnets and .torrent files in every dialect."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.qbittorrent.add_torrents import read_options
from bridge.qbittorrent.params import BodyLimits, Params
from tests.support.face import Face, magnet, make_torrent
from tests.support.http import Client, Reply

ONE, TWO = "1a" * 20, "2b" * 20
KIND = "multipart/form-data; boundary=-----------------------------8dd"
LINE = b"-------------------------------8dd"


def part(name: str, data: bytes | str, filename: str | None = None) -> bytes:
    """Write a part of a multipart body."""
    data = data.encode() if isinstance(data, str) else data
    named = "" if filename is None else f'; filename="{filename}"'
    head = f'Content-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return LINE + b"\r\n" + head.encode() + data + b"\r\n"


async def send(client: Client, *parts: bytes) -> Reply:
    """Add with a multipart body of these parts."""
    body = b"".join(parts) + LINE + b"--\r\n"
    return await client.ask("POST", "torrents/add", body, Content_Type=KIND)


async def test_magnet_is_there_before_ok(client: Client, face: Face) -> None:
    """*arr ask for it at once; the hash is the magnet's own, in lower case."""
    reply = await client.post("torrents/add", urls=magnet(ONE.upper()), category="tv-sonarr")
    assert reply.short == (200, "Ok.")
    assert reply.headers["Content-Type"] == "text/plain; charset=UTF-8"
    view = face.view(ONE)
    assert (view.grab.category, view.name) == ("tv-sonarr", "Show S01")
    assert "tv-sonarr" in (await client.get("torrents/categories")).text


@pytest.mark.parametrize(
    "urls",
    [
        f"magnet:?xt=urn:btih:{base64.b32encode(bytes.fromhex(ONE)).decode()}&dn=x",
        f"\r\n  {magnet(ONE)}  \r\n\r\n",
        ONE,
        ONE.upper(),
    ],
)
async def test_forms_of_one_magnet(client: Client, face: Face, urls: str) -> None:
    """Base32, a bare hash, blank lines and CRLF are all the same torrent."""
    assert (await client.post("torrents/add", urls=urls)).text == "Ok."
    assert [view.download.hash for view in face.downloads.queries.primaries.values()] == [ONE]


async def test_long_magnet_comes_as_multipart(client: Client, face: Face) -> None:
    """Above 1024 bytes in one field an *arr switches to multipart, without any file."""
    long = magnet(ONE, trackers=20)
    assert len(long) > 1024
    assert (await send(client, part("urls", long), part("paused", "False"))).text == "Ok."
    assert len(face.downloads.queries.trackers(face.view(ONE).download)) == 20


async def test_known_torrents_are_fine(client: Client, face: Face) -> None:
    """An *arr that lost an answer asks again; anything but `Ok.` is a failed grab."""
    for _ in range(2):
        assert (await client.post("torrents/add", urls=magnet(ONE))).text == "Ok."
    assert len(face.downloads.queries.primaries.values()) == 1


@pytest.mark.parametrize(
    "urls",
    ["", "magnet:?xt=urn:btih:xyz", "nonsense", "magnet:?dn=x", "https://x.example/a.torrent"],
)
async def test_nothing_usable_fails(client: Client, face: Face, urls: str) -> None:
    """`Fails.` with 200 lets Radarr take the next release at once."""
    assert (await client.post("torrents/add", urls=urls)).short == (200, "Fails.")
    assert (await client.ask("POST", "torrents/add")).short == (200, "Fails.")
    assert not face.downloads.queries.primaries.values()


async def test_one_bad_line_does_not_spoil_the_others(client: Client, face: Face) -> None:
    """Whatever can be added is added."""
    urls = "\n".join(["nonsense", magnet(ONE), "http://x.example/a.torrent", magnet(TWO)])
    assert (await client.post("torrents/add", urls=urls)).text == "Ok."
    assert {view.download.hash for view in face.downloads.queries.primaries.values()} == {ONE, TWO}


@pytest.mark.parametrize("field", ["torrents", "torrent__0", "x.torrent", "fileselect[]"])
async def test_any_part_with_a_filename_is_a_torrent(
    client: Client, face: Face, field: str
) -> None:
    """*arr, qbittorrent-api and the Web UI name the field differently."""
    data, info_hash = make_torrent("Ünï.mkv", 12345)
    reply = await send(client, part(field, data, "Ünï · Show; S01.torrent"), part("paused", "True"))
    assert reply.text == "Ok."
    view = face.view(info_hash)
    assert (view.download.name, view.grab.stopped) == ("Ünï.mkv", True)
    assert view.download.has_torrent


async def test_encoded_filenames_and_empty_file_fields(client: Client, face: Face) -> None:
    """Older clients write `filename*=`; a browser sends an empty part for no file chosen."""
    data, info_hash = make_torrent("x")
    plain = part("torrents", data, "x.torrent")
    encoded = plain.replace(b'filename="x.torrent"', b"filename*=utf-8''x.torrent")
    assert (await send(client, part("fileselect[]", b"", ""), encoded)).text == "Ok."
    assert [view.download.hash for view in face.downloads.queries.primaries.values()] == [info_hash]


async def test_two_files_of_one_name_are_both_added(client: Client, face: Face) -> None:
    """A file name says nothing about what is in the file."""
    files = [make_torrent("one"), make_torrent("two")]
    reply = await send(client, *(part("torrents", data, "x.torrent") for data, _ in files))
    assert reply.text == "Ok."
    assert {view.download.hash for view in face.downloads.queries.primaries.values()} == {
        found for _, found in files
    }


async def test_big_torrents_are_taken(client: Client, face: Face) -> None:
    """5 MiB is far beyond aiohttp's own limit for a body."""
    data, info_hash = make_torrent("big", padding=5 * 1024 * 1024)
    assert (await send(client, part("torrents", data, "big.torrent"))).text == "Ok."
    assert face.view(info_hash).download.name == "big"


async def test_too_much_is_413(client: Client, face: Face) -> None:
    """More than 100 MiB of .torrent files are refused as a whole."""
    half = b"x" * (BodyLimits().uploads // 2 + 1)
    parts = [part("torrents", half, "a.torrent"), part("torrents", half, "b.torrent")]
    assert (await send(client, part("urls", magnet(ONE)), *parts)).status == 413
    assert not face.downloads.queries.primaries.values()


async def test_a_bad_file_is_415_after_the_good_ones(client: Client, face: Face) -> None:
    """The answer names the file; everything else in the request was added."""
    data, info_hash = make_torrent("good")
    reply = await send(
        client,
        part("torrents", b"<html>", "bad.torrent"),
        part("torrents", data, "good.torrent"),
        part("urls", magnet(ONE)),
    )
    assert reply.short == (415, "Error: 'bad.torrent' is not a valid torrent file.")
    assert {view.download.hash for view in face.downloads.queries.primaries.values()} == {
        ONE,
        info_hash,
    }


async def test_bad_bytes_in_a_filename_are_replaced(client: Client) -> None:
    """A name that is no UTF-8 can still be told in the answer."""
    bad = part("torrents", b"x", "a?.torrent").replace(b"?", b"\xb7")
    reply = await send(client, bad)
    assert reply.short == (415, "Error: 'a\ufffd.torrent' is not a valid torrent file.")


async def test_all_options(client: Client, face: Face) -> None:
    """What is sent with a torrent is shown by later reads."""
    await client.post(
        "torrents/add",
        urls=magnet(ONE),
        category="tv show/ä",
        tags=" a ,b,, a",
        rename="New name",
        stopped="true",
        sequentialDownload="True",
        firstLastPiecePrio="TRUE",
        ratioLimit="1.5",
        seedingTimeLimit="600",
        inactiveSeedingTimeLimit="60",
        contentLayout="NoSubfolder",
        forced="1",
    )
    (found,) = (await client.get("torrents/info")).json()
    expected = {
        "category": "tv show/ä",
        "tags": "a, b",
        "name": "New name",
        "state": "pausedDL",
        "seq_dl": True,
        "f_l_piece_prio": True,
        "ratio_limit": 1.5,
        "max_ratio": 1.5,
        "seeding_time_limit": 600,
        "inactive_seeding_time_limit": 60,
        "force_start": True,
    }
    assert expected.items() <= found.items()
    assert face.view(ONE).grab.content_layout == "NoSubfolder"


@pytest.mark.parametrize(
    ("fields", "attribute", "value"),
    [
        ({"paused": "False"}, "stopped", False),
        ({"paused": "True"}, "stopped", True),
        ({"stopped": "1"}, "stopped", True),
        ({"paused": "false", "stopped": "true"}, "stopped", True),
        ({"paused": "maybe"}, "stopped", False),
        ({"root_folder": "false"}, "content_layout", "NoSubfolder"),
        ({"root_folder": "true"}, "content_layout", "Original"),
        ({"root_folder": "false", "contentLayout": "Subfolder"}, "content_layout", "Subfolder"),
        ({"contentLayout": "sideways"}, "content_layout", "Original"),
        ({"ratioLimit": "x"}, "ratio_limit", -2),
        ({"ratioLimit": "nan"}, "ratio_limit", -2),
        ({"ratioLimit": "-7"}, "ratio_limit", -2),
        ({"seedingTimeLimit": "90.0"}, "seeding_time_limit", 90),
        ({"addToTopOfQueue": "true"}, "to_top", True),
        ({"savepath": " /d/x "}, "save_path", "/d/x"),
        ({"category": " a "}, "category", " a "),
    ],
)
def test_options(fields: dict[str, str], attribute: str, value: object) -> None:
    """Booleans in any case, both vocabularies, and nonsense counts as not sent."""
    assert getattr(read_options(Params(fields)), attribute) == value


@given(
    st.dictionaries(
        st.sampled_from(["ratioLimit", "seedingTimeLimit", "paused", "tags", "contentLayout"]),
        st.text(max_size=12),
    )
)
@settings(max_examples=100)
def test_any_text_makes_options(fields: dict[str, str]) -> None:
    """No text in any field breaks an add."""
    options = read_options(Params(fields))
    assert options.ratio_limit >= -2
    assert options.seeding_time_limit >= -2
