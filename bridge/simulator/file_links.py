"""Links to files: a path, a token, a lifetime; and the part of a file that a request asks for."""

import random
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from bridge.simulator.content import Content, ContentFile
from bridge.simulator.scenario import Cdn

GONE = 404
WRONG_TOKEN = 403


@dataclass(slots=True)
class Link:
    """A link to one file. `dead` is the status that it answers after its end."""

    path: str
    token: str
    torrent_id: int
    file_id: int
    content: Content
    file: ContentFile
    expires_at: float
    dead: int | None = None
    open: int = 0
    """Connections that are reading from it."""

    @property
    def url_path(self) -> str:
        """The path and query of the URL."""
        return f"{self.path}?token={self.token}"

    @property
    def etag(self) -> str:
        """The ETag of the file, the same for all its links."""
        return f'"{self.content.hash[:16]}-{self.file_id}-{self.file.size}"'


class FileLinks:
    """All links ever made, by path."""

    def __init__(self, cdn: Cdn, *, seed: int = 0) -> None:
        self.cdn = cdn
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose, guards nothing
        self._links: dict[str, Link] = {}

    def make(
        self, torrent_id: int, file_id: int, content: Content, file: ContentFile, now: float
    ) -> Link:
        """Return a new link to a file."""
        link = Link(
            path=f"/dld/{self._uuid()}",
            token=self._uuid(),
            torrent_id=torrent_id,
            file_id=file_id,
            content=content,
            file=file,
            expires_at=now + self.cdn.link_seconds,
        )
        self._links[link.path] = link
        return link

    def open(self, path: str, token: str, now: float) -> Link | int:
        """Return the link of a URL, or the status of the refusal."""
        link = self._links.get(path)
        if link is None:
            return GONE
        if link.token != token:
            return WRONG_TOKEN
        if link.dead is not None:
            return link.dead
        return self.cdn.expired_status if now > link.expires_at else link

    def kill(self, *, torrent_id: int | None = None, status: int = GONE) -> None:
        """End all links, or those of one torrent."""
        for link in self._links.values():
            if torrent_id in {None, link.torrent_id}:
                link.dead = status

    def __iter__(self) -> Iterator[Link]:
        return iter(self._links.values())

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


class Span(msgspec.Struct, frozen=True):
    """Bytes `start` up to, not including, `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.end - self.start


class Unsatisfiable(msgspec.Struct, frozen=True):
    """The range lies past the end: 416."""


def parse_range(header: str | None, size: int) -> Span | Unsatisfiable | None:
    """Return the requested range; None for the whole file, also if the header cannot be parsed."""
    found = _RANGE.match((header or "").strip())
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        return _satisfiable(max(0, size - int(found[2])), size, size)
    end = int(found[2]) + 1 if found[2] else size
    return None if end <= int(found[1]) < size else _satisfiable(int(found[1]), end, size)


def _satisfiable(start: int, end: int, size: int) -> Span | Unsatisfiable:
    return Unsatisfiable() if start >= size else Span(start, min(end, size))
