"""What to do next. A pure function from what is known to actions; the engine carries them out.

Every download that is not final has an owner here: each phase yields either an action or the time
at which it has to be looked at again. A download that yields neither is stopped, busy, or done.

| phase | owner |
| --- | --- |
| accepted | Submit, when the budget, a slot and its own next attempt allow |
| submitting | the shared list and the queue: Promote or Enqueue when it is there, else Submit again |
| queued | the shared list and the queue list: Promote when it shows up under a torrent_id |
| remote | Look by id while young, then the shared list: Ready, Promote, Reannounce or Fail |
| ready, delivering | Deliver |
| delivered, finished | Share with who asked for it later; Finish when the seed rule is met |
| failed | FailOver, where an *arr can be told |

While TorBox gives no answer, a single poll is the owner of all of them: what it finds out decides
whether anything else is asked.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from math import inf

from bridge.core.actions import (
    Action,
    Deliver,
    Enqueue,
    Fail,
    Finish,
    Look,
    Poll,
    Promote,
    Ready,
    Reannounce,
    Remove,
    Share,
    Step,
    Wait,
)
from bridge.core.claims import seen_by
from bridge.core.cleanup import clean_ups, look_for_strays_at, reclaims
from bridge.core.failover import failovers
from bridge.core.follow import (
    GONE_MISSES,
    GONE_SECONDS,
    REVIVABLE,
    incomplete,
    reviving,
    verdict,
)
from bridge.core.model import Download, Phase, RemoteItem, Removal
from bridge.core.scene import DELIVERIES, Scene
from bridge.core.seeding import seeding_done
from bridge.core.submitting import slotless, submits, unclear

LOOKS = (0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 60.0)
"""Seconds after the torrent_id is known at which it is asked for by id."""

LOOKED_AT = 4
"""Downloads followed by id at one time; when there are more, the shared list is cheaper."""

RELOOK_SECONDS = 60.0
"""Pause between two looks for an item that the list does not show."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and when to think again (infinity: when something happens)."""

    actions: tuple[Action, ...]
    wake_at: float


def plan(scene: Scene) -> Plan:
    """Decide. The same scene gives the same plan, and no hash more than one thing to do at a time."""
    removals = tuple(_removals(scene))
    rest = _without_removed(scene, removals)
    steps = tuple(chain(removals, reclaims(scene), failovers(scene), _work(rest)))
    waits = [step.until for step in steps if isinstance(step, Wait)]
    actions = tuple(step for step in steps if not isinstance(step, Wait))
    return Plan(actions, min(waits, default=inf))


def _work(scene: Scene) -> Iterator[Step]:
    if scene.probe_at is not None:
        return chain(_shares(scene), _seeds(scene), _probe(scene, scene.probe_at))
    return chain(
        submits(scene),
        _follow(scene),
        _deliveries(scene),
        _shares(scene),
        _seeds(scene),
        clean_ups(scene),
    )


def _probe(scene: Scene, at: float) -> Iterator[Step]:
    """Ask TorBox one thing. Everything else waits for the answer."""
    if not scene.polling:
        yield _poll_at(max(at, scene.list_at), scene)


def _poll_at(at: float, scene: Scene) -> Step:
    return Wait(at) if at > scene.now else Poll(queue=_queue_matters(scene))


def _queue_matters(scene: Scene) -> bool:
    """Tell whether anything of ours, or that is to be adopted, may stand in TorBox's queue."""
    return any(
        download.phase in {Phase.QUEUED, Phase.SUBMITTING}
        or (download.phase is Phase.ACCEPTED and scene.rules(download.category).adopt)
        or (download.phase is Phase.REMOTE and download.misses > 0)
        for download in scene.downloads
    )


def _without_removed(scene: Scene, begun: Iterable[Step]) -> Scene:
    """Leave a hash alone while something of it is still to be removed; it wakes with the removal.

    What was added anew under the hash must not be taken for what has to go, nor the other way
    round. What is in nobody's way goes on between two attempts, but not during one that is `begun`.
    """
    if not scene.removals:
        return scene
    ids = {step.removal_id for step in begun if isinstance(step, Remove)}
    busy = scene.busy | {removal.hash for removal in scene.removals if removal.id in ids}
    kept = [
        download
        for download in scene.downloads
        if not any(_in_the_way(removal, download, scene) for removal in scene.removals)
    ]
    return replace(scene, downloads=kept, busy=busy)


def _in_the_way(removal: Removal, download: Download, scene: Scene) -> bool:
    """Tell whether a removal could hit what is done for the download meanwhile.

    Of one who left while others go on only files are removed, and only where they lay.
    """
    if removal.hash != download.hash:
        return False
    claims = scene.claims.get(download.hash, ())
    paths = {download.save_path, *(claim.save_path for claim in claims)}
    return not removal.files_only or removal.save_path in paths


def _removals(scene: Scene) -> Iterator[Step]:
    begun = set(scene.busy)
    for removal in scene.removals:
        if removal.hash in begun:
            continue
        if scene.probe_at is not None and removal.attempts:
            continue
        if removal.next_attempt_at > scene.now:
            yield Wait(removal.next_attempt_at)
        else:
            begun.add(removal.hash)
            yield Remove(removal.id)


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
        if found is not None and scene.snapshot.listed_at >= download.phase_at:
            return Promote(download.hash, found.id)
        queued_id = _queued_again(download, scene)
        if queued_id is not None:
            return Enqueue(download.hash, queued_id)
    elif item.ready and not incomplete(download, item):
        return Ready(download.hash)
    patience = scene.rules(download.category).patience
    failure = verdict(download, item, patience, _looked_at(download, item, scene))
    if failure is None or failure.reason not in REVIVABLE:
        return Fail(download.hash, failure) if failure else None
    if download.reannounced_at < 0.0:
        return Reannounce(download.hash)
    return None if reviving(download, failure, patience) else Fail(download.hash, failure)


def _item(download: Download, scene: Scene) -> RemoteItem | None:
    if download.torrent_id is None:
        return None
    return scene.snapshot.items.get(download.torrent_id)


def _queued_again(download: Download, scene: Scene) -> int | None:
    """Find what is no longer under its id in TorBox's queue, as far as that was read since."""
    asked = scene.asked.get(download.hash, inf)
    if download.phase is not Phase.REMOTE or not download.misses:
        return None
    entry = scene.snapshot.queued_by_hash(download.hash)
    return entry.id if entry and scene.snapshot.queue_listed_at > asked else None


def _looked_at(download: Download, item: RemoteItem | None, scene: Scene) -> float:
    """Tell when TorBox showed the item, or was last looked through for it, wherever it may be.

    Nothing before that says that it is gone: not an outage, not a night switched off.
    """
    asked = scene.asked.get(download.hash, 0.0)
    if item is not None:
        return max(scene.snapshot.listed_at, asked)
    listed_at = min(scene.snapshot.listed_at, scene.snapshot.queue_listed_at)
    return listed_at if download.phase is Phase.QUEUED else min(listed_at, asked)


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
    """Read one list for all that is wanted of it, at the pace of who is most in a hurry."""
    if scene.polling:
        return
    pause = _pause(downloads, scene)
    if pause is not None:
        yield _poll_at(max(scene.polled_at + pause, scene.list_at), scene)
        return
    strays_at = look_for_strays_at(scene)
    if strays_at is not None:
        yield _poll_at(max(scene.polled_at + scene.idle_seconds, scene.list_at, strays_at), scene)


def _pause(downloads: Collection[Download], scene: Scene) -> float | None:
    """Tell how far apart the lists have to be; None when nobody wants one."""
    if unclear(scene):
        return scene.brisk_seconds
    if downloads or slotless(scene):
        return scene.poll_seconds
    seeding = any(
        _seeds_still(seen, scene)
        for download in scene.downloads
        for _, seen in _everyone(download, scene)
    )
    return scene.idle_seconds if seeding else None


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
        at = max(download.next_attempt_at, scene.link_at)
        if at > scene.now:
            yield Wait(at)
        elif free > 0:
            free -= 1
            yield Deliver(download.hash)


def _shares(scene: Scene) -> Iterator[Step]:
    """Give their files to those who came later than these: one at a time for each download."""
    for download in scene.downloads:
        if download.complete and download.hash not in scene.busy:
            at = download.next_attempt_at
            claims = scene.claims.get(download.hash, ())
            without = (claim for claim in claims if claim.waits)
            for claim in islice(without, 1):
                yield Share(claim.hash, claim.number) if at <= scene.now else Wait(at)


def _seeds(scene: Scene) -> Iterator[Step]:
    """Finish what is done seeding: who waits for its files goes before."""
    sharing = {step.hash for step in _shares(scene) if isinstance(step, Share)}
    for download in scene.downloads:
        if download.hash not in scene.busy and download.hash not in sharing:
            done = (
                number
                for number, seen in _everyone(download, scene)
                if seen.phase is Phase.DELIVERED and not _seeds_still(seen, scene)
            )
            yield from (Finish(download.hash, number) for number in islice(done, 1))


def _everyone(download: Download, scene: Scene) -> Iterator[tuple[int, Download]]:
    """Show a download as each who asked for it sees it."""
    yield 0, download
    for claim in scene.claims.get(download.hash, ()):
        yield claim.number, scene.limited(seen_by(claim, download))


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
    young = listed_at < (download.remote_at or 0.0) + GONE_SECONDS
    return None if young or download.misses < GONE_MISSES else False
