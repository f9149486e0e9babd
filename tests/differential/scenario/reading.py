"""Reads of torrents that are here."""

from itertools import chain
from typing import Final

from tests.differential.scenario.material import (
    BARE,
    FOLDED,
    MAGNET_HASH,
    MOVIE,
    NESTED,
    PRIVATE,
    SHOW,
    UMLAUT,
    UNKNOWN,
    V2,
)
from tests.differential.steps import get, post

FILTERS: Final = (
    "all",
    "downloading",
    "seeding",
    "completed",
    "paused",
    "resumed",
    "active",
    "inactive",
    "stalled",
    "stalled_uploading",
    "stalled_downloading",
    "checking",
    "moving",
    "errored",
    "stopped",
    "running",
    "nonsense",
    "",
)

LISTS: Final = (
    get("torrents/info"),
    *(get("torrents/info", filter=name) for name in FILTERS),
    get("torrents/info", category="tv"),
    get("torrents/info", category=""),
    get("torrents/info", category="nothing"),
    get("torrents/info", category="parent"),
    get("torrents/info", tag="alpha"),
    get("torrents/info", tag=""),
    get("torrents/info", tag="nothing"),
    get("torrents/info", category="tv", tag="beta", filter="paused"),
    get("torrents/info", hashes=f"{SHOW.infohash}|{MOVIE.infohash}"),
    get("torrents/info", hashes=SHOW.infohash.upper()),
    get("torrents/info", hashes=UNKNOWN),
    get("torrents/info", hashes="all"),
    get("torrents/info", hashes="|"),
    get("torrents/info", hashes=V2.infohash_v2),
    get("torrents/info", hashes=V2.infohash_v2[:40]),
)

PAGES: Final = (
    get("torrents/info", sort="name").sorted(),
    get("torrents/info", sort="name", reverse="true").sorted(),
    get("torrents/info", sort="hash").sorted(),
    get("torrents/info", sort="hash", reverse="TRUE").sorted(),
    get("torrents/info", sort="hash", reverse="1").sorted().called("reverse=1"),
    get("torrents/info", sort="hash", limit="2").sorted(),
    get("torrents/info", sort="hash", limit="2", offset="3").sorted(),
    get("torrents/info", sort="hash", offset="-2").sorted(),
    get("torrents/info", sort="hash", offset="99999", limit="3").sorted(),
    get("torrents/info", sort="hash", offset="-99999", limit="3").sorted(),
    get("torrents/info", sort="hash", limit="-1").sorted(),
    get("torrents/info", sort="hash", limit="0").sorted(),
    get("torrents/info", sort="hash", limit="nonsense", offset="nonsense").sorted(),
    get("torrents/info", sort="nothing"),
    get("torrents/info", sort="Name"),
    get("torrents/info", sort=""),
    get("torrents/info", sort="nothing", category="nothing"),
)

PROPERTIES: Final = (
    *(
        get("torrents/properties", hash=torrent.infohash)
        for torrent in (SHOW, MOVIE, NESTED, PRIVATE, V2, BARE, FOLDED, UMLAUT)
    ),
    get("torrents/properties", hash=MAGNET_HASH),
    get("torrents/properties", hash=SHOW.infohash.upper()),
    get("torrents/properties", hash=UNKNOWN),
    get("torrents/properties", hash="nonsense"),
    get("torrents/properties", hash=""),
    get("torrents/properties"),
    post("torrents/properties", hash=SHOW.infohash),
)

READS: Final = tuple(
    chain.from_iterable(
        (
            get(f"torrents/{action}", hash=SHOW.infohash),
            get(f"torrents/{action}", hash=MOVIE.infohash),
            get(f"torrents/{action}", hash=V2.infohash),
            get(f"torrents/{action}", hash=MAGNET_HASH),
            get(f"torrents/{action}", hash=UNKNOWN),
            get(f"torrents/{action}"),
        )
        for action in ("files", "trackers", "webseeds", "pieceStates", "pieceHashes", "export")
    )
)

MORE: Final = (
    get("torrents/trackers", hash=PRIVATE.infohash),
    get("torrents/trackers", hash=NESTED.infohash),
    *(get("torrents/files", hash=torrent.infohash) for torrent in (NESTED, BARE, FOLDED, UMLAUT)),
    get("torrents/files", hash=SHOW.infohash, indexes="0|2"),
    get("torrents/files", hash=SHOW.infohash, indexes="9"),
    get("torrents/files", hash=SHOW.infohash, indexes="a"),
    get("torrents/files", hash=SHOW.infohash, indexes=""),
    get("torrents/files", hash=MAGNET_HASH, indexes="0"),
    post("torrents/downloadLimit", hashes=f"{SHOW.infohash}|{V2.infohash}|{UNKNOWN}"),
    post("torrents/uploadLimit", hashes=f"{SHOW.infohash}|{V2.infohash}|{UNKNOWN}"),
    get("torrents/downloadLimit"),
    get("sync/torrentPeers", hash=SHOW.infohash),
    get("sync/torrentPeers", hash=SHOW.infohash, rid="1"),
    get("sync/torrentPeers", hash=UNKNOWN),
    get("sync/torrentPeers"),
)

READING: Final = (*LISTS, *PAGES, *PROPERTIES, *READS, *MORE)
