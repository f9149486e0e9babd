"""How long the engine waits before it tries again. All in seconds."""

from dataclasses import dataclass
from random import random


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryTimes:
    """The pauses before further attempts."""

    first: float = 5.0
    """After a first failure; each further pause is twice as long."""
    longest: float = 900.0
    no_slot: float = 30.0
    """All slots are taken: before anything is created again."""
    bad_key: float = 60.0
    """TorBox rejected the key: before the settings are read for another one."""
    plan_limit: float = 900.0
    """The account's plan forbids a class of calls: before another of it is tried."""
    disk_full: float = 60.0
    mount: float = 30.0
    """Between two looks for files that the user's mount does not show yet; shorter at first."""
    create_again: float = 30.0
    """Before a third create of one hash within an hour; twice as long before each further one."""
    beside_content: float = 120.0
    """TorBox lists all content and lacks a cover, a text ...: before these are left out."""
    metadata: float = 8.0
    """Before TorBox is asked what is in a magnet of which its item tells nothing."""
    link: float = 3.0
    """How long an add may wait for a link to a .torrent; it goes on in the background."""
    lookup: float = 2.0
    """Before TorBox is asked for what a create made."""
    unclear: float = 10.0
    """A create went unanswered: for how long it is only looked up, not sent again."""
    id_pending: float = 120.0
    """TorBox took a create without telling an id: the same."""
    failover_recheck: float = 30.0
    """An *arr was told of a failure and did not answer: before it is asked what it knows."""

    def backoff(self, attempts: int, *, first: float | None = None) -> float:
        """Return the pause after so many failures: doubling, with a tenth of jitter."""
        start = self.first if first is None else first
        pause = min(start * 2.0 ** min(attempts, 20), self.longest)
        return pause * (0.9 + 0.2 * random())  # noqa: S311 - jitter, not a secret

    def soon(self) -> float:
        """Return a short random pause, so that not all go on at the same moment."""
        return self.lookup * random()  # noqa: S311 - jitter, not a secret
