"""The login, sessions, the API key."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from enum import Enum
from weakref import WeakValueDictionary

import structlog

from bridge.access.passwords import same, verify
from bridge.access.throttle import Throttle
from bridge.config import Network

log = structlog.get_logger()

SESSION_BYTES = 24
"""24 random bytes are 32 letters of [A-Za-z0-9_-], which every cookie parser takes as they are."""
CHECKS_AT_ONCE = 2
"""A check costs 16 MiB and a thread for some 50 ms: strangers must not buy many at once."""
MAX_SESSIONS = 1000
"""Beyond, the session that was idle longest ends: some clients log in for every poll."""


class Refusal(Enum):
    """Why a login was refused."""

    WRONG = "wrong"
    """The name or the password is not right."""
    BANNED = "banned"
    """Too many failures from this address: the credentials were not looked at."""


class Access:
    """Passwords are checked against a scrypt hash; sessions live in memory and end by idleness."""

    def __init__(
        self,
        *,
        username: str,
        password_hash: str,
        api_key: str | None,
        clock: Callable[[], float],
        session_seconds: float = 3600.0,
        trusted_proxies: Sequence[Network] = (),
        csrf_protection: bool = True,
    ) -> None:
        self.trusted_proxies = tuple(trusted_proxies)
        self.csrf_protection = csrf_protection
        self._username = username
        self._password_hash = password_hash
        self._api_key = api_key
        self._clock = clock
        self._session_seconds = session_seconds
        self._throttle = Throttle(clock)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._checks = asyncio.Semaphore(CHECKS_AT_ONCE)
        self._last_used: dict[str, float] = {}
        """By session id, the one used last at the end."""

    @property
    def username(self) -> str:
        """The name to log in with."""
        return self._username

    def change_login(self, *, username: str | None, password_hash: str | None) -> None:
        """Ask for another name or password from now on; sessions live on."""
        self._username = username or self._username
        self._password_hash = password_hash or self._password_hash

    async def login(self, username: str, password: str, address: str) -> str | Refusal:
        """Open a session and return its id, or tell why not. `address` is the client's."""
        # One at a time from an address, or a burst would all be checked before the first fails.
        turn = self._turns.setdefault(address, asyncio.Lock())
        async with turn:
            if self._throttle.banned(address):
                return Refusal.BANNED
            if not await self._right(username, password):
                self._throttle.failed(address)
                log.warning("login_failed", address=address)
                return Refusal.WRONG
            self._throttle.succeeded(address)
        return self._open()

    async def _right(self, username: str, password: str) -> bool:
        # The password is checked even for a wrong name: the time taken must not tell which it was.
        async with self._checks:
            right = await asyncio.to_thread(verify, password, self._password_hash)
        return same(username, self._username) and right

    def _open(self) -> str:
        self._forget_idle()
        session_id = secrets.token_urlsafe(SESSION_BYTES)
        self._last_used[session_id] = self._clock()
        return session_id

    def logout(self, session_id: str) -> None:
        """End a session; unknown ones are ignored."""
        self._last_used.pop(session_id, None)

    def valid(self, session_id: str) -> bool:
        """Tell whether the session lives, and keep it alive."""
        if session_id not in self._last_used or self._idle(session_id):
            return False
        del self._last_used[session_id]
        self._last_used[session_id] = self._clock()
        return True

    def valid_key(self, key: str) -> bool:
        """Tell whether this is the configured API key, in constant time."""
        return bool(self._api_key) and same(key, self._api_key or "")

    def _idle(self, session_id: str) -> bool:
        return self._clock() - self._last_used[session_id] > self._session_seconds

    def _forget_idle(self) -> None:
        for session_id in [known for known in self._last_used if self._idle(known)]:
            del self._last_used[session_id]
        while len(self._last_used) >= MAX_SESSIONS:
            del self._last_used[next(iter(self._last_used))]
