"""Client of the API of Sonarr, Radarr, Lidarr, Readarr and Whisparr.

It does what the qBittorrent API cannot: it reports a failed download, and asks what was imported.

servarr          the endpoints, as methods of `Arr`; which *arr has which category
servarr_records  what the endpoints answer
servarr_http     one request and its answer; the tree of errors
grab_history     what the history of an *arr says about one download
"""

from bridge.arr.grab_history import Fate, GrabFate, all_imported, fate
from bridge.arr.servarr import DIALECTS, Arr, Arrs
from bridge.arr.servarr_http import (
    ArrError,
    ArrKeyRejected,
    ArrNotFound,
    ArrRefused,
    ArrServerError,
    ArrUnreachable,
)
from bridge.arr.servarr_records import (
    QBITTORRENT,
    ClientTestFailure,
    DownloadClient,
    DownloadClientOptions,
    HistoryRecord,
    PathMapping,
    QueueRecord,
    RootFolder,
    SystemStatus,
)

__all__ = [
    "DIALECTS",
    "QBITTORRENT",
    "Arr",
    "ArrError",
    "ArrKeyRejected",
    "ArrNotFound",
    "ArrRefused",
    "ArrServerError",
    "ArrUnreachable",
    "Arrs",
    "ClientTestFailure",
    "DownloadClient",
    "DownloadClientOptions",
    "Fate",
    "GrabFate",
    "HistoryRecord",
    "PathMapping",
    "QueueRecord",
    "RootFolder",
    "SystemStatus",
    "all_imported",
    "fate",
]
