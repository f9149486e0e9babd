"""The downloads that `demo --keep` leaves on the page: a handful, in different states."""

import hashlib
from typing import Final

import msgspec
from msgspec import structs

from bridge.simulator import Content, ContentFile, Simulator, Tricks
from bridge.simulator.faults import Error

CDN_BYTES_PER_SECOND: Final = 60_000.0
"""For each connection."""
FOREVER: Final = 1e9
SEED_NEVER: Final = 3
"""The account's default for `seed`: an item without a wish of its own holds no slot."""
MB: Final = 1_000_000

REFUSED: Final = Error(400, "BOZO_TORRENT", "Torrent file is not valid.")


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A download, and how the simulated TorBox treats it."""

    content: Content
    category: str
    tricks: Tricks = msgspec.field(default_factory=Tricks)
    paused: bool = False
    completes: bool = False
    """It is fetched before the CDN becomes slow."""
    holds_slot: bool = False
    """TorBox works on it for as long as the demo lasts."""
    refused: bool = False
    """TorBox refuses to add it."""


def samples() -> tuple[Sample, ...]:
    """Return the samples in the order in which they are added."""
    return (
        Sample(
            content=_season("Done.And.Dusted.S01.720p.WEB.H264-FIN", 3, 1, cached=True),
            completes=True,
            category="tv-sonarr",
        ),
        Sample(
            content=_film("A.Quiet.Harbour.2023.720p.WEB.H264-SEA", 2, cached=True),
            completes=True,
            category="radarr",
        ),
        Sample(
            content=_film("Harbour.Lights.2024.2160p.WEB-DL.DV.H265-PORT", 18_400),
            holds_slot=True,
            category="radarr",
            tricks=Tricks(download_seconds=3600.0),
        ),
        Sample(
            content=_film("A.Film.Nobody.Seeds.1987.720p.HDTV.x264-OLD", 2_300),
            holds_slot=True,
            category="radarr",
            tricks=Tricks(stop_at=0.15, download_seconds=4.0),
        ),
        Sample(
            content=_film("Looking.For.Metadata.S01E01.1080p.WEB.H264-META", 1_100),
            holds_slot=True,
            category="tv-sonarr",
            tricks=Tricks(metadata_seconds=FOREVER),
        ),
        Sample(
            content=_season("The.Long.Voyage.S03.1080p.WEB-DL.H264-CREW", 4, 110, cached=True),
            category="tv-sonarr",
        ),
        Sample(
            content=_film("Night.Ferry.S02E07.1080p.WEB-DL.H264-BOAT", 1_900),
            category="tv-sonarr",
        ),
        Sample(
            content=_film("Broken.Torrent.S01E05.1080p.WEB.H264-BAD", 900),
            category="tv-sonarr",
            refused=True,
        ),
        Sample(
            content=_film("Paused.By.Hand.2019.1080p.BluRay.x264-STOP", 9_700),
            category="radarr",
            paused=True,
        ),
    )


def prepare(simulator: Simulator, of: tuple[Sample, ...]) -> None:
    """Register the samples at the simulated TorBox, and put an item on the account to adopt."""
    simulator.world.account.seed = SEED_NEVER
    simulator.register(
        _season("Added.On.The.Site.S02.720p.WEB.H264-ELSE", 2, 1, cached=True), on_account=True
    )
    for sample in of:
        simulator.register(sample.content)
        simulator.world.change(sample.content.hash, **structs.asdict(sample.tricks))
        if sample.refused:
            simulator.faults.add("createtorrent", REFUSED, hash=sample.content.hash)


def slow_down(simulator: Simulator) -> None:
    """Make the CDN so slow that somebody can watch a fetch."""
    simulator.links.cdn.bytes_per_second = CDN_BYTES_PER_SECOND


def _film(name: str, megabytes: int, *, cached: bool = False) -> Content:
    return _content(name, [ContentFile(f"{name}.mkv", megabytes * MB)], cached=cached)


def _season(name: str, episodes: int, megabytes: int, *, cached: bool = False) -> Content:
    """Make a season pack. The size is that of one episode."""
    files = [
        ContentFile(f"{name}.E{number:02}.mkv", megabytes * MB) for number in range(1, episodes + 1)
    ]
    return _content(name, files, cached=cached)


def _content(name: str, files: list[ContentFile], *, cached: bool) -> Content:
    """Make a content that is known by its magnet: hashing the pieces of a .torrent takes long."""
    digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    trackers = ("udp://tracker.invalid:6969/announce",)
    return Content(digest, name, tuple(files), cached=cached, trackers=trackers)
