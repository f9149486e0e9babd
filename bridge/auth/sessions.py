"""The login: hashed passwords, sessions, and the API key.

Passwords are stored as scrypt hashes and compared in constant time.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from weakref import WeakValueDictionary

import structlog

from bridge.auth.login_throttle import LoginThrottle, network_of
from bridge.config import Network

SCRYPT_N = 2**14
SCRYPT_R = 8
SCRYPT_P = 1
SALT_BYTES = 16


def same(one: str, other: str) -> bool:
    """Return whether two texts are equal, in constant time."""
    return hmac.compare_digest(_bytes(one), _bytes(other))


def hash_password(text: str) -> str:
    """Return the hash to store: `scrypt$n$r$p$salt$hash`, the last two in base64. Takes 50 ms and 16 MiB."""
    salt = secrets.token_bytes(SALT_BYTES)
    digest = _scrypt(text, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P)
    numbers = f"{SCRYPT_N}${SCRYPT_R}${SCRYPT_P}"
    return f"scrypt${numbers}${_base64(salt)}${_base64(digest)}"


def verify(text: str, hashed: str) -> bool:
    """Return whether `text` is the password that was hashed; False for a malformed hash."""
    try:
        kind, n, r, p, salt, digest = hashed.split("$")
        wanted = base64.b64decode(digest, validate=True)
        given = _scrypt(text, base64.b64decode(salt, validate=True), int(n), int(r), int(p))
    except ValueError:
        return False
    return kind == "scrypt" and hmac.compare_digest(given, wanted)


def _scrypt(text: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # Twice what scrypt needs by its definition: OpenSSL counts its own overhead too.
    return hashlib.scrypt(_bytes(text), salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


log = structlog.get_logger(__name__)

SESSION_BYTES = 24
"""24 random bytes are 32 letters of [A-Za-z0-9_-], which every cookie parser takes unchanged."""
MAX_WAITING = 16
"""Password checks that may wait. One takes 50 ms, so the last of them waits less than a second."""
MAX_SESSIONS = 1000
"""Beyond, the session that was idle longest ends: some clients log in for every poll."""


class LoginRefusal(Enum):
    """Why a login was refused."""

    WRONG = "wrong"
    """The name or the password is wrong."""
    LOCKED = "locked"
    """Too many failures from this network: the credentials were not checked."""
    BUSY = "busy"
    """Too many logins at once: the credentials were not checked."""


class Access:
    """Checks credentials. Sessions live in memory and end when they are idle for too long."""

    def __init__(
        self,
        *,
        username: str,
        password_hash: str,
        api_key: str | None,
        clock: Callable[[], float],
        session_seconds: float = 3600.0,
        trusted_proxies: Sequence[Network] = (),
        exempt_networks: Sequence[Network] = (),
        csrf_protection: bool = True,
    ) -> None:
        self.trusted_proxies = tuple(trusted_proxies)
        self.exempt_networks = tuple(exempt_networks)
        """Clients in these need no login."""
        self.csrf_protection = csrf_protection
        self._username = username
        self._password_hash = password_hash
        self._api_key = _bytes(api_key or "")
        self._clock = clock
        self._session_seconds = session_seconds
        self._throttle = LoginThrottle(clock)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # scrypt takes 16 MiB. Each thread that ever ran it keeps that much (glibc's arenas), so
        # one thread does all of it.
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="password")
        self._waiting = 0
        self._last_used: dict[str, float] = {}
        """By session id, the one used last at the end."""

    @property
    def username(self) -> str:
        """Return the name to log in with."""
        return self._username

    @property
    def alerts(self) -> Sequence[str]:
        """Return what the owner should know of failed logins, a sentence each."""
        return self._throttle.alerts()

    async def hash(self, password: str) -> str:
        """Return the hash of a password, to store it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._hashing, hash_password, password)

    def change_login(
        self, *, username: str | None, password_hash: str | None, keep_session: str = ""
    ) -> None:
        """Replace the name or the password.

        A new password ends every session but `keep_session`, so that the old password is worth nothing.
        """
        self._username = username or self._username
        if password_hash:
            self._password_hash = password_hash
            for session_id in [known for known in self._last_used if known != keep_session]:
                del self._last_used[session_id]

    async def login(self, username: str, password: str, address: str) -> str | LoginRefusal:
        """Open a session and return its id, or why it was refused. `address` is the client's."""
        network = network_of(address)
        # One at a time from a network, or a burst would be checked before its first failure counts.
        turn = self._turns.setdefault(network, asyncio.Lock())
        async with turn:
            if self._throttle.locked(network):
                return LoginRefusal.LOCKED
            if self._waiting >= MAX_WAITING and not self._throttle.trusts(network):
                return LoginRefusal.BUSY
            if not await self._correct(username, password):
                locked = self._throttle.failed(network)
                log.warning("login_failed", address=address, locked=locked)
                return LoginRefusal.WRONG
            self._throttle.succeeded(network)
        return self._open()

    async def _correct(self, username: str, password: str) -> bool:
        # The password is checked even for a wrong name, so that the time does not tell which it was.
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            right = await loop.run_in_executor(self._hashing, verify, password, self._password_hash)
        finally:
            self._waiting -= 1
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
        """Return whether the session is alive, and renew it."""
        if session_id not in self._last_used or self._idle(session_id):
            return False
        del self._last_used[session_id]
        self._last_used[session_id] = self._clock()
        return True

    def valid_key(self, key: str) -> bool:
        """Return whether this is the configured API key, in constant time."""
        return bool(self._api_key) and hmac.compare_digest(_bytes(key), self._api_key)

    def _idle(self, session_id: str) -> bool:
        return self._clock() - self._last_used[session_id] > self._session_seconds

    def _forget_idle(self) -> None:
        for session_id in [known for known in self._last_used if self._idle(known)]:
            del self._last_used[session_id]
        while len(self._last_used) >= MAX_SESSIONS:
            del self._last_used[next(iter(self._last_used))]
