"""What to do next. A pure function from what is known to actions; the engine carries them out.

Every download that is not final has an owner here: each phase yields either an action or the time
at which it has to be looked at again. A download that yields neither is stopped, busy, or done.

| phase | owner |
| --- | --- |
| accepted, submitting | Submit, when the budget and its own next attempt allow |
| queued | the shared list and the queue list: Promote when it shows up under a torrent_id |
| remote | Look by id while young, then the shared list: Ready, Promote or Fail |
| ready, delivering | Deliver |
| delivered | Finish when the seed rule is met |
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from math import inf
from typing import TypeAlias

from bridge.core.follow import GONE_SECONDS, Patience, verdict
from bridge.core.model import Download, Failure, Phase, RemoteItem, Removal, Snapshot
from bridge.core.seeding import SeedPolicy, seeding_done

LOOKS = (0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 60.0)
"""Seconds after the torrent_id is known at which it is asked for by id."""

LOOKED_AT = 4
"""Downloads followed by id at one time; when there are more, the shared list is cheaper."""

RELOOK_SECONDS = 60.0
"""Pause between two looks for an item that the list does not show."""

CREATES = 3
"""Creates in flight at one time."""

DELIVERIES = 8
"""Downloads delivered at one time; their files share the fetch slots."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Create it on TorBox, or find what an earlier create made of it."""

    hash: str


@dataclass(frozen=True, slots=True)
class Look:
    """Ask TorBox for the item by its id."""

    hash: str
    torrent_id: int


@dataclass(frozen=True, slots=True)
class Poll:
    """Read the shared list, and TorBox's queue if anything of ours may stand in it."""

    queue: bool


@dataclass(frozen=True, slots=True)
class Promote:
    """It shows up under this torrent_id."""

    hash: str
    torrent_id: int


@dataclass(frozen=True, slots=True)
class Ready:
    """TorBox has all the files: choose among them and name them."""

    hash: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """Make the files appear on disk."""

    hash: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to seed."""

    hash: str


@dataclass(frozen=True, slots=True)
class Fail:
    """Give it up, with a reason that is kept."""

    hash: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Remove:
    """Clean up after a download that the user deleted."""

    removal_id: int


Action: TypeAlias = Submit | Look | Poll | Promote | Ready | Deliver | Finish | Fail | Remove


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before this time."""

    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the user's settings say for one category."""

    patience: Patience = field(default_factory=Patience)
    seed: SeedPolicy = SeedPolicy.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that a decision depends on."""

    now: float
    downloads: Collection[Download] = ()
    removals: Collection[Removal] = ()
    snapshot: Snapshot = field(default_factory=Snapshot)
    busy: frozenset[str] = frozenset()
    """Hashes that something is being done for just now."""
    polling: bool = False
    submitting: int = 0
    delivering: int = 0
    asked: Mapping[str, float] = field(default_factory=dict)
    """When each download was last asked for by id."""
    polled_at: float = -inf
    poll_seconds: float = 5.0
    """Pause between two shared lists: grows as nothing moves."""
    idle_seconds: float = 60.0
    """The same while there is only seeding to watch."""
    create_at: float = 0.0
    """When the budget allows the next create."""
    list_at: float = 0.0
    """When the budget allows the next list or look."""
    rules: Callable[[str], Rules] = lambda _category: Rules()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and when to think again (infinity: when something happens)."""

    actions: tuple[Action, ...]
    wake_at: float


def plan(scene: Scene) -> Plan:
    """Decide. The same scene gives the same plan."""
    rest = _without_removed(scene)
    steps = tuple(
        chain(_removals(scene), _submits(rest), _follow(rest), _deliveries(rest), _seeds(rest))
    )
    waits = [step.until for step in steps if isinstance(step, Wait)]
    actions = tuple(step for step in steps if not isinstance(step, Wait))
    return Plan(actions, min(waits, default=inf))


Step: TypeAlias = Action | Wait


def _without_removed(scene: Scene) -> Scene:
    """Leave a hash alone while something of it is still to be removed; it wakes with the removal.

    What was added anew under the hash must not be taken for what has to go, nor the other way
    round.
    """
    removed = {removal.hash for removal in scene.removals}
    if not removed:
        return scene
    kept = [download for download in scene.downloads if download.hash not in removed]
    return replace(scene, downloads=kept)


def _removals(scene: Scene) -> Iterator[Step]:
    begun = set(scene.busy)
    for removal in scene.removals:
        if removal.hash in begun:
            continue
        if removal.next_attempt_at > scene.now:
            yield Wait(removal.next_attempt_at)
        else:
            begun.add(removal.hash)
            yield Remove(removal.id)


def _submits(scene: Scene) -> Iterator[Step]:
    waiting = [
        download
        for download in scene.downloads
        if download.phase in {Phase.ACCEPTED, Phase.SUBMITTING}
        and not download.stopped
        and download.hash not in scene.busy
    ]
    due = [download for download in waiting if download.next_attempt_at <= scene.now]
    for download in waiting:
        if download.next_attempt_at > scene.now:
            yield Wait(download.next_attempt_at)
    if due and scene.create_at > scene.now:
        yield Wait(scene.create_at)
        return
    for download in submit_order(due)[: max(0, CREATES - scene.submitting)]:
        yield Submit(download.hash)


def submit_order(downloads: Iterable[Download]) -> Sequence[Download]:
    """Sort the submit queue: forced first, then by priority, and categories take turns."""
    lanes: dict[tuple[bool, int], dict[str, list[Download]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for download in sorted(downloads, key=lambda download: (download.added_at, download.hash)):
        lanes[not download.force_start, download.priority][download.category].append(download)
    return [
        download
        for _, lane in sorted(lanes.items())
        for turn in zip_longest(*(queue for _, queue in sorted(lane.items())))
        for download in turn
        if download is not None
    ]


def _follow(scene: Scene) -> Iterator[Step]:
    followed = [
        download
        for download in scene.downloads
        if download.phase in {Phase.QUEUED, Phase.REMOTE} and download.hash not in scene.busy
    ]
    unsettled = []
    for download in followed:
        news = _news(download, scene)
        if news is not None:
            yield news
        else:
            unsettled.append(download)
    looks = dict(_looks(unsettled, scene))
    yield from looks.values()
    yield from _poll([download for download in unsettled if download.hash not in looks], scene)


def _news(download: Download, scene: Scene) -> Action | None:
    """Draw the conclusion from what TorBox last said, if it allows one."""
    item = _item(download, scene)
    if item is None:
        found = scene.snapshot.item_by_hash(download.hash)
        if found is not None:
            return Promote(download.hash, found.id)
    elif item.ready:
        return Ready(download.hash)
    patience = scene.rules(download.category).patience
    failure = verdict(download, item, patience, _looked_at(download, scene))
    return Fail(download.hash, failure) if failure else None


def _item(download: Download, scene: Scene) -> RemoteItem | None:
    if download.torrent_id is None:
        return None
    return scene.snapshot.items.get(download.torrent_id)


def _looked_at(download: Download, scene: Scene) -> float:
    """Tell when TorBox was last looked through for it, everywhere it may be.

    Nothing before that says that it is gone: not an outage, not a night switched off.
    """
    if download.phase is Phase.QUEUED:
        return min(scene.snapshot.listed_at, scene.snapshot.queue_listed_at)
    return min(scene.snapshot.listed_at, scene.asked.get(download.hash, 0.0))


def _looks(downloads: Iterable[Download], scene: Scene) -> Iterator[tuple[str, Step]]:
    """Follow the youngest by id; and look for those that the list has lost."""
    if scene.list_at > scene.now:
        return
    remote = [download for download in downloads if download.phase is Phase.REMOTE]
    remote.sort(key=lambda download: download.remote_at or 0.0, reverse=True)
    free = LOOKED_AT - _looking(scene)
    for download in remote:
        at = _next_look(download, scene)
        if at is None or download.torrent_id is None or free <= 0:
            continue
        free -= 1
        look = Look(download.hash, download.torrent_id)
        yield download.hash, look if at <= scene.now else Wait(at)


def _looking(scene: Scene) -> int:
    return sum(
        1
        for download in scene.downloads
        if download.phase is Phase.REMOTE and download.hash in scene.busy
    )


def _next_look(download: Download, scene: Scene) -> float | None:
    """Tell when to ask for it by id; None when the shared list is enough."""
    began = download.remote_at or 0.0
    if 0.0 <= scene.now - began <= LOOKS[-1] + RELOOK_SECONDS:
        asked = max(scene.asked.get(download.hash, began), began)
        young = next((began + delay for delay in LOOKS if began + delay > asked), None)
        if young is not None:
            return young
    again = scene.asked.get(download.hash, 0.0) + RELOOK_SECONDS
    return again if again <= scene.now and _lost(download, scene) else None


def _lost(download: Download, scene: Scene) -> bool:
    listed_since = scene.snapshot.listed_at > (download.remote_at or 0.0) + LOOKS[-1]
    return listed_since and download.torrent_id not in scene.snapshot.listed


def _poll(downloads: Collection[Download], scene: Scene) -> Iterator[Step]:
    """Read one list for all of them; slower when there is only seeding to watch."""
    seeding = any(_seeds_still(download, scene) for download in scene.downloads)
    if scene.polling or not (downloads or seeding):
        return
    pause = scene.poll_seconds if downloads else scene.idle_seconds
    at = max(scene.polled_at + pause, scene.list_at)
    if at > scene.now:
        yield Wait(at)
    else:
        yield Poll(queue=any(download.phase is Phase.QUEUED for download in downloads))


def _deliveries(scene: Scene) -> Iterator[Step]:
    waiting = [
        download
        for download in scene.downloads
        if download.phase in {Phase.READY, Phase.DELIVERING}
        and not download.stopped
        and download.hash not in scene.busy
    ]
    free = DELIVERIES - scene.delivering
    waiting.sort(key=lambda download: (not download.force_start, download.priority, download.size))
    for download in waiting:
        if download.next_attempt_at > scene.now:
            yield Wait(download.next_attempt_at)
        elif free > 0:
            free -= 1
            yield Deliver(download.hash)


def _seeds(scene: Scene) -> Iterator[Step]:
    for download in scene.downloads:
        if download.phase is not Phase.DELIVERED or download.hash in scene.busy:
            continue
        if not _seeds_still(download, scene):
            yield Finish(download.hash)


def _seeds_still(download: Download, scene: Scene) -> bool:
    if download.phase is not Phase.DELIVERED:
        return False
    rules = scene.rules(download.category)
    active = _active(download, scene)
    return not seeding_done(rules.seed, download, active=active, now=scene.now)


def _active(download: Download, scene: Scene) -> bool | None:
    """Tell whether TorBox seeds it; None when that cannot be told yet: its list lags behind."""
    listed_at = scene.snapshot.listed_at
    if listed_at <= (download.completed_at or 0.0):
        return None
    item = _item(download, scene)
    if item is not None:
        return item.active
    return None if listed_at < (download.remote_at or 0.0) + GONE_SECONDS else False
