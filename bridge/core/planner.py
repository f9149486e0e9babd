"""Decides what to do next: a pure function of what is known. The engine performs its actions.

Each phase yields an action, or the time at which it has to be looked at again. A download or grab
that yields neither is stopped, busy, or done.

| download | next |
| --- | --- |
| new | Submit, when the rate budget, a slot and its own next attempt allow it; Reuse when its item is kept |
| submitting | look it up in the list and the queue: Attach... if it is there, else Submit again |
| queued | the list and the queue: AttachTorrent when it appears under a torrent_id |
| active | RefreshItem while young, and the list: PlanFiles, Attach..., Reannounce or Fail... |
| ready | its grabs |

| grab | next |
| --- | --- |
| waiting, delivering | wait until its download is ready; then Deliver |
| delivered | Finish when the seed rule is met |
| finished | CleanUp where the settings ask for it |

While TorBox does not answer, a single list is the only call that is made. Its result decides
whether anything else is sent.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from math import inf

import msgspec
from msgspec.structs import replace

from bridge.core.actions import (
    Action,
    AttachQueued,
    AttachTorrent,
    Deliver,
    FailDownload,
    FailGrab,
    Finish,
    LookUpMetadata,
    PlanFiles,
    Reannounce,
    RefreshItem,
    RefreshList,
    Reuse,
    RunJob,
    RunRemovals,
    Step,
    Wait,
)
from bridge.core.cleanup_rules import cleanup_steps, stray_deletions, strays_list_at
from bridge.core.failover_schedule import next_failover
from bridge.core.model import (
    COMPLETE,
    Download,
    DownloadPhase,
    Entry,
    Failover,
    Grab,
    GrabPhase,
    Job,
    MetadataLookup,
    Recheck,
    RemoteItem,
    Removal,
)
from bridge.core.modes import FETCHING
from bridge.core.patience import (
    GONE_MISSES,
    GONE_SECONDS,
    REVIVABLE,
    failure_at_torbox,
    failure_by_rules,
    is_list_incomplete,
    is_reviving,
)
from bridge.core.planner_input import MAX_DELIVERIES, LiveDownload, PlannerInput
from bridge.core.seeding import seeding_done
from bridge.core.submit_queue import has_unclear_create, submit_steps, waits_for_slot

FIRST_LOOKS = (0.5, 1.5, 3.5)
"""A young item is looked up by id at these seconds after its torrent_id became known, then at the
list's pace. An item that TorBox called cached is looked up immediately as well.
"""

YOUNG_SECONDS = 300.0
"""How long an item is looked up by id. TorBox's list may be minutes old (its answers are cached for
up to 10 minutes), but the answer for one id is fresh.
"""

REMOVALS_AT_ONCE = 20
"""Each is a task that writes to the database: thousands would make every other write wait. More
than these are performed together, if they leave TorBox alone.
"""
RECHECKS_AT_ONCE = 20
"""Each looks at the disk, and writes to the database."""
METADATA_TOGETHER = 5.0
"""Seconds. A lookup of metadata takes along what is due so soon after it."""
MOST_REFRESHED = 4
"""Maximum number of items looked up by id at the same time; for more, the list is cheaper."""

LOST_SECONDS = 60.0
"""Seconds between two lookups by id of an item that the list does not show."""


class Plan(msgspec.Struct, frozen=True):
    """The actions to perform now, and when to plan again (infinity: when something changes)."""

    actions: tuple[Action, ...]
    wake_at: float


def plan(known: PlannerInput) -> Plan:
    """Return the plan. Deterministic; a download or a grab gets at most one action."""
    # Removals come first: what they are about to delete is left out of the rest.
    jobs = tuple(_jobs(known))
    rest = _without_removed(known)
    steps = tuple(chain(jobs, _reuses(known), stray_deletions(known), _work(rest)))
    waits = [step.until for step in steps if isinstance(step, Wait)] + [known.next_cleanup_at]
    actions = tuple(step for step in steps if not isinstance(step, Wait))
    return Plan(actions, min(waits, default=inf))


def _work(known: PlannerInput) -> Iterator[Step]:
    if known.probe_at is not None:
        return chain(
            # Hard links and finishing need no answer of TorBox, so an outage does not delay them.
            _deliveries(known, linked_only=True),
            _finishes(known),
            _probe(known, known.probe_at),
        )
    return chain(
        submit_steps(known),
        _follow(known),
        _deliveries(known),
        _finishes(known),
        cleanup_steps(known),
    )


# Jobs


def _jobs(known: PlannerInput) -> Iterator[Step]:
    yield from _removals(known)
    yield from next_failover(known)
    yield from _metadata(known)
    rechecks = sum(isinstance(job.task, Recheck) for job in known.jobs if job.id in known.busy_jobs)
    for job in known.jobs:
        if isinstance(job.task, Removal | Failover | MetadataLookup) or job.id in known.busy_jobs:
            continue
        if job.next_attempt_at > known.now:
            yield Wait(job.next_attempt_at)
            continue
        if isinstance(job.task, Recheck):
            rechecks += 1
            if rechecks > RECHECKS_AT_ONCE:
                continue  # the end of each makes another plan
        yield RunJob(job.id)


def _removals(known: PlannerInput) -> Iterator[Step]:
    """Yield the removals: one at a time per hash, and not while the grab or its item is in use."""
    begun = {
        job.subject
        for job in known.jobs
        if isinstance(job.task, Removal) and job.id in known.busy_jobs
    }
    places = REMOVALS_AT_ONCE - len(begun)
    local, others = list[int](), list[int]()
    for job in known.jobs if places > 0 else ():  # the end of each makes another plan
        if not isinstance(job.task, Removal) or job.subject in begun:
            continue
        # A fetch may still write files and a create may still be in flight: a deletion before
        # their end would miss what they leave behind.
        if job.task.grab_id in known.busy_grabs or _is_used(job, known):
            continue
        # During an outage the first attempt is made nevertheless, because it deletes the files on
        # disk. Further attempts wait for the end of the outage.
        if known.probe_at is not None and job.attempts:
            continue
        if job.next_attempt_at > known.now:
            yield Wait(job.next_attempt_at)
        else:
            begun.add(job.subject)
            (others if job.task.asks_torbox else local).append(job.id)
    if len(local) > places:
        yield RunRemovals(tuple(local))
        local = []
    yield from map(RunJob, (local + others)[: max(places, 0)])


def _is_used(job: Job, known: PlannerInput) -> bool:
    """Return whether a task is using the item that a removal deletes at TorBox."""
    return _takes_remote(job) and job.subject in known.busy_hashes


def _reuses(known: PlannerInput) -> Iterator[Step]:
    """Yield a Reuse for each new download whose hash was removed recently and is still at TorBox."""
    if known.probe_at is not None:
        return
    kept = {
        job.subject: job
        for job in known.jobs
        if isinstance(job.task, Removal) and job.task.kept_until > known.now
    }
    for live in known.live if kept else ():
        job, download = kept.get(live.download.hash), live.download
        if job is None or job.id in known.busy_jobs or download.id in known.busy_downloads:
            continue
        if download.phase is not DownloadPhase.NEW or all(one.stopped for one in live.pending):
            continue
        # Another removal of the hash may be about to delete the same item.
        if any(
            _takes_remote(one) and one.subject == job.subject for one in known.jobs if one != job
        ):
            continue
        if job.next_attempt_at <= known.now:
            continue  # it is being deleted
        at = max(download.next_attempt_at, known.list_at)
        yield Wait(at) if at > known.now else Reuse(download.id, job.id)


def _metadata(known: PlannerInput) -> Iterator[Step]:
    """Yield one lookup of all magnets that are due; nothing while TorBox does not answer."""
    waiting = [
        job
        for job in known.jobs
        if isinstance(job.task, MetadataLookup) and job.id not in known.busy_jobs
    ]
    if not waiting or known.probe_at is not None:
        return
    first = min(job.next_attempt_at for job in waiting)
    if first > known.now:
        yield Wait(first)
        return
    # Magnets that were added one after another share a lookup, a plan and a commit.
    latest = known.now + METADATA_TOGETHER
    yield LookUpMetadata(tuple(job.id for job in waiting if job.next_attempt_at <= latest))
    yield from (Wait(job.next_attempt_at) for job in waiting if job.next_attempt_at > latest)


def _without_removed(known: PlannerInput) -> PlannerInput:
    """Return the input without downloads that a pending removal could hit.

    A hash that was added again must not be attached to the item that is being deleted, and the new
    item must not be deleted. Other grabs of the hash continue, unless they have the same save path.
    """
    removals: dict[str, list[Job]] = {}
    for job in known.jobs:
        if isinstance(job.task, Removal):
            removals.setdefault(job.subject, []).append(job)
    if not removals:
        return known
    live, busy_grabs = [], set(known.busy_grabs)
    for one in known.live:
        about = removals.get(one.download.hash, ())
        # The new download would be attached to the item that the removal is about to delete.
        if any(_takes_remote(job) for job in about):
            continue
        live.append(one)
        busy_grabs |= {
            grab.id for grab in one.grabs if any(_is_in_the_way(job, grab) for job in about)
        }
    return replace(known, live=live, busy_grabs=frozenset(busy_grabs))


def _takes_remote(job: Job) -> bool:
    return isinstance(job.task, Removal) and not job.task.keeps_remote


def _is_in_the_way(job: Job, grab: Grab) -> bool:
    return isinstance(job.task, Removal) and job.task.save_path == grab.save_path


# Following at TorBox


def _probe(known: PlannerInput, at: float) -> Iterator[Step]:
    """Yield one list. Everything else waits for TorBox's answer to it."""
    if not known.polling:
        yield _list_at(max(at, known.list_at), known)


def _list_at(at: float, known: PlannerInput) -> Step:
    return Wait(at) if at > known.now else RefreshList(queue=_queue_matters(known))


def _queue_matters(known: PlannerInput) -> bool:
    """Return whether TorBox's queue may hold an item that is ours or that is to adopt."""
    return any(
        live.download.phase in {DownloadPhase.QUEUED, DownloadPhase.SUBMITTING}
        # An item that is no longer found under its torrent_id may be back in TorBox's queue.
        or (live.download.phase is DownloadPhase.ACTIVE and live.download.misses > 0)
        or (
            live.download.phase is DownloadPhase.NEW
            and any(known.rules_of(grab).adopt for grab in live.pending)
        )
        for live in known.live
    )


def _follow(known: PlannerInput) -> Iterator[Step]:
    followed = [
        live
        for live in known.live
        if live.download.id not in known.busy_downloads and _is_followed(live)
    ]
    unsettled = []
    for live in followed:
        news = _news(live, known)
        if news is not None:
            yield news
        else:
            unsettled.append(live)
            yield from (
                Wait(grab.next_attempt_at)
                for grab in live.waiting
                if _waits_for_side_files(grab) and grab.next_attempt_at > known.now
            )
    refreshes = dict(_refreshes(unsettled, known))
    yield from refreshes.values()
    yield from _lists([live for live in unsettled if live.download.id not in refreshes], known)


def _is_followed(live: LiveDownload) -> bool:
    """Return whether TorBox is still working on it, or its file list is incomplete."""
    if not live.pending:
        return False
    if live.download.phase in {DownloadPhase.QUEUED, DownloadPhase.ACTIVE}:
        return True
    return live.download.phase is DownloadPhase.READY and any(map(_is_held, live.waiting))


def _is_held(grab: Grab) -> bool:
    """Return whether TorBox's file list lacked files that the grab wants."""
    return grab.phase is GrabPhase.WAITING and grab.incomplete_list_bytes >= 0


def _waits_for_side_files(grab: Grab) -> bool:
    """Return whether a held grab lacks nothing but what it goes without from a certain time on."""
    return _is_held(grab) and grab.next_attempt_at > 0.0


def _news(live: LiveDownload, known: PlannerInput) -> Action | None:
    """Return the action that TorBox's latest report demands, if any."""
    download, item = live.download, _item(live.download, known)
    if item is None:
        # Only a list that was read after the phase began counts: an older list still shows the item
        # that this download had before.
        found = known.snapshot.item_by_hash(download.hash)
        if found is not None and known.snapshot.listed_at >= download.phase_at:
            return AttachTorrent(download.id, found.id)
        queued_id = _queued_again(download, known)
        if queued_id is not None:
            return AttachQueued(download.id, queued_id)
    elif item.ready and _can_plan(live, item, known.now):
        return PlanFiles(download.id)
    failure = failure_at_torbox(
        download,
        item,
        _looked_at(download, item, known),
        steady_since=known.steady_since,
        offset_seconds=known.offset_seconds,
    )
    if failure is not None:
        return FailDownload(download.id, failure)
    return _given_up(live, item, known) if item is not None else None


def _can_plan(live: LiveDownload, item: RemoteItem, now: float) -> bool:
    """Return whether a look at the files of a ready item would bring anything new."""
    if live.download.phase is DownloadPhase.READY:
        return any(
            not is_list_incomplete(grab, item)
            or (_waits_for_side_files(grab) and grab.next_attempt_at <= now)
            for grab in live.waiting
            if _is_held(grab)
        )
    return any(not is_list_incomplete(grab, item) for grab in live.pending)


def _given_up(live: LiveDownload, item: RemoteItem, known: PlannerInput) -> Action | None:
    """Return the failure of the first grab whose category's patience is over, or a reannounce.

    Once the download is ready, only grabs whose files TorBox does not list are checked.
    """
    download = live.download
    if download.phase not in {DownloadPhase.ACTIVE, DownloadPhase.READY}:
        return None
    for grab in live.waiting:
        held = _is_held(grab)
        if download.phase is DownloadPhase.READY and (not held or _waits_for_side_files(grab)):
            continue
        patience = known.rules_of(grab).patience
        failure = failure_by_rules(download, grab, item, patience)
        if failure is None:
            continue
        if failure.reason in REVIVABLE:
            # A reannounce may find other peers and costs one call, so it comes before the failure.
            if download.reannounced_at < 0.0:
                return Reannounce(download.id)
            if is_reviving(download, failure, patience):
                continue
        return FailGrab(grab.id, failure)
    return None


def _item(download: Download, known: PlannerInput) -> RemoteItem | None:
    if download.torrent_id is None:
        return None
    return known.snapshot.items.get(download.torrent_id)


def _queued_again(download: Download, known: PlannerInput) -> int | None:
    """Return the queued_id under which an item lost its torrent_id, if a newer queue shows it."""
    asked = known.last_lookup_at.get(download.id, inf)
    if download.phase is not DownloadPhase.ACTIVE or not download.misses:
        return None
    entry = known.snapshot.queued_by_hash(download.hash)
    return entry.id if entry and known.snapshot.queue_listed_at > asked else None


def _looked_at(download: Download, item: RemoteItem | None, known: PlannerInput) -> float:
    """Return when TorBox showed the item, or when it was last searched everywhere.

    The item cannot count as gone because of time before that: there may have been an outage.
    """
    asked = known.last_lookup_at.get(download.id, 0.0)
    if item is not None:
        # Neither the list nor the lookup by id is enough alone: each may lag behind.
        return max(known.snapshot.listed_at, asked)
    # The item may have moved between list and queue: the search is over when both were read.
    listed_at = min(known.snapshot.listed_at, known.snapshot.queue_listed_at)
    return listed_at if download.phase is DownloadPhase.QUEUED else min(listed_at, asked)


def _refreshes(
    downloads: Iterable[LiveDownload], known: PlannerInput
) -> Iterator[tuple[int, Step]]:
    """Yield lookups by id of the youngest items, and of items missing from the list."""
    if known.list_at > known.now:
        return
    active = [
        live.download for live in downloads if live.download.phase is not DownloadPhase.QUEUED
    ]
    # A new item is the most likely to change state next, above all a cached one.
    active.sort(key=lambda download: download.remote_at or 0.0, reverse=True)
    free = MOST_REFRESHED - known.refreshing
    for download in active:
        at = _next_refresh(download, known)
        if at is None or download.torrent_id is None or free <= 0:
            continue
        free -= 1
        refresh = RefreshItem(download.id, download.torrent_id)
        yield download.id, refresh if at <= known.now else Wait(at)


def _next_refresh(download: Download, known: PlannerInput) -> float | None:
    """Return when to look the item up by id, or None when the list is enough."""
    began = download.remote_at or 0.0
    if 0.0 <= known.now - began <= YOUNG_SECONDS:
        asked = known.last_lookup_at.get(download.id, -inf)
        if asked < began:
            return began if download.known_cached else began + FIRST_LOOKS[0]
        soon = next((began + delay for delay in FIRST_LOOKS if began + delay > asked), None)
        steady = asked + known.active_seconds
        return steady if soon is None else min(soon, steady)
    again = known.last_lookup_at.get(download.id, 0.0) + LOST_SECONDS
    return again if again <= known.now and _is_lost(download, known) else None


def _is_lost(download: Download, known: PlannerInput) -> bool:
    listed_since = known.snapshot.listed_at > (download.remote_at or 0.0) + LOST_SECONDS
    return listed_since and download.torrent_id not in known.snapshot.listed


def _lists(downloads: Collection[LiveDownload], known: PlannerInput) -> Iterator[Step]:
    """Yield a single list for all that needs it, at the shortest pause that is needed."""
    if known.polling:
        return
    pause = _list_pause(downloads, known)
    if pause is not None:
        yield _list_at(max(known.polled_at + pause, known.list_at), known)
        return
    strays_at = strays_list_at(known)
    if strays_at is not None:
        yield _list_at(max(known.polled_at + known.idle_seconds, known.list_at, strays_at), known)


def _list_pause(downloads: Collection[LiveDownload], known: PlannerInput) -> float | None:
    """Return the pause between lists in seconds, or None when nothing needs a list."""
    if downloads or has_unclear_create(known) or waits_for_slot(known):
        return known.poll_seconds
    seeding = any(
        _seeds_still(Entry(live.download, grab), known)
        for live in known.live
        for grab in live.grabs
    )
    return max(known.idle_seconds, known.poll_seconds) if seeding else None


# Delivering and seeding


def _deliveries(known: PlannerInput, *, linked_only: bool = False) -> Iterator[Step]:
    free = MAX_DELIVERIES - len(known.delivering)
    due = [
        (live, grab)
        for live in known.live
        if live.download.phase is DownloadPhase.READY
        for grab in live.pending
        if not grab.stopped
        and grab.id not in known.busy_grabs
        and not _is_held(grab)
        and not _is_ending(live, known)
    ]
    # Small grabs first: an episode should not wait behind a season pack.
    due.sort(key=lambda one: (not one[1].force_start, one[1].priority, one[1].size, one[1].id))
    fetching: dict[int, set[str]] = {}
    for live, grab in due:
        sources = _link_sources(live, grab, known)
        if linked_only and not sources:
            continue
        links_at = 0.0 if sources else known.link_at
        at = max(grab.next_attempt_at, links_at)
        if at > known.now:
            yield Wait(at)
            continue
        mode = known.mode_of(grab)
        if not sources and mode in FETCHING:
            begun = fetching.setdefault(live.download.id, _modes_being_fetched(live, known))
            if mode in begun:
                # Two fetches of the same bytes would cost double: when the first ends, it wakes
                # the plan, and this grab gets hard links.
                continue
            begun.add(mode)
        if free > 0:
            free -= 1
            yield Deliver(grab.id, sources)


def _is_ending(live: LiveDownload, known: PlannerInput) -> bool:
    """Return whether a task of a removed grab has not ended yet.

    Its staging directory may have been handed over to a waiting grab for the same files.
    """
    if live.download.hash not in known.busy_hashes or live.download.id in known.busy_downloads:
        return False
    return not any(grab.id in known.busy_grabs for grab in live.grabs)


def _link_sources(live: LiveDownload, grab: Grab, known: PlannerInput) -> tuple[int, ...]:
    """Return the grabs of the same download whose files can be hard-linked."""
    # A grab with attempts has files of its own in its staging directory: it goes on with those.
    if known.mode_of(grab) not in FETCHING or grab.phase is not GrabPhase.WAITING or grab.attempts:
        return ()
    return tuple(
        other.id
        for other in live.grabs
        if other.id != grab.id
        and other.phase in COMPLETE
        and not other.missing_files
        and other.delivery_mode in FETCHING
    )


def _modes_being_fetched(live: LiveDownload, known: PlannerInput) -> set[str]:
    """Return the modes in which the files of a download are being fetched."""
    return {known.mode_of(grab) for grab in live.pending if grab.id in known.delivering}


def _finishes(known: PlannerInput) -> Iterator[Step]:
    """Yield the grabs that are done seeding. A finished grab remains a source for hard links."""
    for live in known.live:
        for grab in live.grabs:
            done = grab.phase is GrabPhase.DELIVERED and grab.id not in known.busy_grabs
            if done and not _seeds_still(Entry(live.download, grab), known):
                yield Finish(grab.id)


def _seeds_still(entry: Entry, known: PlannerInput) -> bool:
    if entry.grab.phase is not GrabPhase.DELIVERED:
        return False
    rules = known.rules_of(entry.grab)
    active = _is_seeding_at_torbox(entry, known)
    return not seeding_done(rules.seed, entry, active=active, now=known.now)


def _is_seeding_at_torbox(entry: Entry, known: PlannerInput) -> bool | None:
    """Return whether TorBox seeds it; None while its list is too old to tell."""
    download, listed_at = entry.download, known.snapshot.listed_at
    completed_at = entry.grab.completed_at or 0.0
    # A time in the future is of a clock that was put back since: any list is newer.
    if listed_at <= completed_at <= known.now:
        return None
    item = _item(download, known)
    if item is not None:
        return item.active
    young = listed_at < (download.remote_at or 0.0) + GONE_SECONDS
    # TorBox's list may lag by minutes, so a young item that it does not show may well be seeding.
    return None if young or download.misses < GONE_MISSES else False
