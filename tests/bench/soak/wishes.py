"""What the soak's *arr wish for: releases, who wants them, when, and what becomes of each."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from bridge.simulator import Content


class Moment(IntEnum):
    """How far an *arr is with a release. What somebody else does may wait for it."""

    BEGUN = 0
    """The add is being sent."""
    ACCEPTED = 1
    AT_TORBOX = 2
    FETCHED = 3
    """Some of it is on the disk."""
    COMPLETE = 4
    IMPORTED = 5
    REMOVED = 6


class Manner(StrEnum):
    """How an *arr takes the files of what is complete."""

    MOVE = "move"
    """As soon as the entry may be removed, as every *arr does then: nothing stays behind."""
    LINK = "link"
    COPY = "copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One time that a release is grabbed."""

    manner: Manner = Manner.LINK
    taken_back: Moment | None = None
    """Its user removes it at this moment, whatever it was up to. None: it is imported."""
    lingers: float = 0.0
    """Seconds between the import and the removal."""
    ratio: float = 0.0
    """Up to which it is to be seeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one *arr wants of a release."""

    category: str
    after: Moment = Moment.BEGUN
    """How far the first who wants it has to be before this one grabs it."""
    lives: tuple[Life, ...] = (Life(),)
    """One after the other: grabbed again at once when it was removed."""
    may_fail: frozenset[str] = frozenset()
    """The reasons for which it may fail here."""
    must_fail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A torrent, and who wants it. The first wish is the one that the others look at."""

    content: Content
    wishes: tuple[Wish, ...]
    as_torrent: bool = False
    turn: float = 0.0
    """When it comes out, 0 to 1 of the time in which releases come out."""
    elsewhere: bool = False
    """It is on the account before anybody wants it: it has to be there in the end as well."""
    stands_still: bool = False
    """TorBox gets no further with it until somebody has given it up."""

    @property
    def shared(self) -> bool:
        """Several *arr want it."""
        return len(self.wishes) > 1
