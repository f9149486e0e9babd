"""What lies on the account, and what time does to it: stages end, the queue moves up."""

import itertools
import math
from collections.abc import Callable

import msgspec

from bridge.simulator.catalogue import Catalogue
from bridge.simulator.content import Content
from bridge.simulator.items import Order, Queued, Stage, Torrent
from bridge.simulator.settings import Account, Behaviour, Tricks
from bridge.simulator.zips import zip_of

FIRST_TORRENT_ID = 4_100_001
FIRST_QUEUED_ID = 700_001


class Holdings:
    """Torrents and queue by id. `torrents` also holds those that come into being in a moment."""

    def __init__(
        self,
        clock: Callable[[], float],
        account: Account,
        behaviour: Behaviour,
        catalogue: Catalogue,
    ) -> None:
        self._clock = clock
        self._account = account
        self._behaviour = behaviour
        self._catalogue = catalogue
        self._lived_until = clock()
        self._torrent_ids = itertools.count(FIRST_TORRENT_ID)
        first = FIRST_TORRENT_ID if behaviour.collide_ids else FIRST_QUEUED_ID
        self._queued_ids = itertools.count(first)
        self.torrents: dict[int, Torrent] = {}
        self.queue: dict[int, Queued] = {}
        self.tricks: dict[str, Tricks] = {}

    @property
    def held(self) -> int:
        """How many slots are taken."""
        return sum(item.active for item in self.torrents.values())

    @property
    def full(self) -> bool:
        """Whether no slot is free."""
        return self.held >= self._account.all_slots

    def advance(self) -> float:
        """Live until now, event by event, so that a long jump ends where small steps would."""
        now = self._clock()
        while (event := self._next_event()) <= now:
            self._lived_until = max(self._lived_until, event)
            self._finish_stages(event)
            self._promote()
        self._lived_until = now
        return now

    def find(self, info_hash: str) -> Torrent | Queued | None:
        """The one item of a hash."""
        held: tuple[Torrent | Queued, ...] = (*self.torrents.values(), *self.queue.values())
        return next((item for item in held if item.content.hash == info_hash), None)

    def enqueue(self, order: Order, content: Content, at: float) -> Queued:
        """Put an order at the queue's end."""
        entry = Queued(next(self._queued_ids), content, at, order)
        self.queue[entry.id] = entry
        return entry

    def start(self, entry: Queued, at: float) -> Torrent:
        """Move an entry from the queue to a slot: a new id, after a gap in neither list."""
        del self.queue[entry.id]
        later = at + self._behaviour.promotion_gap_seconds
        return self.place(entry.order, entry.content, later, Stage.METADATA)

    def place(self, order: Order, content: Content, at: float, stage: Stage) -> Torrent:
        """Make an order a torrent."""
        many = len(content.files) >= self._behaviour.zip_from_files
        if order.allow_zip and many:
            content = msgspec.structs.replace(content, files=(zip_of(content),), single_file=False)
        tricks = self.tricks.setdefault(content.hash, Tricks())
        failures = tricks.link_failures
        item = Torrent(
            id=next(self._torrent_ids),
            content=content,
            stage=stage,
            since=at,
            created_at=at,
            seed=self._account.seed_of(order.seed),
            behaviour=self._behaviour,
            tricks=tricks,
            from_cache=stage is Stage.CACHING,
            allow_zip=order.allow_zip,
            magnet=order.magnet,
            name=order.name,
            link_failures=self._behaviour.link_failures if failures is None else failures,
        )
        self.torrents[item.id] = item
        self._account.monthly_used += 1
        return item

    def _promote(self) -> None:
        while self._next_start() <= self._lived_until:
            self.start(next(iter(self.queue.values())), self._lived_until)

    def _next_start(self) -> float:
        """When the oldest queued item may start; infinity while there is no slot for it."""
        if not self._behaviour.promote or not self.queue or self.full:
            return math.inf
        return next(iter(self.queue.values())).created_at + self._behaviour.queue_seconds

    def _next_event(self) -> float:
        ends = min((item.due for item in self.torrents.values()), default=math.inf)
        return min(ends, self._next_start())

    def _finish_stages(self, at: float) -> None:
        for item in self.torrents.values():
            if item.due <= at:
                self._step(item)

    def _step(self, item: Torrent) -> None:
        item.enter(item.next_stage(), item.due)
        if item.present and item.cached_at is None:
            item.cached_at = item.since
            self._catalogue.cached.add(item.hash)
