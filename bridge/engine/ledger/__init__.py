"""All downloads in memory, in step with the store: read here, written through.

A change is a function from the old value to the new one. It is committed first and shown after,
so nothing that a poll has seen is lost by a crash. Observations that a restart may forget
(progress at TorBox, say) go through `note` and reach the disk with the next change.

memory   what is known, and what TorBox said last
jobs     removals and failovers, and traces of what is gone
rows     downloads come and change
claims   what further *arr asked for of one
leaving  downloads go
labels   categories and tags
"""

from bridge.engine.ledger.labels import Labels
from bridge.engine.ledger.leaving import Leaving


class Ledger(Leaving, Labels):
    """What the bridge knows: downloads, their files, removals, categories, tags, TorBox's news."""


__all__ = ["Ledger"]
