"""A TorBox account without the network: what is on it, and what time does to it.

No task, no socket and no clock of its own: the clock is handed in, and every call first lives
through whatever should have happened until now. Refusals are returned, not raised.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from bridge.simulator import refusals
from bridge.simulator.catalogue import Catalogue
from bridge.simulator.clock import timestamp
from bridge.simulator.content import Content, ContentFile
from bridge.simulator.holdings import Holdings
from bridge.simulator.items import SEED_NEVER, Order, Queued, Stage, Torrent
from bridge.simulator.metainfo import Source
from bridge.simulator.refusals import Refusal
from bridge.simulator.settings import FREE, PLANS, Account, Behaviour, Tricks
from bridge.simulator.zips import zip_of

MAX_NAME = 200
HELD_BACK = frozenset({"paused", "stalled", "stalled (no seeds)", "pausedDL", "stalledDL"})


@dataclass(frozen=True, slots=True)
class Created:
    """The answer to an order: exactly one of the ids is set."""

    hash: str
    torrent_id: int | None
    queued_id: int | None
    detail: str


class World:
    """The account. `clock` tells unix seconds."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        account: Account | None = None,
        behaviour: Behaviour | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self.clock = clock
        self.account = account or Account()
        self.behaviour = behaviour or Behaviour()
        self.catalogue = catalogue or Catalogue()
        self.foreign_ids: set[int] = set()
        """Torrent ids that belong to somebody else."""
        self.auth_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, self.account.email))
        self._holdings = Holdings(clock, self.account, self.behaviour, self.catalogue)

    @property
    def slots(self) -> int:
        """How many active items the account may have."""
        return self.account.all_slots

    @property
    def active(self) -> int:
        """How many slots are held, seeding items included."""
        self.advance()
        return self._holdings.held

    def advance(self) -> float:
        """Live until now; the time it is."""
        return self._holdings.advance()

    def torrents(self) -> list[Torrent]:
        """What the list shows, newest first."""
        now = self.advance()
        lag = self.behaviour.list_lag_seconds
        listed = (
            item
            for item in self._holdings.torrents.values()
            if item.created_at + lag <= now and item.tricks.hidden not in {"list", "both"}
        )
        return sorted(listed, key=lambda item: item.id, reverse=True)

    def torrent(self, torrent_id: int) -> Torrent | None:
        """What a look by id finds."""
        now = self.advance()
        item = self._holdings.torrents.get(torrent_id)
        if item is None or item.created_at > now or item.tricks.hidden in {"id", "both"}:
            return None
        return item

    def queue(self) -> list[Queued]:
        """The queue, oldest first."""
        self.advance()
        return list(self._holdings.queue.values())

    def find(self, info_hash: str) -> Torrent | Queued | None:
        """The one item of a hash, hidden or not."""
        self.advance()
        return self._holdings.find(info_hash)

    def create(self, order: Order) -> Created | Refusal:
        """Add a torrent, as createtorrent does: at most one item for a hash."""
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
        """Place a torrent on the account past all limits, as if added on the website.

        An item of that hash that is there already is returned instead.
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

    def control(
        self, torrent_id: int | None, operation: str, *, everything: bool
    ) -> Refusal | None:
        """Reannounce, delete, resume or stop_seeding one item or all; None when done."""
        now = self.advance()
        if operation not in {"reannounce", "delete", "resume", "stop_seeding"}:
            return refusals.BAD_OPERATION
        if torrent_id is None:
            if not everything:
                return refusals.NO_TORRENT_ID
            self._control_all(operation, now)
            return None
        item = self._holdings.torrents.get(torrent_id)
        if item is None:
            return self._missing(torrent_id)
        self._apply(item, operation, now)
        self.advance()
        return None

    def control_queued(
        self, queued_id: int | None, operation: str, *, everything: bool
    ) -> Refusal | None:
        """Start or delete one queued item, or delete all; None when done."""
        now = self.advance()
        if operation not in {"start", "delete"} or (everything and operation == "start"):
            return refusals.BAD_QUEUE_OPERATION
        if queued_id is None:
            if not everything:
                return refusals.NO_QUEUED_ID
            self._holdings.queue.clear()
            return None
        if queued_id not in self._holdings.queue:
            return refusals.QUEUED_NOT_FOUND
        if operation == "delete":
            del self._holdings.queue[queued_id]
            return None
        if self._holdings.full:
            return refusals.start_limit(self.slots)
        self._holdings.start(self._holdings.queue[queued_id], now)
        return None

    def open_file(
        self, torrent_id: int, file_id: int, *, zipped: bool
    ) -> tuple[Torrent, ContentFile] | Refusal:
        """The file that requestdl is asked for, if links to it work now."""
        self.advance()
        item = self._holdings.torrents.get(torrent_id)
        if item is None:
            return self._missing(torrent_id)
        if self._fails_link(item) or not item.present:
            return refusals.NOT_READY
        if zipped:
            return item, zip_of(item.content)
        if not 0 <= file_id < len(item.content.files):
            return refusals.NO_FILE
        return item, item.content.files[file_id]

    def edit(
        self,
        torrent_id: int,
        *,
        name: str | None = None,
        tags: list[str] | None = None,
        alternative_hashes: list[str] | None = None,
        airlocked: bool | None = None,
    ) -> Refusal | None:
        """Overwrite what edittorrent may change; only items that are there whole."""
        item = self.torrent(torrent_id)
        if item is None or not item.present:
            return refusals.EDIT_NOT_OWNER
        if (name, tags, alternative_hashes, airlocked) == (None, None, None, None):
            return refusals.NO_CHANGES
        if name is not None and not 1 <= len(name) <= MAX_NAME:
            return refusals.NAME_TOO_LONG if name else refusals.NAME_TOO_SHORT
        item.name = item.name if name is None else name.translate(_UNSAFE)
        item.tags = item.tags if tags is None else tags
        if alternative_hashes is not None:
            item.alternative_hashes = alternative_hashes
        item.airlocked = item.airlocked if airlocked is None else airlocked
        return None

    def tricks(self, info_hash: str) -> Tricks:
        """What is odd about the item of this hash, now or when it comes."""
        return self._holdings.tricks.setdefault(info_hash, Tricks())

    def change(self, info_hash: str, **changes: object) -> Tricks:
        """Set fields of `Tricks` for a hash. Raises msgspec.ValidationError on a bad one."""
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
        """Take an item off the account without a trace, as if deleted on the website."""
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
            return refusals.NOT_CACHED
        if content.private and not self.behaviour.allow_private:
            return refusals.PRIVATE_DISABLED
        if content.size > largest:
            return refusals.too_large(largest)
        if account.monthly_limit is not None and account.monthly_used >= account.monthly_limit:
            return refusals.monthly_limit(account.monthly_limit, account.monthly_used)
        if account.cooldown_until is not None and account.cooldown_until > now:
            return refusals.cooldown(timestamp(account.cooldown_until), timestamp(now))
        return None

    def _add_cached(self, order: Order, content: Content, now: float) -> Created:
        item = self._holdings.place(order, content, now, Stage.CACHING)
        self.advance()
        return _created(item, "Found Cached Torrent. Using Cached Torrent.")

    def _add_uncached(self, order: Order, content: Content, now: float) -> Created | Refusal:
        full = self._holdings.full
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
        old = self.behaviour.when_full == "refuse_200"
        return refusals.active_limit(self.slots, self._holdings.held, old=old)

    def _enqueue(self, order: Order, content: Content, now: float) -> Created | Refusal:
        if len(self._holdings.queue) >= self.behaviour.queue_limit:
            return refusals.queue_full(self.behaviour.queue_limit)
        entry = self._holdings.enqueue(order, content, now)
        return Created(content.hash, None, entry.id, "Torrent Queued Successfully")

    def _known(self, item: Torrent) -> Created | Refusal:
        if self.behaviour.duplicate == "refuse":
            return refusals.DUPLICATE_ACTIVE
        return _created(item, "Found Cached Torrent. Already added.")

    def _known_queued(self, entry: Queued) -> Created | Refusal:
        if self.behaviour.duplicate == "refuse":
            return refusals.DUPLICATE_QUEUED
        return Created(entry.content.hash, None, entry.id, "Download already queued.")

    def _missing(self, torrent_id: int) -> Refusal:
        if torrent_id in self.foreign_ids:
            return refusals.NOT_OWNER
        match self.behaviour.missing_id:
            case "not_found":
                return refusals.TORRENT_NOT_FOUND
            case "not_owner":
                return refusals.NOT_OWNER
            case "database_error":
                return refusals.DATABASE_ERROR

    def _control_all(self, operation: str, now: float) -> None:
        for item in list(self._holdings.torrents.values()):
            self._apply(item, operation, now)
        self.advance()

    def _apply(self, item: Torrent, operation: str, now: float) -> None:
        if operation == "delete":
            del self._holdings.torrents[item.id]
        elif operation == "stop_seeding" and item.stage is Stage.SEEDING:
            item.enter(Stage.READY, now)
        elif operation == "stop_seeding":
            item.seed = SEED_NEVER
        elif operation == "resume" and item.tricks.state in HELD_BACK:
            item.tricks.state = None

    def _fails_link(self, item: Torrent) -> bool:
        if item.link_failures <= 0:
            return False
        item.link_failures -= 1
        return True


def _created(item: Torrent, detail: str) -> Created:
    return Created(item.hash, item.id, None, detail)


_UNSAFE = {ord(character): None for character in '\\/:*?"<>|\0'}
