"""When seeding is done: what the *arr asked for, and what TorBox is told."""

from enum import IntEnum, StrEnum

from bridge.core.model import UNLIMITED, Download


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


def asked_to_seed(download: Download) -> bool:
    """Tell whether the *arr sent any limit: minutes, a ratio, or "for ever"."""
    limits = (
        download.ratio_limit,
        download.seeding_time_limit,
        download.inactive_seeding_time_limit,
    )
    return any(limit >= UNLIMITED for limit in limits)


def seed_mode(policy: SeedPolicy, download: Download) -> SeedMode:
    """Choose what to ask of TorBox. Unasked, the slot is worth more than the ratio."""
    match policy:
        case SeedPolicy.ALWAYS:
            return SeedMode.SEED
        case SeedPolicy.NEVER:
            return SeedMode.DO_NOT
        case SeedPolicy.AUTO:
            return SeedMode.SEED if asked_to_seed(download) else SeedMode.DO_NOT


def has_an_end(policy: SeedPolicy, download: Download) -> bool:
    """Tell whether TorBox was asked to seed up to a limit, and has to be told when that is over."""
    return policy is not SeedPolicy.NEVER and asked_to_seed(download)


def seeding_done(
    policy: SeedPolicy, download: Download, *, active: bool | None, now: float
) -> bool:
    """Tell whether a delivered download has nothing left to seed.

    Any one limit that is reached ends it, as in qBittorrent. An item that TorBox does not seed
    (any more) cannot come nearer to a limit, so it is done as well: waiting would hold the entry
    in the *arr's queue for ever. `active` is None while TorBox has not been asked.
    """
    if not has_an_end(policy, download):
        return True
    return active is False or limit_reached(download, now)


def limit_reached(download: Download, now: float) -> bool:
    """Tell whether one of the download's own limits holds (Sonarr: HasReachedSeedLimit)."""
    if 0 <= download.ratio_limit <= download.ratio:
        return True
    seeded = now - download.completed_at if download.completed_at is not None else 0.0
    return (
        0 <= download.seeding_time_limit * 60 <= seeded
        or 0 <= download.inactive_seeding_time_limit * 60 <= inactive_seconds(download)
    )


def inactive_seconds(download: Download) -> float:
    """Tell for how long TorBox had not uploaded when it was last looked at.

    The time since then does not count: during an outage, or while the bridge is down, nobody knows.
    The next look settles it, for TorBox's count of uploaded bytes has grown meanwhile or has not.
    """
    return max((download.seen_at or 0.0) - last_active(download), 0.0)


def last_active(download: Download) -> float:
    """Tell when bytes of a complete download last moved: to us, or from TorBox to others."""
    return max(download.completed_at or 0.0, download.active_at or 0.0)


def seeds_for_ever(download: Download) -> bool:
    """Tell whether somebody wished for no end: an unlimited ratio, and no limit of time."""
    minutes = (download.seeding_time_limit, download.inactive_seeding_time_limit)
    return download.ratio_limit == UNLIMITED and max(minutes) < 0
