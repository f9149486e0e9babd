"""What must hold at every moment. A sentence for each download of which it does not.

The plan gives every download an owner; this looks whether it did, and whether what the world is
shown agrees with what is written down. Checked after fault scenarios in tests, and while running.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.core.model import BEFORE_READY, FINAL, Claim, Download, Phase, Removal, Snapshot

OVERDUE_SECONDS = 300.0
"""An attempt that was due so long ago has been forgotten."""

NEEDS_ITEM = frozenset({Phase.REMOTE, Phase.READY, Phase.DELIVERING})
WAITING = frozenset({Phase.ACCEPTED, Phase.SUBMITTING, Phase.READY, Phase.DELIVERING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The world at one moment."""

    now: float
    downloads: Collection[Download]
    claims: Mapping[str, Sequence[Claim]] = field(default_factory=dict)
    removals: Collection[Removal] = ()
    snapshot: Snapshot
    busy: frozenset[str] = frozenset()
    held_up: bool = False
    """A gate is shut or a budget used up: what is due may wait longer."""


def violations(world: Observed, before: Observed | None = None) -> list[str]:
    """Tell what does not hold; `before` is an earlier moment to compare with."""
    found = [
        f"{download.hash}: {text}"
        for download in world.downloads
        for text in (*_ids(download), *_complete(download), *_owner(download, world))
    ]
    found += _claims(world)
    found += _doubles(world)
    if before is not None:
        found += _backwards(before, world)
    return found


def _ids(download: Download) -> Iterator[str]:
    if download.phase in NEEDS_ITEM and download.torrent_id is None:
        yield f"{download.phase} without a torrent_id"
    if download.phase is Phase.QUEUED and download.queued_id is None:
        yield "queued without a queued_id"
    if download.ours and download.torrent_id is None and download.queued_id is None:
        yield "ours, and nothing is known of where"
    if download.phase is Phase.SUBMITTING and not download.lookup_until:
        yield "submitting, and nobody looks what became of it"


def _complete(download: Download) -> Iterator[str]:
    if download.complete and not (download.content_name and download.completed_at):
        yield f"{download.phase} without content on disk"
    if not download.complete and download.completed_at is not None:
        yield f"{download.phase}, yet completed"
    if (download.phase is Phase.FAILED) != (download.failure_reason is not None):
        yield f"{download.phase} with the failure reason {download.failure_reason}"


def _owner(download: Download, world: Observed) -> Iterator[str]:
    """Look for what nobody works on though it is due."""
    idle = download.phase in FINAL or download.stopped or download.hash in world.busy
    if idle or world.held_up or any(one.hash == download.hash for one in world.removals):
        return
    if download.phase in WAITING and world.now - _due_at(download) > OVERDUE_SECONDS:
        yield f"{download.phase}, due for a long time, and nobody works on it"
    unseen = world.now - max(world.snapshot.listed_at, download.phase_at)
    if download.phase in BEFORE_READY - WAITING and unseen > OVERDUE_SECONDS:
        yield f"{download.phase}, and TorBox has not been asked for a long time"


def _claims(world: Observed) -> Iterator[str]:
    """Look for who has nothing to wait for, and for who waits for what is there."""
    downloads = {download.hash: download for download in world.downloads}
    for info_hash, claims in world.claims.items():
        first = downloads.get(info_hash)
        if first is None:
            yield f"{info_hash}: claimed, and not there"
            continue
        for claim in claims:
            if claim.complete and not (claim.content_name and claim.completed_at):
                yield f"{info_hash}: complete for {claim.category!r} without content on disk"
            since = max(claim.added_at, first.phase_at)
            forgotten = first.complete and world.now - since > OVERDUE_SECONDS
            if forgotten and claim.waits and info_hash not in world.busy:
                yield f"{info_hash}: complete, and {claim.category!r} waits for its files"


def _due_at(download: Download) -> float:
    return max(download.next_attempt_at, download.phase_at, download.lookup_until)


def _doubles(world: Observed) -> Iterator[str]:
    """Look for remote items that two downloads share, and for hashes that TorBox has twice."""
    ids = Counter(one.torrent_id for one in world.downloads if one.torrent_id is not None)
    yield from (f"torrent {torrent_id} is shared" for torrent_id, many in ids.items() if many > 1)
    ours = {download.hash for download in world.downloads if download.ours}
    listed = Counter(
        item.hash for item in world.snapshot.items.values() if item.id in world.snapshot.listed
    )
    yield from (
        f"{one}: {many} remote items" for one, many in listed.items() if many > 1 and one in ours
    )


def _backwards(before: Observed, after: Observed) -> Iterator[str]:
    """Look for what is shown as less than it was."""
    known = {download.hash: download for download in before.downloads}
    for download in after.downloads:
        old = known.get(download.hash)
        if old is None or old.added_at != download.added_at:
            continue
        if download.progress < old.progress:
            yield f"{download.hash}: progress went back from {old.progress} to {download.progress}"
        if old.complete and not download.complete:
            yield f"{download.hash}: was {old.phase} and is {download.phase}"
        if old.phase is Phase.FAILED and download.phase is not Phase.FAILED:
            yield f"{download.hash}: failed, and {download.phase} again"
