"""Names and numbers that are longer than anything a client means: cut off or refused, never stored whole."""

from urllib.parse import quote

import pytest

from bridge.core.metainfo import NotATorrent, parse_torrent
from bridge.core.model import LONGEST_NAME
from bridge.torbox.json_values import parse_text
from tests.support.clients import client_at
from tests.support.rig import Rig

HASH = "c" * 40
LONG = "n" * 200_000
DIGITS = "9" * 4000


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("torrents/setDownloadLimit", {"limit": DIGITS}),
        ("torrents/setUploadLimit", {"limit": "9" * 20}),
        ("torrents/setShareLimits", {"ratioLimit": "1e300", "seedingTimeLimit": "1e300"}),
        ("transfer/setDownloadLimit", {"limit": DIGITS}),
        ("torrents/rename", {"hash": HASH, "name": LONG}),
        ("torrents/createCategory", {"category": LONG}),
        ("torrents/createCategory", {"category": "/".join("a" * 100_000)}),
        ("torrents/add", {"urls": f"magnet:?xt=urn:btih:{'d' * 40}", "rename": LONG}),
        (
            "torrents/add",
            {"urls": f"magnet:?xt=urn:btih:{'e' * 40}", "seedingTimeLimit": "1e300"},
        ),
    ],
)
async def test_through_the_api(rig: Rig, path: str, form: dict[str, str]) -> None:
    """No answer is an error of the bridge's own, and no list grows by more than a name may have."""
    trackers = "".join(f"&tr=http://t{number}.invalid/" for number in range(5_000))
    link = f"magnet:?xt=urn:btih:{HASH}&dn={LONG}{trackers}"
    async with client_at(rig) as client:
        assert (await client.post("torrents/add", urls=quote(link, safe=":?=&/"))).text == "Ok."
        answer = await client.post(path, **{"hashes": HASH, **form})
        assert answer.status < 500
        whole = await client.get("sync/maindata")
    assert len(whole.text) < 8 * LONGEST_NAME
    assert max(len(one.magnet) for one in rig.state.downloads.values()) < 3 * LONGEST_NAME


def test_a_torrent_with_an_endless_path() -> None:
    """A path that no file system takes makes a .torrent invalid."""
    path = "l" + "1:a" * LONGEST_NAME + "e"
    info = (
        f"d5:filesld6:lengthi1e4:path{path}ee4:name1:n12:piece lengthi16384e6:pieces20:{'x' * 20}e"
    )
    found = parse_torrent(f"d4:info{info}e".encode())
    assert isinstance(found, NotATorrent)
    assert "too long" in found.reason


def test_a_text_of_torbox() -> None:
    """Whatever TorBox calls something, the name ends where no path goes on."""
    assert len(parse_text(LONG)) == LONGEST_NAME
