"""Which downloads are created on TorBox next, and when the others may expect their turn.

The submit queue: forced first, then by priority, and categories take turns. A download whose
create went unanswered is looked for in TorBox's lists, one look for all, before it is sent again;
so is, where the user wants it, what may be on the account from elsewhere.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from math import inf

from bridge.core.actions import CheckCached, Enqueue, Promote, Step, Submit, Wait
from bridge.core.model import Download, Phase
from bridge.core.scene import Scene

CHECKED_AT_ONCE = 200
"""Hashes in one question for what is cached."""


def submits(scene: Scene) -> Iterator[Step]:
    """Take over what turned out to be there, and create what is due."""
    due = []
    for download in _waiting(scene):
        found = _found(download, scene)
        if found is not None:
            yield found
        elif download.next_attempt_at > scene.now:
            yield Wait(download.next_attempt_at)
        elif not _unclear(download, scene):
            due.append(download)
    yield from _check(due, scene)
    yield from _creates(due, scene)


def unclear(scene: Scene) -> bool:
    """Tell whether TorBox's lists have to say what became of a create."""
    return any(
        download.next_attempt_at <= scene.now
        and _unclear(download, scene)
        and _found(download, scene) is None
        for download in _waiting(scene)
    )


def slotless(scene: Scene) -> bool:
    """Tell whether a download waits for a slot: the list shows when one gets free."""
    return scene.slot_at > scene.now and any(
        download.phase is Phase.ACCEPTED and not _cached(download, scene)
        for download in _waiting(scene)
    )


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


def turns(scene: Scene, forecast: Sequence[float]) -> Mapping[str, float]:
    """Tell when each waiting download may expect to be created, where that is known.

    `forecast` holds the times that the budget has for creates of what is not cached, the earliest
    first. How long a slot takes to get free is not known.
    """
    times, expected = iter(forecast), {}
    for download in submit_order(_waiting(scene)):
        if _cached(download, scene):
            at = scene.cached_at
        elif scene.slot_at > scene.now:
            continue
        else:
            at = next(times, inf)
        at = max(at, download.next_attempt_at)
        if scene.now < at < inf:
            expected[download.hash] = at
    return expected


def _waiting(scene: Scene) -> list[Download]:
    return [
        download
        for download in scene.downloads
        if download.phase in {Phase.ACCEPTED, Phase.SUBMITTING}
        and not download.stopped
        and download.hash not in scene.busy
    ]


def _found(download: Download, scene: Scene) -> Promote | Enqueue | None:
    """Find what a create made, or what is to be adopted, in lists that were read since."""
    if download.phase is not Phase.SUBMITTING and not _adopts(download, scene):
        return None
    snapshot = scene.snapshot
    if snapshot.listed_at >= download.phase_at:
        item = snapshot.item_by_hash(download.hash)
        if item is not None and item.id in snapshot.listed:
            return Promote(download.hash, item.id)
    if snapshot.queue_listed_at >= download.phase_at:
        entry = snapshot.queued_by_hash(download.hash)
        if entry is not None:
            return Enqueue(download.hash, entry.id)
    return None


def _unclear(download: Download, scene: Scene) -> bool:
    """Tell whether TorBox may have it unseen: by a create of ours, or from elsewhere."""
    if download.phase is not Phase.SUBMITTING and not _adopts(download, scene):
        return False
    searched_at = min(scene.snapshot.listed_at, scene.snapshot.queue_listed_at)
    return searched_at < max(download.lookup_until, download.phase_at)


def _adopts(download: Download, scene: Scene) -> bool:
    return scene.rules(download.category).adopt


def _check(due: Iterable[Download], scene: Scene) -> Iterator[Step]:
    """Where creates are scarce, ask first which of them need none of the scarce kind."""
    unknown = [download.hash for download in due if _unknown(download, scene)]
    if not unknown or scene.checking:
        return
    if scene.list_at > scene.now:
        yield Wait(scene.list_at)
    else:
        yield CheckCached(tuple(unknown[:CHECKED_AT_ONCE]))


def _creates(due: Iterable[Download], scene: Scene) -> Iterator[Step]:
    free = scene.creates - scene.submitting
    for download in submit_order(due):
        if _unknown(download, scene):
            continue
        cached = _cached(download, scene)
        at = scene.cached_at if cached else max(scene.create_at, scene.slot_at)
        if at > scene.now:
            yield Wait(at)
        elif free > 0:
            free -= 1
            yield Submit(download.hash, cached=cached)


def _unknown(download: Download, scene: Scene) -> bool:
    cached_only = scene.rules(download.category).cached_only
    return scene.scarce and not cached_only and download.hash not in scene.cached


def _cached(download: Download, scene: Scene) -> bool:
    """Tell whether a create of it is known to need neither the hourly budget nor a slot."""
    return scene.cached.get(download.hash, False) or scene.rules(download.category).cached_only
