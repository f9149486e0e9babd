"""The rules of cleaners that cannot be installed here, told again from their sources of 2026.

Cleanuparr is a .NET program and decluttarr is no package. Three strikes remove a download, as in
both. What they compare hours with is compared with seconds here.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.arr_emulator.arr_queue import QueueItem, QueueStatus

STRIKES = 3
MIN_SPEED = 100_000
"""Bytes/s: decluttarr's default, which many give Cleanuparr, too."""
MAX_SECONDS = 3600.0
STALLED = "The download is stalled with no connections"
METADATA = "qBittorrent is downloading metadata"

Torrent: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class Strikes:
    """Counts for each download how often in a row it broke a rule."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, struck: set[tuple[str, str]]) -> set[str]:
        """Count one look, `(hash, rule)` each; return the hashes that are to be removed."""
        for key in self.counts.keys() - struck:
            del self.counts[key]
        self.counts.update(struck)
        return {info_hash for (info_hash, _), count in self.counts.items() if count >= STRIKES}


def cleanuparr_rules(torrent: Torrent) -> set[str]:
    """Return the rules of Cleanuparr's queue cleaner by which a download is struck."""
    loads = torrent["state"] in {"downloading", "forcedDL"} and torrent["dlspeed"] > 0
    broken = {
        "metadata": torrent["state"] in {"metaDL", "forcedMetaDL"},
        "stalled": torrent["state"] == "stalledDL",
        "slow speed": loads and torrent["dlspeed"] < MIN_SPEED,
        "slow time": loads and torrent["eta"] > MAX_SECONDS,
    }
    return {rule for rule, applies in broken.items() if applies}


def decluttarr_rules(item: QueueItem, seconds: float, grown: int | None) -> set[str]:
    """Return the rules of decluttarr by which a download in an *arr's queue is struck.

    `grown` is by how much its `completed` has grown in so many seconds; None at the first look.
    """
    loads = item.status is QueueStatus.DOWNLOADING and item.remaining_size > 0
    broken = {
        "stalled": item.status is QueueStatus.WARNING and item.message == STALLED,
        "missing metadata": item.status is QueueStatus.QUEUED and item.message == METADATA,
        "slow": loads and grown is not None and grown / seconds < MIN_SPEED,
    }
    return {rule for rule, applies in broken.items() if applies}
