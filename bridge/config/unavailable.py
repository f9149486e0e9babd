"""Settings that the file may hold already, while this version cannot do what they ask for."""

from collections.abc import Iterator

from bridge.config.kinds import Mode
from bridge.config.settings import Settings

_PLANNED_MODES: frozenset[Mode] = frozenset({"symlink", "strm"})


def unavailable(settings: Settings) -> list[str]:
    """Name what was asked for in vain: one sentence each. The bridge must not run with these."""
    return list(_unavailable(settings))


def _unavailable(settings: Settings) -> Iterator[str]:
    modes = {"delivery.mode": settings.delivery.mode, "policy.delivery": settings.policy.delivery}
    refuses = {"policy.refuse": settings.policy.refuse}
    for name in settings.categories:
        policy = settings.policy_for(name)
        modes[f"categories.{name}.policy.delivery"] = policy.delivery
        refuses[f"categories.{name}.policy.refuse"] = policy.refuse
    for key, mode in modes.items():
        if mode in _PLANNED_MODES:
            yield f"{key}: {mode} is not in this version; use download or none"
    for key, refuse in refuses.items():
        if refuse != "auto":
            yield f"{key}: {refuse} is not in this version; use auto"
    if settings.qbittorrent.profile != "4.6":
        profile = settings.qbittorrent.profile
        yield f'qbittorrent.profile: "{profile}" is not in this version; use "4.6"'
    if settings.arr:
        yield "arr: the bridge cannot use the API of an *arr in this version; leave it empty"
