"""Takes the pictures that `sync/maindata` compares. All clients share them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bridge.downloads import DownloadService
from bridge.qbittorrent.category_rows import category_rows
from bridge.qbittorrent.maindata import Picture, Rules, server_state
from bridge.qbittorrent.profile import Profile
from bridge.qbittorrent.render import Rendered
from bridge.qbittorrent.rows import Rows
from bridge.qbittorrent.totals import totals_of


@dataclass(frozen=True, slots=True)
class _Taken:
    picture: Picture
    version: int
    free_space: int
    until: float

    def holds(self, version: int, free_space: int, now: float) -> bool:
        return (self.version, self.free_space) == (version, free_space) and self.until > now


class Pictures:
    """The latest picture. While nothing changes it is the same object, and differs in nothing."""

    def __init__(self, downloads: DownloadService, rows: Rows, profile: Profile) -> None:
        self._downloads = downloads
        self._rows = rows
        self._profile = profile
        self._last: _Taken | None = None

    async def take(self, now: float) -> Picture:
        """Show everything as it is now."""
        free_space = await self._downloads.free_space()
        version = self._rows.catch_up()
        last = self._last
        if last is not None and last.holds(version, free_space, now):
            return last.picture
        rows = self._rows.of(self._rows.views, now)
        until = min((row.until for row in rows), default=math.inf)
        self._last = _Taken(self._picture(rows, free_space), version, free_space, until)
        return self._last.picture

    def _picture(self, rows: Sequence[Rendered], free_space: int) -> Picture:
        return Picture(
            torrents={row.info.hash: row.info for row in rows},
            categories=category_rows(self._downloads),
            tags=self._downloads.labels.tags(),
            trackers=_by_tracker(rows),
            server_state=server_state(
                totals_of(self._rows.views),
                free_space,
                self._rules(),
                fields_of_5=self._profile.fields_of_5,
            ),
        )

    def _rules(self) -> Rules:
        return Rules(
            download_limit=self._downloads.preferences.download_limit,
            upload_limit=self._downloads.preferences.upload_limit,
            alternative_limits=self._downloads.preferences.alternative_limits,
            queueing=self._downloads.preferences.shown.get("queueing_enabled") is not False,
        )


def _by_tracker(rows: Iterable[Rendered]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        for url in row.trackers:
            found.setdefault(url, []).append(row.info.hash)
    return found
