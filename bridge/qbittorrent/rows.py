"""Every download as rendered, made anew only where it has changed.

An entry is rendered again only when its view is another object, or its place in the queue or its
seeding time has changed. The list and the synchronisation both show these.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bridge.downloads import DownloadService, View
from bridge.qbittorrent.profile import Profile
from bridge.qbittorrent.render import Rendered, render

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Kept:
    view: View
    position: int
    row: Rendered | None
    """None: it could not be rendered."""

    def holds(self, view: View, position: int, now: float) -> bool:
        fresh = self.row is None or self.row.until > now
        return self.view is view and self.position == position and fresh


class Rows:
    """Renders downloads, and remembers."""

    def __init__(self, downloads: DownloadService, profile: Profile) -> None:
        self.views: Sequence[View] = ()
        """Every download once, as of the last `catch_up`, oldest first."""
        self.each: Sequence[View] = ()
        """Every entry: some hashes have several grabs."""
        self._downloads = downloads
        self._profile = profile
        self._version = -1
        self._positions: Mapping[str, int] = {}
        self._kept: dict[tuple[str, int], _Kept] = {}

    def catch_up(self) -> int:
        """Take in what has changed; answers a number that changes with it."""
        if self._version != self._downloads.queries.version:
            self._version = self._downloads.queries.version
            self.each = tuple(self._downloads.queries.views.values())
            self.views = tuple(self._downloads.queries.primaries.values())
            self._positions = queue_positions(self.views)
            for gone in self._kept.keys() - {_key(view) for view in self.each}:
                del self._kept[gone]
        return self._version

    def of(self, views: Iterable[View], now: float) -> list[Rendered]:
        """Render views. What cannot be rendered is logged and left out."""
        return [row for view in views if (row := self._row(view, now)) is not None]

    def _row(self, view: View, now: float) -> Rendered | None:
        position = 0 if view.complete else self._positions.get(view.download.hash, 0)
        kept = self._kept.get(_key(view))
        if kept is None or not kept.holds(view, position, now):
            kept = _Kept(view, position, self._render(view, position, now))
            self._kept[_key(view)] = kept
        return kept.row

    def _render(self, view: View, position: int, now: float) -> Rendered | None:
        info_hash = view.download.hash
        try:
            trackers = self._downloads.queries.trackers(view.download)
            return render(view, trackers, position, now, self._profile)
        except Exception:
            # One broken entry must not break the list: the *arr would lose its whole queue.
            log.exception("torrent_not_rendered", hash=info_hash)
            return None


def _key(view: View) -> tuple[str, int]:
    return view.hash, view.grab.id


def queue_positions(views: Sequence[View]) -> dict[str, int]:
    """Number the downloads that are not complete, 1-based, in the order of the queue."""
    waiting = [view for view in views if not view.complete]
    waiting.sort(key=lambda view: (view.grab.priority, view.grab.id))
    return {view.hash: place for place, view in enumerate(waiting, start=1)}
