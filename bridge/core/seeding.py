"""When seeding is done: what the *arr asked for, and what TorBox is told."""

from enum import IntEnum, StrEnum

from bridge.core.model import UNLIMITED, Entry, Grab


class SeedPolicy(StrEnum):
    """The user's word in `policy.seed`."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class SeedMode(IntEnum):
    """TorBox's `seed` parameter. A torrent that seeds keeps its slot; DO_NOT frees it at once."""

    AUTO = 1
    SEED = 2
    DO_NOT = 3


def is_asked_to_seed(grab: Grab) -> bool:
    """Return whether the *arr sent any limit: minutes, a ratio, or "for ever"."""
    limits = (grab.ratio_limit, grab.seeding_time_limit, grab.inactive_seeding_time_limit)
    return any(limit >= UNLIMITED for limit in limits)


def seed_mode(policy: SeedPolicy, grab: Grab) -> SeedMode:
    """Return what to ask of TorBox. Unless asked for, the slot is worth more than the ratio."""
    match policy:
        case SeedPolicy.ALWAYS:
            return SeedMode.SEED
        case SeedPolicy.NEVER:
            return SeedMode.DO_NOT
        case SeedPolicy.AUTO:
            return SeedMode.SEED if is_asked_to_seed(grab) else SeedMode.DO_NOT


def has_an_end(policy: SeedPolicy, grab: Grab) -> bool:
    """Return whether TorBox was asked to seed up to a limit, and has to be told when that is over."""
    return policy is not SeedPolicy.NEVER and is_asked_to_seed(grab)


def seeding_done(policy: SeedPolicy, entry: Entry, *, active: bool | None, now: float) -> bool:
    """Return whether a delivered grab has nothing left to seed.

    Any one limit that is reached ends it, as in qBittorrent. An item that TorBox does not seed
    (any more) cannot come nearer to a limit, so it is done as well: waiting would keep the entry
    in the *arr's queue for ever. `active` is None while TorBox has not been asked.
    """
    if not has_an_end(policy, entry.grab):
        return True
    return active is False or limit_reached(entry, now)


def limit_reached(entry: Entry, now: float) -> bool:
    """Return whether one of the grab's own limits holds (Sonarr: HasReachedSeedLimit)."""
    grab = entry.grab
    if 0 <= grab.ratio_limit <= entry.download.ratio:
        return True
    seeded = now - grab.completed_at if grab.completed_at is not None else 0.0
    return (
        0 <= grab.seeding_time_limit * 60 <= seeded
        or 0 <= grab.inactive_seeding_time_limit * 60 <= inactive_seconds(entry)
    )


def inactive_seconds(entry: Entry) -> float:
    """Return for how long TorBox had not uploaded when it was last looked at.

    The time since then does not count: during an outage, or while the bridge is down, it is not
    known. The next look tells: TorBox's count of uploaded bytes has grown meanwhile or has not.
    """
    return max((entry.download.seen_at or 0.0) - last_active(entry), 0.0)


def last_active(entry: Entry) -> float:
    """Return when bytes of a complete grab last moved: to us, or from TorBox to others."""
    return max(entry.grab.completed_at or 0.0, entry.download.uploaded_at or 0.0)


def seeds_for_ever(grab: Grab) -> bool:
    """Return whether the client asked for no end: an unlimited ratio, and no limit of time."""
    minutes = (grab.seeding_time_limit, grab.inactive_seeding_time_limit)
    return grab.ratio_limit == UNLIMITED and max(minutes) < 0
