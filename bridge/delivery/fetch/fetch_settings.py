"""The limits, sizes and timeouts of all fetches."""

import msgspec

from bridge.config.outbound_proxy import Proxies

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class FetchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of all fetches together. Sizes in bytes, times in seconds."""

    proxies: Proxies = msgspec.field(default_factory=Proxies)
    """How the CDN is reached."""
    parallel_files: int = 4
    connections_per_file: int = 8
    """At most. TorBox allows 8 for one download."""
    first_connections: int = 4
    """Connections at the start; the tuner then tries more and fewer."""
    tune_every: float = 0.3
    """How long the speed of a number of connections is measured."""
    min_free_bytes: int = GIB
    """Stays free on the disk when all requested files are there."""

    split_above: int = 32 * MIB
    """Larger files are fetched over several connections."""
    segment: int = 32 * MIB
    """The largest range of a request for a split file."""
    block: int = MIB
    """Written at once; each connection keeps about this much in memory."""
    flush_every: float = 1.0
    """A slow connection writes less than a block, so that progress shows."""

    connect_timeout: float = 15.0
    idle_timeout: float = 30.0
    """A connection without a byte for this long counts as cut."""
    answer_timeout: float = 60.0
    """From the request to the end of the answer's headers."""
    slow_bytes_per_second: int = KIB
    slow_seconds: float = 60.0
    """A connection slower than `slow_bytes_per_second` for this long counts as cut, too."""

    attempts: int = 8
    """The file is given up after so many attempts in a row without progress."""
    backoff: float = 0.2
    """The first pause; every further pause is twice as long."""
    backoff_cap: float = 30.0
    retry_after_cap: float = 300.0
    fresh_link_every: int = 3
    """A link is replaced at most once in so many attempts without progress."""
    silent_attempts: int = 2
    """A node that fails is left for a fresh link after so many attempts without a byte."""
    regroup_after: float = 20.0
    """After a connection failed, the others go on for this long before a new attempt."""
    repairs: int = 3
    """How often a piece with a wrong hash is fetched again before the delivery fails."""

    checkpoint_bytes: int = 64 * MIB
    checkpoint_every: float = 10.0
    turn: float = 20.0
    """A file keeps its slot at least this long before another download's file gets it."""
