"""What the soak grabs: releases that arrive, and releases that are planted to fail."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bridge.simulator import Content, ContentFile, Simulator, Tricks, make_torrent
from tests.support.rig import cached

CACHED_ONLY = "cached-only"
IMPATIENT = "impatient"
CATEGORIES = ("tv-sonarr", "radarr", CACHED_ONLY, IMPATIENT)
CONFIG = f"""\
categories:
  {CACHED_ONLY}: {{policy: {{cached: only}}}}
  {IMPATIENT}: {{policy: {{stalled_after: 10s, metadata_after: 10s}}}}
"""
UNCACHED_SHARE = 0.08
UNCACHED_MOST = 10
"""Few: TorBox allows 60 adds an hour of what it has not cached, and so does the bridge. Adds that
went unanswered count as well."""
PLANTED_MOST = 14
TORRENT_SHARE = 0.5
"""Of grabs that come as a .torrent; the others are magnets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grab:
    """One release, and what has to become of it."""

    content: Content
    category: str
    as_torrent: bool
    reason: str = ""
    """Why it fails: a code of the bridge. Empty: it arrives."""


@dataclass(frozen=True, slots=True)
class _Plant:
    reason: str
    category: str
    content: Callable[[str], Content]
    tricks: Tricks = field(default_factory=Tricks)


def _release(name: str, size: int) -> Content:
    return make_torrent(name, [ContentFile(f"{name}.mkv", size)], trackers=["http://t.invalid/a"])


def _odd(title: str, *, infected: bool = False, zipped: bool = False) -> Content:
    content = _release(title, 90_000)
    files = tuple(
        ContentFile(file.path, file.size, infected=infected, zipped=zipped)
        for file in content.files
    )
    fields = {name: getattr(content, name) for name in content.__struct_fields__}
    return Content(**fields | {"files": files, "cached": True})


def _huge(name: str) -> Content:
    """A magnet alone: pieces of so much are not made up."""
    digits = _release(name, 1).hash
    return Content(digits, name, (ContentFile(f"{name}.mkv", 600 << 30),))


def _nameless(name: str) -> Content:
    return Content(_release(name, 1).hash, name, (ContentFile(f"{name}.mkv", 1),), metadata=False)


PLANTS = (
    _Plant("too_large", "radarr", _huge),
    _Plant("not_cached", CACHED_ONLY, lambda name: _release(name, 80_000)),
    _Plant("infected", "tv-sonarr", lambda name: _odd(name, infected=True)),
    _Plant("zipped", "tv-sonarr", lambda name: _odd(name, zipped=True)),
    _Plant(
        "remote_error",
        "radarr",
        lambda name: _release(name, 3_000_000),
        Tricks(fail="Aborted", stop_at=0.4),
    ),
    _Plant("stalled", IMPATIENT, lambda name: _release(name, 3_000_000), Tricks(stop_at=0.4)),
    _Plant("no_metadata", IMPATIENT, _nameless),
)
PLANT_SHARE = 0.06


def make_load(count: int, dice: random.Random, sim: Simulator) -> list[Grab]:
    """Make so many grabs, and let the simulator know what is behind them."""
    planted = min(PLANTED_MOST, max(len(PLANTS), round(count * PLANT_SHARE)))
    uncached = min(UNCACHED_MOST, round(count * UNCACHED_SHARE))
    grabs = [*_planted(planted, sim), *_fine(count - planted, uncached, dice)]
    for grab in grabs:
        sim.register(grab.content)
    return sorted(grabs, key=lambda grab: _turn(grab, dice))


def _turn(grab: Grab, dice: random.Random) -> float:
    """Tell when it is grabbed, 0 to 1. What takes a minute or a scarce add comes early."""
    if grab.reason == "remote_error":
        return 0.0
    return dice.random() if grab.content.cached else dice.uniform(0.0, 0.4)


def _planted(count: int, sim: Simulator) -> Iterator[Grab]:
    for number in range(count):
        plant = PLANTS[number % len(PLANTS)]
        content = plant.content(f"Planted.{plant.reason}.{number:03}")
        sim.world.change(content.hash, **_changes(plant.tricks))
        yield Grab(content=content, category=plant.category, as_torrent=False, reason=plant.reason)


def _changes(tricks: Tricks) -> dict[str, object]:
    return {name: getattr(tricks, name) for name in ("fail", "stop_at") if getattr(tricks, name)}


def _fine(count: int, uncached: int, dice: random.Random) -> Iterator[Grab]:
    for number in range(count):
        name = f"Release.{number:04}.1080p-GRP"
        sizes = [dice.choice((20_000, 150_000, 600_000, 2_500_000))] * dice.choice((1, 1, 2, 4))
        files = [ContentFile(f"{name}.E{at:02}.mkv", size) for at, size in enumerate(sizes, 1)]
        content = make_torrent(name, files, trackers=["http://t.invalid/a"])
        yield Grab(
            content=cached(content, is_cached=number >= uncached),
            category=dice.choice(("tv-sonarr", "radarr")),
            as_torrent=dice.random() < TORRENT_SHARE,
        )
