"""The contents that the simulated TorBox can find, and which of them it has cached."""

import re
from collections.abc import Iterable, Iterator

from bridge.simulator.content import Content, ContentFile
from bridge.simulator.metainfo import Source

_SEASON_PACK = re.compile(r"\bS\d{2}\b(?!E\d)", re.IGNORECASE)
_VIDEO = re.compile(r"\.(mkv|mp4|avi)$", re.IGNORECASE)


class Catalogue:
    """Contents by hash. One that nobody registered is made up from the magnet, the same each time."""

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
        """What is registered under the hash."""
        return self._contents.get(info_hash)

    def is_cached(self, info_hash: str) -> bool:
        """Whether TorBox has it already."""
        return info_hash in self.cached

    def resolve(self, source: Source) -> Content:
        """The content of what was handed in: registered, else from the .torrent, else made up."""
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
    """A plausible release for a magnet: a video and an .nfo, or episodes for a season pack."""
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
    """40 to 120 MB."""
    return 40_000_000 + (int(seed[:12], 16) + number * 7_654_321) % 80_000_000
