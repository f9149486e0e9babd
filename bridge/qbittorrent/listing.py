"""The bytes of `torrents/info`. A poll that finds nothing new encodes nothing.

An entry is rendered again only when its view is another object (or its place in the queue, or its
seeding time, has changed); a whole answer only when the version or an entry has.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from bridge.downloads import Downloads, View
from bridge.qbittorrent.profile import Profile
from bridge.qbittorrent.query import Query, matches, ordered
from bridge.qbittorrent.render import Rendered, render

log = structlog.get_logger()

MAX_ANSWERS = 64


@dataclass(frozen=True, slots=True)
class _Answer:
    body: bytes
    until: float


class Listing:
    """Renders the list of downloads, and remembers."""

    def __init__(self, downloads: Downloads, profile: Profile) -> None:
        self._downloads = downloads
        self._profile = profile
        self._version = -1
        self._views: Sequence[View] = ()
        self._positions: Mapping[str, int] = {}
        self._rows: dict[str, tuple[View, int, Rendered | None]] = {}
        self._answers: dict[Query, _Answer] = {}

    def body(self, query: Query, now: float) -> bytes:
        """Answer a query in JSON. An entry that cannot be rendered is logged and left out.

        Raises:
            HttpError: 400, the sort key is no field.
        """
        self._catch_up()
        answer = self._answers.get(query)
        if answer is None or answer.until <= now:
            answer = self._answer(query, now)
            if len(self._answers) >= MAX_ANSWERS:
                self._answers.clear()
            self._answers[query] = answer
        return answer.body

    def _catch_up(self) -> None:
        if self._version == self._downloads.version:
            return
        self._version = self._downloads.version
        self._answers.clear()
        self._views = self._downloads.all()
        self._positions = queue_positions(self._views)
        for gone in self._rows.keys() - {view.download.hash for view in self._views}:
            del self._rows[gone]

    def _answer(self, query: Query, now: float) -> _Answer:
        views = [view for view in self._views if matches(query, view)]
        rows = [row for view in views if (row := self._row(view, now)) is not None]
        until = min((row.until for row in rows), default=math.inf)
        page = ordered(query, rows)
        return _Answer(b"[" + b",".join(row.json for row in page) + b"]", until)

    def _row(self, view: View, now: float) -> Rendered | None:
        info_hash = view.download.hash
        position = self._positions.get(info_hash, 0)
        kept_view, kept_position, row = self._rows.get(info_hash, (None, -1, None))
        fresh = row is None or row.until > now
        if kept_view is view and kept_position == position and fresh:
            return row
        row = self._render(view, position, now)
        self._rows[info_hash] = (view, position, row)
        return row

    def _render(self, view: View, position: int, now: float) -> Rendered | None:
        try:
            trackers = self._downloads.trackers(view.download.hash)
            return render(view, trackers, position, now, self._profile)
        except Exception:
            # One broken entry must not break the list: the *arr would lose its whole queue.
            log.exception("torrent_not_rendered", hash=view.download.hash)
            return None


def queue_positions(views: Sequence[View]) -> dict[str, int]:
    """Number the downloads that are not complete, 1-based, in the order of the queue."""
    waiting = [view.download for view in views if not view.download.complete]
    waiting.sort(key=lambda download: (download.priority, download.added_at, download.hash))
    return {download.hash: place for place, download in enumerate(waiting, start=1)}
