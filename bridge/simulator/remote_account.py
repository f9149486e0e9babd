"""A TorBox account without the network: what is on it, and what time does to it.

No task, no socket and no clock of its own: the clock is given, and every call first lives through
whatever should have happened until now. Refusals are returned, not raised.
"""

import itertools
import math
import uuid
from collections.abc import Callable

import msgspec

from bridge.simulator import envelopes
from bridge.simulator.content import Content, ContentFile
from bridge.simulator.envelopes import Refusal
from bridge.simulator.lifecycle import SEED_NEVER, Order, Queued, Stage, Torrent, timestamp
from bridge.simulator.releases import Catalogue, Source
from bridge.simulator.scenario import FREE, PLANS, Behaviour, SimulatedAccount, Tricks

FIRST_TORRENT_ID = 4_100_001
FIRST_QUEUED_ID = 700_001
HELD_BACK = frozenset({"paused", "stalled", "stalled (no seeds)", "pausedDL", "stalledDL"})


class Holdings:
    """Torrents and queue by id. `torrents` also holds those that appear in a moment."""

    def __init__(
        self,
        clock: Callable[[], float],
        account: SimulatedAccount,
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
        """The number of slots in use."""
        return sum(item.active for item in self.torrents.values())

    @property
    def full(self) -> bool:
        """Whether no slot is free."""
        return self.held >= self._account.all_slots

    def advance(self) -> float:
        """Apply all events until now in order: a long jump has the same result as small steps."""
        now = self._clock()
        # Tests jump hours ahead: what happens in between has to happen in its order.
        while (event := self._next_event()) <= now:
            self._lived_until = max(self._lived_until, event)
            self._finish_stages(event)
            self._promote()
        self._lived_until = now
        return now

    def find(self, info_hash: str) -> Torrent | Queued | None:
        """Return the item with a hash, if there is one."""
        held: tuple[Torrent | Queued, ...] = (*self.torrents.values(), *self.queue.values())
        return next((item for item in held if item.content.hash == info_hash), None)

    def enqueue(self, order: Order, content: Content, at: float) -> Queued:
        """Add an order at the end of the queue."""
        entry = Queued(next(self._queued_ids), content, at, order)
        self.queue[entry.id] = entry
        return entry

    def start(self, entry: Queued, at: float) -> Torrent:
        """Move an entry from the queue to a slot; its new id shows after a gap in neither list."""
        del self.queue[entry.id]
        # When TorBox promotes a queued item, its queued_id vanishes before the new torrent_id
        # appears.
        later = at + self._behaviour.promotion_gap_seconds
        return self.place(entry.order, entry.content, later, Stage.METADATA)

    def place(self, order: Order, content: Content, at: float, stage: Stage) -> Torrent:
        """Turn an order into a torrent."""
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
        """Return when the oldest queued item may start; infinity while there is no slot."""
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


class CreateOutcome(msgspec.Struct, frozen=True):
    """The outcome of an order. Exactly one of the ids is set."""

    hash: str
    torrent_id: int | None
    queued_id: int | None
    detail: str


class World:
    """The account. `clock` returns unix seconds."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        account: SimulatedAccount | None = None,
        behaviour: Behaviour | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self.clock = clock
        self.account = account or SimulatedAccount()
        self.behaviour = behaviour or Behaviour()
        self.catalogue = catalogue or Catalogue()
        self.auth_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, self.account.email))
        self._holdings = Holdings(clock, self.account, self.behaviour, self.catalogue)

    @property
    def slots(self) -> int:
        """The number of active items that the account may have."""
        return self.account.all_slots

    @property
    def active(self) -> int:
        """The number of slots in use, including seeding items."""
        self.advance()
        return self._holdings.held

    def advance(self) -> float:
        """Live until now, and return the time."""
        return self._holdings.advance()

    def torrents(self) -> list[Torrent]:
        """Return what the list shows, newest first."""
        now = self.advance()
        lag = self.behaviour.list_lag_seconds
        listed = (
            item
            for item in self._holdings.torrents.values()
            if item.created_at + lag <= now and item.tricks.hidden not in {"list", "both"}
        )
        return sorted(listed, key=lambda item: item.id, reverse=True)

    def torrent(self, torrent_id: int) -> Torrent | None:
        """Return what a request by id finds."""
        now = self.advance()
        item = self._holdings.torrents.get(torrent_id)
        if item is None or item.created_at > now or item.tricks.hidden in {"id", "both"}:
            return None
        return item

    def queue(self) -> list[Queued]:
        """Return the queue, oldest first."""
        self.advance()
        return list(self._holdings.queue.values())

    def find(self, info_hash: str) -> Torrent | Queued | None:
        """Return the item with a hash, hidden or not."""
        self.advance()
        return self._holdings.find(info_hash)

    def create(self, order: Order) -> CreateOutcome | Refusal:
        """Add a torrent, as createtorrent does. A hash has at most one item."""
        now = self.advance()
        match self.find(order.source.hash):
            case Torrent() as item:
                return self._known(item)
            case Queued() as entry:
                return self._known_queued(entry)
        content = self.catalogue.resolve(order.source)
        cached = self.catalogue.is_cached(content.hash)
        if (refusal := self._refuse(order, content, now, cached=cached)) is not None:
            return refusal
        if cached:
            return self._add_cached(order, content, now)
        return self._add_uncached(order, content, now)

    def put(self, content: Content, *, seed: int | None = None) -> Torrent:
        """Put a torrent on the account past all limits, as if added on the website.

        An existing item with that hash is returned instead.
        """
        self.catalogue.add(content)
        existing = self.find(content.hash)
        if isinstance(existing, Torrent):
            return existing
        if existing is not None:
            return self._holdings.start(existing, self.advance())
        order = Order(Source(content.hash, content.name, content), seed=seed)
        now = self.advance()
        stage = Stage.CACHING if content.cached else Stage.METADATA
        item = self._holdings.place(order, content, now, stage)
        self.advance()
        return item

    def control(self, torrent_id: int | None, operation: str) -> Refusal | None:
        """Reannounce, delete, resume or stop seeding an item; return None if it was done."""
        now = self.advance()
        if operation not in {"reannounce", "delete", "resume", "stop_seeding"}:
            return envelopes.BAD_OPERATION
        if torrent_id is None:
            return envelopes.NO_TORRENT_ID
        item = self._holdings.torrents.get(torrent_id)
        if item is None:
            return self._missing()
        self._apply(item, operation, now)
        self.advance()
        return None

    def control_queued(self, queued_id: int | None, operation: str) -> Refusal | None:
        """Delete a queued item; return None if it was done. No other operation is simulated."""
        self.advance()
        if operation != "delete":
            return envelopes.BAD_QUEUE_OPERATION
        if queued_id is None:
            return envelopes.NO_QUEUED_ID
        if queued_id not in self._holdings.queue:
            return envelopes.QUEUED_NOT_FOUND
        del self._holdings.queue[queued_id]
        return None

    def open_file(self, torrent_id: int, file_id: int) -> tuple[Torrent, ContentFile] | Refusal:
        """Return the file for a requestdl, if links to it work now."""
        self.advance()
        item = self._holdings.torrents.get(torrent_id)
        if item is None:
            return self._missing()
        if self._fails_link(item) or not item.present:
            return envelopes.NOT_READY
        if not 0 <= file_id < len(item.content.files):
            return envelopes.NO_FILE
        return item, item.content.files[file_id]

    def tricks(self, info_hash: str) -> Tricks:
        """Return the tricks of a hash; they apply to its item now or when it comes."""
        return self._holdings.tricks.setdefault(info_hash, Tricks())

    def change(self, info_hash: str, **changes: object) -> Tricks:
        """Set fields of `Tricks` for a hash.

        Raises:
            msgspec.ValidationError: a field does not exist or has a wrong type.
        """
        now = self.advance()
        merged = msgspec.structs.asdict(self.tricks(info_hash)) | changes
        tricks = self._holdings.tricks[info_hash] = msgspec.convert(merged, Tricks)
        item = self.find(info_hash)
        if isinstance(item, Torrent):
            item.count_uploaded(now)
            item.tricks = tricks
            if "link_failures" in changes:
                item.link_failures = tricks.link_failures or 0
        return tricks

    def forget(self, info_hash: str) -> None:
        """Remove an item without a trace, as if deleted on the website."""
        match self.find(info_hash):
            case Torrent(id=torrent_id):
                del self._holdings.torrents[torrent_id]
            case Queued(id=queued_id):
                del self._holdings.queue[queued_id]
        self.advance()

    def _refuse(
        self, order: Order, content: Content, now: float, *, cached: bool
    ) -> Refusal | None:
        account, largest = self.account, PLANS[self.account.plan].max_bytes
        if order.only_if_cached and not cached:
            return envelopes.NOT_CACHED
        if not cached and self.behaviour.cached_only_plan:
            return envelopes.PLAN_RESTRICTED
        if content.private and not self.behaviour.allow_private:
            return envelopes.PRIVATE_DISABLED
        if content.size > largest:
            return envelopes.too_large(largest)
        if account.monthly_limit is not None and account.monthly_used >= account.monthly_limit:
            return envelopes.monthly_limit(account.monthly_limit, account.monthly_used)
        if account.cooldown_until is not None and account.cooldown_until > now:
            return envelopes.cooldown(timestamp(account.cooldown_until), timestamp(now))
        return None

    def _add_cached(self, order: Order, content: Content, now: float) -> CreateOutcome:
        item = self._holdings.place(order, content, now, Stage.CACHING)
        self.advance()
        return _created(item, "Found Cached Torrent. Using Cached Torrent.")

    def _add_uncached(self, order: Order, content: Content, now: float) -> CreateOutcome | Refusal:
        full = self._holdings.full
        # TorBox ignores as_queued on the free plan.
        may_queue = order.as_queued and self.account.plan != FREE
        if may_queue and (full or self.behaviour.as_queued == "always"):
            return self._enqueue(order, content, now)
        if not full:
            return _created(
                self._holdings.place(order, content, now, Stage.METADATA),
                "Torrent Added Successfully",
            )
        if self.behaviour.when_full == "queue":
            return self._enqueue(order, content, now)
        # Older answers to a full account were 200 with success:false and no code.
        old = self.behaviour.when_full == "refuse_200"
        return envelopes.active_limit(self.slots, self._holdings.held, old=old)

    def _enqueue(self, order: Order, content: Content, now: float) -> CreateOutcome | Refusal:
        if len(self._holdings.queue) >= self.behaviour.queue_limit:
            return envelopes.queue_full(self.behaviour.queue_limit)
        entry = self._holdings.enqueue(order, content, now)
        return CreateOutcome(content.hash, None, entry.id, "Torrent Queued Successfully")

    def _known(self, item: Torrent) -> CreateOutcome | Refusal:
        if self.behaviour.duplicate != "existing":
            refuse = self.behaviour.duplicate == "refuse"
            return envelopes.DUPLICATE_ACTIVE if refuse else envelopes.ALREADY_ADDED
        # TorBox answers an add of a known hash with success and the existing id.
        return _created(item, "Found Cached Torrent. Already added.")

    def _known_queued(self, entry: Queued) -> CreateOutcome | Refusal:
        if self.behaviour.duplicate != "existing":
            refuse = self.behaviour.duplicate == "refuse"
            return envelopes.DUPLICATE_QUEUED if refuse else envelopes.ALREADY_QUEUED
        return CreateOutcome(entry.content.hash, None, entry.id, "Download already queued.")

    def _missing(self) -> Refusal:
        match self.behaviour.missing_id:
            case "not_found":
                return envelopes.TORRENT_NOT_FOUND
            # It is not known how TorBox answers for a deleted id, so tests run with all three.
            case "not_owner":
                return envelopes.NOT_OWNER
            case "database_error":
                return envelopes.DATABASE_ERROR

    def _apply(self, item: Torrent, operation: str, now: float) -> None:
        if operation == "delete":
            del self._holdings.torrents[item.id]
        elif operation == "stop_seeding" and item.stage is Stage.SEEDING:
            item.enter(Stage.READY, now)
        # Asked for before the download ends: it will not seed at all.
        elif operation == "stop_seeding":
            item.seed = SEED_NEVER
        elif operation == "resume" and item.tricks.state in HELD_BACK:
            item.tricks.state = None

    def _fails_link(self, item: Torrent) -> bool:
        if item.link_failures <= 0:
            return False
        item.link_failures -= 1
        return True


def _created(item: Torrent, detail: str) -> CreateOutcome:
    return CreateOutcome(item.hash, item.id, None, detail)
