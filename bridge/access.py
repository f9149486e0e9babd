"""Who may come in: the login, sessions, the API key. Both faces ask here."""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable

SCRYPT_N = 2**14
SCRYPT_R = 8
SCRYPT_P = 1
SALT_BYTES = 16
SESSION_BYTES = 24
"""24 random bytes are 32 letters of [A-Za-z0-9_-], which every cookie parser takes as they are."""


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
    ) -> None:
        self._username = username
        self._password_hash = password_hash
        self._api_key = api_key
        self._clock = clock
        self._session_seconds = session_seconds
        self._last_used: dict[str, float] = {}

    async def login(self, username: str, password: str) -> str | None:
        """Open a session and return its id; None when the credentials are wrong."""
        # The password is checked even for a wrong name: the time taken must not tell which it was.
        right = await asyncio.to_thread(verify, password, self._password_hash)
        if not (same(username, self._username) and right):
            return None
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


def same(one: str, other: str) -> bool:
    """Compare two texts in a time that does not tell where they differ."""
    return hmac.compare_digest(_bytes(one), _bytes(other))


def hash_password(text: str) -> str:
    """Hash a password for keeping: `scrypt$n$r$p$salt$hash`, the last two in base64."""
    salt = secrets.token_bytes(SALT_BYTES)
    digest = _scrypt(text, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P)
    numbers = f"{SCRYPT_N}${SCRYPT_R}${SCRYPT_P}"
    return f"scrypt${numbers}${_base64(salt)}${_base64(digest)}"


def verify(text: str, hashed: str) -> bool:
    """Tell whether `text` is the password that was hashed. A hash that cannot be read fits none."""
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
