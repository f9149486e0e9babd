"""Passwords: stored as scrypt hashes, compared in constant time."""

import base64
import hashlib
import hmac
import secrets

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
