"""Which downloads are created at TorBox next, and when the others may expect their turn.

Forced downloads come first, then the order is by priority, and categories take turns.

A create without an answer is not repeated at once: the hash is first looked for in TorBox's lists,
with one read for all such downloads. With `policy.adopt` every hash is looked for before its first
create, since it may be on the account already.

A category may take only what TorBox has cached. Then TorBox is asked before the create, and a grab
of what it has not cached fails without one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from math import inf

from bridge.core.actions import (
    AttachQueued,
    AttachTorrent,
    CheckCached,
    FailGrab,
    Step,
    Submit,
    Wait,
)
from bridge.core.model import DownloadPhase, Failure, Grab, Reason
from bridge.core.planner_input import LiveDownload, PlannerInput

CHECKED_AT_ONCE = 200
"""Maximum hashes in one question about what is cached."""

ASK_AGAIN_SECONDS = 5.0
"""Seconds until the next look whether a hash without an answer may be asked about again."""

NOT_CACHED = "TorBox has not cached it, and this category takes only what it has"


def submit_steps(known: PlannerInput) -> Iterator[Step]:
    """Yield attachments of items found at TorBox, and the creates that are due."""
    due = []
    for live in _waiting(known):
        found = _found(live, known)
        if found is not None:
            yield found
        elif (at := _next_attempt_at(live, known)) > known.now:
            yield Wait(at)
        elif not _is_unclear(live, known):
            refused = tuple(_refused_grabs(live, known))
            yield from refused
            if not refused:
                due.append(live)
    yield from _check(due, known)
    yield from _creates(due, known)


def _next_attempt_at(live: LiveDownload, known: PlannerInput) -> float:
    again_at = known.create_again_at.get(live.download.hash, 0.0)
    return max(live.download.next_attempt_at, again_at)


def has_unclear_create(known: PlannerInput) -> bool:
    """Return whether TorBox's lists have to show whether a create succeeded."""
    return any(
        live.download.next_attempt_at <= known.now
        and _is_unclear(live, known)
        and _found(live, known) is None
        for live in _waiting(known)
    )


def waits_for_slot(known: PlannerInput) -> bool:
    """Return whether a download waits for a slot: the list shows when a slot becomes free."""
    return known.slot_at > known.now and any(
        live.download.phase is DownloadPhase.NEW and not _needs_no_slot(live, known)
        for live in _waiting(known)
    )


def submit_order(waiting: Iterable[LiveDownload]) -> Sequence[LiveDownload]:
    """Return the submit queue: forced first, then by priority, and categories take turns."""
    lanes: dict[tuple[bool, int], dict[str, list[LiveDownload]]] = defaultdict(
        lambda: defaultdict(list)
    )
    ranked = sorted(((first_grab(live), live) for live in waiting), key=_added)
    for grab, live in ranked:
        lanes[not grab.force_start, grab.priority][grab.category].append(live)
    return [
        live
        for _, lane in sorted(lanes.items(), key=lambda item: item[0])
        # Take one of each category in turn: a Sonarr that grabs a hundred episodes must not make a
        # single film of Radarr wait for all of them.
        for turn in zip_longest(*(queue for _, queue in sorted(lane.items())))
        for live in turn
        if live is not None
    ]


def first_grab(live: LiveDownload) -> Grab:
    """Return the grab that moves its download furthest up the queue."""
    # A stopped grab must not pull its download forward; it counts only when all grabs are stopped.
    started = [grab for grab in live.pending if not grab.stopped] or list(live.grabs)
    return min(started, key=lambda grab: (not grab.force_start, grab.priority, grab.id))


def _added(ranked: tuple[Grab, LiveDownload]) -> tuple[float, int]:
    grab, _ = ranked
    return grab.added_at, grab.id


def expected_turns(known: PlannerInput, forecast: Sequence[float]) -> Mapping[int, float]:
    """Return when each waiting download may expect to be created, by id, as far as that is known.

    `forecast` holds the times at which the rate budget allows creates of uncached torrents,
    earliest first. How long it takes for a slot to become free is not known.
    """
    times, expected = iter(forecast), {}
    for live in submit_order(_waiting(known)):
        if _needs_no_slot(live, known):
            at = known.next_cached_create_at
        elif known.slot_at > known.now:
            continue
        else:
            at = next(times, inf)
        at = max(at, _next_attempt_at(live, known))
        if known.now < at < inf:
            expected[live.download.id] = at
    return expected


def _waiting(known: PlannerInput) -> list[LiveDownload]:
    return [
        live
        for live in known.live
        if live.download.phase in {DownloadPhase.NEW, DownloadPhase.SUBMITTING}
        and live.download.id not in known.busy_downloads
        and any(not grab.stopped for grab in live.pending)
    ]


def _found(live: LiveDownload, known: PlannerInput) -> AttachTorrent | AttachQueued | None:
    """Return the attachment to an item in TorBox's lists: our create made it, or the user adopts it."""
    download, snapshot = live.download, known.snapshot
    if download.phase is not DownloadPhase.SUBMITTING and not _adopts(live, known):
        return None
    # A list that was read before the create began cannot show its result.
    if snapshot.listed_at >= download.phase_at:
        item = snapshot.item_by_hash(download.hash)
        # `items` also holds items that were read by id, which the list may have dropped since.
        if item is not None and item.id in snapshot.listed:
            return AttachTorrent(download.id, item.id)
    if snapshot.queue_listed_at >= download.phase_at:
        entry = snapshot.queued_by_hash(download.hash)
        if entry is not None:
            return AttachQueued(download.id, entry.id)
    return None


def _is_unclear(live: LiveDownload, known: PlannerInput) -> bool:
    """Return whether TorBox may have the torrent without our knowledge: by our create, or by others."""
    download = live.download
    if download.phase is not DownloadPhase.SUBMITTING and not _adopts(live, known):
        return False
    # An item is in exactly one of the two lists, and for a moment in neither while it leaves the
    # queue: both have to be newer than the create.
    searched_at = min(known.snapshot.listed_at, known.snapshot.queue_listed_at)
    return searched_at < max(download.lookup_until, download.phase_at)


def _adopts(live: LiveDownload, known: PlannerInput) -> bool:
    return any(known.rules_of(grab).adopt for grab in live.pending)


def _refused_grabs(live: LiveDownload, known: PlannerInput) -> Iterator[FailGrab]:
    """Fail the grabs that take only what TorBox has cached, once it says that it has not."""
    if known.cached.get(live.download.hash, None) is not False:
        return
    for grab in live.pending:
        if known.rules_of(grab).cached_only:
            yield FailGrab(grab.id, Failure(Reason.NOT_CACHED, NOT_CACHED))


def _check(due: Iterable[LiveDownload], known: PlannerInput) -> Iterator[Step]:
    """Ask TorBox what is cached: for grabs that need it, and while creates are scarce for all."""
    due = [live for live in due if _check_first(live, known)]
    unknown = [live.download.hash for live in due if live.download.hash not in known.cached]
    if len(unknown) < len(due):
        yield Wait(known.now + ASK_AGAIN_SECONDS)
    if not unknown or known.checking_cached:
        return
    if known.list_at > known.now:
        yield Wait(known.list_at)
    else:
        yield CheckCached(tuple(unknown[:CHECKED_AT_ONCE]))


def _creates(due: Iterable[LiveDownload], known: PlannerInput) -> Iterator[Step]:
    """Create what is due. Creates that failed before go after those that were never tried."""
    free = known.max_creates - known.submitting
    for live in sorted(submit_order(due), key=lambda live: live.download.attempts > 0):
        if _check_first(live, known):
            continue
        cached = _needs_no_slot(live, known)
        # TorBox counts only uncached creates against its 60 an hour, and a cached one takes no
        # slot.
        at = known.next_cached_create_at if cached else max(known.next_create_at, known.slot_at)
        if at > known.now:
            yield Wait(at)
        elif free > 0:
            free -= 1
            yield Submit(live.download.id, cached=cached)
        elif known.now < known.next_place_at < inf:
            yield Wait(known.next_place_at)


def _check_first(live: LiveDownload, known: PlannerInput) -> bool:
    """Return whether the cache check must be answered before the create is sent."""
    if _cached_only(live, known):
        return known.cached.get(live.download.hash) is None
    return known.creates_are_scarce and live.download.hash not in known.cached


def _needs_no_slot(live: LiveDownload, known: PlannerInput) -> bool:
    """Return whether its create is known to need neither the hourly budget nor a slot."""
    return bool(known.cached.get(live.download.hash)) or _cached_only(live, known)


def _cached_only(live: LiveDownload, known: PlannerInput) -> bool:
    """Return whether a grab of the download accepts only torrents that TorBox has cached."""
    return any(known.rules_of(grab).cached_only for grab in live.pending)
