"""How TorBox is asked to seed, and when the limits of the *arr are reached."""

from enum import IntEnum, StrEnum

from bridge.core.model import UNLIMITED, Entry, Grab


class SeedPolicy(StrEnum):
    """The setting `policy.seed`."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class SeedMode(IntEnum):
    """TorBox's `seed` parameter. A torrent that seeds keeps its slot; DO_NOT frees it at once."""

    AUTO = 1
    SEED = 2
    DO_NOT = 3


def is_asked_to_seed(grab: Grab) -> bool:
    """Return whether the *arr sent any limit: minutes, a ratio, or unlimited."""
    limits = (grab.ratio_limit, grab.seeding_time_limit, grab.inactive_seeding_time_limit)
    return any(limit >= UNLIMITED for limit in limits)


def seed_mode(policy: SeedPolicy, grab: Grab) -> SeedMode:
    """Return the `seed` parameter for a create. By default a free slot is worth more than ratio."""
    match policy:
        case SeedPolicy.ALWAYS:
            return SeedMode.SEED
        case SeedPolicy.NEVER:
            return SeedMode.DO_NOT
        case SeedPolicy.AUTO:
            return SeedMode.SEED if is_asked_to_seed(grab) else SeedMode.DO_NOT


def has_an_end(policy: SeedPolicy, grab: Grab) -> bool:
    """Return whether TorBox seeds up to a limit, so that it has to be told to stop."""
    return policy is not SeedPolicy.NEVER and is_asked_to_seed(grab)


def seeding_done(policy: SeedPolicy, entry: Entry, *, active: bool | None, now: float) -> bool:
    """Return whether a delivered grab has nothing left to seed.

    As in qBittorrent, reaching any one limit is enough. An item that TorBox does not seed can never
    reach a limit, so it counts as done: otherwise the entry would stay in the *arr's queue for
    ever. `active` is None while TorBox has not been asked.
    """
    if not has_an_end(policy, entry.grab):
        return True
    return active is False or limit_reached(entry, now)


def limit_reached(entry: Entry, now: float) -> bool:
    """Return whether one of the grab's own limits is reached (Sonarr: HasReachedSeedLimit)."""
    grab = entry.grab
    if 0 <= grab.ratio_limit <= entry.download.ratio:
        return True
    seeded = now - grab.completed_at if grab.completed_at is not None else 0.0
    return (
        0 <= grab.seeding_time_limit * 60 <= seeded
        or 0 <= grab.inactive_seeding_time_limit * 60 <= inactive_seconds(entry)
    )


def inactive_seconds(entry: Entry) -> float:
    """Return for how long TorBox had not uploaded when the item was last seen, in seconds.

    The time after that is unknown and does not count: there may be an outage, or the bridge may be
    down. The next report shows whether TorBox's upload counter has grown.
    """
    return max((entry.download.seen_at or 0.0) - last_active(entry), 0.0)


def last_active(entry: Entry) -> float:
    """Return when bytes of a complete grab last moved: to the bridge, or from TorBox to peers."""
    return max(entry.grab.completed_at or 0.0, entry.download.uploaded_at or 0.0)
