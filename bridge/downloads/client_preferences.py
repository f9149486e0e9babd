"""A client's preferences: global speed limits and seed limits, and the login."""

from collections.abc import Mapping
from pathlib import Path

import structlog
from msgspec.structs import replace

from bridge.core.paths import OutsideRoots
from bridge.core.preferences import Preferences
from bridge.downloads.labels import Labels
from bridge.engine import Engine, EngineContext

log = structlog.get_logger(__name__)

USERNAME = "username"
PASSWORD_HASH = "password_hash"  # noqa: S105 - the name of a row


class ClientPreferences:
    """The global preferences that clients can change."""

    def __init__(self, ctx: EngineContext, engine: Engine, labels: Labels) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._engine = engine
        self._labels = labels

    @property
    def shown(self) -> Mapping[str, object]:
        """The preferences that differ from those of a fresh qBittorrent."""
        shown = self._state.preferences.shown()
        return {"dl_limit": self._default_limit, **shown}

    async def change(self, changes: Mapping[str, object]) -> None:
        """Store preferences and apply them at once.

        Values must have the types of qBittorrent's preferences. A save path outside the download
        roots is ignored.
        """
        known = dict(changes)
        if "save_path" in known:
            path = self._allowed_path(str(known.pop("save_path")))
            known |= {} if path is None else {"save_path": path}
        await self._put(self._state.preferences.changed(known))

    def _allowed_path(self, path: str) -> str | None:
        default = str(self._ctx.settings.paths.downloads)
        try:
            resolved = self._labels.roots.resolve(path, default)
        except OutsideRoots as error:
            log.warning("save_path_refused", why=str(error))
            return None
        return "" if Path(resolved) == Path(default) else resolved

    @property
    def alternative_limits(self) -> bool:
        """Whether the alternative speed limits are in force."""
        return self._state.preferences.alternative

    async def set_alternative_limits(self, *, value: bool) -> None:
        """Switch between the two pairs of limits."""
        await self._put(replace(self._state.preferences, alternative=value))

    @property
    def download_limit(self) -> int:
        """Bytes/s of all fetches together; 0 is unlimited."""
        return self._state.preferences.download_limit(self._default_limit)

    @property
    def upload_limit(self) -> int:
        """Bytes/s; 0 is unlimited. Shown only: TorBox decides how fast it uploads."""
        return self._state.preferences.upload_limit()

    async def set_download_limit(self, limit: int) -> None:
        """Change the download limit that is in force, normal or alternative."""
        name = "alt_dl_limit" if self.alternative_limits else "dl_limit"
        await self.change({name: max(limit, 0)})

    async def set_upload_limit(self, limit: int) -> None:
        """Change the upload limit that is in force, normal or alternative."""
        name = "alt_up_limit" if self.alternative_limits else "up_limit"
        await self.change({name: max(limit, 0)})

    async def keep_login(self, *, username: str | None, password_hash: str | None) -> bool:
        """Store a new name or password; return False when the settings give the password."""
        if self._ctx.settings.server.password is not None:
            return False
        if username is not None:
            await self._state.database.put_value(USERNAME, username)
        if password_hash is not None:
            await self._state.database.put_value(PASSWORD_HASH, password_hash)
        return True

    def apply_limits(self) -> None:
        """Apply the limits that were stored before a restart."""
        self._ctx.throttles.total.set_limit(self.download_limit)

    @property
    def _default_limit(self) -> int:
        return self._ctx.settings.delivery.limit_bytes_per_second or 0

    async def _put(self, preferences: Preferences) -> None:
        await self._state.put_preferences(preferences)
        self._ctx.throttles.total.set_limit(self.download_limit)
        self._engine.wake()
