"""Sums over all downloads. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.downloads import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Bytes, and bytes per second."""

    downloaded: int
    uploaded: int
    download_speed: int
    upload_speed: int
    connections: int

    @property
    def ratio(self) -> str:
        """What qBittorrent shows for all together: two decimals, or `-` when nothing was moved."""
        if not (self.downloaded and self.uploaded):
            return "-"
        return f"{self.uploaded / self.downloaded:.2f}"


def totals_of(views: Iterable[View]) -> Totals:
    """Sum up what goes on."""
    downloaded = uploaded = download_speed = upload_speed = connections = 0
    for view in views:
        downloaded += int(view.status.size * view.status.progress)
        uploaded += view.download.uploaded
        download_speed += view.status.download_speed
        upload_speed += view.status.upload_speed
        connections += view.status.seeds + view.status.peers
    return Totals(
        downloaded=downloaded,
        uploaded=uploaded,
        download_speed=download_speed,
        upload_speed=upload_speed,
        connections=connections,
    )
