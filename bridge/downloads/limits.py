"""Limits of speed and of seeding for all downloads, and other preferences of a client."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import structlog

from bridge.core.preferences import Preferences
from bridge.core.roots import OutsideRoots
from bridge.downloads.base import Base

log = structlog.get_logger()

USERNAME_FACT = "username"
PASSWORD_FACT = "password_hash"  # noqa: S105 - the name of a row


class Limits(Base):
    """What holds for all downloads."""

    @property
    def preferences(self) -> Mapping[str, object]:
        """What differs from a fresh qBittorrent's preferences."""
        shown = self._ledger.preferences.shown()
        return {"dl_limit": self._default_limit, **shown}

    async def set_preferences(self, changes: Mapping[str, object]) -> None:
        """Keep these, and apply them at once.

        Values have the types that qBittorrent's preferences have. A save path outside the download
        roots is left out.
        """
        known = dict(changes)
        if "save_path" in known:
            path = self._allowed_path(str(known.pop("save_path")))
            known |= {} if path is None else {"save_path": path}
        await self._put(self._ledger.preferences.changed(known))

    def _allowed_path(self, path: str) -> str | None:
        default = str(self._services.settings.paths.downloads)
        try:
            resolved = self._roots.resolve(path, default)
        except OutsideRoots as error:
            log.warning("save_path_refused", why=str(error))
            return None
        return "" if Path(resolved) == Path(default) else resolved

    @property
    def alternative_limits(self) -> bool:
        """The alternative limits are in force."""
        return self._ledger.preferences.alternative

    async def set_alternative_limits(self, *, value: bool) -> None:
        """Switch between the two pairs of limits."""
        await self._put(replace(self._ledger.preferences, alternative=value))

    @property
    def download_limit(self) -> int:
        """Bytes/s of all fetches together; 0 is no limit."""
        return self._ledger.preferences.download_limit(self._default_limit)

    @property
    def upload_limit(self) -> int:
        """Bytes/s; 0 is no limit. TorBox uploads as it likes."""
        return self._ledger.preferences.upload_limit()

    async def set_download_limit(self, limit: int) -> None:
        """Change the one of the two limits that is in force."""
        name = "alt_dl_limit" if self.alternative_limits else "dl_limit"
        await self.set_preferences({name: max(limit, 0)})

    async def set_upload_limit(self, limit: int) -> None:
        """Change the one of the two limits that is in force."""
        name = "alt_up_limit" if self.alternative_limits else "up_limit"
        await self.set_preferences({name: max(limit, 0)})

    async def keep_login(self, *, username: str | None, password_hash: str | None) -> bool:
        """Keep another name or password; False when the settings give the password."""
        if self._services.settings.server.password is not None:
            return False
        if username is not None:
            await self._ledger.put_fact(USERNAME_FACT, username)
        if password_hash is not None:
            await self._ledger.put_fact(PASSWORD_FACT, password_hash)
        return True

    def apply_limits(self) -> None:
        """Let the limits count that were set before a restart."""
        self._services.throttles.total.set_limit(self.download_limit)
        for download in self._ledger.downloads.values():
            self._services.throttles.set_own(download.hash, download.download_limit)

    @property
    def _default_limit(self) -> int:
        return self._services.settings.delivery.limit_bytes_per_second or 0

    async def _put(self, preferences: Preferences) -> None:
        await self._ledger.put_preferences(preferences)
        self._services.throttles.total.set_limit(self.download_limit)
        self._engine.wake()
