"""What the scenario adds: torrents that nobody has, with trackers that nobody can reach."""

from typing import Final

from tests.differential.steps import File
from tests.support.torrents import Torrent, make_torrent

TRACKER: Final = "http://127.0.0.1:9/announce"
SECOND_TRACKER: Final = "http://127.0.0.1:9/second/announce"
WEBSEED: Final = "http://127.0.0.1:9/seed/"


def _bytes(size: int, salt: int) -> bytes:
    return bytes((number * 7 + salt) % 251 for number in range(size))


SHOW: Final = make_torrent(
    "Show.S01",
    {"e01.mkv": _bytes(40_000, 1), "e02.mkv": _bytes(30_000, 2), "info.nfo": _bytes(500, 3)},
    trackers=[[TRACKER], [SECOND_TRACKER]],
    webseeds=[WEBSEED],
    extra={b"comment": b"a comment", b"created by": b"a maker", b"creation date": 1_700_000_000},
)
MOVIE: Final = make_torrent("Movie (2020).mkv", _bytes(50_000, 4), trackers=[[TRACKER]])
NESTED: Final = make_torrent(
    "Album",
    {"CD1/01.flac": _bytes(20_000, 5), "CD2/01.flac": _bytes(20_000, 6), "cover.jpg": _bytes(9, 7)},
)
PRIVATE: Final = make_torrent("Private.mkv", _bytes(16_385, 8), private=True, trackers=[[TRACKER]])
V2: Final = make_torrent("Second.mkv", _bytes(40_000, 9), version="v2")
HYBRID: Final = make_torrent("Both.mkv", _bytes(40_000, 10), version="hybrid")
BARE: Final = make_torrent("bare.bin", _bytes(2_000, 11))
FOLDED: Final = make_torrent("Folded", {"one.bin": _bytes(2_000, 12), "two.bin": _bytes(100, 13)})
UNLUCKY: Final = make_torrent("unlucky.bin", _bytes(3_000, 14))
UMLAUT: Final = make_torrent("Gärten & Ödland + 100%.mkv", _bytes(3_000, 15))

UNKNOWN: Final = "0123456789abcdef0123456789abcdef01234567"
MAGNET_HASH: Final = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
MAGNET: Final = (
    f"magnet:?xt=urn:btih:{MAGNET_HASH}&dn=Some%20Name&tr=http%3A%2F%2F127.0.0.1%3A9%2Fannounce"
)


def file(torrent: Torrent, name: str = "") -> File:
    """Write a .torrent as a part of a form."""
    return File(name or f"{torrent.infohash[:8]}.torrent", torrent.data)


def topic(digit: str) -> str:
    """Make up an info-hash."""
    return digit * 40


def magnet(digit: str, name: str = "") -> str:
    """Make up a magnet link."""
    return f"magnet:?xt=urn:btih:{topic(digit)}" + (f"&dn={name}" if name else "")
