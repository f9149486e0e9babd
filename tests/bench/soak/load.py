"""What comes out in the soak, and who wants it."""

import random
from collections.abc import Iterator

from msgspec.structs import replace

from bridge.simulator import Content, ContentFile, Simulator, make_torrent
from tests.bench.soak.clients import ADOPTING, CLIENTS, FILMS, TV, TV_4K
from tests.bench.soak.plants import PLANTS, planted
from tests.bench.soak.wishes import Life, Manner, Moment, Release, Wish
from tests.support.rig import cached

SHARED = 0.3
"""Of the releases are wanted by two *arr or three."""
ELSEWHERE = 0.06
"""Of them are on the account before."""
UNCACHED = 0.06
UNCACHED_MOST = 9
"""Few: TorBox allows 60 adds an hour of what it has not cached, and so does the bridge. Adds that
went unanswered count as well."""
PLANTED = 0.06
PLANTED_MOST = 14
AS_TORRENT = 0.5
"""Of the releases are handed in as a .torrent; the others are magnets."""
AGAIN = 0.08
"""Of the wishes come up once more after the download was removed."""
TWINS = 0.04
"""Of the releases there is another torrent, with the same names and sizes and other bytes."""
SEEDED = 0.04
TAKEN_BACK, TAKEN_BACK_SHARED = 0.05, 0.2
LINGERS = 3.0
EARLY = 0.4
"""What takes long comes out in this part of the time."""

SIZES = (20_000, 150_000, 600_000, 2_500_000)
LARGE = (600_000, 2_500_000)
MANNERS = (Manner.MOVE, Manner.MOVE, Manner.LINK, Manner.COPY)
EVERYONE = tuple(client.category for client in CLIENTS)
WITHOUT_RULES = (TV, TV_4K, FILMS)
BACK = (Moment.ACCEPTED, Moment.AT_TORBOX, Moment.FETCHED, Moment.COMPLETE)


def make_load(count: int, dice: random.Random, sim: Simulator) -> list[Release]:
    """Make so many releases, and let the simulator know what is behind them."""
    bad = min(PLANTED_MOST, max(len(PLANTS), round(count * PLANTED)))
    releases = [_timed(release, dice) for release in planted(bad, sim)]
    releases += _fine(count - bad, dice)
    releases += [_twin(one, dice) for one in releases[bad:] if dice.random() < TWINS]
    for release in releases:
        _register(release, sim)
    return sorted(releases, key=lambda release: release.turn)


def make_tug(count: int, lives: int, dice: random.Random, sim: Simulator) -> list[Release]:
    """Make a few releases that several *arr grab and remove again and again."""
    releases = []
    for number in range(count):
        content = _content(f"Tug.{number:02}", dice, LARGE)
        categories = dice.sample(EVERYONE, 4)
        wishes = tuple(
            Wish(category=category, lives=tuple(_tug(dice) for _ in range(lives)))
            for category in categories
        )
        releases.append(Release(content=content, wishes=wishes, as_torrent=dice.random() < 0.5))
        sim.register(content)
    return releases


def _tug(dice: random.Random) -> Life:
    return replace(_life(dice, 0.0), taken_back=dice.choice((*BACK, None)), lingers=dice.random())


def _timed(release: Release, dice: random.Random) -> Release:
    return release if release.turn >= 0.0 else replace(release, turn=dice.uniform(0.0, EARLY))


def _fine(count: int, dice: random.Random) -> Iterator[Release]:
    uncached = min(UNCACHED_MOST, round(count * UNCACHED))
    for number in range(count):
        name, late = f"Release.{number:04}.1080p-GRP", number >= uncached
        shared = dice.random() < SHARED
        content = cached(_content(name, dice, LARGE if shared else SIZES), is_cached=late)
        yield Release(
            content=content,
            wishes=tuple(_wishes(dice, late=late, shared=shared)),
            as_torrent=dice.random() < AS_TORRENT,
            turn=dice.random() if late else dice.uniform(0.0, EARLY),
            elsewhere=late and dice.random() < ELSEWHERE,
        )


def _twin(release: Release, dice: random.Random) -> Release:
    """Make the same once more, under another hash, a moment later."""
    content = release.content
    fields = {name: getattr(content, name) for name in content.__struct_fields__}
    digits = f"{dice.getrandbits(160):040x}"
    other = Content(**fields | {"hash": digits, "torrent": None, "cached": True})
    turn = min(1.0, release.turn + dice.uniform(0.0, 0.03))
    return replace(release, content=other, as_torrent=False, turn=turn, elsewhere=False)


def _content(name: str, dice: random.Random, sizes: tuple[int, ...]) -> Content:
    all_sizes = [dice.choice(sizes)] * dice.choice((1, 1, 2, 4))
    files = [ContentFile(f"{name}.E{at:02}.mkv", size) for at, size in enumerate(all_sizes, 1)]
    return cached(make_torrent(name, files, trackers=["http://t.invalid/a"]))


def _wishes(dice: random.Random, *, late: bool, shared: bool) -> Iterator[Wish]:
    """Who wants a release. What is not cached is nothing for those with rules of their own."""
    possible = EVERYONE if late else (*WITHOUT_RULES, ADOPTING)
    many = dice.choice((2, 2, 3)) if shared else 1
    for place, category in enumerate(dice.sample(possible, many)):
        after = dice.choice((*Moment,)) if place else Moment.BEGUN
        yield Wish(category=category, after=after, lives=tuple(_lives(dice, shared=shared)))


def _lives(dice: random.Random, *, shared: bool) -> Iterator[Life]:
    yield _life(dice, TAKEN_BACK_SHARED if shared else TAKEN_BACK)
    if dice.random() < AGAIN:
        yield _life(dice, TAKEN_BACK)


def _life(dice: random.Random, taken_back: float) -> Life:
    return Life(
        manner=dice.choice(MANNERS),
        taken_back=dice.choice(BACK) if dice.random() < taken_back else None,
        lingers=dice.uniform(0.0, LINGERS),
        ratio=0.02 if dice.random() < SEEDED else 0.0,
    )


def _register(release: Release, sim: Simulator) -> None:
    """Let TorBox know it. What is there from elsewhere is an hour old."""
    item = sim.register(release.content, on_account=release.elsewhere)
    if item is not None:
        item.created_at -= 3600.0
