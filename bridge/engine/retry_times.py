"""The engine's pauses before it tries again, in seconds."""

from random import random

import msgspec


class RetryTimes(msgspec.Struct, frozen=True, kw_only=True):
    """The pauses before further attempts."""

    first: float = 5.0
    """After a first failure; each further pause is twice as long."""
    longest: float = 900.0
    no_slot: float = 30.0
    """All slots are in use: before the next create of an uncached torrent."""
    bad_key: float = 60.0
    """TorBox rejected the key: before the settings are read for a new one."""
    plan_limit: float = 900.0
    """The plan forbids a class of calls: before the next call of that class."""
    disk_full: float = 60.0
    mount: float = 30.0
    """Between two looks for files that the user's mount does not show yet; shorter at first."""
    create_again: float = 30.0
    """Before a third create of one hash within an hour; twice as long before each further one."""
    beside_content: float = 120.0
    """TorBox lists all content and lacks a cover, a text ...: before these are left out."""
    reuse: float = 600.0
    """After the removal of a hash that was often created within the hour: before its item is deleted."""
    metadata: float = 8.0
    """Before TorBox is asked for the metadata of a magnet whose item shows none."""
    link: float = 3.0
    """Maximum wait of an add for a link to a .torrent, which then continues in the background."""
    lookup: float = 2.0
    """Before TorBox is asked for the result of a create."""
    unclear: float = 10.0
    """A create was not answered: for this long the hash is only looked up, not created again."""
    id_pending: float = 120.0
    """TorBox accepted a create without an id: the same."""
    failover_recheck: float = 30.0
    """An *arr did not answer a report: before its history is read."""

    def backoff(self, attempts: int, *, first: float | None = None) -> float:
        """Return the pause after this many failures: doubling, with a tenth of jitter."""
        start = self.first if first is None else first
        pause = min(start * 2.0 ** min(attempts, 20), self.longest)
        return pause * (0.9 + 0.2 * random())  # noqa: S311 - jitter, not a secret

    def soon(self) -> float:
        """Return a short random pause, so that waiting work does not resume all at once."""
        return self.lookup * random()  # noqa: S311 - jitter, not a secret
