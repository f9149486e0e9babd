"""Magnet links are read and written as qBittorrent does it."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.core.magnet import BadMagnet, Magnet, canonical_magnet, magnet_of, parse_magnet
from bridge.core.metainfo import Metainfo, parse_torrent
from tests.support.torrents import Version, make_torrent

libtorrent = pytest.importorskip("libtorrent", reason="no wheel for this Python")

V1 = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
V2 = "ab" * 32
BASE32 = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"
BASE32_AS_HEX = "6162636465666768696a6b6c6d6e6f7071727374"
BTIH = f"magnet:?xt=urn:btih:{V1}"
BTMH = f"magnet:?xt=urn:btmh:1220{V2}"

HEX_V1 = st.binary(min_size=20, max_size=20).filter(any).map(bytes.hex)
HEX_V2 = st.binary(min_size=32, max_size=32).filter(any).map(bytes.hex)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=12)
URLS = st.lists(WORDS.map("http://t.example/{}".format), max_size=3, unique=True).map(tuple)


def read(text: str) -> Magnet:
    """Parse what has to be a magnet."""
    magnet = parse_magnet(text)
    assert isinstance(magnet, Magnet), magnet
    return magnet


def ask_libtorrent(uri: str) -> Any:
    """Let libtorrent read it; None if it refuses."""
    try:
        return libtorrent.parse_magnet_uri(uri)
    except (RuntimeError, UnicodeDecodeError):
        return None


@pytest.mark.parametrize(
    ("text", "v1", "v2"),
    [
        (BTIH, V1, ""),
        (f"magnet:?xt=urn:btih:{V1.upper()}", V1, ""),
        (f"magnet:?xt=urn:btih:{BASE32}", BASE32_AS_HEX, ""),
        (f"magnet:?xt=urn:btih:{BASE32.lower()}", BASE32_AS_HEX, ""),
        (f"magnet:?dn=x&xt.1=urn:btih:{V1}", V1, ""),
        (f"magnet:?XT=urn%3Abtih%3A{V1}", V1, ""),
        (f"magnet:?xt=urn:btih:{'b' * 40}&xt=urn:btih:{V1}", V1, ""),
        (f"magnet:?xt=urn:sha1:{BASE32}&xt=urn:btih:{V1}", V1, ""),
        (BTMH, "", V2),
        (f"magnet:?xt=urn:btmh:1220{V2.upper()}", "", V2),
        (f"{BTMH}&xt=urn:btih:{V1}", V1, V2),
        (f"  {BTIH}\r\n", V1, ""),
        (f"magnet:?&foo&xt=urn:btih:{V1}&&", V1, ""),
        (V1, V1, ""),
        (V1.upper(), V1, ""),
        (V2, "", V2),
        (BASE32, BASE32_AS_HEX, ""),
        (BASE32.lower(), BASE32_AS_HEX, ""),
    ],
)
def test_info_hashes(text: str, v1: str, v2: str) -> None:
    """Every spelling that qBittorrent takes gives lower-case hex; v1 is the identity if there."""
    magnet = read(text)
    assert (magnet.infohash_v1, magnet.infohash_v2) == (v1, v2)
    assert magnet.infohash == (v1 or v2[:40])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "magnet:",
        "magnet:?",
        "magnet:?dn=foo",
        "magnet:?xt=",
        "magnet:?xt=urn:btih:",
        "magnet:?xt=urn:btih:1234",
        "magnet:?xt=urn:btih:zz",
        f"magnet:?xt=urn:btih:{V1}0",
        f"magnet:?xt=urn:btih:{'g' * 40}",
        f"magnet:?xt=urn:btih:{'0' * 40}",
        f"magnet:?xt=urn:btih:{BASE32[:-1]}!",
        f"magnet:?xt=urn:btih:{V1}&xt=urn:btih:zz",
        f"magnet:?xt=urn:btih:zz&xt=urn:btih:{V1}",
        f"magnet:?xt=urn:btmh:1220{V2[:-1]}",
        f"magnet:?xt=urn:btmh:1114{V1}",
        f"magnet:?xt=urn:btmh:{V2}",
        f"magnet:?xt=URN:BTIH:{V1}",
        f"magnet:?xt=urn:sha1:{BASE32}",
        f"magnet:xt=urn:btih:{V1}",
        f"magnet://?xt=urn:btih:{V1}",
        f"MAGNET:?xt=urn:btih:{V1}",
        f"urn:btih:{V1}",
        V1[:-1],
        V1 + "0",
        "0" * 40,
        "http://127.0.0.1:9/x.torrent",
        "\u0661" * 40,
    ],
)
def test_refusals(text: str) -> None:
    """Anything else is refused with a reason, capitals in the scheme included."""
    refused = parse_magnet(text)
    assert isinstance(refused, BadMagnet)
    assert refused.reason


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", ""),
        ("&dn=", ""),
        ("&dn=Some%20Name", "Some Name"),
        ("&dn=Some+Name%2B", "Some Name+"),
        ("&dn=%C3%9Cn%c3%af", "Ünï"),
        ("&dn=Ünï", "Ünï"),
        ("&dn=%FF.mkv", "\ufffd.mkv"),
        ("&dn=100%", "100%"),
        ("&dn=a%26b=c", "a&b=c"),
        ("&dn=one&dn=two", "two"),
        ("&dn=lone\ud800surrogate", "lone?surrogate"),
        ("&amp;dn=x", ""),
    ],
)
def test_name(query: str, name: str) -> None:
    """`dn` is decoded, plus signs included; what cannot be decoded is marked."""
    assert read(BTIH + query).name == name


@pytest.mark.parametrize(
    ("query", "size"),
    [("", 0), ("&xl=5000", 5000), ("&xl=", 0), ("&xl=-5", 0), ("&xl=" + "9" * 5000, 0)],
)
def test_size(query: str, size: int) -> None:
    """`xl` is a number of bytes; nonsense is no size."""
    assert read(BTIH + query).size == size


def test_trackers_and_webseeds() -> None:
    """Trackers keep their order; repeated ones and what is no URL are left out."""
    magnet = read(
        f"{BTIH}&tr=http%3A%2F%2Fa%2Fx&tr.1=udp://b:1&tr=x&tr=&tr=udp://b:1&ws=http://w/&ws=w"
    )
    assert magnet.trackers == ("http://a/x", "udp://b:1")
    assert magnet.webseeds == ("http://w/",)


@pytest.mark.parametrize(
    "uri",
    [
        BTIH,
        f"{BTIH}&dn=Some%20Name&tr=http%3a%2f%2f127.0.0.1%3a9%2fannounce",
        f"{BTMH}&dn=V2mag",
        f"{BTIH}&xt=urn:btmh:1220{V2}&dn=hybrid.bin",
        f"{BTIH}&dn=%c3%9cn%c3%afc%c3%b6d%c3%a9%20%e6%97%a5%20%f0%9f%8e%ac",
        f"{BTIH}&dn=single.bin&tr=http%3a%2f%2f127.0.0.1%3a9%2fa&ws=http%3a%2f%2f127.0.0.1%3a9%2fws%2f",
        f"{BTIH}&dn=-_.!~*()%27%24%2c%3b%3a%40%2f%3d%26%7c%7e",
    ],
)
def test_written_as_qbittorrent_writes(uri: str) -> None:
    """What a qBittorrent showed as `magnet_uri` is written again just so."""
    assert canonical_magnet(read(uri)) == uri.replace("%7e", "~")


@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
def test_magnet_of_a_torrent(version: Version) -> None:
    """A .torrent's magnet is the one that libtorrent makes of it."""
    torrent = make_torrent(
        "Some Náme (2020)",
        {"a": 7, "b": 9},
        version=version,
        trackers=[["http://a/x", "udp://b:1"], ["http://c"]],
        webseeds=["http://w/"],
    )
    metainfo = parse_torrent(torrent.data)
    assert isinstance(metainfo, Metainfo)
    loaded = libtorrent.load_torrent_buffer(torrent.data)
    loaded.name = torrent.name
    assert magnet_of(metainfo) == libtorrent.make_magnet_uri(loaded)


@settings(max_examples=100, deadline=None)
@given(
    st.builds(
        Magnet,
        infohash_v1=HEX_V1,
        infohash_v2=HEX_V2 | st.just(""),
        name=WORDS | st.just(""),
        trackers=URLS,
        webseeds=URLS,
    )
)
def test_round_trip(magnet: Magnet) -> None:
    """What is written is read back, here and by libtorrent."""
    uri = canonical_magnet(magnet)
    assert parse_magnet(uri) == magnet
    found = ask_libtorrent(uri)
    assert str(found.info_hashes.v1) == magnet.infohash_v1
    assert found.name == magnet.name
    assert tuple(found.trackers) == magnet.trackers


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.text(max_size=20).map(f"{BTIH}&dn=".__add__))
@example("magnet:?xt=urn:btih:\ud800")
@example(f"{BTIH}&tr=http://[")
@example(f"{BTIH}&xl=²")
@example("²" * 40)
def test_any_text(text: str) -> None:
    """Whatever the text is, the answer is a value; a magnet that is read can be written."""
    magnet = parse_magnet(text)
    if isinstance(magnet, Magnet):
        assert read(canonical_magnet(magnet)).infohash == magnet.infohash


TOPICS = st.sampled_from(
    [f"xt=urn:btih:{V1}", f"xt=urn:btih:{BASE32}", f"xt=urn:btmh:1220{V2}", "xt=urn:btih:zz"]
)
OTHERS = st.sampled_from(["dn=a+b", "dn=%41", "tr=http://t/a", "xl=7", "x.pe=1.2.3.4:5", "foo="])


@settings(max_examples=100, deadline=None)
@given(st.lists(TOPICS | OTHERS, min_size=1, max_size=6))
def test_libtorrent_agrees(parts: list[str]) -> None:
    """Which links are magnets, and of what, is as in libtorrent."""
    uri = "magnet:?" + "&".join(parts)
    found, magnet = ask_libtorrent(uri), parse_magnet(uri)
    assert (found is None) == isinstance(magnet, BadMagnet)
    if isinstance(magnet, Magnet):
        hashes = found.info_hashes
        assert magnet.infohash_v1 == (str(hashes.v1) if hashes.has_v1() else "")
        assert magnet.infohash_v2 == (str(hashes.v2) if hashes.has_v2() else "")
        assert magnet.name == found.name
