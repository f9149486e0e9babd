"""How much at once, how fast, and how patient."""

from dataclasses import dataclass, field

from bridge.config.outbound_proxy import Proxies

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """Limits and patience of all fetches together. Sizes in bytes, times in seconds."""

    proxies: Proxies = field(default_factory=Proxies)
    """How the CDN is reached."""
    parallel_files: int = 4
    connections_per_file: int = 4
    """TorBox allows 8 for one download."""
    min_free_bytes: int = GIB
    """To stay free on the disk when everything ordered is there."""

    split_above: int = 32 * MIB
    """Larger files are fetched over several connections."""
    segment: int = 64 * MIB
    """The most that is asked for in one request of a split file."""
    block: int = MIB
    """Written at once; each connection holds about this much in memory."""
    flush_every: float = 1.0
    """A slow connection writes less than a block, so that progress shows."""

    connect_timeout: float = 15.0
    idle_timeout: float = 30.0
    """Without a byte for so long, a connection counts as cut."""
    answer_timeout: float = 60.0
    """From the request to the end of the answer's headers."""
    slow_bytes_per_second: int = KIB
    slow_seconds: float = 60.0
    """A connection that brings less than that over so long counts as cut, too."""

    attempts: int = 8
    """So many in a row without progress, and the file is given up."""
    backoff: float = 0.2
    """The first pause; each further one is twice as long."""
    backoff_cap: float = 30.0
    retry_after_cap: float = 300.0
    fresh_link_every: int = 3
    """A refused link is replaced on the first of so many attempts in a row without progress."""
    regroup_after: float = 20.0
    """One connection failed: the others go on for so long before all of them begin anew."""
    repairs: int = 3
    """A piece that is not the torrent's is fetched again so often before it is given up."""

    checkpoint_bytes: int = 64 * MIB
    checkpoint_every: float = 10.0
    turn: float = 20.0
    """A file keeps its turn for at least so long before another download's file takes it."""
