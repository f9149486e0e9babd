"""The API of Sonarr, Radarr, Lidarr, Readarr and Whisparr: what qBittorrent's cannot say.

client   the endpoints that the bridge uses, as methods
answers  what they say, as values
kinds    in what the five differ
history  what the *arr's history says of one download
errors   what can go wrong
wire     one request and its answer
arrs     which *arr has which category
"""

from bridge.arr.answers import (
    Client,
    ClientOptions,
    Complaint,
    HistoryRecord,
    PathMapping,
    QueueRecord,
    RootFolder,
    Status,
)
from bridge.arr.arrs import Arrs
from bridge.arr.client import Arr
from bridge.arr.errors import (
    ArrError,
    BadKey,
    Declined,
    NoSuchThing,
    Trouble,
    Unreachable,
)
from bridge.arr.history import Fate, Told, all_imported, fate
from bridge.arr.kinds import DIALECTS, Dialect

__all__ = [
    "DIALECTS",
    "Arr",
    "ArrError",
    "Arrs",
    "BadKey",
    "Client",
    "ClientOptions",
    "Complaint",
    "Declined",
    "Dialect",
    "Fate",
    "HistoryRecord",
    "NoSuchThing",
    "PathMapping",
    "QueueRecord",
    "RootFolder",
    "Status",
    "Told",
    "Trouble",
    "Unreachable",
    "all_imported",
    "fate",
]
