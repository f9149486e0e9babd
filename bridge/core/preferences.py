"""Preferences that a client may change in `app/setPreferences`. Pure."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from bridge.core.model import UNLIMITED, USE_GLOBAL, Grab

Value: TypeAlias = bool | int | float | str


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """Named as in qBittorrent. Speeds in bytes/s, 0 unlimited; times in minutes, -1 unlimited."""

    save_path: str = ""
    """Where downloads without a category go; empty: `paths.downloads`."""
    dl_limit: int | None = None
    """None: the limit in the settings."""
    up_limit: int = 0
    alt_dl_limit: int = 10240
    alt_up_limit: int = 10240
    alternative: bool = False
    """The alternative limits are in force."""
    max_ratio_enabled: bool = False
    max_ratio: float = UNLIMITED
    max_seeding_time_enabled: bool = False
    max_seeding_time: int = UNLIMITED
    max_inactive_seeding_time_enabled: bool = False
    max_inactive_seeding_time: int = UNLIMITED
    queueing_enabled: bool = True
    max_active_downloads: int = 3
    max_active_torrents: int = 5
    max_active_uploads: int = 3
    dont_count_slow_torrents: bool = False
    excluded_file_names: str = ""
    """Wildcards of file names that are never delivered, one per line."""
    excluded_file_names_enabled: bool = False
    other: Mapping[str, Value] = msgspec.field(default_factory=dict)
    """Preferences without an effect here, such as `dht`: stored and shown again."""

    def changed(self, changes: Mapping[str, Any]) -> "Preferences":
        """Return the preferences with these changes, whose values must have the right types."""
        known = {name: value for name, value in changes.items() if name in NAMED}
        other = {name: value for name, value in changes.items() if name not in NAMED}
        return replace(self, **known, other={**self.other, **other}).normal()

    def normal(self) -> "Preferences":
        """Return the preferences with each limit either enabled or -1."""
        limits: dict[str, Any] = {}
        for name in ("max_ratio", "max_seeding_time", "max_inactive_seeding_time"):
            enabled = getattr(self, f"{name}_enabled") and getattr(self, name) >= 0
            limits[f"{name}_enabled"] = enabled
            limits[name] = getattr(self, name) if enabled else UNLIMITED
        return replace(
            self,
            dl_limit=None if self.dl_limit is None else max(self.dl_limit, 0),
            up_limit=max(self.up_limit, 0),
            alt_dl_limit=max(self.alt_dl_limit, 0),
            alt_up_limit=max(self.alt_up_limit, 0),
            **limits,
        )

    def shown(self) -> dict[str, object]:
        """Return the values that `app/preferences` shows."""
        hidden = {"save_path"} | ({"dl_limit"} if self.dl_limit is None else set())
        named = {name: getattr(self, name) for name in NAMED - hidden}
        return {**self.other, **named}

    def download_limit(self, default: int) -> int:
        """Return the download limit in force; `default` is the limit in the settings."""
        if self.alternative:
            return self.alt_dl_limit
        return default if self.dl_limit is None else self.dl_limit

    def upload_limit(self) -> int:
        """Return the upload limit in force."""
        return self.alt_up_limit if self.alternative else self.up_limit

    def excluded_globs(self) -> tuple[str, ...]:
        """Return the wildcards of files that are never delivered, for `FileRules.exclude`."""
        if not self.excluded_file_names_enabled:
            return ()
        lines = (line.strip() for line in self.excluded_file_names.splitlines())
        return tuple(dict.fromkeys(line for line in lines if line))


NAMED = frozenset(Preferences.__struct_fields__) - {"alternative", "other"}
"""The preferences that have an effect here."""


def with_global_limits(grab: Grab, preferences: Preferences) -> Grab:
    """Return the grab with the global seed limits wherever its own are USE_GLOBAL."""
    ratio = preferences.max_ratio if preferences.max_ratio_enabled else USE_GLOBAL
    seeding = preferences.max_seeding_time if preferences.max_seeding_time_enabled else USE_GLOBAL
    inactive = USE_GLOBAL
    if preferences.max_inactive_seeding_time_enabled:
        inactive = preferences.max_inactive_seeding_time
    if ratio == seeding == inactive == USE_GLOBAL:
        return grab
    return replace(
        grab,
        ratio_limit=_own(grab.ratio_limit, ratio),
        seeding_time_limit=int(_own(grab.seeding_time_limit, seeding)),
        inactive_seeding_time_limit=int(_own(grab.inactive_seeding_time_limit, inactive)),
    )


def _own(limit: float, otherwise: float) -> float:
    return otherwise if limit == USE_GLOBAL else limit
