"""Torrents that are complete: qBittorrent finds their files on disk, the bridge fetches them."""

from pathlib import Path
from typing import Final

from bridge.simulator import Content, ContentFile, make_torrent
from tests.differential.scenario.material import TRACKER
from tests.differential.steps import File, Step, get, post
from tests.support.rig import cached

SEASON: Final = cached(
    make_torrent(
        "Season.S02",
        [ContentFile("e01.mkv", 100_000), ContentFile("e02.mkv", 70_001)],
        trackers=[TRACKER],
    )
)
FILM: Final = cached(
    make_torrent("Film (2021).mkv", [ContentFile("Film (2021).mkv", 90_000)], single_file=True)
)
CONTENTS: Final = (SEASON, FILM)
BOTH: Final = f"{SEASON.hash}|{FILM.hash}"


def write(content: Content, directory: Path) -> None:
    """Write all of its files, as a client that is done leaves them."""
    for file in content.files:
        path = directory / (file.path if content.single_file else f"{content.name}/{file.path}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.read(file, 0, file.size))


def _add(content: Content) -> Step:
    assert content.torrent is not None
    file = File(f"{content.name}.torrent", content.torrent)
    return post("torrents/add", skip_checking="true").carrying(file).until("UP")


FILTERS: Final = ("completed", "seeding", "downloading", "errored", "paused")

FINISHED: Final = (
    _add(SEASON).called("add a season that is there"),
    _add(FILM).called("add a film that is there"),
    get("torrents/info").called("two that are finished"),
    *(
        get("torrents/info", filter=name).called(f"finished ones that are {name}")
        for name in FILTERS
    ),
    *(
        get(f"torrents/{action}", hash=content.hash).called(f"{action} of what is finished")
        for action in ("properties", "files", "pieceStates", "trackers")
        for content in CONTENTS
    ),
    get("sync/maindata").called("finished ones in maindata"),
    get("transfer/info").called("speeds with finished ones"),
    post("torrents/setShareLimits", hashes=BOTH, ratioLimit="0", seedingTimeLimit="-2"),
    post("torrents/pause", hashes=BOTH).until("pausedUP"),
    get("torrents/info").called("two that were paused when finished"),
    post("torrents/delete", hashes=BOTH, deleteFiles="true").called("delete finished ones"),
    get("torrents/info").called("nothing is left of finished ones"),
)
