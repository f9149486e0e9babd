"""Releases: magnets and .torrent files, and what the simulated TorBox knows behind them."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
from bencode2 import bdecode, bencode

from bridge.simulator.content import Content, ContentFile

Info: TypeAlias = dict[bytes, Any]
"""A dictionary out of a .torrent. A value of a wrong type raises where it is used."""

_SEASON_PACK = re.compile(r"\bS\d{2}\b(?!E\d)", re.IGNORECASE)
_VIDEO = re.compile(r"\.(mkv|mp4|avi)$", re.IGNORECASE)
HASH_BYTES = 20
BASE32_LETTERS = 32


class Source(msgspec.Struct, frozen=True):
    """A magnet or .torrent. `content` is None for a magnet, whose files are not known yet."""

    hash: str
    name: str
    content: Content | None = None
    trackers: tuple[str, ...] = ()


def parse_magnet(uri: str) -> Source | None:
    """Return the torrent that a magnet names; None if it names none. BitTorrent v1 topics only."""
    parts = urlsplit(uri.strip())
    if parts.scheme.lower() != "magnet":
        return None
    query = parse_qs(parts.query)
    found = next((topic for text in query.get("xt", []) if (topic := _btih(text))), None)
    if found is None:
        return None
    name = query.get("dn", [found])[0]
    return Source(found, name, trackers=tuple(query.get("tr", ())))


def parse_hash(text: str) -> str | None:
    """Return 40 lower-case hex digits for 40 hex digits or 32 base32 letters, otherwise None."""
    try:
        raw = base64.b32decode(text.upper()) if len(text) == BASE32_LETTERS else bytes.fromhex(text)
    except (ValueError, binascii.Error):
        return None
    return raw.hex() if len(raw) == HASH_BYTES else None


def magnet_of(content: Content) -> str:
    """Return a magnet for the content, with its trackers."""
    trackers = "".join(f"&tr={quote(tracker, safe='')}" for tracker in content.trackers)
    return f"magnet:?xt=urn:btih:{content.hash}&dn={quote(content.name)}{trackers}"


def parse_torrent(data: bytes) -> Source | None:
    """Return the torrent that a .torrent describes (v1, hybrid or v2); None if the file is broken."""
    try:
        whole = bdecode(data)
        # The library accepts the canonical form alone, so this is the slice that was hashed.
        content = _content(whole, bencode(whole[b"info"]), data)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return Source(content.hash, content.name, content, content.trackers)


def make_torrent(
    name: str,
    files: Sequence[ContentFile],
    *,
    single_file: bool = False,
    piece_length: int = 64 * 1024,
    private: bool = False,
    trackers: Sequence[str] = (),
) -> Content:
    """Return a content with a .torrent whose v1 piece hashes fit its (generated) bytes."""
    draft = Content("0" * 40, name, tuple(files), single_file=single_file, seed=name)
    info: Info = {
        b"name": name.encode(),
        b"piece length": piece_length,
        b"pieces": b"".join(_piece_hashes(draft, piece_length)),
        **_layout(files, single_file=single_file),
    }
    if private:
        info[b"private"] = 1
    raw = bencode(info)
    torrent: Info = {
        b"info": info,
        b"announce-list": [[tracker.encode()] for tracker in trackers],
    }
    return Content(
        hash=hashlib.sha1(raw, usedforsecurity=False).hexdigest(),
        name=name,
        files=draft.files,
        single_file=single_file,
        private=private,
        trackers=tuple(trackers),
        seed=name,
        torrent=bencode(torrent),
    )


def torrent_of(content: Content) -> bytes:
    """Return the content's .torrent, or a made-up one with names and sizes but no piece hashes."""
    if content.torrent is not None:
        return content.torrent
    info: Info = {
        b"name": content.name.encode(),
        b"piece length": 1 << 20,
        b"pieces": b"",
        **_layout(content.files, single_file=content.single_file),
    }
    return bencode({b"info": info, b"comment": content.hash.encode()})


def _btih(topic: str) -> str | None:
    prefix, _, value = topic.rpartition(":")
    return parse_hash(value) if prefix.lower() == "urn:btih" else None


def _layout(files: Sequence[ContentFile], *, single_file: bool) -> Info:
    if single_file:
        return {b"length": files[0].size}
    return {
        b"files": [
            {b"length": file.size, b"path": [part.encode() for part in file.path.split("/")]}
            for file in files
        ]
    }


def _piece_hashes(content: Content, piece_length: int) -> Iterator[bytes]:
    rest = b""
    for chunk in _stream(content):
        rest += chunk
        while len(rest) >= piece_length:
            piece, rest = rest[:piece_length], rest[piece_length:]
            yield hashlib.sha1(piece, usedforsecurity=False).digest()
    if rest:
        yield hashlib.sha1(rest, usedforsecurity=False).digest()


def _stream(content: Content, chunk: int = 1 << 20) -> Iterator[bytes]:
    for file in content.files:
        for offset in range(0, file.size, chunk):
            yield content.read(file, offset, chunk)


def _content(whole: Info, raw: bytes, data: bytes) -> Content:
    info = whole[b"info"]
    v1 = b"pieces" in info
    files = tuple(_files_v1(info) if v1 else _files_v2(info[b"file tree"]))
    if not files:
        raise ValueError("no files")
    name = info[b"name"].decode(errors="replace")
    digest = hashlib.sha1(raw, usedforsecurity=False) if v1 else hashlib.sha256(raw)
    return Content(
        hash=digest.hexdigest()[:40],
        name=name,
        files=files,
        single_file=b"length" in info or (not v1 and [file.path for file in files] == [name]),
        private=info.get(b"private") == 1,
        trackers=tuple(_trackers(whole)),
        torrent=data,
    )


def _files_v1(info: Info) -> Iterator[ContentFile]:
    if b"length" in info:
        yield ContentFile(info[b"name"].decode(errors="replace"), info[b"length"])
        return
    for entry in info[b"files"]:
        path = "/".join(part.decode(errors="replace") for part in entry[b"path"])
        if b"p" not in entry.get(b"attr", b""):
            yield ContentFile(path, entry[b"length"])


def _files_v2(tree: Info, above: str = "") -> Iterator[ContentFile]:
    for key, node in tree.items():
        if b"" in node:
            yield ContentFile(above + key.decode(), node[b""][b"length"])
        else:
            yield from _files_v2(node, f"{above}{key.decode()}/")


def _trackers(whole: Info) -> Iterable[str]:
    if b"announce" in whole:
        yield whole[b"announce"].decode(errors="replace")
    for tier in whole.get(b"announce-list", []):
        yield from (tracker.decode(errors="replace") for tracker in tier)


class Catalogue:
    """Contents by hash. An unknown one is made up from its magnet, always in the same way."""

    def __init__(self, contents: Iterable[Content] = ()) -> None:
        self._contents: dict[str, Content] = {}
        self._made_up: set[str] = set()
        self.cached: set[str] = set()
        for content in contents:
            self.add(content)

    def __iter__(self) -> Iterator[Content]:
        return iter(self._contents.values())

    def add(self, content: Content) -> None:
        """Register a content, or replace it."""
        self._contents[content.hash] = content
        self._made_up.discard(content.hash)
        if content.cached:
            self.cached.add(content.hash)
        else:
            self.cached.discard(content.hash)

    def get(self, info_hash: str) -> Content | None:
        """Return the content that is registered under the hash."""
        return self._contents.get(info_hash)

    def is_cached(self, info_hash: str) -> bool:
        """Return whether TorBox has it cached."""
        return info_hash in self.cached

    def resolve(self, source: Source) -> Content:
        """Return the content of a source: registered, else from the .torrent, else made up."""
        known = self._contents.get(source.hash)
        if known is not None and source.hash not in self._made_up:
            return known
        if source.content is not None:
            self._made_up.discard(source.hash)
            known = self._contents[source.hash] = source.content
        elif known is None or known.name == known.hash:
            self._made_up.add(source.hash)
            known = self._contents[source.hash] = make_up(source)
        return known


def make_up(source: Source) -> Content:
    """Return a plausible release for a magnet: a video and an .nfo, or the episodes of a season."""
    name = _VIDEO.sub("", source.name)
    files = _season(name, source.hash) if _SEASON_PACK.search(name) else _film(name, source.hash)
    return Content(source.hash, name, files, trackers=source.trackers)


def _film(name: str, seed: str) -> tuple[ContentFile, ...]:
    video = ContentFile(f"{name}.mkv", _size(seed, 0))
    return (video, ContentFile(f"{name}.nfo", 1234))


def _season(name: str, seed: str) -> tuple[ContentFile, ...]:
    def episode(number: int) -> ContentFile:
        named = _SEASON_PACK.sub(lambda found: f"{found[0]}E{number:02}", name, count=1)
        return ContentFile(f"{named}.mkv", _size(seed, number) // 4)

    return tuple(episode(number) for number in range(1, 7))


def _size(seed: str, number: int) -> int:
    """Return a size of 40 to 120 MB."""
    return 40_000_000 + (int(seed[:12], 16) + number * 7_654_321) % 80_000_000
