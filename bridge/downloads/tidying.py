"""What goes without being asked for, and what nobody here knows: lists for who wants to look first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.core.cleanup import due, strays
from bridge.downloads.base import Base


@dataclass(frozen=True, slots=True)
class Tidy:
    """Something that is to be cleaned up, or that was left alone."""

    name: str
    category: str
    why: str
    at: float | None = None
    """When it goes, in unix seconds; None: not by itself."""


class Tidying(Base):
    """Lists, from memory."""

    def to_clean_up(self) -> Sequence[Tidy]:
        """List what is removed though no *arr asks for it, the soonest first.

        What is only listed because of `dry_run` has no time.
        """
        found = []
        for download in self._ledger.downloads.values():
            for seen in self._services.everyone(download).values():
                rules = self._services.rules(seen.category).cleaning
                one = due(seen, rules)
                if one is not None:
                    why = f"dry run: {one.why}" if rules.dry_run else one.why
                    at = None if rules.dry_run else one.at
                    found.append((one.at, Tidy(seen.name, seen.category, why, at)))
        return [tidy for _, tidy in sorted(found, key=lambda pair: pair[0])]

    def orphaned(self) -> Sequence[Tidy]:
        """List what is nobody's and was left alone: on disk, as found at the start, and at TorBox."""
        return [
            *(Tidy(orphan.path, "", orphan.why) for orphan in self._engine.orphans.left),
            *self._strays(),
        ]

    def _strays(self) -> Iterator[Tidy]:
        """What is surely ours goes by itself; the rest may be the user's own."""
        ledger = self._ledger
        known = {*ledger.downloads, *(removal.hash for removal in ledger.removals.values())}
        why = (
            "removed here today, and at TorBox (again); not surely added by the bridge: left alone"
        )
        for trace in ledger.traces.values():
            if trace.hash not in known:
                yield from (
                    Tidy(item.name, "TorBox", why) for item in strays(trace, ledger.snapshot)
                )
