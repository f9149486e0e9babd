"""Releases that are planted to fail: for everybody, or by the rules of one category alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from bridge.simulator import Content, ContentFile, Simulator, make_torrent
from tests.bench.soak.clients import CACHED_ONLY, FILMS, IMPATIENT, TV, TV_4K
from tests.bench.soak.wishes import Moment, Release, Wish

STANDS_STILL_AT = 0.4
HUGE = 600 << 30
SIZE = 3_000_000
SMALL = 90_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plant:
    """A way to fail, for the first category; who else wants it fails with it, or waits."""

    reason: str
    category: str
    content: Callable[[str], Content]
    others: tuple[str, ...] = ()
    for_all: bool = True
    fail: str = ""
    stop_at: float | None = None
    early: bool = False
    """It takes a minute, or a scarce add."""


def planted(count: int, sim: Simulator) -> Iterator[Release]:
    """Make so many, of each kind in turn, and let the simulator know what is odd about them."""
    for number in range(count):
        plant = PLANTS[number % len(PLANTS)]
        content = plant.content(f"Planted.{plant.reason}.{number:03}")
        sim.world.change(content.hash, fail=plant.fail or None, stop_at=plant.stop_at)
        yield _release(plant, content)


def _release(plant: _Plant, content: Content) -> Release:
    fails = Wish(
        category=plant.category,
        may_fail=frozenset({plant.reason}),
        must_fail=plant.for_all or not plant.others,
    )
    other = (
        replace(fails, after=Moment.ACCEPTED) if plant.for_all else Wish(category=plant.category)
    )
    others = tuple(replace(other, category=category) for category in plant.others)
    return Release(
        content=content,
        wishes=(fails, *others),
        turn=0.0 if plant.early else -1.0,
        stands_still=bool(plant.others) and not plant.for_all and plant.stop_at is not None,
    )


def _plain(name: str, size: int = SIZE) -> Content:
    return make_torrent(name, [ContentFile(f"{name}.mkv", size)], trackers=["http://t.invalid/a"])


def _odd(name: str, *, infected: bool = False, zipped: bool = False) -> Content:
    content = _plain(name, SMALL)
    files = tuple(
        ContentFile(file.path, file.size, infected=infected, zipped=zipped)
        for file in content.files
    )
    fields = {field: getattr(content, field) for field in content.__struct_fields__}
    return Content(**fields | {"files": files, "cached": True})


def _huge(name: str) -> Content:
    """A magnet alone: pieces of so much are not made up."""
    return Content(_plain(name, 1).hash, name, (ContentFile(f"{name}.mkv", HUGE),))


def _nameless(name: str) -> Content:
    return Content(_plain(name, 1).hash, name, (ContentFile(f"{name}.mkv", 1),), metadata=False)


def _infected(name: str) -> Content:
    return _odd(name, infected=True)


def _zipped(name: str) -> Content:
    return _odd(name, zipped=True)


PLANTS = (
    _Plant(reason="remote_error", category=FILMS, content=_plain, fail="Aborted",
           stop_at=STANDS_STILL_AT, early=True),
    _Plant(reason="stalled", category=IMPATIENT, content=_plain, others=(TV,), for_all=False,
           stop_at=STANDS_STILL_AT, early=True),
    _Plant(reason="not_cached", category=CACHED_ONLY, content=_plain, others=(FILMS,),
           for_all=False, early=True),
    _Plant(reason="infected", category=TV, content=_infected, others=(FILMS,)),
    _Plant(reason="zipped", category=TV, content=_zipped, others=(TV_4K,)),
    _Plant(reason="too_large", category=FILMS, content=_huge, others=(TV_4K,)),
    _Plant(reason="no_metadata", category=IMPATIENT, content=_nameless),
    _Plant(reason="stalled", category=IMPATIENT, content=_plain, stop_at=STANDS_STILL_AT),
    _Plant(reason="not_cached", category=CACHED_ONLY, content=_plain),
    _Plant(reason="remote_error", category=TV, content=_plain, others=(FILMS,), fail="Aborted",
           stop_at=STANDS_STILL_AT, early=True),
)  # fmt: skip
