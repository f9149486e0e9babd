"""Reads magnet links and bare info-hashes as qBittorrent does, and writes them the same way."""

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote_plus

import msgspec

from bridge.core.metainfo import HASH_DIGITS, Metainfo
from bridge.core.model import LONGEST_NAME

SCHEME = "magnet:?"
"""Lower case only: qBittorrent answers `Fails.` to MAGNET:."""

_V1 = "urn:btih:"
_V2 = "urn:btmh:"
_SHA256 = "1220"
"""The multihash prefix: SHA-256, 32 bytes."""
_HEX_V1 = re.compile(r"[0-9a-fA-F]{40}")
_HEX_V2 = re.compile(r"[0-9a-fA-F]{64}")
_BASE32 = re.compile(r"[A-Za-z2-7]{32}")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_ESCAPE = re.compile(r"%[0-9A-F]{2}")
_PLAIN = "-_.!~*()"
"""Characters that libtorrent leaves unescaped, apart from letters and digits."""
_MAX_SIZE_DIGITS = 15
MOST_URLS = 200
"""Maximum trackers, and web seeds, that are kept: all of it is stored and sent to TorBox."""


class Magnet(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of a magnet link. At least one of the info-hashes is set."""

    infohash_v1: str = ""
    """40 lower-case hex digits, or empty."""
    infohash_v2: str = ""
    """64 lower-case hex digits, or empty."""
    name: str = ""
    """`dn`; empty when the link has none. Untrusted."""
    size: int = 0
    """`xl`, bytes; 0 when the link does not say."""
    trackers: tuple[str, ...] = ()
    webseeds: tuple[str, ...] = ()

    @property
    def infohash(self) -> str:
        """The download's identity: the 40 digits of v1, or the first 40 of v2."""
        return self.infohash_v1 or self.infohash_v2[:HASH_DIGITS]


class BadMagnet(msgspec.Struct, frozen=True):
    """The text is neither a magnet link nor an info-hash; the message says why."""

    reason: str


def parse_magnet(text: str) -> Magnet | BadMagnet:
    """Parse a magnet link or a bare info-hash: 40 or 64 hex digits, or 32 base32 letters.

    As in libtorrent, the last of several topics of one version counts, and one broken topic makes
    the whole link invalid.
    """
    text = _encodable(text).strip()
    if text.startswith(SCHEME):
        return _parse_link(text.removeprefix(SCHEME))
    if _HEX_V2.fullmatch(text):
        return Magnet(infohash_v2=text.lower())
    v1 = _v1(text)
    return Magnet(infohash_v1=v1) if v1 else BadMagnet("neither a magnet link nor an info-hash")


def canonical_magnet(magnet: Magnet) -> str:
    """Return the link as qBittorrent writes it in `magnet_uri`."""
    topics = [
        *([f"xt={_V1}{magnet.infohash_v1}"] if magnet.infohash_v1 else []),
        *([f"xt={_V2}{_SHA256}{magnet.infohash_v2}"] if magnet.infohash_v2 else []),
    ]
    name = [f"dn={_escaped(magnet.name)}"] if magnet.name else []
    trackers = [f"tr={_escaped(url)}" for url in magnet.trackers]
    webseeds = [f"ws={_escaped(url)}" for url in magnet.webseeds]
    return SCHEME + "&".join([*topics, *name, *trackers, *webseeds])


def magnet_of(metainfo: Metainfo) -> str:
    """Return the magnet link of a .torrent as qBittorrent writes it in `magnet_uri`."""
    return canonical_magnet(
        Magnet(
            infohash_v1=metainfo.infohash_v1,
            infohash_v2=metainfo.infohash_v2,
            name=metainfo.name,
            trackers=tuple(url for tier in metainfo.trackers for url in tier),
            webseeds=metainfo.webseeds,
        )
    )


def _parse_link(query: str) -> Magnet | BadMagnet:
    fields = list(_fields(query))
    v1 = v2 = ""
    for topic in _values(fields, "xt"):
        if topic.startswith(_V1):
            v1 = _v1(topic.removeprefix(_V1))
            broken = not v1
        elif topic.startswith(_V2):
            v2 = _v2(topic.removeprefix(_V2))
            broken = not v2
        else:
            continue
        if broken:
            return BadMagnet(f"not an info-hash: {topic[:100]}")
    if not v1 and not v2:
        return BadMagnet("the magnet link names no BitTorrent info-hash")
    return Magnet(
        infohash_v1=v1,
        infohash_v2=v2,
        name=next(reversed(_values(fields, "dn")), "").strip()[:LONGEST_NAME],
        size=_size(_values(fields, "xl")),
        trackers=_urls(_values(fields, "tr"))[:MOST_URLS],
        webseeds=_urls(_values(fields, "ws"))[:MOST_URLS],
    )


def _fields(query: str) -> Iterator[tuple[str, str]]:
    """Return the link's fields by name. `tr.1` counts as another `tr`."""
    for part in query.split("&"):
        key, _, value = part.partition("=")
        yield key.partition(".")[0].lower(), unquote_plus(value)


def _values(fields: Iterable[tuple[str, str]], key: str) -> list[str]:
    return [value for name, value in fields if name == key]


def _v1(text: str) -> str:
    """Return the hash as hex, read from hex or base32; empty if invalid. All zeros is invalid."""
    if _HEX_V1.fullmatch(text):
        return text.lower() if text.strip("0") else ""
    if _BASE32.fullmatch(text):
        return base64.b32decode(text, casefold=True).hex()
    return ""


def _v2(text: str) -> str:
    digits = text.removeprefix(_SHA256)
    return digits.lower() if digits != text and _HEX_V2.fullmatch(digits) else ""


def _size(values: Iterable[str]) -> int:
    fit = (value for value in values if value.isascii() and value.isdigit())
    return next((int(value) for value in fit if len(value) <= _MAX_SIZE_DIGITS), 0)


def _urls(values: Iterable[str]) -> tuple[str, ...]:
    found = (value.strip() for value in values)
    return tuple(dict.fromkeys(url for url in found if _URL.fullmatch(url)))


def _escaped(text: str) -> str:
    return _ESCAPE.sub(lambda escape: escape[0].lower(), quote(_encodable(text), safe=_PLAIN))


def _encodable(text: str) -> str:
    """Return the text with lone surrogates replaced, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode()
