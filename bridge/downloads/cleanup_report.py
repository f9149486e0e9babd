"""Lists what is cleaned up automatically, and what belongs to no grab."""

from collections.abc import Iterator, Sequence

from bridge.core.cleanup_rules import cleanup_due, strays
from bridge.core.model import Entry, GrabPhase, Removal
from bridge.downloads.results import CleanupEntry
from bridge.engine import Engine, EngineContext


class CleanupReport:
    """Lists, from memory."""

    def __init__(self, ctx: EngineContext, engine: Engine) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._engine = engine

    def scheduled(self) -> Sequence[CleanupEntry]:
        """Return the scheduled removals, the soonest first.

        Entries that are only listed because of `dry_run` have no time.
        """
        if not self._has_rules():
            return []
        found = []
        for grab in self._state.grabs.values():
            if grab.phase is not GrabPhase.FINISHED:
                continue
            entry = self._state.entry(grab.id)
            rules = self._ctx.rules(grab.category).cleanup
            due = cleanup_due(entry, rules) if entry is not None else None
            if entry is not None and due is not None:
                why = f"dry run: {due.why}" if rules.dry_run else due.why
                at = None if rules.dry_run else due.at
                found.append((due.at, CleanupEntry(entry.name, grab.category, why, at)))
        return [entry for _, entry in sorted(found, key=lambda pair: pair[0])]

    def removal_at(self, entry: Entry) -> float | None:
        """Return when an entry is removed automatically (unix seconds); None if it never is."""
        rules = self._ctx.rules(entry.grab.category).cleanup
        due = cleanup_due(entry, rules)
        return None if due is None or rules.dry_run else due.at

    def _has_rules(self) -> bool:
        """Return whether any category is cleaned up; without one there is nothing to check."""
        settings = self._ctx.settings
        names = ("", *settings.categories)
        rules = (settings.policy_for(name).clean_up for name in names)
        return any(one.after is not None or one.after_import is not None for one in rules)

    def left_alone(self) -> Sequence[CleanupEntry]:
        """Return what belongs to no grab: on disk, as found at the start, and at TorBox."""
        return [
            *(CleanupEntry(one.path, "", one.why) for one in self._engine.leftovers.left),
            *self._strays(),
        ]

    def _strays(self) -> Iterator[CleanupEntry]:
        """Return unmanaged items at TorBox. The bridge's own late items are deleted later."""
        why = "removed here today, and at TorBox again; not surely added by the bridge: left alone"
        for removed, item in strays(self._state.removed_downloads.values(), self._state.snapshot):
            known = self._state.by_hash(removed.hash) is not None
            if not known and not self._state.jobs_about(removed.hash, Removal):
                yield CleanupEntry(item.name, "TorBox", why)
