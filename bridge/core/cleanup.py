"""Cleaning up unasked: what an *arr has imported and does not remove, and what came too late.

Only downloads that have nothing left to seed are cleaned up, as if their *arr had removed them:
their files, and what the bridge has created at TorBox.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.core.actions import AskImport, CleanUp, Reclaim, Step, Wait
from bridge.core.claims import seen_by
from bridge.core.follow import CLOCK_SLACK_SECONDS, created_since
from bridge.core.model import Download, Phase, RemoteItem, Snapshot, Trace
from bridge.core.scene import CleaningRules, Scene

FIRST_ASK_SECONDS = 60.0
"""After a download is complete, before its *arr is asked whether it has imported it."""
LONGEST_PAUSE = 3600.0
"""Between two such questions: they grow apart as the download gets older."""

LATE_SECONDS = 300.0
"""After a removal, before TorBox's list tells whether something of it has turned up since: the list
may lag for minutes.
"""
TRACE_SECONDS = 86400.0
"""For how long something of a removed download may turn up."""


@dataclass(frozen=True, slots=True)
class Due:
    """When a download is to be cleaned up (unix seconds), and why."""

    at: float
    why: str


def due(download: Download, rules: CleaningRules) -> Due | None:
    """Tell when a download goes without being asked for; None when it does not."""
    if download.phase is not Phase.FINISHED or download.completed_at is None:
        return None
    found = []
    if rules.after is not None:
        found.append(Due(download.completed_at + rules.after, "policy.clean_up.after"))
    if rules.after_import is not None and download.imported_at is not None:
        found.append(
            Due(
                download.imported_at + rules.after_import,
                "its *arr has imported it: policy.clean_up.after_import",
            )
        )
    return min(found, key=lambda one: one.at, default=None)


def clean_ups(scene: Scene) -> Iterator[Step]:
    """Ask what has been imported, and clean up what is due."""
    for download in scene.downloads:
        claims = scene.claims.get(download.hash, ())
        if download.hash in scene.busy or any(claim.waits for claim in claims):
            continue  # whoever waits may yet get its files from those that are here
        for number, seen in _everyone(download, scene):
            step = _step(number, seen, scene)
            if step is not None:
                yield step
                break


def _everyone(download: Download, scene: Scene) -> Iterator[tuple[int, Download]]:
    yield 0, download
    for claim in scene.claims.get(download.hash, ()):
        yield claim.number, seen_by(claim, download)


def _step(number: int, seen: Download, scene: Scene) -> Step | None:
    rules = scene.rules(seen.category).cleaning
    found = due(seen, rules)
    if found is not None and not rules.dry_run:
        why = found.why
        return Wait(found.at) if found.at > scene.now else CleanUp(seen.hash, number, why)
    if found is None or seen.imported_at is None:
        return _question(number, seen, rules, scene)
    return None


def _question(number: int, seen: Download, rules: CleaningRules, scene: Scene) -> Step | None:
    if rules.after_import is None or not rules.asks or seen.imported_at is not None:
        return None
    if seen.phase is not Phase.FINISHED or seen.completed_at is None or scene.asking_import:
        return None
    at = next_question(seen.completed_at, scene.imports_asked.get((seen.hash, seen.category)))
    return Wait(at) if at > scene.now else AskImport(seen.hash, number)


def next_question(completed_at: float, asked: float | None) -> float:
    """Tell when an *arr is asked (again) whether it has imported a download."""
    if asked is None:
        return completed_at + FIRST_ASK_SECONDS
    return asked + min(max(asked - completed_at, FIRST_ASK_SECONDS), LONGEST_PAUSE)


def reclaims(scene: Scene) -> Iterator[Step]:
    """Find what turned up at TorBox after it was removed here: a create that was thought lost."""
    known = {download.hash for download in scene.downloads}
    known |= {removal.hash for removal in scene.removals}
    for trace in scene.traces:
        if trace.hash not in known:
            for item in strays(trace, scene.snapshot):
                if _surely_ours(trace, item, scene.offset_seconds):
                    yield Reclaim(trace.hash, item.id)


def strays(trace: Trace, snapshot: Snapshot) -> Iterator[RemoteItem]:
    """List what TorBox shows of a hash, some minutes after its removal was over."""
    if snapshot.listed_at < trace.left_at + LATE_SECONDS:
        return
    for item in snapshot.items.values():
        if item.id in snapshot.listed and item.hash == trace.hash:
            yield item


def _surely_ours(trace: Trace, item: RemoteItem, offset_seconds: float) -> bool:
    """Tell whether one of our creates made it: it is from between the first and the removal."""
    if item.created_at is None:
        return False
    until = trace.removed_at + offset_seconds + CLOCK_SLACK_SECONDS
    return created_since(trace.submitted_at, item, offset_seconds) and item.created_at <= until


def look_for_strays_at(scene: Scene) -> float | None:
    """Tell when TorBox's list has to be read for them; None when nobody needs it.

    A delete that TorBox has confirmed needs no second look, but one after a restart.
    """
    listed_at = scene.snapshot.listed_at
    times = [
        trace.left_at + LATE_SECONDS
        for trace in scene.traces
        if (trace.unclear or not listed_at) and listed_at < trace.left_at + LATE_SECONDS
    ]
    return min(times, default=None)


def forgotten(traces: Mapping[str, Trace], now: float) -> list[str]:
    """List the hashes of which nothing can turn up any more."""
    return [key for key, trace in traces.items() if trace.left_at + TRACE_SECONDS < now]
