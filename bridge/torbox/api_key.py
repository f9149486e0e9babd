"""The API key, which TorBox may change while the bridge runs."""

from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

ReadKey = Callable[[], Awaitable[str]]


class ApiKey:
    """The key in use. `read` returns the key from where the user keeps it."""

    def __init__(self, text: str, read: ReadKey | None = None) -> None:
        self._text = text
        self._read = read

    def __call__(self) -> str:
        """Return the key to send with the next call."""
        return self._text

    def __repr__(self) -> str:
        return "ApiKey(***)"

    async def renew(self) -> bool:
        """Read the key again and use it from now on; return whether it has changed."""
        found = await self._read() if self._read else ""
        if not found or found == self._text:
            return False
        self._text = found
        log.info("torbox_key_changed")
        return True
